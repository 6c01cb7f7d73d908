// From received bytes to a message head, by RFC 9112 read strictly: no recovery, no alternative spelling (PX-15,
// PX-17). Own parser rather than Beast's basic_parser: that one joins folded lines, puts trailers among the fields,
// reads unknown transfer codings as "no body" and hides the raw lines, so each rule below would need a second look at
// bytes it no longer shows. The rules and their tests: docs/formats/http-policy.md. Fuzzed: fuzz/http_*_fuzz.cpp.
// Internal to http/. Thread rule: pure functions and values.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/codec.hpp"

namespace claviger::http {

// Why a message is refused, and which status a server answers (RFC 9110 section 15). `what` is a literal: nothing
// of the peer's bytes gets into an error text.
struct Refusal {
    base::ErrorCode code = base::ErrorCode::protocol;
    int status = 400;
    const char* what = "";

    [[nodiscard]] base::Error error() const { return base::Error::make(code, what); }
};
template <class T>
using Parsed = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> refuse(const char* what, int status = 400) {
    return tl::unexpected<Refusal>(Refusal{base::ErrorCode::protocol, status, what});
}
inline tl::unexpected<Refusal> refuse_size(const char* what, int status) {
    return tl::unexpected<Refusal>(Refusal{base::ErrorCode::limit, status, what});
}

// Finds the end of a head in a growing buffer, each byte looked at once. A line feed without carriage return and a
// passed limit are found as soon as their byte arrives, so the verdict does not depend on how bytes were split.
class HeadScanner {
public:
    // The head's size with its empty line; 0 while incomplete. `received` grows from call to call.
    Parsed<std::size_t> scan(std::string_view received, const Limits& limits);

private:
    std::size_t line_start_ = 0;
    std::size_t seen_ = 0;
    std::size_t fields_start_ = 0;  // 0 while inside the first line
};

// `head` is exactly one head, its empty line included (HeadScanner).
Parsed<RequestHead> parse_request(std::string_view head, const Limits& limits);
Parsed<ResponseHead> parse_response(std::string_view head, std::string_view request_method, const Limits& limits);

// One field line without its CRLF, also of a trailer section.
struct FieldLine {
    std::string_view name, value;
};
Parsed<FieldLine> parse_field_line(std::string_view line);

}  // namespace claviger::http
