// Help as JSON, out of the command table: what `claviger help --json` prints, for programs that offer or check commands.
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"

namespace claviger::cli {
namespace {

json::Value text_or_null(std::string_view text) {
    if (text.empty()) return nullptr;
    return json::Value(text);
}

json::Array choices_json(std::string_view choices) {
    json::Array list;
    if (choices.empty()) return list;
    for (const auto& choice : base::split(choices, '|')) list.emplace_back(choice);
    return list;
}

json::Array arguments_json(const std::vector<ArgumentSpec>& arguments) {
    json::Array list;
    for (const auto& argument : arguments) {
        list.emplace_back(json::Object{{"name", argument.name}, {"required", argument.required}, {"choices", choices_json(argument.choices)}, {"help", argument.help}});
    }
    return list;
}

json::Array options_json(std::span<const OptionSpec> options) {
    json::Array list;
    for (const auto& option : options) {
        list.emplace_back(json::Object{{"name", option.name}, {"value", text_or_null(option.value)}, {"repeatable", option.repeatable},
                                       {"choices", choices_json(option.choices)}, {"help", option.help}});
    }
    return list;
}

}  // namespace

json::Value help_document_for(const CommandSpec& command) {
    json::Array examples;
    for (const auto example : command.examples) examples.emplace_back(example);
    return json::Object{{"name", command.name},
                        {"usage", usage_of(command)},
                        {"summary", command.summary},
                        {"description", text_or_null(command.description)},
                        {"arguments", arguments_json(command.arguments)},
                        {"options", options_json(command.options)},
                        {"answers", arguments_json(command.answers)},
                        {"takes_program", command.takes_program},
                        {"examples", std::move(examples)}};
}

json::Value help_document_for_group(std::string_view group) {
    json::Array list;
    for (const auto& command : commands()) {
        if (command.name.starts_with(std::string(group) + " ")) list.emplace_back(help_document_for(command));
    }
    return json::Object{{"commands", std::move(list)}};
}

json::Value exit_codes_document() {
    json::Array list;
    for (const auto& code : exit_codes()) {
        json::Array names;
        for (const auto& name : base::split(code.name, ',')) names.emplace_back(base::trim(name));
        list.emplace_back(json::Object{{"exit_code", code.code}, {"codes", std::move(names)}, {"meaning", code.meaning}});
    }
    return json::Object{{"exit_codes", std::move(list)}};
}

json::Value help_document() {
    json::Array list;
    for (const auto& command : commands()) list.emplace_back(help_document_for(command));
    json::Object document{{"version", CLAVIGER_VERSION}, {"commands", std::move(list)}, {"common_options", options_json(common_options())}};
    document["exit_codes"] = exit_codes_document().at("exit_codes");
    return document;
}

}  // namespace claviger::cli
