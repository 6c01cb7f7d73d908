#include "connection/attempt.hpp"
#include "connection/form_fields.hpp"
#include "connection/introspected_end.hpp"
#include "connection/mint.hpp"

namespace claviger::connection {
// Flow client_credentials: no human at the provider. What is stored is what the next token is minted from.
net::Task<base::Result<ConnectOutcome>> connect_by_client_credentials(Attempt& attempt) {
    auto endpoints = co_await find_endpoints(attempt);
    if (!endpoints) co_return base::fail(endpoints.error());
    ReadyClient client;
    if (!client_fields(*attempt.definition.oauth2, attempt.flow).empty()) {
        auto ready = co_await ready_client(attempt, *endpoints, std::string());
        if (!ready) co_return base::fail(ready.error());
        client = std::move(*ready);
    }
    auto draft = new_connection(attempt);
    if (attempt.definition.credentials.schema.is_object()) {
        // The grant is made of more than the client: of a service account, for instance.
        auto fields = co_await ask_for_credential(attempt);
        if (!fields) co_return base::fail(fields.error());
        draft.fields = std::move(*fields);
    }
    const MintParts parts{attempt.with.http, attempt.with.connections.clock(), attempt.with.random};
    auto minter = client.client.duplicate();
    auto token = co_await mint_token(parts, attempt.definition, draft, std::move(minter), endpoints->token);
    if (!token) co_return base::fail(with_client_hint(attempt, client, token.error().shown));

    CO_TRY_VOID(check_binding(attempt, token->token_type));
    const bool endless = wants_introspection(attempt.definition, *token, attempt.with.connections.clock().now());
    auto outcome = outcome_of(attempt, *endpoints, client.client, std::move(*token));
    outcome.connection.fields = std::move(draft.fields);
    CO_TRY_VOID(store_connection(attempt, outcome.connection, client.to_save));
    co_await learn_end(attempt, client.client, endless, outcome);
    co_await ask_steps_of(attempt, client.client, outcome);
    co_return outcome;
}

}  // namespace claviger::connection
