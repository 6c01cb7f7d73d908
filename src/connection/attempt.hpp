// One run of connect(): what its steps share. Owned by connect()'s frame, which outlives every step, so steps take it
// by reference. Internal to connection/. Thread rule: on the Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "connection/connect.hpp"
#include "oauth/types.hpp"

namespace claviger::connection {

struct Attempt {
    Surroundings with;
    provider::ProviderDefinition definition;
    ConnectRequest request;
    provider::Flow flow = provider::Flow::api_key;
    provider::VariableValues variables;    // complete and checked
    std::vector<std::string> scopes;       // requested
    std::optional<Connection> previous;    // what lies under the name now
    base::Secret dpop_key{};               // of this connection, where the definition wants DPoP: all token requests prove it
    std::optional<ClientRecord> registered{};  // by this attempt (RFC 7591): of no use to anybody if it fails
    std::optional<ClientRecord> replaced_client{};  // of `previous`
};

// Where this attempt's requests go. Fixed before the human is sent away; the code and the secrets go to `token` and
// nowhere else (OA-05).
struct Endpoints {
    std::optional<net::Url> authorization;  // flows that send the human there
    net::Url token;
    std::optional<net::Url> registration;
    std::optional<net::Url> jwks;                  // the server's keys
    std::optional<net::Url> pushed_authorization;  // RFC 9126, where it is to be used
    std::optional<net::Url> device_authorization;  // flow device_code
    std::optional<net::Url> revocation, userinfo;  // of the issuer's metadata; the definition's own are not here
    std::string issuer;  // empty when unknown
    bool iss_required = false;
    std::vector<std::string> authentication_methods;  // empty: not said
};

struct ReadyClient {
    oauth::Client client;
    std::vector<ClientRecord> to_save{};  // saved together with the connection
    bool is_new = false;                  // not one that was stored before
};

// "Successfully" is for others to say: these return the saved connection.
net::Task<base::Result<ConnectOutcome>> connect_by_authorization_code(Attempt& attempt);
net::Task<base::Result<ConnectOutcome>> connect_by_oauth1(Attempt& attempt);
net::Task<base::Result<ConnectOutcome>> connect_by_device_code(Attempt& attempt);
net::Task<base::Result<ConnectOutcome>> connect_by_client_credentials(Attempt& attempt);
net::Task<base::Result<ConnectOutcome>> connect_by_fields(Attempt& attempt);

// RFC 8414, OpenID and RFC 9728 fill what the definition leaves open; what it says wins.
net::Task<base::Result<Endpoints>> find_endpoints(Attempt& attempt);
// The stored client of the token endpoint's origin (OA-27), else one asked for or registered. `redirect_uri` is empty
// for flows that have none.
net::Task<base::Result<ReadyClient>> ready_client(Attempt& attempt, const Endpoints& endpoints, std::string redirect_uri);
// The claims of an ID token that came, after every check (OA-31). One that fails is ignored, with a warning; so is, without
// one, a token of a server that does not say who it is.
net::Task<std::optional<oauth::IdClaims>> verified_claims(Attempt& attempt, const Endpoints& endpoints, const oauth::Client& client,
                                                          base::Secret id_token, std::string nonce, std::vector<std::string>& warnings);
// RFC 7591; part of ready_client. The client is stored at once, so that a login that is not finished, or killed, leaves
// none at the server that nobody knows: the next login uses it. In the place of one that connections use it waits for its own.
net::Task<base::Result<ReadyClient>> register_new_client(Attempt& attempt, const Endpoints& endpoints,
                                                         std::string redirect_uri);
// After a failed attempt: what it registered is deleted at the server (RFC 7592) and here, if no connection uses it. Where
// the server deletes none, a stored one stays for the next login.
net::Task<void> withdraw_registration(Attempt& attempt);
// After a good attempt: the registered client of the connection that was replaced is deleted at the server, if it does not serve
// new logins and no connection uses it.
net::Task<void> withdraw_replaced(Attempt& attempt);
using FormCheck = std::function<std::map<std::string, std::string>(const Answers&)>;
// The form, answered; checked again here, since a dialog without a screen might skip the check. ErrorCode::invalid_input.
net::Task<base::Result<Answers>> ask_checked(Attempt& attempt, Form form, FormCheck check);
// The form of the definition's own fields, answered and checked.
net::Task<base::Result<std::map<std::string, base::Secret>>> ask_for_credential(Attempt& attempt);
// The {variables} that have no value yet are asked for.
net::Task<base::Result<provider::VariableValues>> complete_by_asking(Attempt& attempt);

// ErrorCode::protocol when the definition wants DPoP and the server gave a token that everybody can use.
base::Result<void> check_binding(const Attempt& attempt, const std::string& token_type);
// What a token of any OAuth 2 flow makes of the attempt; not stored yet.
ConnectOutcome outcome_of(const Attempt& attempt, const Endpoints& endpoints, const oauth::Client& client,
                          oauth::TokenResponse token);
// After the connection is stored: where `wanted` (wants_introspection), the end of its token is asked for and stored too.
net::Task<void> learn_end(Attempt& attempt, const oauth::Client& client, bool wanted, ConnectOutcome& outcome);
// The requests that follow a token (steps.hpp). A failed one is a warning: the next use asks again.
net::Task<void> ask_steps_of(Attempt& attempt, const oauth::Client& client, ConnectOutcome& outcome);
// Says what to do where the stored client is what the server no longer takes.
base::Error with_client_hint(const Attempt& attempt, const ReadyClient& client, base::Error error);

// The parts of a Connection that do not depend on the flow.
Connection new_connection(const Attempt& attempt);
// Durable. Without --force it replaces only what lay under the name when the attempt began: of two logins at once the
// second one to finish is told so (already_connected) instead of silently winning.
base::Result<void> store_connection(Attempt& attempt, Connection& connection, std::span<const ClientRecord> clients = {});
// The same for tokens that cannot be had again without the human: a disk that cannot take them is waited for, and the human
// is told (RF-05). `attempt`, `connection` and `clients` outlive the task.
net::Task<base::Result<void>> store_tokens(Attempt& attempt, Connection& connection, std::span<const ClientRecord> clients = {});

}  // namespace claviger::connection
