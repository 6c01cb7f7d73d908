// What the definition's secret variables hold (`vars` with "secret": true), to be taken out of whatever is shown or kept in
// the open: they stand in URLs. Thread rule: pure.
#pragma once

#include "base/hidden_values.hpp"
#include "connection/connection.hpp"

namespace claviger::connection {

base::HiddenValues secret_variables(const provider::ProviderDefinition& definition, const provider::VariableValues& variables);
// Of a connection, with what the answers told of them.
base::HiddenValues secret_variables(const provider::ProviderDefinition& definition, const Connection& connection);

}  // namespace claviger::connection
