// Forms out of definitions: which fields are asked for, and whether what was typed is good. Used by
// connection/, and by whoever says beforehand what a login will ask for. Messages never repeat what was typed. Thread rule: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "connection/dialog.hpp"
#include "json/schema.hpp"

namespace claviger::connection {

// The credential of an `api_key`, `basic` or `custom` definition.
class CredentialForm {
public:
    // ErrorCode::invalid_input when the definition does not say what to ask for.
    static base::Result<CredentialForm> make(const provider::ProviderDefinition& definition);
    [[nodiscard]] const Form& form() const { return form_; }
    // Field name -> what is wrong, "" -> what is wrong with all of them together. Empty = all good.
    [[nodiscard]] std::map<std::string, std::string> check(const Answers& answers) const;
    // Trimmed, but a password of basic authentication is taken as it is; fields left empty are absent.
    [[nodiscard]] std::map<std::string, base::Secret> values(const Answers& answers) const;

private:
    [[nodiscard]] std::string_view given(const Answers& answers, const std::string& name) const;
    Form form_;
    bool pairs_user_and_password_ = false;  // by RFC 7617, without a transform of the definition
    std::map<std::string, std::string> types_;  // JSON type by field name
    std::optional<json::Schema> schema_;
};

// What is asked of the OAuth client that the human registers at the provider; nothing where the service knows no clients.
std::vector<FormField> client_fields(const provider::OAuth2& oauth, provider::Flow flow);

// Every name that any form of a login may have, by any flow: an answer given beforehand under another one is a mistake.
std::vector<std::string> names_that_are_asked(const provider::ProviderDefinition& definition);

// What every form of the definition shares: title, guide, links.
Form form_for(const provider::ProviderDefinition& definition);

// "" when `value` fits the field, else what is wrong: empty, several lines, not the pattern, not a choice.
std::string complaint(const FormField& field, std::string_view value);
std::string_view trimmed_answer(const Answers& answers, const std::string& name);

}  // namespace claviger::connection
