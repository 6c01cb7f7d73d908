// The end of a token's life, as the answer and the definition's `expires` say. Internal to connection/.
// Thread rule: pure functions.
#pragma once

#include <optional>

#include "oauth/types.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// By our clock: a date of the server's is moved by `clock_skew`, so that a token lives as long here as it does there. nullopt: not
// known, or so far away (a century) that it means never.
std::optional<base::Instant> expiry_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk,
                                       base::Instant obtained_at);
// `expires.max`, where the definition has one; also for an end that is not known.
std::optional<base::Instant> no_later_than_max(std::optional<base::Instant> end, const provider::ExpiryQuirk& quirk, base::Instant obtained_at);
// Whether the answer itself (or the token, where the definition reads it there) names an end that can be read.
bool names_end(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk, base::Instant obtained_at);
// The refresh token's own end, in the same unit and kind as the access token's.
std::optional<base::Instant> refresh_expiry_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk,
                                               base::Instant obtained_at);

}  // namespace claviger::connection
