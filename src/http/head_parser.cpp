#include "http/head_parser.hpp"

#include <cstring>

#include "http/framing.hpp"
#include "http/syntax.hpp"

namespace claviger::http {
namespace {

// Takes the next line off `rest`, without its CRLF. HeadScanner has made sure that every line feed follows a
// carriage return; another carriage return inside fails as a forbidden byte later.
std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end - 1);
    rest.remove_prefix(end + 1);
    return line;
}

Parsed<int> parse_version(std::string_view text) {
    const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && syntax::is_digit(text[5]) && text[6] == '.' &&
                        syntax::is_digit(text[7]);
    if (!shaped) return refuse("the first line is malformed");
    if (text == "HTTP/1.1") return 1;
    if (text == "HTTP/1.0") return 0;
    return refuse("this version of HTTP is not supported", 505);
}

Parsed<void> parse_fields(std::string_view rest, const Limits& limits, Fields& fields) {
    std::size_t count = 0;
    while (!rest.empty()) {
        const std::string_view line = take_line(rest);
        if (line.empty()) return {};  // the scanner ends a head at its first empty line
        if (++count > limits.header_count) return refuse_size("the message has too many header fields", 431);
        const auto field = parse_field_line(line);
        if (!field) return tl::unexpected(field.error());
        fields.add(field->name, field->value);
    }
    return {};
}

Parsed<void> parse_request_line(std::string_view line, RequestHead& head) {
    const std::size_t first = line.find(' ');
    if (first == std::string_view::npos) return refuse("the request line is malformed");
    const std::size_t last = line.find(' ', first + 1);
    if (last == std::string_view::npos) return refuse("the request line is malformed");
    const std::string_view method = line.substr(0, first);
    if (!valid_field_name(method)) return refuse("the request method is malformed");  // a token as well
    const auto version = parse_version(line.substr(last + 1));
    if (!version) return tl::unexpected(version.error());
    head.method = method;
    head.target = line.substr(first + 1, last - first - 1);
    head.minor_version = *version;
    return {};
}

Parsed<void> parse_status_line(std::string_view line, ResponseHead& head) {
    if (line.size() < 12 || line[8] != ' ') return refuse("the status line is malformed");
    const auto version = parse_version(line.substr(0, 8));
    if (!version) return tl::unexpected(version.error());
    const auto status = syntax::parse_length(line.substr(9, 3));
    if (!status || *status < 100 || *status > 599) return refuse("the status code is not valid");
    // The space before an absent reason phrase may be missing: harmless, and real servers do it.
    if (line.size() > 12 && line[12] != ' ') return refuse("the status line is malformed");
    const std::string_view reason = line.size() > 12 ? line.substr(13) : std::string_view();
    if (!syntax::all(reason, syntax::kValue)) return refuse("the reason phrase has a forbidden byte");
    head.minor_version = *version;
    head.status = static_cast<int>(*status);
    head.reason = reason;
    return {};
}

// For whole texts: exactly one head and nothing behind it.
Parsed<void> check_whole(std::string_view text, const Limits& limits) {
    HeadScanner scanner;
    const auto size = scanner.scan(text, limits);
    if (!size) return tl::unexpected(size.error());
    if (*size != text.size() || text.empty()) return refuse("the head is incomplete or has bytes behind it");
    return {};
}

}  // namespace

Parsed<std::size_t> HeadScanner::scan(std::string_view received, const Limits& limits) {
    // A first byte that cannot begin a message (a TLS record, an empty line) is refused before a line is complete.
    if (!received.empty() && !syntax::is(received.front(), syntax::kToken)) return refuse("this is not HTTP");
    while (true) {
        const void* hit = seen_ == received.size()
                              ? nullptr
                              : std::memchr(received.data() + seen_, '\n', received.size() - seen_);
        const bool found = hit != nullptr;
        const std::size_t end =
            found ? static_cast<std::size_t>(static_cast<const char*>(hit) - received.data()) + 1 : received.size();
        if (fields_start_ == 0 && end > limits.request_line) return refuse_size("the first line is too long", 414);
        if (fields_start_ != 0 && end - fields_start_ > limits.header_bytes) {
            return refuse_size("the header is too large", 431);
        }
        seen_ = end;
        if (!found) return std::size_t{0};
        if (end - line_start_ < 2 || received[end - 2] != '\r') return refuse("a line ends without carriage return");
        if (fields_start_ == 0) {
            fields_start_ = end;
        } else if (end - line_start_ == 2) {
            return end;
        }
        line_start_ = end;
    }
}

Parsed<FieldLine> parse_field_line(std::string_view line) {
    if (line.front() == ' ' || line.front() == '\t') return refuse("a header field is folded");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return refuse("a header line has no colon");
    const FieldLine field{line.substr(0, colon), syntax::trim_ows(line.substr(colon + 1))};
    if (!valid_field_name(field.name)) return refuse("a header field's name is malformed");
    if (!syntax::all(field.value, syntax::kValue)) return refuse("a header field's value has a forbidden byte");
    return field;
}

Parsed<RequestHead> parse_request(std::string_view head, const Limits& limits) {
    RequestHead request;
    const std::string_view line = take_line(head);
    if (auto read = parse_request_line(line, request); !read) return tl::unexpected(read.error());
    if (auto read = parse_fields(head, limits, request.fields); !read) return tl::unexpected(read.error());
    if (auto host = check_host(request); !host) return tl::unexpected(host.error());
    const auto framing = request_framing(request);
    if (!framing) return tl::unexpected(framing.error());
    request.framing = *framing;
    return request;
}

Parsed<ResponseHead> parse_response(std::string_view head, std::string_view request_method, const Limits& limits) {
    ResponseHead response;
    const std::string_view line = take_line(head);
    if (auto read = parse_status_line(line, response); !read) return tl::unexpected(read.error());
    if (auto read = parse_fields(head, limits, response.fields); !read) return tl::unexpected(read.error());
    const auto framing = response_framing(response, request_method);
    if (!framing) return tl::unexpected(framing.error());
    response.framing = *framing;
    return response;
}

base::Result<RequestHead> parse_request_head(std::string_view text, const Limits& limits) {
    if (auto whole = check_whole(text, limits); !whole) return base::fail(whole.error().error());
    auto parsed = parse_request(text, limits);
    if (!parsed) return base::fail(parsed.error().error());
    return std::move(*parsed);
}

base::Result<ResponseHead> parse_response_head(std::string_view text, std::string_view request_method,
                                               const Limits& limits) {
    if (auto whole = check_whole(text, limits); !whole) return base::fail(whole.error().error());
    auto parsed = parse_response(text, request_method, limits);
    if (!parsed) return base::fail(parsed.error().error());
    return std::move(*parsed);
}

}  // namespace claviger::http
