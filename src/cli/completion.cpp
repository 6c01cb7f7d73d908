// Completion scripts for bash, zsh and fish, out of the command table. Names of providers and connections are asked of
// `claviger completion providers` and `... connections PROVIDER` while one types, which never ask for a passphrase.
#include <set>

#include <fmt/format.h>

#include "app/config.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"

namespace claviger::cli {
namespace {

constexpr std::string_view kProviders = "$(claviger completion providers 2>/dev/null)";
constexpr std::string_view kConnections = "$(claviger completion connections \"$first\" 2>/dev/null)";

// First words of all commands, or second words of those of a group.
std::string words_of(std::string_view group) {
    std::vector<std::string> words;
    for (const auto& command : commands()) {
        std::string_view name = command.name;
        if (group.empty()) name = name.substr(0, name.find(' '));
        else if (name.starts_with(std::string(group) + " ")) name = name.substr(group.size() + 1);
        else continue;
        if (words.empty() || words.back() != name) words.emplace_back(name);  // those of a group stand together
    }
    return base::join(words, " ");
}

std::vector<std::string> groups() {
    std::vector<std::string> names;
    for (const auto& command : commands()) {
        const auto space = command.name.find(' ');
        if (space == std::string_view::npos) continue;
        std::string group(command.name.substr(0, space));
        if (names.empty() || names.back() != group) names.push_back(std::move(group));
    }
    return names;
}

std::string setting_names() {
    std::string names;
    for (const auto& key : app::config_keys()) names += (names.empty() ? "" : " ") + std::string(key.name);
    return names;
}

std::string options_of(const CommandSpec& command) {
    std::string words;
    for (const auto& option : command.options) words += std::string(option.name) + " ";
    for (const auto& option : common_options()) words += std::string(option.name) + " ";
    return words + "--help";
}

// Those that are followed by a value, whatever the command: none is a flag elsewhere (arguments_test).
std::string options_with_value() {
    std::set<std::string_view> names;
    const auto take = [&](const OptionSpec& option) {
        if (!option.value.empty()) names.insert(option.name);
    };
    for (const auto& option : common_options()) take(option);
    for (const auto& command : commands()) {
        for (const auto& option : command.options) take(option);
    }
    std::string text;
    for (const auto name : names) text += (text.empty() ? "" : "|") + std::string(name);
    return text;
}

// What the shell does to offer words of a kind; "" where there is nothing to offer.
std::string offer(Words words, std::string_view choices) {
    const auto list = [](std::string_view text) { return "words=\"" + std::string(text) + "\""; };
    switch (words) {
        case Words::provider: return list(kProviders);
        case Words::connection: return list(kConnections);
        case Words::setting: return list(setting_names());
        case Words::choice: return list(base::join(base::split(choices, '|'), " "));
        case Words::file: return "COMPREPLY=($(compgen -f -- \"$current\")); return";
        case Words::directory: return "COMPREPLY=($(compgen -d -- \"$current\")); return";
        case Words::text: return {};
    }
    return {};
}

Words kind_of_value(const app::ConfigKey& key) { return !key.choices.empty() ? Words::choice : key.most > 0 ? Words::text : Words::file; }

std::string values_of_settings() {
    std::string script = "case \"$first\" in ";
    for (const auto& key : app::config_keys()) {
        script += std::string(key.name) + ") " + offer(kind_of_value(key), key.choices) + ";; ";
    }
    return script + "esac";
}

std::string bash_values() {
    std::string script;
    for (const auto& command : commands()) {
        for (const auto& option : command.options) {
            const auto what = option.value.empty() ? std::string() : offer(option.words, option.choices);
            if (!what.empty()) script += fmt::format("      \"{} {}\") {};;\n", command.name, option.name, what);
        }
    }
    return script;
}

std::string bash_arguments() {
    std::string script;
    for (const auto& command : commands()) {
        for (std::size_t i = 0; i < command.arguments.size(); ++i) {
            const auto& argument = command.arguments[i];
            std::string what = offer(argument.words, argument.choices);
            if (command.name == "config set" && i == 1) what = values_of_settings();
            if (!what.empty()) script += fmt::format("      \"{} {}\") {};;\n", command.name, i, what);
        }
    }
    return script;
}

std::string bash_options() {
    std::string script;
    for (const auto& command : commands()) script += fmt::format("      \"{}\") words=\"{}\";;\n", command.name, options_of(command));
    return script;
}

std::string bash_completion() {
    const std::string values = options_with_value();
    std::string of_groups, of_help;
    for (const auto& group : groups()) {
        of_groups += "    " + group + ") words=\"" + words_of(group) + "\";;\n";
        of_help += "      " + group + ") words=\"" + words_of(group) + "\";;\n";
    }
    return
        "_claviger() {\n"
        "  local current=\"${COMP_WORDS[COMP_CWORD]}\" command=\"\" option=\"\" first=\"\" word words=\"\" i count=0\n"
        "  COMPREPLY=()\n"
        // What stands before the word: the command, its arguments, and the option whose value the word is.
        "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    word=\"${COMP_WORDS[i]}\"\n"
        "    if [ \"$word\" = = ]; then continue; fi\n"
        "    if [ -n \"$option\" ]; then\n"
        "      if [ \"$option\" = --use ] && [ \"${COMP_WORDS[i+1]}\" = = ]; then first=\"$word\"; option=\"--use-name\"; else option=\"\"; fi\n"
        "      continue\n"
        "    fi\n"
        "    case \"$word\" in\n"
        "      --) COMPREPLY=($(compgen -c -- \"$current\")); return;;\n"
        "      " + values + ") option=\"$word\";;\n"
        "      -*) ;;\n"
        "      *) if [ -z \"$command\" ]; then command=\"$word\"; else\n"
        "        case \"$command\" in " + base::join(groups(), "|") + ") command=\"$command $word\";; *)\n"
        "          if [ \"$count\" = 0 ]; then first=\"$word\"; fi; count=$((count + 1));; esac; fi;;\n"
        "    esac\n"
        "  done\n"
        "  if [ \"$current\" = = ]; then current=\"\"; fi\n"
        "  if [ -n \"$option\" ]; then\n"
        "    case \"$command $option\" in\n"
        "      *\" --use-name\") words=\"" + std::string(kConnections) + "\";;\n" + bash_values() +
        "    esac\n"
        "  elif [ -z \"$command\" ]; then\n"
        "    case \"$current\" in -*) words=\"" + options_of(CommandSpec{}) + " --version\";; *) words=\"" + words_of("") + " help\";; esac\n"
        "  else case \"$current\" in -*)\n"
        "    case \"$command\" in\n" + bash_options() + "    esac;;\n"
        "  *) case \"$command\" in\n" + of_groups +
        "    help) case \"$count $first\" in\n"
        "      \"0 \") words=\"" + words_of("") + " exit-codes\";;\n"
        "      1*) case \"$first\" in\n" + of_help + "      esac;;\n"
        "    esac;;\n"
        "    *) case \"$command $count\" in\n" + bash_arguments() + "    esac;;\n"
        "    esac;;\n"
        "  esac; fi\n"
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
        "}\ncomplete -F _claviger claviger\n";
}

// fish runs what stands in parentheses when it needs the words.
std::string fish_offer(Words words, std::string_view choices) {
    switch (words) {
        case Words::provider: return " -x -a '(claviger completion providers 2>/dev/null)'";
        case Words::connection: return " -x -a '(__claviger_connections)'";
        case Words::setting: return " -x -a '" + setting_names() + "'";
        case Words::choice: return " -x -a '" + base::join(base::split(choices, '|'), " ") + "'";
        case Words::file:
        case Words::directory: return " -r -F";
        case Words::text: return " -x";
    }
    return {};
}

// The words after "claviger" that are neither options nor their values.
std::string fish_functions() {
    std::string with_value = options_with_value();
    for (auto& c : with_value) c = c == '|' ? ' ' : c;
    return "function __claviger_words\n"
           "  set -l value 0\n"
           "  for word in (commandline -opc)[2..-1]\n"
           "    if test $value = 1\n      set value 0\n      continue\n    end\n"
           "    if contains -- $word " + with_value + "\n      set value 1\n      continue\n    end\n"
           "    string match -q -- '-*' $word; or echo $word\n"
           "  end\n"
           "end\n"
           "function __claviger_at\n"  // the words are exactly these, and then as many more as the last argument says
           "  set -l words (__claviger_words)\n"
           "  set -l wanted $argv[1..-2]\n"
           "  test (count $words) = (math (count $wanted) + $argv[-1]); or return 1\n"
           "  set -l many (count $wanted)\n"
           "  test $many = 0; or test \"$words[1..$many]\" = \"$wanted\"\n"
           "end\n"
           "function __claviger_in\n"
           "  set -l words (__claviger_words)\n"
           "  set -l many (count $argv)\n"
           "  test (count $words) -ge $many; and test \"$words[1..$many]\" = \"$argv\"\n"
           "end\n"
           "function __claviger_connections\n"
           "  set -l words (__claviger_words)\n"
           "  test (count $words) -ge 2; and claviger completion connections $words[2] 2>/dev/null\n"
           "end\n";
}

std::string fish_completion() {
    std::string script = fish_functions() + "complete -c claviger -f\n";
    const auto line = [&](const std::string& condition, const std::string& rest) { script += "complete -c claviger -n '" + condition + "' " + rest + "\n"; };
    std::string before;
    for (const auto& command : commands()) {
        const std::string name(command.name);
        const auto space = name.find(' ');
        const std::string first = name.substr(0, space);
        const std::string described = " -d " + base::shell_quote(command.summary);
        if (first != before) {
            line("__claviger_at 0", "-a " + first + (space == std::string::npos ? described : ""));
            line("__claviger_at help 0", "-a " + first);
        }
        before = first;
        if (space != std::string::npos) {
            line("__claviger_at " + first + " 0", "-a " + name.substr(space + 1) + described);
            line("__claviger_at help " + first + " 0", "-a " + name.substr(space + 1));
        }
        for (std::size_t i = 0; i < command.arguments.size(); ++i) {
            const auto& argument = command.arguments[i];
            if (argument.words == Words::text) continue;
            line("__claviger_at " + name + " " + std::to_string(i), fish_offer(argument.words, argument.choices));
        }
        for (const auto& option : command.options) {
            line("__claviger_in " + name, "-l " + std::string(option.name.substr(2)) + (option.value.empty() ? "" : fish_offer(option.words, option.choices)) + " -d " +
                                              base::shell_quote(option.help));
        }
    }
    for (const auto& key : app::config_keys()) {
        line("__claviger_at config set " + std::string(key.name) + " 0", fish_offer(kind_of_value(key), key.choices));
    }
    line("__claviger_at 0", "-a help");
    line("__claviger_at help 0", "-a exit-codes");
    for (const auto& option : common_options()) {
        script += "complete -c claviger -l " + std::string(option.name.substr(2)) + (option.value.empty() ? "" : " -x") + " -d " + base::shell_quote(option.help) + "\n";
    }
    return script;
}

}  // namespace

base::Result<std::string> completion_script(std::string_view shell) {
    if (shell == "bash") return bash_completion();
    if (shell == "zsh") return "#compdef claviger\nautoload -U +X bashcompinit && bashcompinit\n" + bash_completion();
    if (shell == "fish") return fish_completion();
    return base::fail(base::ErrorCode::usage, "no completion for '" + base::printable(shell) + "'", "choose bash, zsh or fish");
}

}  // namespace claviger::cli
