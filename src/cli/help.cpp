// Help, man page and completion, all out of the command table.
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "app/config.hpp"

namespace claviger::cli {
namespace {

std::string synopsis(const CommandSpec& command) {
    std::string text = "claviger " + std::string(command.name);
    for (const auto& argument : command.arguments) {
        text += argument.required ? " " + std::string(argument.name) : " [" + std::string(argument.name) + "]";
    }
    text += " [OPTIONS]";
    if (command.takes_program) text += " -- PROGRAM [ARGUMENTS...]";
    return text;
}

std::string option_head(const OptionSpec& option) {
    return option.value.empty() ? std::string(option.name) : std::string(option.name) + " " + std::string(option.value);
}

std::string option_line(const OptionSpec& option) {
    std::string help(option.help);
    if (option.words == Words::choice && help.find(option.choices.substr(0, option.choices.find('|'))) == std::string::npos) {
        help += " (" + base::join(base::split(option.choices, '|'), ", ") + ")";
    }
    return fmt::format("  {:<28} {}\n", option_head(option), help);
}

std::string wrapped(std::string_view text, std::size_t width) {
    std::string out, line;
    for (const auto& word : base::split(text, ' ')) {
        if (!line.empty() && line.size() + word.size() + 1 > width) {
            out += line + "\n";
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
    }
    return out + line + "\n";
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
    out += ".SS " + roff_escape(command.name) + "\n.B " + roff_escape(synopsis(command)) + "\n.PP\n";
    std::string summary(command.summary);
    if (!summary.empty()) summary[0] = static_cast<char>(summary[0] >= 'a' && summary[0] <= 'z' ? summary[0] - 32 : summary[0]);
    out += roff_escape(summary + ". " + std::string(command.description)) + "\n";
    for (const auto& argument : command.arguments) out += ".TP\n.I " + roff_escape(argument.name) + "\n" + roff_escape(argument.help) + "\n";
    for (const auto& option : command.options) out += ".TP\n.B " + roff_escape(option_head(option)) + "\n" + roff_escape(option.help) + "\n";
}

std::string words_of(std::string_view prefix) {
    std::string words;
    for (const auto& command : commands()) {
        std::string_view name = command.name;
        if (prefix.empty()) name = name.substr(0, name.find(' '));
        else if (name.starts_with(prefix) && name.size() > prefix.size() && name[prefix.size()] == ' ') name = name.substr(prefix.size() + 1);
        else continue;
        if ((" " + words + " ").find(" " + std::string(name) + " ") == std::string::npos) words += (words.empty() ? "" : " ") + std::string(name);
    }
    return words;
}

std::string options_of(const CommandSpec& command) {
    std::string words;
    for (const auto& option : command.options) words += std::string(option.name) + " ";
    for (const auto& option : common_options()) words += std::string(option.name) + " ";
    return words + "--help";
}

std::string first_words(const CommandSpec& command) {
    if (command.arguments.empty()) return {};
    switch (command.arguments[0].words) {
        case Words::provider: return "$(claviger list --json 2>/dev/null | sed -n 's/^      \"name\": \"\\(.*\\)\",$/\\1/p')";
        case Words::setting: {
            std::string keys;
            for (const auto& key : app::config_keys()) keys += std::string(key.name) + " ";
            return keys;
        }
        default: return command.name == "completion" ? "bash zsh fish" : "";
    }
}

std::string bash_completion() {
    std::string script =
        "_claviger() {\n"
        "  local current=\"${COMP_WORDS[COMP_CWORD]}\" command=\"${COMP_WORDS[1]}\" words=\"\"\n"
        "  local i; for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    if [ \"${COMP_WORDS[i]}\" = -- ]; then COMPREPLY=($(compgen -c -- \"$current\")); return; fi\n"
        "  done\n"
        "  if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"" + words_of("") + " help\" -- \"$current\")); return; fi\n"
        "  case \"$command\" in vault|config) command=\"$command ${COMP_WORDS[2]}\"; "
        "if [ \"$COMP_CWORD\" = 2 ]; then case \"$1$command\" in\n"
        "    *vault*) words=\"" + words_of("vault") + "\";; *) words=\"" + words_of("config") + "\";; esac\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\")); return; fi;; esac\n"
        "  case \"$command\" in\n";
    for (const auto& command : commands()) {
        const bool file = !command.arguments.empty() && command.arguments[0].words == Words::file;
        script += "    \"" + std::string(command.name) + "\") case \"$current\" in -*) words=\"" + options_of(command) + "\";; *) ";
        script += file ? "COMPREPLY=($(compgen -f -- \"$current\")); return;; esac;;\n" : "words=\"" + first_words(command) + "\";; esac;;\n";
    }
    return script + "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\ncomplete -F _claviger claviger\n";
}

std::string fish_completion() {
    std::string script = "complete -c claviger -f\n";
    for (const auto& command : commands()) {
        const std::string name(command.name.substr(0, command.name.find(' ')));
        script += fmt::format("complete -c claviger -n __fish_use_subcommand -a {} -d {}\n", name, base::shell_quote(command.summary));
        if (command.name.find(' ') != std::string_view::npos) {
            script += fmt::format("complete -c claviger -n '__fish_seen_subcommand_from {}' -a {} -d {}\n", name,
                                  command.name.substr(name.size() + 1), base::shell_quote(command.summary));
        }
        for (const auto& option : command.options) {
            script += fmt::format("complete -c claviger -n '__fish_seen_subcommand_from {}' -l {} {}-d {}\n", name, option.name.substr(2),
                                  option.value.empty() ? "" : "-r ", base::shell_quote(option.help));
        }
    }
    return script;
}

}  // namespace

std::string help_overview() {
    std::string text = "claviger keeps your credentials and puts them into requests, so that programs need not have them.\n\n";
    text += "usage: claviger COMMAND [ARGUMENTS] [OPTIONS]\n\n";
    for (const auto& command : commands()) text += fmt::format("  {:<16} {}\n", command.name, command.summary);
    text += "\nclaviger help COMMAND explains one; claviger help exit-codes lists the exit codes.\n";
    return text;
}

std::string help_for_group(std::string_view group) {
    std::string text = "usage: claviger " + std::string(group) + " COMMAND [OPTIONS]\n\n";
    for (const auto& command : commands()) {
        if (command.name.starts_with(std::string(group) + " ")) text += fmt::format("  {:<16} {}\n", command.name, command.summary);
    }
    return text + "\nclaviger help " + std::string(group) + " COMMAND explains one.\n";
}

std::string help_for(const CommandSpec& command) {
    std::string text = "usage: " + synopsis(command) + "\n\n" + wrapped(command.summary, 90);
    if (!command.description.empty()) text += "\n" + wrapped(command.description, 90);
    if (!command.arguments.empty()) {
        text += "\narguments:\n";
        for (const auto& argument : command.arguments) text += fmt::format("  {:<28} {}\n", argument.name, argument.help);
    }
    if (!command.options.empty()) text += "\noptions:\n";
    for (const auto& option : command.options) text += option_line(option);
    text += "\ncommon options:\n";
    for (const auto& option : common_options()) text += option_line(option);
    if (!command.examples.empty()) text += "\nexamples:\n";
    for (const auto example : command.examples) text += "  " + std::string(example) + "\n";
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

base::Result<std::string> completion_script(std::string_view shell) {
    if (shell == "bash") return bash_completion();
    if (shell == "zsh") return "#compdef claviger\nautoload -U +X bashcompinit && bashcompinit\n" + bash_completion();
    if (shell == "fish") return fish_completion();
    return base::fail(base::ErrorCode::usage, "no completion for '" + base::printable(shell) + "'", "choose bash, zsh or fish");
}

}  // namespace claviger::cli
