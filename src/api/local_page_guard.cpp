#include "api/local_page_guard.hpp"

#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::api {
namespace {

constexpr std::array<std::string_view, 3> kNames{"127.0.0.1", "localhost", "[::1]"};

bool our_host(std::string_view host, std::uint16_t port) {
    for (const auto name : kNames)
        if (base::to_lower(host) == fmt::format("{}:{}", name, port)) return true;
    return false;
}

bool our_origin(std::string_view origin, std::uint16_t port) {
    for (const auto name : kNames)
        if (origin == fmt::format("http://{}:{}", name, port)) return true;
    return false;
}

bool same_site(const http::Fields& fields) {
    const auto site = fields.find("Sec-Fetch-Site").value_or("");
    return site == "same-origin" || site == "none";
}

// "null" is what a sandboxed frame sends, so it proves nothing and is refused.
bool from_our_page(const http::Fields& fields, std::uint16_t port) {
    if (fields.count("Origin") > 1 || fields.count("Sec-Fetch-Site") > 1) return false;
    const auto origin = fields.find("Origin");
    if (!origin) return same_site(fields);
    return our_origin(*origin, port) && (fields.count("Sec-Fetch-Site") == 0 || same_site(fields));
}

}  // namespace

Admission admit(const http::RequestHead& head, std::uint16_t port, bool form_post_expected) {
    const bool origin_form = head.target.starts_with('/') || (head.method == "OPTIONS" && head.target == "*");
    if (head.fields.count("Host") != 1 || !our_host(*head.fields.find("Host"), port) || !origin_form)
        return Admission::misdirected;
    if (head.method == "OPTIONS" || head.fields.count("Upgrade") > 0) return Admission::forbidden;
    if (head.method == "GET") return Admission::admitted;
    if (head.method == "HEAD") return Admission::not_allowed;
    const bool expected = head.method == "POST" && form_post_expected;
    if (!expected && !from_our_page(head.fields, port)) return Admission::forbidden;
    return head.method == "POST" ? Admission::admitted : Admission::not_allowed;
}

int status_of(Admission admission) {
    switch (admission) {
        case Admission::misdirected: return 421;
        case Admission::forbidden: return 403;
        case Admission::not_allowed: return 405;
        case Admission::admitted: return 200;
    }
    return 403;
}

}  // namespace claviger::api
