#include "http2/translation.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.hpp"
#include "http/head_writer.hpp"

namespace claviger::http2 {

using base::ErrorCode;
using base::Result;
using Kind = http::BodyFraming::Kind;

namespace {

auto bad(std::string why) { return base::fail(ErrorCode::protocol, std::move(why)); }

// Without spaces and controls, in ASCII: as it must be in a request line.
bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// RFC 9113 section 8.2.2: a message that has one of them is malformed. TE too, with another value than trailers.
bool of_a_connection(const http::Field& field) {
    constexpr std::string_view kNames[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
    if (base::equal_ignoring_case(field.name, "te")) return !base::equal_ignoring_case(field.value, "trailers");
    return std::any_of(std::begin(kNames), std::end(kNames), [&](auto name) { return base::equal_ignoring_case(field.name, name); });
}

bool names_a_connection(const http::Fields& fields) { return std::any_of(fields.items().begin(), fields.items().end(), of_a_connection); }

bool stays_here(std::string_view name) {
    constexpr std::string_view kNames[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "host", "http2-settings"};
    return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// A body of a length that was told, or in pieces.
Result<http::BodyFraming> framing_of(http::Fields& fields, bool ended) {
    const auto length = fields.find("content-length");
    if (!length) return http::BodyFraming{ended ? Kind::none : Kind::chunked, 0};
    http::BodyFraming framing{Kind::length, 0};
    const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), framing.length);
    if (error != std::errc{} || end != length->data() + length->size() || fields.count("content-length") != 1) return bad("a Content-Length is not one number");
    fields.remove("content-length");
    return framing;
}

// The fields that are none of the pseudo fields. Crumbs of a cookie become one (RFC 9113 section 8.2.3).
http::Fields plain_fields(const http::Fields& head) {
    http::Fields fields;
    base::WipedString cookies;
    for (const auto& field : head.items()) {
        if (field.name.starts_with(':') || field.name == "host") continue;
        if (field.name != "cookie") {
            fields.add(field.name, field.value);
            continue;
        }
        if (!cookies.empty()) cookies += "; ";
        cookies += field.value;
    }
    if (!cookies.empty()) fields.add("cookie", cookies);
    return fields;
}

void add_plain(http::Fields& to, const http::Fields& from) {
    for (const auto& field : from.items()) {
        const std::string name = base::to_lower(field.name);
        if (!stays_here(name)) to.add(name, field.value);
    }
}

bool takes_trailers(const http::Fields& fields) {
    const auto te = fields.find("TE");
    return te && base::equal_ignoring_case(*te, "trailers");
}

}  // namespace

Result<http::RequestHead> request_from(const http::Fields& head, bool ended) {
    const auto method = head.find(":method"), scheme = head.find(":scheme"), path = head.find(":path"), authority = head.find(":authority");
    const auto host = head.find("host");
    if (!method || !http::valid_field_name(*method)) return bad("the method of a request is missing or no token");
    if (!scheme || *scheme != "https" || !path || (!authority && !host)) return bad("a request lacks its scheme, its path or its host");
    if (authority && host && *authority != *host) return bad("a request names two hosts");
    if (!path->starts_with('/') || !is_visible(*path)) return bad("the path of a request is none");
    const auto to = authority ? *authority : *host;
    if (to.empty() || !is_visible(to)) return bad("the host of a request is none");
    if (names_a_connection(head)) return bad("a request has fields that belong to a connection of HTTP/1.1");
    http::RequestHead request;
    request.method = *method;
    request.target = *path;
    request.fields = plain_fields(head);
    TRY(framing, framing_of(request.fields, ended));
    request.framing = framing;
    const bool trailers = takes_trailers(request.fields);
    http::remove_hop_by_hop(request.fields);
    request.fields.add("Host", to);
    if (trailers) {
        request.fields.add("TE", "trailers");
        request.fields.add("Connection", "TE");
    }
    base::WipedString text;  // what cannot be said in HTTP/1.1 is no request here either
    if (auto said = http::append_head(request, text); !said) return bad(said.error().message);
    return request;
}

Result<http::ResponseHead> answer_from(const http::Fields& head, bool ended, std::string_view request_method) {
    http::ResponseHead answer;
    const auto status = head.find(":status");
    if (!status || status->size() != 3) return bad("an answer lacks its status");
    const auto [end, error] = std::from_chars(status->data(), status->data() + 3, answer.status);
    if (error != std::errc{} || end != status->data() + 3 || answer.status < 100 || answer.status == 101) return bad("the status of an answer is none");
    if (names_a_connection(head)) return bad("an answer has fields that belong to a connection of HTTP/1.1");
    answer.fields = plain_fields(head);
    http::remove_hop_by_hop(answer.fields);
    TRY(framing, framing_of(answer.fields, ended));
    answer.framing = framing;
    const bool bodiless = answer.status < 200 || answer.status == 204 || answer.status == 304 || request_method == "HEAD";
    if (!bodiless && ended) answer.framing = {Kind::length, 0};
    if (bodiless && framing.kind == Kind::chunked) answer.framing = {};
    return answer;
}

http::Fields request_of(const http::RequestHead& head) {
    http::Fields fields;
    fields.add(":method", head.method);
    fields.add(":scheme", "https");
    fields.add(":authority", head.fields.find("Host").value_or(""));
    fields.add(":path", head.target);
    add_plain(fields, head.fields);
    if (takes_trailers(head.fields)) fields.add("te", "trailers");
    if (head.framing.kind == Kind::length) fields.set("content-length", std::to_string(head.framing.length));
    return fields;
}

http::Fields answer_of(const http::ResponseHead& head) {
    http::Fields fields;
    fields.add(":status", std::to_string(head.status));
    add_plain(fields, head.fields);
    if (head.framing.kind == Kind::length) fields.set("content-length", std::to_string(head.framing.length));
    return fields;
}

http::Fields trailers_of(const http::Fields& trailers) {
    http::Fields fields;
    add_plain(fields, trailers);
    return fields;
}

}  // namespace claviger::http2
