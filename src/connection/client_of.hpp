// The client that a record stands for, ready to authenticate as the definition and the server want it (RFC 6749 section
// 2.3, RFC 7523 section 2.2, OA-14). Thread rule: pure functions.
#pragma once

#include <string_view>

#include "connection/connection.hpp"
#include "oauth/types.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// Who an assertion is for where the definition does not say: the issuer where it is known, else the token endpoint.
struct AssertionAudience { std::string_view issuer, token_endpoint; };

// A registered client is used as registered; one that a human entered as the definition says. ErrorCode::invalid_input
// when the record lacks what the method needs.
base::Result<oauth::Client> client_of(const ClientRecord& record, const provider::ProviderDefinition& definition,
                                      const provider::VariableValues& variables, const AssertionAudience& audience);
// For the requests of a stored connection: refresh, revoke, a new mint.
base::Result<oauth::Client> client_of(const ClientRecord& record, const provider::ProviderDefinition& definition,
                                      const Connection& connection);

// The definition's method as the protocol's; nullopt where it does not say one.
std::optional<oauth::ClientAuthentication> stated_method(const provider::OAuth2& oauth);

}  // namespace claviger::connection
