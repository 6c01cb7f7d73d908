#include "http/framing.hpp"

#include "base/text.hpp"
#include "http/syntax.hpp"

namespace claviger::http {
namespace {

struct FramingFields {
    std::optional<std::uint64_t> length;
    bool chunked = false;
};

Parsed<FramingFields> read_framing_fields(const Fields& fields, int minor_version) {
    FramingFields found;
    for (const Field& field : fields.items()) {
        if (syntax::equal_loosely(field.name, "content-length")) {
            if (field.name.find('_') != std::string::npos) return refuse("a framing field is spelled with '_'");
            if (found.length) return refuse("content-length is repeated");
            found.length = syntax::parse_length(field.value);
            if (!found.length) return refuse("content-length is not a number");
        } else if (syntax::equal_loosely(field.name, "transfer-encoding")) {
            if (field.name.find('_') != std::string::npos) return refuse("a framing field is spelled with '_'");
            if (found.chunked) return refuse("transfer-encoding is repeated");
            if (!base::equal_ignoring_case(field.value, "chunked")) return refuse("transfer-encoding is not chunked");
            found.chunked = true;
        }
    }
    if (found.chunked && found.length) return refuse("both content-length and transfer-encoding are present");
    if (found.chunked && minor_version == 0) return refuse("transfer-encoding in HTTP/1.0");
    return found;
}

BodyFraming as_framing(const FramingFields& found, BodyFraming::Kind otherwise) {
    if (found.chunked) return {BodyFraming::Kind::chunked, 0};
    if (found.length) return {BodyFraming::Kind::length, *found.length};
    return {otherwise, 0};
}

}  // namespace

Parsed<BodyFraming> request_framing(const RequestHead& head) {
    const auto found = read_framing_fields(head.fields, head.minor_version);
    if (!found) return tl::unexpected(found.error());
    // A body of CONNECT has no meaning; its bytes would be taken for the tunnel's (RFC 9110 section 9.3.6).
    if (head.method == "CONNECT" && (found->chunked || found->length.value_or(0) != 0)) {
        return refuse("a CONNECT request has a body");
    }
    return as_framing(*found, BodyFraming::Kind::none);
}

Parsed<BodyFraming> response_framing(const ResponseHead& head, std::string_view request_method) {
    if (request_method == "CONNECT" && head.status / 100 == 2) return BodyFraming{};  // fields are to be ignored
    const auto found = read_framing_fields(head.fields, head.minor_version);
    if (!found) return tl::unexpected(found.error());
    const bool never_has_body = head.status / 100 == 1 || head.status == 204;
    // "Content-Length: 0" with 204 is wrong but common and can be read in one way only.
    if (never_has_body && (found->chunked || found->length.value_or(0) != 0)) {
        return refuse("a response that cannot have a body announces one");
    }
    if (head.status == 101) return BodyFraming{BodyFraming::Kind::until_close, 0};
    if (never_has_body) return BodyFraming{};
    const bool bodiless = !response_has_body(head.status, request_method);
    return as_framing(*found, bodiless ? BodyFraming::Kind::none : BodyFraming::Kind::until_close);
}

bool response_has_body(int status, std::string_view request_method) {
    if (status == 101) return true;  // the upgraded protocol's bytes
    if (status / 100 == 1 || status == 204 || status == 304) return false;
    if (request_method == "HEAD") return false;
    return !(request_method == "CONNECT" && status / 100 == 2);
}

Parsed<void> check_host(const RequestHead& head) {
    const auto target = syntax::parse_target(head.method, head.target);
    if (!target) return refuse("the request target is not valid");
    const Field* host = nullptr;
    for (const Field& field : head.fields.items()) {
        if (!syntax::same_name(field.name, "host")) continue;
        if (host != nullptr) return refuse("host is repeated");
        host = &field;
    }
    if (host == nullptr) {
        if (head.minor_version == 0) return {};
        return refuse("host is missing");
    }
    const auto authority = syntax::parse_authority(host->value);
    if (!authority) return refuse("host is not valid");
    if (!syntax::host_agrees(*target, *authority)) return refuse("host and request target differ");
    return {};
}

bool keeps_alive(int minor_version, const Fields& fields) {
    if (minor_version == 0) return false;
    bool close = false;
    for (const Field& field : fields.items()) {
        if (!syntax::same_name(field.name, "connection")) continue;
        syntax::each_element(field.value, [&](std::string_view option) {
            if (syntax::same_name(option, "close")) close = true;
        });
    }
    return !close;
}

}  // namespace claviger::http
