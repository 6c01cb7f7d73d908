#include "http/chunked.hpp"

#include <algorithm>
#include <cstring>

#include "http/syntax.hpp"

namespace claviger::http {
namespace {

// RFC 9110 section 6.5.1: what must not be learnt after the body, as far as it could matter to anyone behind us.
constexpr std::string_view kForbiddenTrailers[] = {
    "age",           "authorization",    "cache-control",     "connection",  "content-encoding", "content-length",
    "content-range", "content-type",     "cookie",            "expect",      "host",             "keep-alive",
    "location",      "max-forwards",     "range",             "set-cookie",  "te",               "trailer",
    "transfer-encoding", "upgrade",      "vary",              "www-authenticate"};

bool forbidden_trailer(std::string_view name) {
    constexpr std::string_view kProxy = "proxy-";
    if (name.size() >= kProxy.size() && syntax::equal_loosely(name.substr(0, kProxy.size()), kProxy)) return true;
    return std::any_of(std::begin(kForbiddenTrailers), std::end(kForbiddenTrailers),
                       [&](std::string_view fixed) { return syntax::equal_loosely(name, fixed); });
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

void ChunkedDecoder::took(std::uint64_t bytes) {
    remaining_ -= bytes;
    if (remaining_ == 0) state_ = State::data_cr;
}

Parsed<ChunkedDecoder::Step> ChunkedDecoder::decode(std::string_view input, std::span<char> output) {
    Step step;
    while (state_ != State::done && step.consumed < input.size()) {
        if (state_ != State::data) {
            if (auto ok = on_byte(input[step.consumed]); !ok) return tl::unexpected(ok.error());
            ++step.consumed;
            continue;
        }
        const std::uint64_t most = std::min<std::uint64_t>(remaining_, output.size() - step.produced);
        const std::size_t n = std::min(static_cast<std::size_t>(most), input.size() - step.consumed);
        if (n == 0) return step;  // the output is full
        std::memcpy(output.data() + step.produced, input.data() + step.consumed, n);
        step.produced += n;
        step.consumed += n;
        took(n);
    }
    return step;
}

Parsed<void> ChunkedDecoder::on_byte(char c) {
    switch (state_) {
        case State::size_first:
        case State::size:
            return on_size(c);
        case State::size_lf:
            if (c != '\n') return refuse("a chunk's size line does not end well");
            extension_bytes_ = 0;
            state_ = remaining_ == 0 ? State::trailer : State::data;
            return {};
        case State::data_cr:
            if (c != '\r') return refuse("a chunk is longer than its size");
            state_ = State::data_lf;
            return {};
        case State::data_lf:
            if (c != '\n') return refuse("a chunk does not end well");
            state_ = State::size_first;
            return {};
        case State::trailer:
        case State::trailer_lf:
            return on_trailer(c);
        case State::data:
        case State::done:
            return {};  // decode() does not come here
        default:
            return on_extension(c);
    }
}

Parsed<void> ChunkedDecoder::on_size(char c) {
    if (state_ == State::size_first) {
        remaining_ = 0;
        digits_ = 0;
    }
    if (const int value = hex_value(c); value >= 0) {
        if (++digits_ > 15) return refuse("a chunk's size is too large");
        remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(value);
        state_ = State::size;
        return {};
    }
    if (state_ == State::size_first) return refuse("a chunk's size is malformed");
    return after_extension(c);
}

// Behind the size or one whole extension: another extension or the end of the line.
Parsed<void> ChunkedDecoder::after_extension(char c) {
    if (c == '\r') {
        state_ = State::size_lf;
        return {};
    }
    if (c != ';') return refuse("a chunk's size line is malformed");
    state_ = State::extension_name_first;
    ++extension_bytes_;
    return {};
}

Parsed<void> ChunkedDecoder::on_extension(char c) {
    if (++extension_bytes_ > kExtensionBytes || ++extension_total_ > kExtensionBytesTotal) {
        return refuse("a chunk's extensions are too long");
    }
    const bool token = syntax::is(c, syntax::kToken);
    switch (state_) {
        case State::extension_name_first:
            if (!token) break;
            state_ = State::extension_name;
            return {};
        case State::extension_name:
            if (token) return {};
            if (c != '=') return after_extension(c);
            state_ = State::extension_value_first;
            return {};
        case State::extension_value_first:
            if (!token && c != '"') break;
            state_ = token ? State::extension_token : State::extension_quoted;
            return {};
        case State::extension_token:
            if (token) return {};
            return after_extension(c);
        case State::extension_quoted:
            if (!syntax::is(c, syntax::kValue)) break;
            if (c == '\\') state_ = State::extension_escaped;
            if (c == '"') state_ = State::extension_end;
            return {};
        case State::extension_escaped:
            if (!syntax::is(c, syntax::kValue)) break;
            state_ = State::extension_quoted;
            return {};
        default:
            return after_extension(c);
    }
    return refuse("a chunk's extension is malformed");
}

Parsed<void> ChunkedDecoder::on_trailer(char c) {
    if (++trailer_bytes_ > kTrailerBytes) return refuse_size("the trailers are too large", 431);
    if (state_ == State::trailer_lf) {
        if (c != '\n') return refuse("a trailer line does not end well");
        return on_trailer_line();
    }
    if (c == '\r') {
        state_ = State::trailer_lf;
    } else if (c == '\n') {
        return refuse("a trailer line does not end well");
    } else {
        line_.push_back(c);
    }
    return {};
}

Parsed<void> ChunkedDecoder::on_trailer_line() {
    if (line_.empty()) {
        state_ = State::done;
        return {};
    }
    if (trailers_.items().size() == kTrailerCount) return refuse_size("there are too many trailers", 431);
    const auto field = parse_field_line(line_);
    if (!field) return tl::unexpected(field.error());
    if (forbidden_trailer(field->name)) return refuse("a trailer has a name that is not allowed there");
    trailers_.add(field->name, field->value);
    base::wipe(line_.data(), line_.size());
    line_.clear();
    state_ = State::trailer;
    return {};
}

}  // namespace claviger::http
