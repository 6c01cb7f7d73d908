#include <algorithm>

#include <fmt/format.h>

#include "app/run_session.hpp"
#include "app/service_call.hpp"
#include "base/text.hpp"
#include "cli/commands/connection_json.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/interruptible.hpp"
#include "connection/renewal_pause.hpp"
#include "connection/revoke.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
using connection::RevokedToken;
using oauth::Revoked;
using oauth::RevocationOutcome;

struct Ended {  // one connection
    std::string name;
    std::vector<RevokedToken> tokens;
    std::optional<RevocationOutcome> client;  // deleted, or not; nullopt: there was none to delete
    std::optional<base::Error> failed{};      // what stopped it
    bool forgotten = false;
};

// Where the tokens go is the definition's word, so a changed definition must be looked at first (CL-10).
Result<void> check_definition(const base::Clock& clock, const provider::ProviderDefinition& definition, const connection::Connection& stored) {
    if (stored.status(clock.now(), provider::security_digest(definition)) != connection::Status::suspended) return {};
    return base::fail(ErrorCode::suspended, "the definition of " + definition.name + " changed since the login, so its tokens are not sent",
                      "see the difference and accept it with: claviger confirm " + definition.name + "; or forget the connection here with: claviger logout " + definition.name);
}

// Other connections that the provider may end together with this one: of the same account, or the same client's.
Result<std::vector<std::string>> sharing(connection::Connections& connections, const connection::Connection& stored) {
    std::vector<std::string> names;
    if (stored.account.id.empty()) return names;
    TRY(all, connections.list());
    for (const auto& other : all)
        if (other.provider == stored.provider && other.name != stored.name && other.account_id == stored.account.id) names.push_back(other.name);
    return names;
}

vault::AuditEntry entry_of(const connection::Connection& stored, const std::vector<RevokedToken>& tokens) {
    json::Object detail;
    for (const auto& token : tokens) detail[token.token] = std::string(oauth::to_string(token.outcome.result));
    return {"connection.revoked", stored.provider + "/" + stored.name, json::to_text(detail)};
}

// A client that was registered for this connection alone is of no use any more (RFC 7592, OA-16).
net::Task<Result<std::optional<RevocationOutcome>>> end_client(http::Client& http, connection::Connections& connections,
                                                               const connection::ClientRecord& record) {
    if (!record.dynamically_registered || record.registration_client_uri.empty() || record.registration_access_token.empty())
        co_return std::optional<RevocationOutcome>();
    CO_TRY(used, connections.client_in_use(record.provider, record.client_id));
    if (used) co_return std::optional<RevocationOutcome>();
    CO_TRY(uri, net::Url::parse(record.registration_client_uri));
    auto token = record.registration_access_token.duplicate();
    auto outcome = co_await oauth::delete_client(http, std::move(uri), std::move(token));
    if (outcome.result == Revoked::revoked) CO_TRY_VOID(connections.erase_client(record));
    co_return std::optional<RevocationOutcome>(std::move(outcome));
}

void warn_of_sharing(const Output& out, const connection::Connection& stored, const std::vector<std::string>& shared) {
    if (shared.empty()) return;
    out.warn("the same account is connected as " + base::join(shared, ", ") + ", which the provider may end with it; try it with: claviger provider probe " +
             stored.provider + " --connection " + shared.front());
}

struct Parts {  // borrowed for the task
    http::Client& http;
    connection::Connections& connections;
    const base::Clock& clock;
    base::Random& random;
    const Output& out;
    const connection::Refresher::Surroundings& renewals;
};

// `chosen` says which; what is revoked is what lies there once no renewal can bring another token any more.
net::Task<Result<Ended>> end_one(Parts with, const provider::ProviderDefinition& definition, const connection::Connection& chosen) {
    auto renewals = with.renewals;
    auto pause = co_await connection::pause_renewals(std::move(renewals), chosen.provider, chosen.name);
    if (!pause) co_return base::fail(std::move(pause).error());
    CO_TRY(stored, with.connections.load(chosen.provider, chosen.name));
    CO_TRY_VOID(check_definition(with.clock, definition, stored));
    CO_TRY(record, with.connections.client_of(stored));
    CO_TRY(shared, sharing(with.connections, stored));
    warn_of_sharing(with.out, stored, shared);
    const connection::RevokeParts parts{with.http, with.clock, with.random};
    const connection::ClientRecord* client = record ? &*record : nullptr;
    Ended ended{stored.name, {}, {}};
    auto tokens = co_await connection::revoke_at_provider(parts, definition, stored, client);
    ended.tokens = std::move(tokens);
    // After the answer and whatever it was: a token that is wanted dead is not kept.
    const auto entry = entry_of(stored, ended.tokens);
    const auto erased = with.connections.erase(stored.provider, stored.name, entry);
    ended.forgotten = erased.has_value();
    if (!erased) ended.failed = erased.error();
    if (!erased || client == nullptr) co_return ended;
    auto deleted = co_await end_client(with.http, with.connections, *client);
    if (deleted) ended.client = std::move(*deleted);
    else ended.failed = std::move(deleted).error();
    co_return ended;
}

net::Task<Result<std::vector<Ended>>> end_all(Parts with, const provider::ProviderDefinition& definition,
                                              const std::vector<connection::Connection>& chosen) {
    std::vector<Ended> all;
    for (const auto& stored : chosen) {
        auto ended = co_await end_one(with, definition, stored);
        // One that fails hides nothing of the others.
        if (!ended && chosen.size() == 1) co_return base::fail(ended.error());
        if (ended) all.push_back(std::move(*ended));
        else all.push_back({stored.name, {}, {}, std::move(ended).error(), false});
    }
    co_return all;
}

std::string_view in_words(Revoked result) {
    switch (result) {
        case Revoked::revoked: return "revoked";
        case Revoked::refused: return "refused";
        case Revoked::unreachable: return "not revoked, as the provider could not be asked or could not do it now";
        case Revoked::unsupported: return "not revoked";
    }
    return "not revoked";
}

// "refresh token and access token refused (why)": what ended alike is said once.
std::string in_words(const std::vector<RevokedToken>& tokens) {
    std::string text;
    for (std::size_t i = 0; i < tokens.size();) {
        const auto& outcome = tokens[i].outcome;
        std::vector<std::string> names;
        for (; i < tokens.size() && tokens[i].outcome.result == outcome.result && tokens[i].outcome.why == outcome.why; ++i) {
            names.push_back(tokens[i].token == "api_key" ? "API key" : tokens[i].token);
            std::replace(names.back().begin(), names.back().end(), '_', ' ');
        }
        text += (text.empty() ? "" : ", ") + base::join(names, " and ") + " " + std::string(in_words(outcome.result));
        if (!outcome.why.empty()) text += " (" + base::printable(outcome.why, 300) + ")";
    }
    return text;
}

std::string in_words(const std::string& provider, const Ended& ended) {
    auto said = ended.tokens.empty() && !ended.failed ? std::string("nothing was left to revoke") : in_words(ended.tokens);
    if (ended.failed) said += (said.empty() ? "" : ", but ") + ended.failed->describe();
    return provider + " (" + ended.name + "): " + said;
}

json::Array json_of(const std::vector<Ended>& all) {
    json::Array connections;
    for (const auto& ended : all) {
        json::Array tokens;
        for (const auto& token : ended.tokens) {
            tokens.emplace_back(json::Object{{"token", token.token}, {"result", std::string(oauth::to_string(token.outcome.result))},
                                             {"why", string_or_null(base::printable(token.outcome.why, 300))}});
        }
        json::Object object{{"connection", ended.name}, {"tokens", std::move(tokens)}, {"forgotten", ended.forgotten}};
        if (ended.failed) object["error"] = base::printable(ended.failed->describe(), 300);
        object["client"] = ended.client ? json::Value(std::string(oauth::to_string(ended.client->result))) : json::Value(nullptr);
        connections.emplace_back(std::move(object));
    }
    return connections;
}

// The worst that happened to a token; nullopt when all are dead.
std::optional<ErrorCode> worst(const std::vector<Ended>& all) {
    std::optional<ErrorCode> code;
    const auto rank = [](ErrorCode c) { return c == ErrorCode::authorization_failed ? 3 : c == ErrorCode::network ? 2 : 1; };
    for (const auto& ended : all) {
        for (const auto& token : ended.tokens) {
            const auto result = token.outcome.result;
            if (result == Revoked::revoked) continue;
            const auto next = result == Revoked::refused       ? ErrorCode::authorization_failed
                              : result == Revoked::unreachable ? ErrorCode::network
                                                               : ErrorCode::unsupported;
            if (!code || rank(next) > rank(*code)) code = next;
        }
    }
    return code;
}

void report_client(const Output& out, const Ended& ended) {
    if (!ended.client) return;
    const auto& why = ended.client->why;
    if (ended.client->result == Revoked::revoked) return out.talk("The client that was registered for it is deleted.");
    const bool said = std::any_of(ended.tokens.begin(), ended.tokens.end(), [&why](const auto& token) { return token.outcome.why == why; });
    out.warn("the client that was registered for it is not deleted" + (said ? std::string(" either") : ": " + base::printable(why, 300)));
}

// It is forgotten, so there is nothing left here to try again with.
std::string what_is_left_to_do(const provider::ProviderDefinition& definition) {
    if (definition.oauth2 || definition.oauth1) return "it is forgotten on this machine, so revoke cannot try again: end what is left in the provider's own settings";
    return "it is forgotten on this machine; a service takes back no such credential on request: delete it there" + (definition.docs_url.empty() ? "" : ", see " + base::printable(definition.docs_url));
}

Outcome report(Context& context, const provider::ProviderDefinition& definition, const std::vector<Ended>& all) {
    for (const auto& ended : all) report_client(context.out(), ended);
    std::vector<std::string> sentences;
    for (const auto& ended : all) sentences.push_back(in_words(definition.name, ended));
    const auto failed = std::find_if(all.begin(), all.end(), [](const Ended& ended) { return ended.failed.has_value(); });
    if (failed != all.end()) {
        context.out().detail_of_error("connections", json_of(all));
        return base::fail(failed->failed->code, (all.size() == 1 ? "" : "not everything is revoked: ") + base::join(sentences, "; "), failed->failed->hint);
    }
    if (const auto code = worst(all)) {
        context.out().detail_of_error("connections", json_of(all));
        return base::fail(*code, (all.size() == 1 ? "" : "not everything is revoked: ") + base::join(sentences, "; "), what_is_left_to_do(definition));
    }
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "revoked"}, {"provider", definition.name}, {"connections", json_of(all)}});
        return 0;
    }
    for (std::size_t i = 0; i < all.size(); ++i) context.out().data((all[i].tokens.empty() ? "Forgot " : "Revoked ") + sentences[i] + ".\n");
    return 0;
}

}  // namespace

Outcome revoke_connection(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("revoke"));
    TRY(provider, checked_name("provider", invocation.argument(0)));
    TRY_VOID(check_all_or_one(invocation));
    std::vector<std::string> names;
    if (invocation.value("--connection").empty()) {
        TRY(present, context.connections_if_any());
        if (present != nullptr) {
            TRY(all, present->names(provider));
            names = std::move(all);
        }
        if (!invocation.has("--all")) TRY_VOID(refuse_to_guess(provider, names));
    }
    std::vector<connection::Connection> chosen;
    if (invocation.has("--all") && !names.empty()) {
        TRY(connections, context.connections());
        for (const auto& name : names) {
            TRY(stored, connections->load(provider, name));
            chosen.push_back(std::move(stored));
        }
    } else {
        TRY(stored, connection_to_end(context, provider, invocation));
        chosen.push_back(std::move(stored));
    }
    TRY(definition, context.registry().load(provider));
    for (const auto& stored : chosen) TRY_VOID(check_definition(context.clock(), definition, stored));
    TRY(connections, context.connections());
    TRY(config, context.config());
    provider::VariableValues everywhere;
    for (const auto& stored : chosen)
        for (const auto& [name, value] : stored.variables) everywhere[stored.name + "/" + name] = value;
    net::Loop loop;
    TRY(options, app::outgoing_options(*config, definition, everywhere));
    TRY(http, http::Client::make(loop, std::move(options)));
    TRY(broker, context.broker());
    TRY(renewals, app::renewal_surroundings(broker, loop));
    const Parts parts{http, *connections, context.clock(), context.random(), context.out(), renewals};
    auto ended = run_until_interrupted(loop, end_all(parts, definition, chosen));
    if (!ended) return base::fail(ErrorCode::cancelled, "cancelled; what is not forgotten here may be revoked at the provider all the same");
    if (!*ended) return base::fail(std::move(*ended).error());
    const auto& all = **ended;
    return report(context, definition, all);
}

}  // namespace claviger::cli
