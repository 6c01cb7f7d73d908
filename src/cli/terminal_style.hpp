// The rules of the terminal, written once:
//   data goes to stdout, talk to stderr, prompts to the terminal itself;
//   --json prints exactly one JSON document: on stdout, or when the command fails, the error on stderr and nothing on
//   stdout; always in two-space indentation;
//   --quiet leaves out talk and progress, never data or errors, nor what a human must see to go on (prompt);
//   errors are "claviger: error: ..." in lower case without a full stop, then "hint: ..." that says what to do;
//   foreign text is made printable (CL-09); colour only on a terminal, never with NO_COLOR or --no-color.
// Thread rule: main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "json/value.hpp"

namespace claviger::cli {

enum class Colour { none, green, yellow, red, dim, bold };

class Output {
public:
    struct Options {
        bool json = false, quiet = false, colour = true;
    };
    explicit Output(Options options);

    [[nodiscard]] bool json() const { return options_.json; }
    [[nodiscard]] bool quiet() const { return options_.quiet; }
    // Whole write to stdout; a closed pipe is not an error.
    void data(std::string_view text) const;
    // Whether all data got out: a full disk below stdout must not look like success.
    [[nodiscard]] base::Result<void> data_written() const;
    // Whether nobody reads any more what is written: a command without an end ends then.
    [[nodiscard]] bool reader_is_gone() const { return reader_is_gone_; }
    void document(const json::Value& value) const;  // pretty JSON on stdout
    void secret_document(const json::Value& value) const;  // the same text, never in unwiped memory
    void talk(std::string_view line) const;          // stderr, unless quiet or json
    void prompt(std::string_view line) const;        // stderr, always: without it the human cannot go on
    void warn(std::string_view line) const;          // stderr "claviger: warning: ...", also when quiet
    void error(const base::Error& error, int exit_code) const;
    // A member that the error document will have beside code and message, for instance all findings of a file.
    void detail_of_error(std::string_view name, json::Value value) { error_details_[name] = std::move(value); }
    [[nodiscard]] bool colour_on_stderr() const { return colour_stderr_; }
    [[nodiscard]] std::string paint(std::string_view text, Colour colour) const;

    // Columns padded to the widest cell; the first row is the head. Painted cells may carry colour.
    struct Cell {
        std::string text;
        Colour colour = Colour::none;
    };
    void table(const std::vector<std::string>& head, const std::vector<std::vector<Cell>>& rows) const;

    // A line on stderr that is written over: only on a terminal and not when quiet. "" clears it.
    void progress(std::string_view line) const;

private:
    Options options_;
    json::Object error_details_;
    bool colour_stdout_ = false, colour_stderr_ = false, progress_ = false;
    mutable int data_error_ = 0;  // errno of the last failed write to stdout
    mutable bool reader_is_gone_ = false;
};

}  // namespace claviger::cli
