#include "policy/methods.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "policy/parameter_name.hpp"

namespace claviger::policy {
namespace {

using base::ErrorCode;
using base::Result;

bool is_method(std::string_view text) {
    constexpr std::string_view kToken = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2
    return !text.empty() && text.find_first_not_of(kToken) == std::string_view::npos && text.find('*') == std::string_view::npos;
}

// '_' and '-' alike, without case: "X_HTTP_Method_Override" is the same to a CGI.
std::string folded(std::string_view name) {
    std::string out = base::to_lower(base::trim(name));
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

// Rails, Symfony and WordPress; OData services; method-override middlewares, which take the field's name too.
constexpr std::array<std::string_view, 6> kParameters{"-method", "-httpmethod", "$httpmethod", "x-http-method-override", "x-http-method",
                                                      "x-method-override"};
constexpr std::array<std::string_view, 4> kMethodFields{"x-http-method-override", "x-http-method", "x-method-override", "x-method"};
// To IIS's rewriting module and what imitates it.
constexpr std::array<std::string_view, 2> kPathFields{"x-original-url", "x-rewrite-url"};

}  // namespace

bool is_read_method(std::string_view method) {
    return base::equal_ignoring_case(method, "GET") || base::equal_ignoring_case(method, "HEAD") || base::equal_ignoring_case(method, "OPTIONS");
}

Result<Methods> Methods::parse(std::string_view text) {
    Methods methods;
    if (text == "*") return methods;
    if (text == "read" || text == "write") {
        methods.kind_ = text == "read" ? Kind::read : Kind::write;
        return methods;
    }
    methods.kind_ = Kind::listed;
    for (const auto& part : base::split(text, ',')) {
        std::string method = base::to_upper(base::trim(part));
        if (!is_method(method)) {
            return base::fail(ErrorCode::invalid_input, "'" + base::printable(text, 80) + "' is no method",
                              "write *, read, write, or methods separated by commas: GET,POST");
        }
        methods.listed_.push_back(std::move(method));
    }
    return methods;
}

bool Methods::match(std::string_view method) const {
    switch (kind_) {
        case Kind::all: return true;
        case Kind::read: return is_read_method(method);
        case Kind::write: return !is_read_method(method);
        case Kind::listed: break;
    }
    const std::string_view wanted = base::equal_ignoring_case(method, "HEAD") ? std::string_view("GET") : method;
    return std::any_of(listed_.begin(), listed_.end(), [&](const std::string& one) {
        return base::equal_ignoring_case(one, method) || base::equal_ignoring_case(one, wanted);
    });
}

bool Methods::cover(const Methods& other) const {
    if (kind_ == Kind::all) return true;
    switch (other.kind_) {
        case Kind::all: return false;
        case Kind::read: return match("GET") && match("OPTIONS");
        case Kind::write: return kind_ == Kind::write;
        case Kind::listed: break;
    }
    return std::all_of(other.listed_.begin(), other.listed_.end(), [&](const std::string& one) { return match(one); });
}

std::string Methods::text() const {
    switch (kind_) {
        case Kind::all: return "*";
        case Kind::read: return "read";
        case Kind::write: return "write";
        case Kind::listed: break;
    }
    return base::join(listed_, ",");
}

std::vector<std::string> methods_in_query(std::string_view query) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < query.size();) {
        const auto end = std::min(query.find_first_of("&;", at), query.size());
        const auto pair = query.substr(at, end - at);
        at = end + 1;
        const auto equals = std::min(pair.find('='), pair.size());
        const auto name = forgiving_name(pair.substr(0, equals));
        if (std::find(kParameters.begin(), kParameters.end(), name) == kParameters.end()) continue;
        const auto value = pair.substr(std::min(equals + 1, pair.size()));
        std::string method = base::to_upper(base::trim(base::form_decode(value).value_or(std::string(value))));
        if (!method.empty()) found.push_back(std::move(method));
    }
    return found;
}

bool overrides_path(std::string_view field_name) {
    return std::find(kPathFields.begin(), kPathFields.end(), folded(field_name)) != kPathFields.end();
}

bool overrides_request_line(std::string_view field_name) {
    return overrides_path(field_name) || std::find(kMethodFields.begin(), kMethodFields.end(), folded(field_name)) != kMethodFields.end();
}

}  // namespace claviger::policy
