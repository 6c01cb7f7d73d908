#include "inject/reflection.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "connection/form_fields.hpp"
#include "inject/credential_fields.hpp"
#include "provider/template_text.hpp"

namespace claviger::inject {
namespace {

// Names of the form that are asked for openly.
std::set<std::string> open_fields(const provider::ProviderDefinition& definition) {
    std::set<std::string> names;
    if (const auto form = connection::CredentialForm::make(definition)) {
        for (const auto& field : form->form().fields) {
            if (!field.secret) names.insert(field.name);
        }
    }
    return names;
}

class Collector {
public:
    Collector(const provider::ProviderDefinition& definition, const connection::Connection& connection)
        : definition_(definition), connection_(connection), open_(open_fields(definition)) {
        // A key that stands where the user name is, with nothing behind it.
        const auto password = connection.fields.find("password");
        if (definition.auth_type == provider::AuthType::basic && (password == connection.fields.end() || password->second.empty())) open_.clear();
    }

    void add(std::string_view secret) {
        if (!secret.empty()) secrets_.emplace_back(secret);
    }

    void add_stored() {
        add(connection_.access_token.reveal());
        add(connection_.refresh_token.reveal());
        for (const auto& [name, value] : connection_.fields) {
            if (secret(name)) add(value.reveal());
        }
        for (const auto& variable : definition_.vars) {
            const auto value = connection_.variables.find(variable.name);
            if (variable.secret && value != connection_.variables.end()) add(value->second);
        }
    }

    // What the templates and Basic make of the secrets.
    void add_made(const CredentialFields& fields) {
        if (definition_.credentials.transform) {
            if (const auto made = fields.find(fields.credential_name())) add(*made);
        }
        for (const auto* rules : {&definition_.inject.headers, &definition_.inject.query, &definition_.inject.cookies}) {
            for (const auto& [name, text] : *rules) {
                const auto used = provider::fields_in(text);
                if (std::none_of(used.begin(), used.end(), [this](const std::string& field) { return secret(field); })) continue;
                if (const auto value = fields.render(text)) add_value(value->reveal());
            }
        }
        if (definition_.auth_type != provider::AuthType::basic || definition_.credentials.transform) return;
        base::WipedString pair(fields.find("username").value_or(""));
        pair += ':';
        pair += fields.find("password").value_or("");
        add(pair);
        auto encoded = base::base64_encode(pair);
        add(encoded);
        base::wipe(encoded.data(), encoded.size());
    }

    scrub::NeedlesPtr needles(base::Random& random) const {
        return scrub::Needles::make({secrets_.begin(), secrets_.end()}, random);
    }

private:
    [[nodiscard]] bool secret(const std::string& name) const {
        if (name == "token_type" || name == "client_id" || open_.contains(name) || connection_.captured.contains(name)) return false;
        return !connection_.variables.contains(name);  // a secret one is added by itself
    }

    // A value without the scheme before it, unless it only holds what is looked for anyway.
    void add_value(std::string_view value) {
        const auto holds = [value](const base::WipedString& one) { return one.size() >= scrub::kShortestSecret && value.find(one) != std::string_view::npos; };
        if (std::any_of(secrets_.begin(), secrets_.end(), holds)) return;
        const auto space = value.find(' ');
        add(space == std::string_view::npos ? value : value.substr(space + 1));
    }

    const provider::ProviderDefinition& definition_;
    const connection::Connection& connection_;
    std::set<std::string> open_;
    std::vector<base::WipedString> secrets_;
};

}  // namespace

scrub::NeedlesPtr reflections_of(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                 const connection::ClientRecord* client, base::Random& random) {
    Collector collector(definition, connection);
    collector.add_stored();
    if (const auto fields = CredentialFields::transformed(definition, connection)) collector.add_made(*fields);
    if (client != nullptr) collector.add(client->client_secret.reveal());
    return collector.needles(random);
}

}  // namespace claviger::inject
