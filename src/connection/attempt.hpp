// One run of connect(): what its steps share. Owned by connect()'s frame, which outlives every step, so steps take it
// by reference. Internal to connection/. Thread rule: on the Loop's thread.
#pragma once

#include <optional>
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
};

// Where this attempt's requests go. Fixed before the human is sent away; the code and the secrets go to `token` and
// nowhere else (OA-05).
struct Endpoints {
    net::Url authorization, token;
    std::optional<net::Url> registration;
    std::optional<net::Url> revocation, userinfo;  // of the issuer's metadata; the definition's own are not here
    std::string issuer;  // empty when unknown
    bool iss_required = false;
    std::vector<std::string> authentication_methods;  // empty: not said
};

struct ReadyClient {
    oauth::Client client;
    std::optional<ClientRecord> to_save;  // new: saved together with the connection
};

// "Successfully" is for others to say: these return the saved connection.
net::Task<base::Result<ConnectOutcome>> connect_by_authorization_code(Attempt& attempt);
net::Task<base::Result<ConnectOutcome>> connect_by_fields(Attempt& attempt);

// RFC 8414, OpenID and RFC 9728 fill what the definition leaves open; what it says wins.
net::Task<base::Result<Endpoints>> find_endpoints(Attempt& attempt);
// The stored client of the token endpoint's origin (OA-27), else one asked for or registered.
net::Task<base::Result<ReadyClient>> ready_client(Attempt& attempt, const Endpoints& endpoints, std::string redirect_uri);
// A registered client is used as registered; one that a human entered as the definition says.
base::Result<oauth::Client> client_of(const ClientRecord& record, const provider::OAuth2& oauth);
// RFC 7591; part of ready_client.
net::Task<base::Result<ReadyClient>> register_new_client(Attempt& attempt, const Endpoints& endpoints,
                                                         std::string redirect_uri);
// The {variables} that have no value yet are asked for.
net::Task<base::Result<provider::VariableValues>> complete_by_asking(Attempt& attempt);

// The parts of a Connection that do not depend on the flow.
Connection new_connection(const Attempt& attempt);
// Durable. Without --force it replaces only what lay under the name when the attempt began: of two logins at once the
// second one to finish is told so (already_connected) instead of silently winning.
base::Result<void> store_connection(Attempt& attempt, Connection& connection, const ClientRecord* client = nullptr);

}  // namespace claviger::connection
