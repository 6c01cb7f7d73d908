#include "json/schema/reference.hpp"

#include <algorithm>
#include <optional>

namespace claviger::json::schema {
namespace {

struct Parts {
    std::optional<std::string_view> scheme, authority, query;
    std::string_view path;
};

// RFC 3986 appendix B, without the fragment.
Parts split(std::string_view uri) {
    Parts parts;
    const auto colon = uri.find_first_of(":/?");
    if (colon != std::string_view::npos && colon > 0 && uri[colon] == ':') {
        parts.scheme = uri.substr(0, colon);
        uri.remove_prefix(colon + 1);
    }
    if (uri.starts_with("//")) {
        const auto end = std::min(uri.find_first_of("/?", 2), uri.size());
        parts.authority = uri.substr(2, end - 2);
        uri.remove_prefix(end);
    }
    const auto question = std::min(uri.find('?'), uri.size());
    parts.path = uri.substr(0, question);
    if (question < uri.size()) parts.query = uri.substr(question + 1);
    return parts;
}

// RFC 3986 section 5.2.4.
std::string remove_dot_segments(std::string_view in) {
    std::string out;
    while (!in.empty()) {
        if (in.starts_with("../")) in.remove_prefix(3);
        else if (in.starts_with("./")) in.remove_prefix(2);
        else if (in.starts_with("/./")) in.remove_prefix(2);
        else if (in == "/.") in = "/";
        else if (in.starts_with("/../") || in == "/..") {
            in = in == "/.." ? "/" : in.substr(3);
            const auto slash = out.rfind('/');
            out.erase(slash == std::string::npos ? 0 : slash);
        } else if (in == "." || in == "..") {
            in = {};
        } else {
            const auto end = std::min(in.find('/', 1), in.size());
            out += in.substr(0, end);
            in.remove_prefix(end);
        }
    }
    return out;
}

std::string merge(const Parts& base, std::string_view path) {
    if (base.authority && base.path.empty()) return "/" + std::string(path);
    const auto slash = base.path.rfind('/');
    return std::string(base.path.substr(0, slash == std::string_view::npos ? 0 : slash + 1)) + std::string(path);
}

}  // namespace

Reference resolve(std::string_view base, std::string_view reference) {
    const auto hash = std::min(reference.find('#'), reference.size());
    Reference result;
    if (hash < reference.size()) result.fragment = reference.substr(hash + 1);
    reference = reference.substr(0, hash);
    if (reference.empty()) {
        result.resource = base;
        return result;
    }
    Parts target = split(reference);
    const Parts from = split(base);
    std::string path;
    if (target.scheme || target.authority) {
        // An opaque path (urn:a:b) has no dot segments to remove.
        const bool opaque = target.scheme && !target.authority && !target.path.starts_with('/');
        path = opaque ? std::string(target.path) : remove_dot_segments(target.path);
    } else {
        if (target.path.empty()) {
            path = from.path;
            if (!target.query) target.query = from.query;
        } else {
            path = remove_dot_segments(target.path.starts_with('/') ? std::string(target.path) : merge(from, target.path));
        }
        target.authority = from.authority;
    }
    if (!target.scheme) target.scheme = from.scheme;
    if (target.scheme) result.resource += std::string(*target.scheme) + ":";
    if (target.authority) result.resource += "//" + std::string(*target.authority);
    result.resource += path;
    if (target.query) result.resource += "?" + std::string(*target.query);
    return result;
}

}  // namespace claviger::json::schema
