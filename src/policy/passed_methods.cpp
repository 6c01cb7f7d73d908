#include "policy/passed_methods.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

using base::ErrorCode;
using base::Result;

// The HTTP Method Registry without those that never pass; then LIST of secret stores and PURGE of caches.
constexpr std::array<std::string_view, 39> kKnown{
    "GET",    "HEAD",     "POST",       "PUT",    "PATCH",    "DELETE",     "OPTIONS", "QUERY",  "ACL",        "BASELINE-CONTROL",
    "BIND",   "CHECKIN",  "CHECKOUT",   "COPY",   "LABEL",    "LINK",       "LOCK",    "MERGE",  "MKACTIVITY", "MKCALENDAR",
    "MKCOL",  "MOVE",     "ORDERPATCH", "REBIND", "PROPFIND", "PROPPATCH",  "REPORT",  "SEARCH", "UNBIND",     "MKREDIRECTREF",
    "UNLINK", "UNLOCK",   "UNCHECKOUT", "UPDATE", "LIST",     "MKWORKSPACE", "PURGE",  "UPDATEREDIRECTREF",    "VERSION-CONTROL"};

// TRACE and TRACK answer with the request, and so with its credential (RFC 9110 section 9.3.8); CONNECT opens a tunnel, and
// PRI another protocol (RFC 9113 section 3.4).
constexpr std::array<std::string_view, 4> kNever{"TRACE", "TRACK", "CONNECT", "PRI"};

bool is_token(std::string_view text) {
    constexpr std::string_view kToken = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'+-.^_`|~";  // without '*'
    return !text.empty() && text.size() <= PassedMethods::kLongest && text.find_first_not_of(kToken) == std::string_view::npos;
}

bool is_never(std::string_view method) {
    return std::any_of(kNever.begin(), kNever.end(), [&](std::string_view one) { return base::equal_ignoring_case(one, method); });
}

}  // namespace

bool PassedMethods::may_pass(std::string_view method) { return is_token(method) && !is_never(method); }

Result<void> PassedMethods::add(std::string_view method) {
    if (is_never(method)) {
        return base::fail(ErrorCode::invalid_input, base::printable(method) + " never passes: it makes servers show the request or open a tunnel",
                          "leave it out");
    }
    if (!is_token(method)) {
        return base::fail(ErrorCode::invalid_input, "'" + base::printable(method, 80) + "' is no method",
                          fmt::format("name one method, of {} characters at most: FETCH", kLongest));
    }
    if (pass(method)) return {};
    if (added_.size() == kMostAdded) return base::fail(ErrorCode::invalid_input, fmt::format("more than {} methods are added", kMostAdded));
    added_.emplace_back(method);
    return {};
}

bool PassedMethods::pass(std::string_view method) const {
    return std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end() || std::find(added_.begin(), added_.end(), method) != added_.end();
}

std::string PassedMethods::why_not(std::string_view method) const {
    const std::string shown = base::printable(method, kLongest);
    if (is_never(method)) return shown + " is not passed on: it makes servers show the request or open a tunnel";
    const std::string upper = base::to_upper(method);
    if (pass(upper)) return shown + " is not passed on: methods are case-sensitive, and this is not " + upper;
    return shown + " is no method that this session passes on";
}

std::string PassedMethods::allow_field() const {
    std::string all = base::join(std::vector<std::string>(kKnown.begin(), kKnown.end()), ", ");
    for (const auto& one : added_) all += ", " + one;
    return all;
}

}  // namespace claviger::policy
