#include "connection/secret_variables.hpp"

#include "provider/url_fields.hpp"

namespace claviger::connection {

base::HiddenValues secret_variables(const provider::ProviderDefinition& definition, const provider::VariableValues& variables) {
    base::HiddenValues hidden;
    for (const auto& variable : definition.vars) {
        const auto value = variables.find(variable.name);
        if (variable.secret && value != variables.end()) hidden.add(value->second);
    }
    return hidden;
}

base::HiddenValues secret_variables(const provider::ProviderDefinition& definition, const Connection& connection) {
    auto hidden = secret_variables(definition, connection.variables);
    for (const auto& variable : definition.vars) {
        const auto* captured = variable.secret ? provider::captured_value(connection.captured, variable.name) : nullptr;
        if (captured != nullptr) hidden.add(*captured);
    }
    return hidden;
}

}  // namespace claviger::connection
