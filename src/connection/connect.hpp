// Connect: runs a flow of a definition to a stored connection. Durable before visible: the dialog hears
// `finished` only after the vault has the connection. Thread rule: on the Loop's thread.
#pragma once

#include "base/log.hpp"
#include "connection/connections.hpp"
#include "connection/dialog.hpp"
#include "http/client.hpp"
#include "oauth/transcript.hpp"
#include "oauth/types.hpp"

namespace claviger::connection {

inline constexpr std::string_view kRedirectUri = "http://127.0.0.1:7998/auth/callback/oauth";
inline constexpr std::uint16_t kCallbackPort = 7998;
inline constexpr std::chrono::minutes kFlowLifetime{10};  // LB-13

struct ConnectRequest {
    std::string connection_name = "default";
    std::optional<provider::Flow> flow;                     // --flow
    std::optional<std::vector<std::string>> scopes;         // --scopes
    std::optional<std::string> base_url;                    // --base-url
    provider::VariableValues variables;
    bool force = false;
    bool new_client = false;                                // --new-client: another one than the stored one
    bool if_needed = false;
};

struct ConnectOutcome {
    bool already_connected = false;  // with if_needed
    Connection connection;
    std::optional<oauth::IdClaims> id_claims;  // of a verified ID token, if there was one
    Account previous_account;                  // of the connection that this one replaced, as far as it was known
    std::vector<std::string> warnings;  // "granted fewer scopes than requested: ..."
};

struct Surroundings {
    net::Loop& loop;
    http::Client& http;
    Connections& connections;
    Dialog& dialog;
    base::Random& random;
    base::Log& log;
    oauth::Recorder* recorder = nullptr;  // for `explain`; it also observes `http`
};

// ErrorCode::already_connected without force or if_needed; usage for a flow or scopes that the definition cannot have.
net::Task<base::Result<ConnectOutcome>> connect(Surroundings with, provider::ProviderDefinition definition,
                                                ConnectRequest request);

}  // namespace claviger::connection
