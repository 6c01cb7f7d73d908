// A connection: one account at one provider, as it lies in the vault. Move-only, since it holds secrets.
// Thread rule: a value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "provider/definition.hpp"
#include "vault/vault.hpp"

namespace claviger::connection {

// What the connection is worth right now; `expired`, `suspended` are derived, never stored.
enum class Status { connected, expired, needs_login, suspended };
std::string_view to_string(Status status);

struct Account { std::string id, label; };

struct Connection {
    std::string provider, name = "default";
    provider::AuthType auth_type = provider::AuthType::api_key;
    provider::Flow flow = provider::Flow::api_key;
    provider::VariableValues variables;          // base_url and the definition's other vars
    std::vector<std::string> requested_scopes;
    std::optional<std::vector<std::string>> granted_scopes;  // nullopt: the server did not say (RFC 6749 5.1: as requested)
    base::Secret access_token, refresh_token;
    std::string token_type = "Bearer";
    std::optional<base::Instant> expires_at;
    std::optional<base::Instant> refresh_expires_at;  // when the refresh token dies, where the server says so
    bool refresh_end_fixed = false;                   // a renewal did not move that: then a human logs in again
    base::Instant obtained_at;                        // of this access token
    std::optional<base::Instant> steps_at;            // when the definition's steps were through for this access token; nullopt: not yet
    std::optional<base::Instant> steps_end;           // when the first of what they brought ends, if one says so
    std::map<std::string, base::Secret> fields;  // api_key, username, password ... by field name
    std::map<std::string, std::string> captured;
    Account account;
    std::string client_id;                       // which client it was made with; its secret is in the client record
    std::string issuer, token_endpoint;          // where the refresh token may be sent, exactly (OA-05, OA-27)
    std::string revocation_endpoint, userinfo_endpoint;  // as the issuer's metadata said at the login; "" unless discovered
    std::vector<std::string> oauth_endpoints;    // every OAuth endpoint of the login: no API credential goes there (PX-30)
    std::string definition_digest;               // security_digest at login
    std::map<std::string, std::string> definition_fields;  // security_fields at login, for the shown difference
    bool login_needed = false;                   // only a human can mend it
    std::string login_reason;                    // why: "invalid_grant", "interrupted_rotation" ...; a word, never foreign text
    std::optional<base::Instant> last_refresh_failure;  // since then every refresh failed; the token is used while it lives
    std::uint32_t refresh_failures = 0;          // in a row
    base::Secret dpop_key;                       // private JWK, P-256 (RFC 9449); empty: bearer tokens
    std::uint64_t version = 0;                   // vault version it was read at; 0 = not stored yet
    base::Instant created_at, updated_at;

    [[nodiscard]] Status status(base::Instant now, const std::string& current_digest) const;
    // When it can be used no longer: the first end of the access token and of what the steps brought; nullopt: not known.
    [[nodiscard]] std::optional<base::Instant> end() const;
    // Effective scopes: granted when known, else requested.
    [[nodiscard]] const std::vector<std::string>& scopes() const;
};

// Sealed form: docs/formats/connection.md.
base::Secret serialize(const Connection& connection);
base::Result<Connection> deserialize(const vault::Record& record);

// The OAuth client registration of a provider, bound to the origin of its token endpoint: another base URL needs
// its own client (OA-27).
struct ClientRecord {
    std::string provider, origin;
    std::string client_id;
    base::Secret client_secret;
    base::Secret private_key;            // PEM or JWK, with private_key_jwt
    std::string key_id;                  // its name at the server; may be empty
    std::string authentication;          // "" (as the definition says), or the method it is registered for
    bool dynamically_registered = false;
    base::Secret registration_access_token;
    std::string registration_client_uri;
    std::optional<base::Instant> secret_expires_at;
    std::string redirect_uri;
    std::uint64_t version = 0;

    [[nodiscard]] ClientRecord duplicate() const {
        return {provider, origin, client_id, client_secret.duplicate(), private_key.duplicate(), key_id, authentication,
                dynamically_registered, registration_access_token.duplicate(), registration_client_uri, secret_expires_at, redirect_uri, version};
    }
};

}  // namespace claviger::connection
