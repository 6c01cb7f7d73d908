#include "policy/path_reading.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

bool holds_escape(std::string_view text, std::string_view digits) {
    for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
        if (base::equal_ignoring_case(text.substr(at + 1, digits.size()), digits)) return true;
    }
    return false;
}

// Also "..%3Bx": a server in front may decode that before the one behind it takes parameters off.
bool holds_dots_with_parameter(std::string_view path) {
    if (path.find(';') == std::string_view::npos && !holds_escape(path, "3b")) return false;
    for (const auto& segment : base::split(path, '/')) {
        auto semicolon = segment.find(';');
        for (auto at = segment.find('%'); at < semicolon; at = segment.find('%', at + 1)) {
            if (base::equal_ignoring_case(std::string_view(segment).substr(at + 1, 2), "3b")) semicolon = at;
        }
        if (semicolon == std::string::npos) continue;
        const auto name = base::percent_decode(segment.substr(0, semicolon));
        if (name && (*name == "." || *name == "..")) return true;
    }
    return false;
}

// What is no escape stays as it is, as servers leave it: one "%zz" must not keep the rest from being read.
std::string leniently_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = text[i] == '%' ? base::hex_decode(text.substr(i + 1, 2)) : std::nullopt;
        out += byte && byte->size() == 1 ? byte->front() : text[i];
        if (byte && byte->size() == 1) i += 2;
    }
    return out;
}

std::string with_slashes(std::string_view path, bool merged) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        char c = path[i];
        if (c == '%' && base::equal_ignoring_case(path.substr(i + 1, 2), "2f")) {
            c = '/';
            i += 2;
        }
        if (!(merged && c == '/' && out.ends_with('/'))) out += c;
    }
    return out;
}

}  // namespace

std::string forgiving_path(std::string path) {
    for (int round = 0; round < 4 && path.find('%') != std::string::npos; ++round) {
        auto decoded = leniently_decoded(path);
        if (decoded == path) break;
        path = std::move(decoded);
    }
    std::replace(path.begin(), path.end(), '\\', '/');
    path.resize(std::min(path.find_first_of("?#"), path.size()));
    std::vector<std::string> segments;
    for (auto& segment : base::split(path, '/')) {
        segment.resize(std::min({segment.find(';'), segment.find('\0'), segment.size()}));
        const auto name = base::trim(segment);
        if (name.empty() || name == ".") continue;
        if (name != "..") segments.push_back(base::to_lower(name));
        else if (!segments.empty()) segments.pop_back();
    }
    return base::join(segments, "/");
}

bool holds_encoded_slash(std::string_view path) { return holds_escape(path, "2f"); }

bool path_is_unreadable(std::string_view path) {
    if (path.find('%') != std::string_view::npos) {
        if (holds_escape(path, "5c") || holds_escape(path, "00")) return true;
        if (holds_encoded_slash(path)) {
            for (const std::string_view twice : {"252e", "252f", "255c", "2500"}) {
                if (holds_escape(path, twice)) return true;
            }
            if (holds_dots_with_parameter(with_slashes(path, false))) return true;
        }
    }
    return holds_dots_with_parameter(path);
}

std::vector<net::Url> other_readings(const net::Url& url) {
    std::vector<net::Url> readings;
    if (!holds_encoded_slash(url.path())) return readings;
    for (const bool merged : {false, true}) {
        std::string text = url.origin() + with_slashes(url.path(), merged);
        if (url.query()) text += "?" + *url.query();
        auto reading = net::Url::parse(text);
        if (reading) readings.push_back(*std::move(reading));
    }
    return readings;
}

}  // namespace claviger::policy
