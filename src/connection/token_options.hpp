// The quirks of a definition as options of the token request, and the end of a token's life. Internal to connection/
// and to the refresh that comes later. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oauth/types.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// `request`: "authorize", "token", "refresh", "revoke".
oauth::Parameters renames_of(const provider::OAuth2& oauth, std::string_view request);

// RFC 8707: the same in every request of a connection (OA-21); empty when there is none. An identifier is sent as it is
// written; only one with {variables} is expanded.
base::Result<std::string> resource_parameter(const provider::OAuth2& oauth, const provider::VariableValues& variables);

base::Result<oauth::TokenRequestOptions> token_options(const provider::ProviderDefinition& definition);

// nullopt: not known, or so far away that it means never.
std::optional<base::Instant> expiry_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk,
                                       base::Instant obtained_at);

}  // namespace claviger::connection
