// What an access token that is a JWT (RFC 9068) says of itself. Nobody but its resource can verify it, so nothing is decided
// by it: its end (expiry.hpp), and a warning. Internal to connection/. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "connection/connection.hpp"
#include "json/value.hpp"

namespace claviger::connection {

// The claims, unverified, in wiped memory; an object. nullopt: no JWT.
std::optional<json::Value> unverified_claims(const base::Secret& token);

// A warning where `aud` (RFC 7519 section 4.1.3) stands in the token and is not the `wanted` one (OA-21); a final slash makes
// no difference. nullopt: all is well, or the token does not say.
std::optional<std::string> wrong_audience(const base::Secret& access_token, std::string_view wanted);

// The same of a connection, by what its definition asks for: of `resource` (RFC 8707 section 2) and `audience` one suffices.
std::optional<std::string> other_audience(const provider::ProviderDefinition& definition, const Connection& connection);

}  // namespace claviger::connection
