// The chunked transfer coding, RFC 9112 section 7.1, as a state machine over pieces: no I/O, no unbounded memory.
// Strict: 1 to 15 hexadecimal digits, no white space, well-formed extensions of bounded size (read and ignored),
// CRLF only. Trailers are read, checked and kept; a trailer that could change framing, routing or authentication is an
// error. Internal to http/. Thread rule: a value of one connection.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/head_parser.hpp"

namespace claviger::http {

class ChunkedDecoder {
public:
    static constexpr std::size_t kExtensionBytes = 256;          // in one chunk's line
    static constexpr std::size_t kExtensionBytesTotal = 16 * 1024;
    static constexpr std::size_t kTrailerBytes = 16 * 1024;
    static constexpr std::size_t kTrailerCount = 32;

    struct Step {
        std::size_t consumed = 0;  // of `input`
        std::size_t produced = 0;  // into `output`
    };
    // Goes on until the input is used up, the output is full and more is to come, or the body is complete.
    Parsed<Step> decode(std::string_view input, std::span<char> output);

    // Body bytes that follow immediately, for reading them past this decoder; took() says that it was done.
    [[nodiscard]] std::uint64_t data_ahead() const { return state_ == State::data ? remaining_ : 0; }
    void took(std::uint64_t bytes);
    [[nodiscard]] bool done() const { return state_ == State::done; }
    [[nodiscard]] const Fields& trailers() const { return trailers_; }  // all of them once done()

private:
    enum class State : std::uint8_t {
        size_first, size, extension_name_first, extension_name, extension_value_first, extension_token,
        extension_quoted, extension_escaped, extension_end, size_lf, data, data_cr, data_lf, trailer, trailer_lf, done
    };
    Parsed<void> on_byte(char c);
    Parsed<void> on_size(char c);
    Parsed<void> on_extension(char c);
    Parsed<void> after_extension(char c);
    Parsed<void> on_trailer(char c);
    Parsed<void> on_trailer_line();

    State state_ = State::size_first;
    std::uint64_t remaining_ = 0;
    std::uint8_t digits_ = 0;
    std::size_t extension_bytes_ = 0, extension_total_ = 0;
    std::size_t trailer_bytes_ = 0;
    Fields trailers_;
    base::WipedString line_;  // one trailer line
};

}  // namespace claviger::http
