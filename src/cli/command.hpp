// Commands as data: one table feeds parsing, help, man page and completion, so they cannot disagree.
// Thread rule: the table is constant; an Invocation is a value.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "json/value.hpp"

namespace claviger::cli {

class Context;
struct Invocation;

// What an argument names; completion offers the right words.
enum class Words { text, file, directory, provider, connection, choice, setting };

struct OptionSpec {
    std::string_view name;    // "--connection"
    std::string_view value;   // "NAME"; empty = a flag
    std::string_view help;
    Words words = Words::text;
    std::string_view choices = {};  // "a|b" for Words::choice
    bool repeatable = false;
};

struct ArgumentSpec {
    std::string_view name;  // "PROVIDER"
    std::string_view help;
    Words words = Words::text;
    bool required = true;
    std::string_view choices = {};  // "a|b" for Words::choice
};

struct CommandSpec {
    std::string_view name;     // "login", "vault status"
    std::string_view summary;  // one line
    std::string_view description;
    std::vector<ArgumentSpec> arguments;
    std::vector<OptionSpec> options;
    std::vector<std::string_view> examples;
    base::Result<int> (*handler)(Context&, const Invocation&);
    bool takes_program = false;  // everything after "--" belongs to a program
    std::vector<ArgumentSpec> answers = {};  // members of the JSON object that --input stdin takes
};

struct Invocation {
    const CommandSpec* command = nullptr;
    std::map<std::string, std::vector<std::string>, std::less<>> options;
    std::vector<std::string> arguments, program;

    [[nodiscard]] bool has(std::string_view option) const { return options.find(option) != options.end(); }
    [[nodiscard]] std::string value(std::string_view option, std::string_view otherwise = {}) const {
        const auto found = options.find(option);
        return found == options.end() || found->second.empty() ? std::string(otherwise) : found->second.back();
    }
    [[nodiscard]] std::vector<std::string> values(std::string_view option) const {
        const auto found = options.find(option);
        return found == options.end() ? std::vector<std::string>() : found->second;
    }
    [[nodiscard]] std::string argument(std::size_t index) const { return index < arguments.size() ? arguments[index] : std::string(); }
};

std::span<const CommandSpec> commands();
std::span<const OptionSpec> common_options();  // --json, --quiet ... of every command

// What to do: run a command, or print text (help, version) and leave.
struct Parsed {
    std::optional<Invocation> invocation;
    std::string text;
    int exit_code = 0;
};
// ErrorCode::usage with "did you mean" and the help command in the hint. Never takes a secret: no option has one
// (CL-01).
base::Result<Parsed> parse_arguments(const std::vector<std::string>& arguments);

std::string usage_of(const CommandSpec& command);  // "claviger get PROVIDER [OPTIONS]"
std::string help_overview();
std::string help_for(const CommandSpec& command);
std::string help_for_group(std::string_view group);  // "vault": its subcommands
// The same with --json; that of a command is what stands for it in "commands" of the others.
json::Value help_document();
json::Value help_document_for(const CommandSpec& command);
json::Value help_document_for_group(std::string_view group);
json::Value exit_codes_document();
std::string man_page();
base::Result<std::string> completion_script(std::string_view shell);

}  // namespace claviger::cli
