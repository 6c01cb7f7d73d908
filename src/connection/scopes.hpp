// Missing scopes: requested minus granted, as people mean it. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connection/connection.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

struct ScopeFacts {
    std::vector<std::string> requested;
    std::optional<std::vector<std::string>> granted;  // nullopt: the server did not say, so as requested (RFC 6749 5.1)
    bool has_refresh_token = false;                   // granted by deed: many servers do not list offline_access
    bool has_identity = false;                        // the same of openid
};

// What was asked for and is not there, in the order of the request. A granted scope covers what the definition says
// that it implies, also by way of others; lists that a server joined with commas or spaces are taken apart, and case
// makes no difference, since servers answer in their own. `definition` may be null.
std::vector<std::string> missing_scopes(const provider::ProviderDefinition* definition, const ScopeFacts& facts);
ScopeFacts facts_of_scopes(const Connection& connection);
std::vector<std::string> missing_scopes(const provider::ProviderDefinition* definition, const Connection& connection);

// What a login says about it: one sentence, or none.
std::vector<std::string> fewer_scopes_warning(const provider::ProviderDefinition& definition, const Connection& connection,
                                              bool has_id_token);

}  // namespace claviger::connection
