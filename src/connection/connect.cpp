#include "connection/connect.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/attempt.hpp"
#include "connection/flow_choice.hpp"
#include "connection/introspected_end.hpp"
#include "connection/mint.hpp"
#include "connection/secret_variables.hpp"
#include "connection/steps.hpp"
#include "oauth/dpop.hpp"
#include "oauth/transcript.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using provider::AuthType;

constexpr std::chrono::seconds kHopeForTheDisk{60};
constexpr std::chrono::milliseconds kBetweenTries{500};
constexpr std::chrono::seconds kFarewell{4};  // a browser asks again at least every two seconds

base::Result<std::vector<std::string>> choose_scopes(const provider::ProviderDefinition& definition,
                                                     const ConnectRequest& request) {
    if (!definition.oauth2) {
        if (!request.scopes) return std::vector<std::string>();
        return base::fail(ErrorCode::usage, fmt::format("{} has no scopes", definition.name), "leave --scopes out");
    }
    auto scopes = request.scopes.value_or(definition.oauth2->scopes);
    for (const auto& scope : scopes) {
        const bool token = !scope.empty() && std::all_of(scope.begin(), scope.end(), [](char c) {
            return c > 0x20 && c < 0x7f && c != '"' && c != '\\';  // RFC 6749 section 3.3
        });
        if (!token)
            return base::fail(ErrorCode::usage, fmt::format("'{}' is not a scope", base::printable(scope, 80)),
                              "write scopes separated by commas, without spaces");
    }
    if (scopes.empty() && definition.oauth2->scopes_required)
        return base::fail(ErrorCode::usage, fmt::format("{} needs at least one scope", definition.name), "add --scopes");
    return scopes;
}

// --base-url for a definition that has no {base_url} would be stored and do nothing: say so.
bool takes_base_url(const provider::ProviderDefinition& definition) {
    const auto used = [](std::string_view text) { return text.find("{base_url}") != std::string_view::npos; };
    const auto declared = std::any_of(definition.vars.begin(), definition.vars.end(),
                                      [](const auto& v) { return v.name == "base_url"; });
    if (declared || std::any_of(definition.api_urls.begin(), definition.api_urls.end(), used) ||
        std::any_of(definition.authorized_uris.begin(), definition.authorized_uris.end(), used))
        return true;
    if (definition.oauth1) {
        const auto& oauth1 = *definition.oauth1;
        return used(oauth1.request_token_url) || used(oauth1.authorization_url) || used(oauth1.access_token_url);
    }
    if (!definition.oauth2) return false;
    const auto& oauth = *definition.oauth2;
    return !oauth.base_url.empty() || used(oauth.authorization_url) || used(oauth.token_url) || used(oauth.issuer);
}

base::Result<void> take_base_url(const provider::ProviderDefinition& definition, ConnectRequest& request) {
    if (!request.base_url) return {};
    if (!takes_base_url(definition)) {
        return base::fail(ErrorCode::usage, fmt::format("the definition of {} has no {{base_url}}", definition.name),
                          "leave --base-url out, or use {base_url} in the definition's URLs");
    }
    TRY(canonical, provider::canonical_base_url(*request.base_url));
    request.variables["base_url"] = canonical;
    return {};
}

// Whether the stored connection already is what the request asks for.
bool satisfies(const Connection& connection, const ConnectRequest& request) {
    for (const auto& [name, value] : request.variables) {
        const auto stored = connection.variables.find(name);
        if (stored == connection.variables.end() || stored->second != value) return false;
    }
    const auto& has = connection.scopes();
    return !request.scopes || std::all_of(request.scopes->begin(), request.scopes->end(), [&](const auto& scope) {
        return std::find(has.begin(), has.end(), scope) != has.end();
    });
}

base::Error already_connected(const Connection& connection) {
    return base::Error::make(ErrorCode::already_connected,
                             fmt::format("{} is already connected ({})", connection.provider, connection.name),
                             "use --force to log in again or --connection NAME for a second account");
}

// Prepares everything that needs no human. A value: the connection that makes the login needless.
base::Result<std::optional<Connection>> prepare(Attempt& attempt) {
    const auto& definition = attempt.definition;
    TRY(flow, choose_flow(definition, attempt.request.flow));
    attempt.flow = flow;
    TRY(scopes, choose_scopes(definition, attempt.request));
    attempt.scopes = std::move(scopes);
    TRY_VOID(take_base_url(definition, attempt.request));
    auto previous = attempt.with.connections.find(definition.name, attempt.request.connection_name);
    // A damaged one is worth nothing, and a login is what mends it (VA-12).
    if (!previous && previous.error().code == ErrorCode::corrupt) {
        attempt.request.force = true;
        return std::optional<Connection>();
    }
    if (!previous) return base::fail(std::move(previous).error());
    attempt.previous = std::move(*previous);
    if (attempt.previous) {
        auto client = attempt.with.connections.client_of(*attempt.previous);
        if (client) attempt.replaced_client = std::move(*client);
    }
    if (!attempt.previous || attempt.request.force) return std::optional<Connection>();
    const auto status =
        attempt.previous->status(attempt.with.connections.clock().now(), provider::security_digest(definition));
    // A changed definition is a human's to accept, with the difference in view (CL-10).
    if (status == Status::suspended) {
        return base::fail(ErrorCode::suspended, fmt::format("the definition of {} changed since the login", definition.name),
                          fmt::format("see the difference and accept it with: claviger confirm {}; or log in anew with --force", definition.name));
    }
    // One that no longer works is worth nothing, so logging in again destroys nothing.
    if (status != Status::connected) return std::optional<Connection>();
    if (!attempt.request.if_needed) return base::fail(already_connected(*attempt.previous));
    if (!satisfies(*attempt.previous, attempt.request)) return std::optional<Connection>();
    return std::optional<Connection>(std::move(*attempt.previous));
}

void begin_transcript(const Attempt& attempt) {
    if (attempt.with.recorder == nullptr) return;
    auto& transcript = attempt.with.recorder->transcript();
    transcript.provider = attempt.definition.name;
    transcript.connection = attempt.request.connection_name;
    transcript.flow = provider::to_string(attempt.flow);
    const bool by_code = attempt.flow == provider::Flow::pkce || attempt.flow == provider::Flow::dcr_pkce;
    if (by_code || attempt.flow == provider::Flow::oauth1) transcript.redirect_uri = kRedirectUri;
    transcript.pkce = by_code && attempt.definition.oauth2 && attempt.definition.oauth2->pkce;
}

net::Task<base::Result<ConnectOutcome>> run_flow(Attempt& attempt) {
    auto variables = co_await complete_by_asking(attempt);
    if (!variables) co_return base::fail(variables.error());
    attempt.variables = std::move(*variables);
    if (attempt.with.recorder != nullptr) attempt.with.recorder->hide_everywhere(secret_variables(attempt.definition, attempt.variables));
    if (attempt.definition.oauth2 && attempt.definition.oauth2->dpop) {
        CO_TRY(key, oauth::new_dpop_key());
        attempt.dpop_key = std::move(key);
    }
    if (attempt.flow == provider::Flow::pkce || attempt.flow == provider::Flow::dcr_pkce) {
        auto by_code = co_await connect_by_authorization_code(attempt);
        co_return by_code;
    }
    if (attempt.flow == provider::Flow::oauth1) {
        auto by_oauth1 = co_await connect_by_oauth1(attempt);
        co_return by_oauth1;
    }
    if (attempt.flow == provider::Flow::device_code) {
        auto by_device = co_await connect_by_device_code(attempt);
        co_return by_device;
    }
    if (attempt.flow == provider::Flow::client_credentials) {
        auto by_client = co_await connect_by_client_credentials(attempt);
        co_return by_client;
    }
    auto by_fields = co_await connect_by_fields(attempt);
    co_return by_fields;
}

}  // namespace

base::Result<void> check_binding(const Attempt& attempt, const std::string& token_type) {
    if (attempt.dpop_key.empty() || base::equal_ignoring_case(token_type, "DPoP")) return {};
    return base::fail(ErrorCode::protocol, "the server gave a bearer token, although the definition wants DPoP",
                      "set oauth.dpop to false if the service cannot do better");
}

base::Result<void> store_connection(Attempt& attempt, Connection& connection, std::span<const ClientRecord> clients) {
    std::optional<std::uint64_t> expected;
    if (!attempt.request.force) expected = attempt.previous ? attempt.previous->version : 0;
    auto saved = attempt.with.connections.save(connection, expected, clients);
    if (!saved && saved.error().code == ErrorCode::changed) return base::fail(already_connected(connection));
    return saved;
}

net::Task<base::Result<void>> store_tokens(Attempt& attempt, Connection& connection, std::span<const ClientRecord> clients) {
    const auto hope = net::in(kHopeForTheDisk);
    bool told = false;
    for (;;) {
        auto stored = store_connection(attempt, connection, clients);
        const bool disk = !stored && stored.error().code == ErrorCode::storage;
        if (!disk || net::Deadline::clock::now() >= hope) co_return stored;
        if (!std::exchange(told, true)) {
            attempt.with.log.error("connect.not_stored", {{"provider", connection.provider}});
            attempt.with.dialog.say(fmt::format("the login worked, but it cannot be stored: {}; free some disk space within {} seconds",
                                                stored.error().message, std::chrono::seconds(kHopeForTheDisk).count()));
        }
        co_await attempt.with.loop.sleep(kBetweenTries);
    }
}

net::Task<void> ask_steps_of(Attempt& attempt, const oauth::Client& client, ConnectOutcome& outcome) {
    if (attempt.definition.oauth2->steps.empty()) co_return;
    auto& connection = outcome.connection;
    const MintParts parts{attempt.with.http, attempt.with.connections.clock(), attempt.with.random};
    auto done = co_await ask_steps(parts, attempt.definition, connection, client);
    if (!done) {
        outcome.warnings.push_back(done.error().shown.describe() + "; it is asked again when the connection is used");
        co_return;
    }
    const auto stored = attempt.with.connections.save(connection, connection.version);
    if (stored) co_return;
    // A program that uses the connection already may have asked them itself.
    auto now = attempt.with.connections.find(connection.provider, connection.name);
    if (now && *now && (*now)->steps_at && (*now)->access_token.equals(connection.access_token)) connection = std::move(**now);
    else outcome.warnings.push_back("what the steps after the token brought was not stored: " + stored.error().message);
}

net::Task<void> learn_end(Attempt& attempt, const oauth::Client& client, bool wanted, ConnectOutcome& outcome) {
    if (!wanted) co_return;
    auto& connection = outcome.connection;
    const MintParts parts{attempt.with.http, attempt.with.connections.clock(), attempt.with.random};
    auto learnt = co_await introspected_end(parts, attempt.definition, connection, client);
    if (!learnt.warning.empty()) outcome.warnings.push_back(std::move(learnt.warning));
    if (!learnt.end) co_return;
    connection.expires_at = learnt.end;
    // Changed meanwhile, or no room: what lies there is good without it.
    const auto stored = attempt.with.connections.save(connection, connection.version);
    if (!stored) outcome.warnings.push_back("the end of the token, which introspection told, was not stored: " + stored.error().message);
}

Connection new_connection(const Attempt& attempt) {
    Connection connection;
    connection.provider = attempt.definition.name;
    connection.name = attempt.request.connection_name;
    connection.auth_type = attempt.definition.auth_type;
    connection.flow = attempt.flow;
    connection.variables = attempt.variables;
    connection.requested_scopes = attempt.scopes;
    connection.obtained_at = attempt.with.connections.clock().now();
    connection.dpop_key = attempt.dpop_key.duplicate();
    connection.definition_digest = provider::security_digest(attempt.definition);
    connection.definition_fields = provider::security_fields(attempt.definition);
    if (attempt.previous) connection.created_at = attempt.previous->created_at;
    return connection;
}

net::Task<base::Result<ConnectOutcome>> connect(Surroundings with, provider::ProviderDefinition definition,
                                                ConnectRequest request) {
    Attempt attempt{with, std::move(definition), std::move(request), {}, {}, {}, {}};
    auto needless = prepare(attempt);
    if (!needless) co_return base::fail(needless.error());
    if (*needless) {
        ConnectOutcome outcome;
        outcome.already_connected = true;
        outcome.connection = std::move(**needless);
        co_return outcome;
    }
    with.log.info("connect.started", {{"provider", attempt.definition.name},
                                      {"connection", attempt.request.connection_name},
                                      {"flow", provider::to_string(attempt.flow)}});
    with.dialog.introduce(attempt.definition.display_name.empty() ? attempt.definition.name
                                                                  : attempt.definition.display_name);
    begin_transcript(attempt);
    auto outcome = co_await run_flow(attempt);
    if (!outcome) outcome = base::fail(secret_variables(attempt.definition, attempt.variables).masked(outcome.error()));
    if (outcome && attempt.previous) outcome->previous_account = attempt.previous->account;
    // Whatever is stored is stored by now: only here may the human read "connected" (LB-14).
    base::Result<void> told;
    if (!outcome) told = base::fail(outcome.error());
    with.log.info("connect.finished", {{"provider", attempt.definition.name},
                                       {"result", outcome ? "ok" : base::to_string(outcome.error().code)}});
    with.dialog.finished(told);
    if (!outcome) co_await withdraw_registration(attempt);
    else co_await withdraw_replaced(attempt);
    const auto deadline = net::in(kFarewell);
    co_await with.dialog.farewell(deadline);
    co_return outcome;
}

}  // namespace claviger::connection
