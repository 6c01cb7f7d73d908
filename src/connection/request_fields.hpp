// The fields that a definition's texts may name in requests to the authorization server: {{client_id}}, {{scope}},
// {{redirect_uri}}, {{state}}, the connection's variables, captured values and credential fields; {{client_secret}}
// and the tokens only where the text stands for client authentication. Thread rule: borrows what it is given, which
// must outlive it.
#pragma once

#include <map>
#include <string>

#include "connection/connection.hpp"
#include "oauth/types.hpp"
#include "provider/definition.hpp"
#include "provider/template_text.hpp"

namespace claviger::connection {

class RequestFields {
public:
    RequestFields(const provider::ProviderDefinition& definition, const provider::VariableValues& variables,
                  const std::map<std::string, std::string>& captured)
        : definition_(&definition), variables_(&variables), captured_(&captured) {}
    // Of a stored connection, with its requested scopes as {{scope}}.
    static RequestFields of(const provider::ProviderDefinition& definition, const Connection& connection);

    // A value of this one request, before all others of that name.
    void set(std::string name, std::string value) { own_.insert_or_assign(std::move(name), std::move(value)); }

    // Plain parameters and headers: no secret has a place in them. A value that renders to nothing is left out.
    // ErrorCode::invalid_input: an unknown field.
    [[nodiscard]] base::Result<oauth::Parameters> parameters(const provider::StringMap& texts) const;
    // A text of client authentication, which may name {{client_secret}} and the service account's own fields.
    [[nodiscard]] base::Result<base::Secret> secret_text(std::string_view text, const oauth::Client& client) const;
    // Variables and captured values as the {variables} of a URL. A captured one counts only where the definition
    // declares a variable of that name ('-' as '_') with a pattern or choices; one that these refuse is
    // ErrorCode::protocol (OA-27).
    [[nodiscard]] base::Result<provider::VariableValues> url_values() const;

private:
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    const provider::ProviderDefinition* definition_;
    const provider::VariableValues* variables_;
    const std::map<std::string, std::string>* captured_;
    const std::map<std::string, base::Secret>* secrets_ = nullptr;
    std::map<std::string, std::string> own_;
};

// What the answers told of the connection's own host becomes the value of its variable, where the definition bounds it
// and the value fits; anything else is left as it was (OA-27).
void adopt_captured(const provider::ProviderDefinition& definition, Connection& connection);

// Scopes as one parameter: "+" stands unencoded between them, which is what a form's space becomes.
std::string joined_scopes(const provider::OAuth2& oauth, const std::vector<std::string>& scopes);

}  // namespace claviger::connection
