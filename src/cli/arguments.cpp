// Reads the command line by the command table into an Invocation. Own words for every mistake: what is wrong, what was
// probably meant, and which help page says more.
#include <algorithm>

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

std::vector<std::string_view> subcommands_of(std::string_view group) {
    std::vector<std::string_view> names;
    for (const auto& command : commands()) {
        if (command.name.size() > group.size() && command.name.starts_with(group) && command.name[group.size()] == ' ') {
            names.push_back(command.name.substr(group.size() + 1));
        }
    }
    return names;
}

Result<Parsed> unknown_subcommand(const std::string& group, const std::string& word, const std::vector<std::string_view>& names) {
    std::string list;
    for (const auto name : names) list += (list.empty() ? "" : ", ") + group + " " + std::string(name);
    if (word.empty() || word.starts_with('-')) return base::fail(ErrorCode::usage, "'" + group + "' needs a subcommand", "one of: " + list);
    const auto near = base::did_you_mean(word, names);
    return base::fail(ErrorCode::usage, "there is no command '" + group + " " + base::printable(word, 80) + "'",
                      near ? "did you mean 'claviger " + group + " " + *near + "'?" : "one of: " + list);
}

Result<Parsed> unknown_command(const std::vector<std::string>& words) {
    const std::string& word = words[0];
    if (const auto children = subcommands_of(word); !children.empty()) {
        return unknown_subcommand(word, words.size() > 1 ? words[1] : "", children);
    }
    std::vector<std::string_view> names;
    for (const auto& command : commands()) names.push_back(command.name.substr(0, command.name.find(' ')));
    names.emplace_back("help");
    const auto near = base::did_you_mean(word, names);
    return base::fail(ErrorCode::usage, "there is no command '" + base::printable(word, 80) + "'",
                      near ? "did you mean 'claviger " + *near + "'?" : "claviger help lists all commands");
}

// The options and arguments of one command, word by word.
class Reader {
public:
    explicit Reader(const CommandSpec& command) : command_(command) { invocation_.command = &command; }

    Result<Invocation> read(const std::vector<std::string>& words, const std::vector<std::string>& literal) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            const bool is_option = words[i].size() >= 2 && words[i].front() == '-';
            // Before its own options are taken for those of `run`.
            if (!is_option && command_.takes_program && invocation_.arguments.size() == command_.arguments.size()) return before_program(words[i]);
            if (!is_option) invocation_.arguments.push_back(words[i]);
            else TRY_VOID(take_option(words, i));
        }
        invocation_.arguments.insert(invocation_.arguments.end(), literal.begin(), literal.end());
        TRY_VOID(check_arguments());
        return std::move(invocation_);
    }

private:
    tl::unexpected<base::Error> wrong(std::string message, std::string hint = {}) const {
        const std::string more = "claviger help " + std::string(command_.name) + " says more";
        return base::fail(ErrorCode::usage, std::move(message), hint.empty() ? more : std::move(hint) + "; " + more);
    }

    tl::unexpected<base::Error> before_program(const std::string& word) const {
        const std::string shown = base::printable(word, 80);
        return wrong("unexpected argument '" + shown + "'",
                     "put two dashes before the program: claviger " + std::string(command_.name) + " -- " + shown + " ...");
    }

    const OptionSpec* find(std::string_view name) const {
        for (const auto options : {std::span<const OptionSpec>(command_.options), common_options()}) {
            for (const auto& option : options) {
                if (option.name == name) return &option;
            }
        }
        return nullptr;
    }

    tl::unexpected<base::Error> unknown(const std::string& name) const {
        std::vector<std::string_view> names{"--help"};
        for (const auto& option : command_.options) names.push_back(option.name);
        for (const auto& option : common_options()) names.push_back(option.name);
        const auto near = base::did_you_mean(name, names);
        return wrong("'" + std::string(command_.name) + "' has no option '" + base::printable(name, 80) + "'",
                     near                     ? "did you mean '" + *near + "'?"
                     : command_.takes_program ? "if it belongs to the program, put two dashes before the program: claviger " + std::string(command_.name) + " -- PROGRAM ..."
                                              : "");
    }

    // Takes the option at words[i], and the next word if that is its value.
    Result<void> take_option(const std::vector<std::string>& words, std::size_t& i) {
        const auto equals = words[i].find('=');
        const std::string name = words[i].substr(0, equals);
        const OptionSpec* option = find(name);
        if (option == nullptr) return unknown(name);
        auto& values = invocation_.options[name];
        if (option->value.empty()) {
            if (equals != std::string::npos) return wrong(name + " takes no value", "leave out what follows '='");
            return {};
        }
        if (!values.empty() && !option->repeatable) return wrong(name + " is given twice", "give it once");
        if (equals == std::string::npos && i + 1 == words.size()) return wrong(name + " needs a value: " + name + " " + std::string(option->value));
        std::string value = equals != std::string::npos ? words[i].substr(equals + 1) : words[++i];
        TRY_VOID(check_choice(*option, value));
        values.push_back(std::move(value));
        return {};
    }

    Result<void> check_choice(const OptionSpec& option, const std::string& value) const {
        if (option.words != Words::choice) return {};
        const auto choices = base::split(option.choices, '|');
        if (std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
        const auto near = base::did_you_mean(value, {choices.begin(), choices.end()});
        return wrong(std::string(option.name) + " cannot be '" + base::printable(value, 80) + "': choose one of " + base::join(choices, ", "),
                     near ? "did you mean '" + *near + "'?" : "");
    }

    Result<void> check_arguments() const {
        const auto& given = invocation_.arguments;
        const auto required = static_cast<std::size_t>(
            std::count_if(command_.arguments.begin(), command_.arguments.end(), [](const auto& argument) { return argument.required; }));
        if (given.size() < required) {
            const auto& missing = command_.arguments[given.size()];
            return wrong("missing " + std::string(missing.name) + ": " + std::string(missing.help));
        }
        if (given.size() <= command_.arguments.size()) return {};
        return wrong("unexpected argument '" + base::printable(given[command_.arguments.size()], 80) + "'");
    }

    const CommandSpec& command_;
    Invocation invocation_;
};

// "claviger --json list" is as good as "claviger list --json": takes the common options that stand before the command.
Result<std::vector<std::string>> take_leading_options(std::vector<std::string>& words) {
    std::size_t used = 0;
    while (used < words.size() && words[used].starts_with("--") && words[used] != "--help" && words[used] != "--version") {
        const std::string name = words[used].substr(0, words[used].find('='));
        const auto known = std::ranges::find(common_options(), name, &OptionSpec::name);
        if (known == common_options().end()) {
            return base::fail(ErrorCode::usage, "there is no option '" + base::printable(name, 80) + "' before the command",
                              "a command's own options follow it: claviger COMMAND " + base::printable(name, 80));
        }
        const bool value_follows = !known->value.empty() && name.size() == words[used].size();
        if (value_follows && used + 1 == words.size()) return base::fail(ErrorCode::usage, name + " needs a value: " + name + " " + std::string(known->value), "claviger help says more");
        used += value_follows ? 2 : 1;
    }
    const auto end = words.begin() + static_cast<std::ptrdiff_t>(used);
    std::vector<std::string> taken(words.begin(), end);
    words.erase(words.begin(), end);
    return taken;
}

bool asks_for_help(const std::vector<std::string>& words) {
    for (const auto& word : words) {
        if (word == "--help" || word == "-h") return true;
    }
    return false;
}

std::string table_of_exit_codes() {
    std::string text;
    for (const auto& code : exit_codes()) {
        text += std::to_string(code.code) + "\t" + std::string(code.name) + "\t" + std::string(code.meaning) + "\n";
    }
    return text;
}

bool wants_json(const std::vector<std::string>& words) { return std::ranges::find(words, "--json") != words.end(); }

Parsed page(const CommandSpec& command, bool json) { return {{}, json ? json::to_pretty_text(help_document_for(command)) : help_for(command), 0}; }

// What is explained: a command, a group of them, the exit codes, or with no words all.
Result<Parsed> help(const std::vector<std::string>& words, bool json) {
    std::size_t used = 0;
    if (words.empty()) return Parsed{{}, json ? json::to_pretty_text(help_document()) : help_overview(), 0};
    if (const auto* command = find_command(words, used)) {
        if (used == words.size()) return page(*command, json);
        return base::fail(ErrorCode::usage, "unexpected argument '" + base::printable(words[used], 80) + "'", "claviger help " + std::string(command->name));
    }
    if (words.size() > 1 || subcommands_of(words[0]).empty()) {
        if (words == std::vector<std::string>{"exit-codes"}) return Parsed{{}, json ? json::to_pretty_text(exit_codes_document()) : table_of_exit_codes(), 0};
        return unknown_command(words);
    }
    return Parsed{{}, json ? json::to_pretty_text(help_document_for_group(words[0])) : help_for_group(words[0]), 0};
}

// The topic of "claviger help TOPIC", common options left out.
Result<std::vector<std::string>> topic_of(const std::vector<std::string>& words) {
    std::vector<std::string> topic;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].size() < 2 || words[i].front() != '-') {
            topic.push_back(words[i]);
            continue;
        }
        const std::string name = words[i].substr(0, words[i].find('='));
        if (name == "--help" || name == "-h") continue;
        const auto known = std::ranges::find(common_options(), name, &OptionSpec::name);
        if (known == common_options().end()) return base::fail(ErrorCode::usage, "'help' has no option '" + base::printable(name, 80) + "'", "claviger help COMMAND explains a command and its options");
        if (!known->value.empty() && name.size() == words[i].size()) ++i;
    }
    return topic;
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
    TRY(leading, take_leading_options(words));
    if (words.empty()) return base::fail(ErrorCode::usage, program.empty() ? "a command is missing" : "a command is missing before '--'", "claviger help lists all");
    if (words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
        TRY(topic, topic_of(std::vector<std::string>(words.begin() + 1, words.end())));
        return help(topic, wants_json(leading) || wants_json(words));
    }
    if (words[0] == "--version" || words[0] == "-V") words[0] = "version";
    std::size_t used = 0;
    const auto* command = find_command(words, used);
    if (command == nullptr) {
        if (!asks_for_help(words)) return unknown_command(words);
        return help({words[0]}, wants_json(leading) || wants_json(words));  // of a group
    }
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(used));
    words.insert(words.begin(), leading.begin(), leading.end());
    if (asks_for_help(words)) return page(*command, wants_json(words));
    // After "--" nothing is an option: a program's words, or an argument that begins with a dash.
    TRY(invocation, Reader(*command).read(words, command->takes_program ? std::vector<std::string>() : program));
    if (command->takes_program) invocation.program = std::move(program);
    if (command->takes_program && invocation.program.empty()) {
        return base::fail(ErrorCode::usage, "a program is missing", "write it after two dashes: claviger " +
                                                                        std::string(command->name) + " -- PROGRAM ...");
    }
    Parsed parsed;
    parsed.invocation = std::move(invocation);
    return parsed;
}

}  // namespace claviger::cli
