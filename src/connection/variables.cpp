#include "connection/variables.hpp"

#include <fmt/format.h>

#include "net/url.hpp"
#include "provider/expand.hpp"
#include "provider/url_fields.hpp"

namespace claviger::connection {
namespace {

bool is_default(const provider::Variable& variable, const std::string& value) {
    if (variable.default_value.empty()) return false;
    if (value == variable.default_value) return true;
    const auto canonical = provider::canonical_base_url(variable.default_value);  // as an origin is stored
    return canonical && *canonical == value;
}

bool on_this_machine(std::string_view text) {
    auto url = net::Url::parse(text);
    if (!url) {  // "localhost:8443" is an origin too, once it stands in a URL
        const auto canonical = provider::canonical_base_url(text);
        if (canonical) url = net::Url::parse(*canonical);
    }
    return url && url->host_is_loopback();
}

}  // namespace

base::Result<provider::VariableValues> variables_of(const provider::ProviderDefinition& definition, const Connection& connection) {
    auto values = connection.variables;
    for (const auto& variable : definition.vars) {
        const auto* captured = provider::captured_value(connection.captured, variable.name);
        if (captured == nullptr) continue;
        const auto chosen = values.find(variable.name);
        if (chosen != values.end() && !is_default(variable, chosen->second)) continue;
        // The answer of a server elsewhere must not turn the credential towards a service of this machine.
        if (on_this_machine(*captured) && !on_this_machine(connection.token_endpoint)) {
            return base::fail(base::ErrorCode::denied,
                              fmt::format("{} said that its \"{}\" is on this machine, which is not believed", definition.name, variable.name),
                              fmt::format("log in again: claviger login {} --force", definition.name));
        }
        values[variable.name] = *captured;
    }
    return provider::complete_variables(definition, values);
}

}  // namespace claviger::connection
