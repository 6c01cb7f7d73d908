// Help and man page, out of the command table. Help is laid out for the terminal's width, or for COLUMNS.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/number.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "app/config.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

std::string option_head(const OptionSpec& option) {
    return option.value.empty() ? std::string(option.name) : std::string(option.name) + " " + std::string(option.value);
}

// At most what reads well, however wide the terminal is.
std::size_t columns() {
    constexpr std::size_t kWidest = 100, kNarrowest = 20;
    const char* told = std::getenv("COLUMNS");
    auto wanted = base::whole_number<std::size_t>(told != nullptr ? told : "").value_or(0);
    if (wanted == 0) wanted = sys::stdout_is_terminal() ? static_cast<std::size_t>(sys::terminal_columns()) : kWidest;
    return std::clamp(wanted, kNarrowest, kWidest);
}

// Lines of at most columns(), all but the first with `indent` before them; the first has `used` columns already.
std::string wrapped(std::string_view text, std::size_t indent = 0, std::size_t used = 0) {
    const std::size_t width = columns();
    std::string out, line;
    for (const auto& word : base::split(text, ' ')) {
        if (!line.empty() && used + line.size() + word.size() + 1 > width) {
            out += line + "\n" + std::string(indent, ' ');
            line.clear();
            used = indent;
        }
        line += (line.empty() ? "" : " ") + word;
    }
    return out + line + "\n";
}

// "  --option VALUE   what it is for", beneath each other where there is no room beside.
std::string entry(std::string_view head, std::size_t head_width, std::string_view text) {
    constexpr std::size_t kLeastRoom = 30;
    const std::size_t beside = head_width + 3;
    if (columns() < beside + kLeastRoom) return "  " + std::string(head) + "\n      " + wrapped(text, 6, 6);
    const std::string padded = fmt::format("  {:<{}} ", head, head_width);
    return padded + wrapped(text, beside, padded.size());
}

constexpr std::size_t kCommandWidth = 18, kOptionWidth = 28;

std::string option_line(const OptionSpec& option) {
    std::string help(option.help);
    if (option.words == Words::choice && help.find(option.choices.substr(0, option.choices.find('|'))) == std::string::npos) {
        help += " (" + base::join(base::split(option.choices, '|'), ", ") + ")";
    }
    return entry(option_head(option), kOptionWidth, help);
}

std::string with_choices(const ArgumentSpec& argument) {
    std::string help(argument.help);
    if (!argument.choices.empty() && help.find(argument.choices.substr(0, argument.choices.find('|'))) == std::string::npos) {
        help += " (" + base::join(base::split(argument.choices, '|'), ", ") + ")";
    }
    return help;
}

std::string roff_escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\') out += "\\e";
        else if (c == '-') out += "\\-";
        else out += c;
    }
    if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
    return out;
}

void man_command(std::string& out, const CommandSpec& command) {
    out += ".SS " + roff_escape(command.name) + "\n.B " + roff_escape(usage_of(command)) + "\n.PP\n";
    std::string summary(command.summary);
    if (!summary.empty()) summary[0] = static_cast<char>(summary[0] >= 'a' && summary[0] <= 'z' ? summary[0] - 32 : summary[0]);
    out += roff_escape(summary + ". " + std::string(command.description)) + "\n";
    for (const auto& argument : command.arguments) out += ".TP\n.I " + roff_escape(argument.name) + "\n" + roff_escape(argument.help) + "\n";
    for (const auto& option : command.options) out += ".TP\n.B " + roff_escape(option_head(option)) + "\n" + roff_escape(option.help) + "\n";
    if (!command.answers.empty()) out += ".PP\nAnswers, as members of the object on standard input:\n";
    for (const auto& answer : command.answers) out += ".TP\n.B " + roff_escape(answer.name) + "\n" + roff_escape(answer.help) + "\n";
}

}  // namespace

std::string usage_of(const CommandSpec& command) {
    std::string text = "claviger " + std::string(command.name);
    for (const auto& argument : command.arguments) {
        text += argument.required ? " " + std::string(argument.name) : " [" + std::string(argument.name) + "]";
    }
    text += " [OPTIONS]";
    if (command.takes_program) text += " -- PROGRAM [ARGUMENTS...]";
    return text;
}

std::string help_overview() {
    std::string text = wrapped("claviger keeps your credentials and puts them into requests, so that programs need not have them.");
    text += "\n" + wrapped("usage: claviger COMMAND [ARGUMENTS] [OPTIONS]", 11) + "\n";
    for (const auto& command : commands()) text += entry(command.name, kCommandWidth, command.summary);
    return text + "\n" + wrapped("claviger help COMMAND explains one; claviger help exit-codes lists the exit codes.");
}

std::string help_for_group(std::string_view group) {
    std::string text = wrapped("usage: claviger " + std::string(group) + " COMMAND [OPTIONS]", 11) + "\n";
    for (const auto& command : commands()) {
        if (command.name.starts_with(std::string(group) + " ")) text += entry(command.name, kCommandWidth, command.summary);
    }
    return text + "\n" + wrapped("claviger help " + std::string(group) + " COMMAND explains one.");
}

std::string help_for(const CommandSpec& command) {
    std::string text = wrapped("usage: " + usage_of(command), 11) + "\n" + wrapped(command.summary);
    if (!command.description.empty()) text += "\n" + wrapped(command.description);
    if (!command.arguments.empty()) text += "\narguments:\n";
    for (const auto& argument : command.arguments) text += entry(argument.name, kOptionWidth, argument.help);
    if (!command.options.empty()) text += "\noptions:\n";
    for (const auto& option : command.options) text += option_line(option);
    if (!command.answers.empty()) text += "\nanswers, as members of the object on standard input:\n";
    for (const auto& answer : command.answers) text += entry(answer.name, kOptionWidth, with_choices(answer));
    text += "\ncommon options:\n";
    for (const auto& option : common_options()) text += option_line(option);
    if (!command.examples.empty()) text += "\nexamples:\n";
    for (const auto example : command.examples) text += "  " + std::string(example) + "\n";  // whole, to be copied
    return text;
}

std::string man_page() {
    std::string out = ".TH CLAVIGER 1 \"\" \"claviger " CLAVIGER_VERSION "\" \"User Commands\"\n";
    out += ".SH NAME\nclaviger \\- a credential broker for apps and agents\n";
    out += ".SH SYNOPSIS\n.B claviger\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n";
    out += ".SH DESCRIPTION\nClaviger connects accounts once, keeps their credentials encrypted, and puts them into the requests of\n"
           "programs that never see them.\n";
    out += ".SH COMMANDS\n";
    for (const auto& command : commands()) man_command(out, command);
    out += ".SH COMMON OPTIONS\n";
    for (const auto& option : common_options()) out += ".TP\n.B " + roff_escape(option_head(option)) + "\n" + roff_escape(option.help) + "\n";
    out += ".SH EXIT STATUS\n";
    for (const auto& code : exit_codes()) out += fmt::format(".TP\n.B {}\n{}\n", code.code, roff_escape(code.meaning));
    out += ".SH SETTINGS\n";
    for (const auto& key : app::config_keys()) {
        out += fmt::format(".TP\n.B {}\n{} (default: {})\n", roff_escape(key.name), roff_escape(key.help),
                           key.default_value.empty() ? "unset" : roff_escape(key.default_value));
    }
    out += ".SH ENVIRONMENT\n.TP\n.B CLAVIGER_HOME\nwhere the vault, custom definitions and settings are (default: ~/.claviger)\n"
           ".TP\n.B CLAVIGER_LOG\nLEVEL or LEVEL:FILE for a structured log; levels are trace, debug, info, warn, error\n"
           ".TP\n.B NO_COLOR\nno colour\n";
    return out;
}

}  // namespace claviger::cli
