#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/attempt.hpp"
#include "connection/form_fields.hpp"
#include "connection/schema_fields.hpp"
#include "provider/expand.hpp"
#include "provider/url_fields.hpp"

namespace claviger::connection {
namespace {

FormField field_of(const provider::Variable& variable) {
    FormField field;
    field.name = variable.name;
    field.label = variable.title.empty() ? label_of(variable.name) : variable.title;
    field.help = variable.description;
    field.pattern = variable.pattern;
    field.placeholder = variable.example;
    field.choices = variable.choices;
    field.secret = variable.secret;
    return field;
}

// Those without a value from the command line, the definition or the connection that is replaced; what the provider's
// answers tell is not asked for.
std::vector<FormField> missing_fields(const provider::ProviderDefinition& definition,
                                      const provider::VariableValues& given) {
    std::vector<FormField> fields;
    for (const auto& variable : definition.vars)
        if (variable.default_value.empty() && !given.contains(variable.name) && !provider::is_captured_variable(definition, variable.name))
            fields.push_back(field_of(variable));
    return fields;
}

provider::VariableValues with_answers(provider::VariableValues values, const std::vector<FormField>& fields,
                                      const Answers& answers) {
    for (const auto& field : fields) values[field.name] = std::string(trimmed_answer(answers, field.name));
    return values;
}

}  // namespace

net::Task<base::Result<provider::VariableValues>> complete_by_asking(Attempt& attempt) {
    auto given = attempt.request.variables;
    // Logging in again to the same account: what is not said anew stays as it was.
    if (attempt.previous)
        for (const auto& [name, value] : attempt.previous->variables) given.emplace(name, value);
    std::erase_if(given, [&](const auto& item) {
        if (item.first == "base_url" || attempt.request.variables.contains(item.first)) return false;
        for (const auto& variable : attempt.definition.vars)
            if (variable.name == item.first) return false;
        return true;  // the definition has lost this variable since
    });
    const auto fields = missing_fields(attempt.definition, given);
    if (fields.empty()) co_return provider::complete_variables(attempt.definition, given);

    auto form = form_for(attempt.definition);
    form.intro = "Which account or installation is it?";
    form.fields = fields;
    std::function<std::map<std::string, std::string>(const Answers&)> check = [&](const Answers& answers) {
        std::map<std::string, std::string> wrong;
        for (const auto& field : fields)
            if (auto message = complaint(field, trimmed_answer(answers, field.name)); !message.empty())
                wrong.emplace(field.name, std::move(message));
        if (!wrong.empty()) return wrong;
        const auto complete = provider::complete_variables(attempt.definition, with_answers(given, fields, answers));
        if (!complete) wrong.emplace(fields.front().name, "this is not usable: check the spelling");
        return wrong;
    };
    const auto deadline = net::in(kFlowLifetime);
    auto answers = co_await attempt.with.dialog.ask(std::move(form), std::move(check), deadline);
    if (!answers) co_return base::fail(answers.error());
    co_return provider::complete_variables(attempt.definition, with_answers(given, fields, *answers));
}

}  // namespace claviger::connection
