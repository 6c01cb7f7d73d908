#include "http/head_writer.hpp"

#include <charconv>

#include "http/syntax.hpp"

namespace claviger::http {
namespace {

void append_number(std::uint64_t number, base::WipedString& out) {
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out.append(std::begin(digits), end);
}

bool is_framing_field(std::string_view name) {
    return syntax::equal_loosely(name, "content-length") || syntax::equal_loosely(name, "transfer-encoding");
}

void append_framing(const BodyFraming& framing, base::WipedString& out) {
    if (framing.kind == BodyFraming::Kind::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    } else if (framing.kind == BodyFraming::Kind::length) {
        out.append("Content-Length: ");
        append_number(framing.length, out);
        out.append("\r\n");
    }
}

base::Result<void> check_request(const RequestHead& head) {
    using base::ErrorCode;
    if (!valid_field_name(head.method)) return base::fail(ErrorCode::invalid_input, "the method is not a token");
    const auto target = syntax::parse_target(head.method, head.target);
    if (!target) return base::fail(ErrorCode::invalid_input, "the request target is not valid");
    const auto value = head.fields.find("host");
    if (!value || head.fields.count("host") != 1) {
        return base::fail(ErrorCode::invalid_input, "a request needs exactly one host field");
    }
    const auto host = syntax::parse_authority(*value);
    if (!host || !syntax::host_agrees(*target, *host)) {
        return base::fail(ErrorCode::invalid_input, "the host field is not valid");
    }
    if (head.framing.kind == BodyFraming::Kind::until_close) {
        return base::fail(ErrorCode::invalid_input, "a request's body cannot end by closing");
    }
    return {};
}

// An absent body is said aloud where its absence would surprise (RFC 9110 section 8.6).
bool wants_explicit_zero(const RequestHead& head) {
    return head.framing.kind == BodyFraming::Kind::none &&
           (head.method == "POST" || head.method == "PUT" || head.method == "PATCH");
}

}  // namespace

base::Result<void> append_fields(const Fields& fields, base::WipedString& out) {
    for (const Field& field : fields.items()) {
        if (is_framing_field(field.name)) continue;
        if (!valid_field_name(field.name)) {
            return base::fail(base::ErrorCode::invalid_input, "a header field's name is not a token");
        }
        if (!valid_field_value(field.value)) {
            return base::fail(base::ErrorCode::invalid_input, "a header field's value has a forbidden byte");
        }
        out.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    return {};
}

base::Result<void> append_head(const RequestHead& head, base::WipedString& out) {
    TRY_VOID(check_request(head));
    out.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
    TRY_VOID(append_fields(head.fields, out));
    append_framing(wants_explicit_zero(head) ? BodyFraming{BodyFraming::Kind::length, 0} : head.framing, out);
    out.append("\r\n");
    return {};
}

base::Result<void> append_head(const ResponseHead& head, const ResponseContext& context, base::WipedString& out) {
    if (head.status < 100 || head.status > 599) {
        return base::fail(base::ErrorCode::invalid_input, "the status code is not valid");
    }
    out.append("HTTP/1.1 ");
    append_number(static_cast<std::uint64_t>(head.status), out);
    out.append(" ");
    // A phrase of a peer has no meaning: dropped rather than repaired.
    if (syntax::all(head.reason, syntax::kValue)) out.append(head.reason);
    out.append("\r\n");
    TRY_VOID(append_fields(head.fields, out));
    const bool no_framing = head.status / 100 == 1 || head.status == 204 ||
                            (context.answers_connect && head.status / 100 == 2);
    if (!no_framing) {
        const bool silent = context.answers_head || head.status == 304;
        const bool absent = head.framing.kind == BodyFraming::Kind::none && !silent;
        append_framing(absent ? BodyFraming{BodyFraming::Kind::length, 0} : head.framing, out);
    }
    if (context.add_close) out.append("Connection: close\r\n");
    out.append("\r\n");
    return {};
}

}  // namespace claviger::http
