#include <algorithm>

#include <fmt/format.h>

#include "connection/attempt.hpp"
#include "connection/form_fields.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/registration.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using oauth::ClientAuthentication;
using provider::TokenAuthMethod;

constexpr std::size_t kMaxClientValue = 4096;

base::Result<void> check_method(const provider::OAuth2& oauth) {
    const bool assertion = oauth.token_auth_method == TokenAuthMethod::private_key_jwt ||
                           oauth.token_auth_method == TokenAuthMethod::client_secret_jwt;
    if (!assertion) return {};
    return base::fail(ErrorCode::unsupported,
                      fmt::format("client authentication by {} is not in this version of Claviger",
                                  provider::to_string(*oauth.token_auth_method)),
                      "use client_secret_post, client_secret_basic or none if the service allows it");
}

bool asks_for_secret(const provider::OAuth2& oauth) { return oauth.token_auth_method != TokenAuthMethod::none; }

bool needs_secret(const provider::OAuth2& oauth) {
    return oauth.client_secret_required || oauth.token_auth_method == TokenAuthMethod::client_secret_basic ||
           oauth.token_auth_method == TokenAuthMethod::client_secret_post;
}

// A registered client is used as registered; one that a human entered as the definition says.
base::Result<oauth::Client> usable(const ClientRecord& record, const provider::OAuth2& oauth) {
    oauth::Client client{record.client_id, record.client_secret.duplicate(), ClientAuthentication::none};
    if (const auto registered = oauth::client_authentication_from(record.authentication)) {
        client.authentication = *registered;
    } else if (oauth.token_auth_method == TokenAuthMethod::client_secret_basic) {
        client.authentication = ClientAuthentication::client_secret_basic;
    } else if (oauth.token_auth_method != TokenAuthMethod::none && !client.client_secret.empty()) {
        client.authentication = ClientAuthentication::client_secret_post;
    }
    if (client.authentication == ClientAuthentication::none) client.client_secret = base::Secret();
    if (client.client_secret.empty() && client.authentication != ClientAuthentication::none)
        return base::fail(ErrorCode::invalid_input, "the stored client has no secret, but the definition needs one",
                          fmt::format("run: claviger remove {} and log in again", record.provider));
    return client;
}

Form client_form(const provider::ProviderDefinition& definition, const std::string& redirect_uri,
                 const std::string& origin) {
    const auto& oauth = *definition.oauth2;
    auto form = form_for(definition);
    form.intro = fmt::format(
        "Register an OAuth app at the provider with the redirect URI below, then enter what it gives you. You are asked "
        "only once; both are stored encrypted on this computer and sent only to {}.", origin);
    form.redirect_uri = redirect_uri;
    FormField id;
    id.name = "client_id";
    id.label = "Client ID";
    form.fields.push_back(std::move(id));
    if (!asks_for_secret(oauth)) return form;
    FormField secret;
    secret.name = "client_secret";
    secret.label = "Client secret";
    secret.secret = true;
    secret.required = needs_secret(oauth);
    if (!secret.required) secret.help = "Leave it empty if the application has none.";
    form.fields.push_back(std::move(secret));
    return form;
}

std::map<std::string, std::string> check_client(const std::vector<FormField>& fields, const Answers& answers) {
    std::map<std::string, std::string> wrong;
    for (const auto& field : fields) {
        const auto value = trimmed_answer(answers, field.name);
        auto message = complaint(field, value);
        if (message.empty() && !value.empty() && !oauth::is_vschar(value, kMaxClientValue))
            message = "only plain ASCII characters can be part of it";
        if (!message.empty()) wrong.emplace(field.name, std::move(message));
    }
    return wrong;
}

net::Task<base::Result<ReadyClient>> ask_for_client(Attempt& attempt, std::string origin, std::string redirect_uri) {
    auto form = client_form(attempt.definition, redirect_uri, origin);
    const auto fields = form.fields;
    std::function<std::map<std::string, std::string>(const Answers&)> check = [&fields](const Answers& answers) {
        return check_client(fields, answers);
    };
    const auto deadline = net::in(kFlowLifetime);
    auto answers = co_await attempt.with.dialog.ask(std::move(form), std::move(check), deadline);
    if (!answers) co_return base::fail(answers.error());
    if (const auto wrong = check_client(fields, *answers); !wrong.empty())
        co_return base::fail(ErrorCode::invalid_input, wrong.begin()->first + ": " + wrong.begin()->second);
    ClientRecord record;
    record.provider = attempt.definition.name;
    record.origin = origin;
    record.client_id = std::string(trimmed_answer(*answers, "client_id"));
    record.client_secret = base::Secret(trimmed_answer(*answers, "client_secret"));
    record.redirect_uri = redirect_uri;
    ReadyClient ready;
    CO_TRY(client, usable(record, *attempt.definition.oauth2));
    ready.client = std::move(client);
    ready.to_save = std::move(record);
    co_return ready;
}

// Whether another connection would lose its client if a new one took its place.
base::Result<bool> used_elsewhere(Attempt& attempt, const std::string& client_id) {
    TRY(names, attempt.with.connections.names(attempt.definition.name));
    for (const auto& name : names) {
        if (name == attempt.request.connection_name) continue;
        const auto other = attempt.with.connections.find(attempt.definition.name, name);
        if (!other && other.error().code == base::ErrorCode::corrupt) continue;  // cannot lose what it has lost
        if (!other) return base::fail(other.error());
        if (*other && (*other)->client_id == client_id) return true;
    }
    return false;
}

// A registration by hand holds until the human removes it. A dynamic one is renewed when its secret has run out, when
// it was made for another redirect URI, and at --force, since a server that has forgotten it only tells the browser.
base::Result<bool> still_good(Attempt& attempt, const ClientRecord& record, const std::string& redirect_uri) {
    if (!record.dynamically_registered) return true;
    const auto now = attempt.with.connections.clock().now();
    if (record.secret_expires_at && *record.secret_expires_at <= now) return false;
    if (record.redirect_uri != redirect_uri) return false;
    if (!attempt.request.force) return true;
    return used_elsewhere(attempt, record.client_id);
}

}  // namespace

base::Result<oauth::Client> client_of(const ClientRecord& record, const provider::OAuth2& oauth) { return usable(record, oauth); }

net::Task<base::Result<ReadyClient>> ready_client(Attempt& attempt, const Endpoints& endpoints,
                                                  std::string redirect_uri) {
    CO_TRY_VOID(check_method(*attempt.definition.oauth2));
    const auto origin = endpoints.token.origin();
    CO_TRY(stored, attempt.with.connections.client(attempt.definition.name, origin));
    if (stored) {
        CO_TRY(good, still_good(attempt, *stored, redirect_uri));
        if (good) {
            ReadyClient ready;
            CO_TRY(client, usable(*stored, *attempt.definition.oauth2));
            ready.client = std::move(client);
            co_return ready;
        }
    }
    if (attempt.flow == provider::Flow::dcr_pkce) {
        auto registered = co_await register_new_client(attempt, endpoints, std::move(redirect_uri));
        co_return registered;
    }
    auto entered = co_await ask_for_client(attempt, origin, std::move(redirect_uri));
    co_return entered;
}

}  // namespace claviger::connection
