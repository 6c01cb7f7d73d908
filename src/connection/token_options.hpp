// The quirks of a definition as options of the token request, and the end of a token's life. Internal to connection/
// and to the refresh that comes later. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "oauth/types.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// `request`: "authorize", "token", "refresh", "revoke".
oauth::Parameters renames_of(const provider::OAuth2& oauth, std::string_view request);

base::Result<oauth::TokenRequestOptions> token_options(const provider::ProviderDefinition& definition);

// nullopt: not known, or so far away that it means never.
std::optional<base::Instant> expiry_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk,
                                       base::Instant obtained_at);

}  // namespace claviger::connection
