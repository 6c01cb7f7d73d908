// The one file that knows CLI11: it reads the command table into an Invocation.
#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

// "vault status" -> the command itself; "vault" alone -> nothing, with its subcommands in the hint.
const CommandSpec* find_command(const std::vector<std::string>& words, std::size_t& used) {
    for (std::size_t count : {2u, 1u}) {
        if (words.size() < count) continue;
        std::string name = words[0];
        if (count == 2) name += " " + words[1];
        for (const auto& command : commands()) {
            if (command.name == name) {
                used = count;
                return &command;
            }
        }
    }
    return nullptr;
}

Result<Parsed> unknown_command(const std::string& word) {
    std::vector<std::string_view> names;
    std::string children;
    for (const auto& command : commands()) {
        names.push_back(command.name);
        if (command.name.starts_with(word + " ")) children += (children.empty() ? "" : ", ") + std::string(command.name);
    }
    if (!children.empty()) return base::fail(ErrorCode::usage, "'" + word + "' needs a subcommand", "one of: " + children);
    const auto near = base::did_you_mean(word, names);
    return base::fail(ErrorCode::usage, "there is no command '" + base::printable(word) + "'",
                      near ? "did you mean 'claviger " + *near + "'?" : "claviger help lists all commands");
}

struct Bound {
    std::map<std::string, std::vector<std::string>> values;
    std::map<std::string, bool> flags;
    std::map<std::size_t, std::vector<std::string>> arguments;
};

void bind_options(CLI::App& app, std::span<const OptionSpec> options, Bound& bound) {
    for (const auto& option : options) {
        const std::string name(option.name);
        if (option.value.empty()) {
            app.add_flag(name, bound.flags[name]);
            continue;
        }
        auto* added = app.add_option(name, bound.values[name])->expected(1)->allow_extra_args(false);
        added->multi_option_policy(option.repeatable ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::Throw);
        if (option.words == Words::choice) added->check(CLI::IsMember(base::split(option.choices, '|')));
    }
}

std::string readable(const CLI::ParseError& error) {
    std::string text = base::printable(error.what(), 300);
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && !(text.size() > 1 && text[1] >= 'A' && text[1] <= 'Z')) {
        text[0] = static_cast<char>(text[0] + 32);
    }
    return text;
}

// CLI11 reads "[a]" as a list of one; what a user typed as an argument is taken as it stands.
std::vector<std::string> take_positionals(const CommandSpec& command, std::vector<std::string>& words) {
    const auto takes_value = [&](const std::string& word) {
        const auto is = [&](const OptionSpec& option) { return option.name == word && !option.value.empty(); };
        return std::any_of(command.options.begin(), command.options.end(), is) ||
               std::any_of(common_options().begin(), common_options().end(), is);
    };
    std::vector<std::string> positionals, rest;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].size() > 1 && words[i].front() == '-') {
            rest.push_back(words[i]);
            if (takes_value(words[i]) && i + 1 < words.size()) rest.push_back(words[++i]);
        } else {
            positionals.push_back(words[i]);
        }
    }
    words = std::move(rest);
    return positionals;
}

Result<Invocation> parse_command(const CommandSpec& command, std::vector<std::string> words, std::vector<std::string> program) {
    CLI::App app;
    app.set_help_flag();
    app.allow_windows_style_options(false);
    Bound bound;
    bind_options(app, common_options(), bound);
    bind_options(app, command.options, bound);
    auto positionals = take_positionals(command, words);
    try {
        std::reverse(words.begin(), words.end());  // CLI11 takes them last first
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        return base::fail(ErrorCode::usage, readable(error), "claviger help " + std::string(command.name));
    }
    std::size_t required = 0;
    for (const auto& argument : command.arguments) required += argument.required ? 1 : 0;
    if (positionals.size() < required) {
        return base::fail(ErrorCode::usage, "missing " + std::string(command.arguments[positionals.size()].name),
                          "claviger help " + std::string(command.name));
    }
    if (positionals.size() > command.arguments.size() && command.takes_program) {
        return base::fail(ErrorCode::usage, "unexpected argument '" + base::printable(positionals[command.arguments.size()]) + "'",
                          "write the program after two dashes: claviger " + std::string(command.name) + " -- " + base::printable(positionals[0]) + " ...");
    }
    if (positionals.size() > command.arguments.size()) {
        return base::fail(ErrorCode::usage, "unexpected argument '" + base::printable(positionals[command.arguments.size()]) + "'",
                          "claviger help " + std::string(command.name));
    }
    Invocation invocation;
    invocation.command = &command;
    invocation.arguments = std::move(positionals);
    invocation.program = std::move(program);
    for (auto& [name, values] : bound.values) {
        if (!values.empty()) invocation.options[name] = values;
    }
    for (const auto& [name, on] : bound.flags) {
        if (on) invocation.options[name] = {};
    }
    return invocation;
}

bool asks_for_help(const std::vector<std::string>& words) {
    for (const auto& word : words) {
        if (word == "--help" || word == "-h") return true;
    }
    return false;
}

Result<Parsed> help(const std::vector<std::string>& words) {
    Parsed parsed;
    std::size_t used = 0;
    if (words.empty()) {
        parsed.text = help_overview();
    } else if (const auto* command = find_command(words, used)) {
        parsed.text = help_for(*command);
    } else if (words[0] == "exit-codes") {
        for (const auto& code : exit_codes()) {
            parsed.text += std::to_string(code.code) + "\t" + std::string(code.name) + "\t" + std::string(code.meaning) + "\n";
        }
    } else {
        bool group = false;
        for (const auto& candidate : commands()) {
            if (!candidate.name.starts_with(words[0] + " ")) continue;
            parsed.text += std::string(candidate.name) + "\t" + std::string(candidate.summary) + "\n";
            group = true;
        }
        if (!group) return unknown_command(words[0]);
    }
    return parsed;
}

}  // namespace

Result<Parsed> parse_arguments(const std::vector<std::string>& arguments) {
    std::vector<std::string> words, program;
    bool after_dashes = false;
    for (const auto& argument : arguments) {
        if (!after_dashes && argument == "--") after_dashes = true;
        else (after_dashes ? program : words).push_back(argument);
    }
    if (words.empty() && program.empty()) {
        Parsed parsed;
        parsed.text = help_overview();
        return parsed;
    }
    if (words.empty()) return base::fail(ErrorCode::usage, "a command is missing before '--'", "claviger help lists all");
    if (words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
        return help(std::vector<std::string>(words.begin() + 1, words.end()));
    }
    if (words[0] == "--version" || words[0] == "-V") words[0] = "version";
    std::size_t used = 0;
    const auto* command = find_command(words, used);
    if (command == nullptr) {
        if (asks_for_help(words)) return help({words[0]});
        return unknown_command(words[0]);
    }
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(used));
    if (asks_for_help(words)) {
        Parsed parsed;
        parsed.text = help_for(*command);
        return parsed;
    }
    if (!command->takes_program) words.insert(words.end(), program.begin(), program.end());
    TRY(invocation, parse_command(*command, std::move(words), command->takes_program ? std::move(program) : std::vector<std::string>()));
    if (command->takes_program && invocation.program.empty()) {
        return base::fail(ErrorCode::usage, "a program is missing", "write it after two dashes: claviger " +
                                                                        std::string(command->name) + " -- PROGRAM ...");
    }
    Parsed parsed;
    parsed.invocation = std::move(invocation);
    return parsed;
}

}  // namespace claviger::cli
