// Injection: connection + request -> changed request. The plan is made once per connection version; applying it to
// a request removes every copy of the injected fields that the caller sent ('-' and '_' equal, PX-13), and other credentials
// of its own, and puts ours last. Thread rule: an Injection is immutable after make().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "connection/connection.hpp"
#include "connection/connections.hpp"
#include "http/message.hpp"
#include "net/url.hpp"
#include "policy/uri_rule.hpp"
#include "provider/definition.hpp"

namespace claviger::inject {

class CredentialFields;
class OAuth1Signature;
class DpopProver;
class SigV4Signature;
class HmacRequestSignature;

constexpr std::size_t kCoveredBody = 256 * 1024;  // the longest body that a signature may cover

struct SecretPair { std::string name; base::Secret value; };

// The fields of a connection that tell its own host ("subdomain", "shop_domain"; never the credential), for rules_of().
provider::VariableValues own_names(const provider::ProviderDefinition& definition, const connection::Connection& connection);

// What a signature of one request needs beside its head. Borrowed for the call.
struct Occasion {
    base::Instant now;
    base::Random& random;
    std::string_view body;           // the whole body, where covers_body() asked for it
    std::string_view server_nonce;   // DPoP-Nonce of the resource server (RFC 9449 section 9), "" at first
};

class Injection {
public:
    // ErrorCode::needs_login when the connection is expired or marked, suspended when it is; invalid_input when a template names
    // a missing field; unsupported for a signature or a type of token that is not known. `client`: what signs OAuth 1.0a requests with
    // the connection; others need none.
    static base::Result<Injection> make(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                        base::Instant now, const connection::ClientRecord* client = nullptr);
    // The same with the client of the connection read from `stored`, where it is needed.
    static base::Result<Injection> make(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                        base::Instant now, connection::Connections& stored);
    // One URL beside the declared places that this credential may go to: the definition's own identity, probe or userinfo.
    // For requests of ours, never for a caller's.
    void admit(net::Url url) { admitted_ = std::move(url); }
    // Changes fields, and query or path when the definition puts the key there. `target` is origin-form. The URL must
    // be https (or verified loopback http that the definition declares): otherwise ErrorCode::denied (PX-11).
    // With an `occasion` also signs what has to be signed; without one such a request is refused (unsupported).
    [[nodiscard]] base::Result<void> apply(http::RequestHead& request, const net::Url& url, const Occasion* occasion = nullptr) const;
    // Removes from a request's trailers what apply() removes from its fields.
    void clean_trailers(http::Fields& trailers) const;
    // Takes cookies of the service out of an answer (PX-23), unless the definition lets them through.
    void withhold_cookies(http::Fields& answer) const;
    // Whether apply() must see the whole body of this request, since a signature covers it (RFC 5849 section 3.4.1.3, AWS
    // Signature Version 4, a request's HMAC).
    [[nodiscard]] bool covers_body(const http::RequestHead& request, const net::Url& url) const;
    // Whether the definition lets a request open a WebSocket (PX-33).
    [[nodiscard]] bool allows_websocket() const { return websocket_; }
    [[nodiscard]] std::optional<base::Instant> valid_until() const { return valid_until_; }

private:
    base::Result<void> plan_signature(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                      const CredentialFields& fields, const connection::ClientRecord* client);
    base::Result<void> plan_rules(const provider::ProviderDefinition& definition, const CredentialFields& fields);
    base::Result<void> plan_default(const provider::ProviderDefinition& definition, const CredentialFields& fields);
    base::Result<void> plan_key(const provider::ApiKey& place, std::string_view credential);
    base::Result<void> add_header(std::string name, base::Secret value);
    base::Result<void> add_cookie(std::string name, base::Secret value);

    std::vector<SecretPair> headers_, query_, cookies_;
    std::vector<std::string> reserved_;             // names of the definition that callers may not send
    std::vector<std::string> passed_;               // names like credentials that callers may send all the same
    std::shared_ptr<const OAuth1Signature> oauth1_;  // null: nothing of OAuth 1.0a is signed
    std::shared_ptr<const SigV4Signature> sigv4_;  // null: none of that kind
    std::shared_ptr<const HmacRequestSignature> hmac_;
    std::shared_ptr<const DpopProver> dpop_;        // null: a bearer token, which needs no proof
    std::vector<policy::UriRule> declared_;         // where the definition lets the credential go
    std::optional<net::Url> admitted_;
    std::optional<base::Instant> valid_until_;
    bool websocket_ = false;
};

// What `export` prints: environment names -> values. Never refresh tokens. What `run` plants is in placeholder.hpp.
struct ExportValue { std::string name; base::Secret value; };
base::Result<std::vector<ExportValue>> export_values(const provider::ProviderDefinition& definition,
                                                     const connection::Connection& connection, base::Instant now);

}  // namespace claviger::inject
