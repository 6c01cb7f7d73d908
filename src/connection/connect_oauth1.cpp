// Flow oauth1 (RFC 5849 section 2): temporary credentials, the human's consent, token credentials.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/attempt.hpp"
#include "connection/form_fields.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/oauth1_credentials.hpp"
#include "oauth/transcript.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxConsumerValue = 16 * 1024;

struct Stations { net::Url request_token, authorization, access_token; };

struct Consumer {
    std::string key;
    base::Secret secret;
    std::vector<ClientRecord> to_save{};  // one, or none: it is stored already
};

base::Result<net::Url> station(const Attempt& attempt, const std::string& url_template, std::string_view what) {
    TRY(url, provider::expand_url(url_template, attempt.variables));
    TRY_VOID(oauth::check_endpoint(url, what));
    return url;
}

base::Result<Stations> stations_of(const Attempt& attempt) {
    if (!attempt.definition.oauth1)
        return base::fail(ErrorCode::invalid_input, fmt::format("the definition of {} has no oauth1 block", attempt.definition.name));
    const auto& oauth = *attempt.definition.oauth1;
    TRY(request_token, station(attempt, oauth.request_token_url, "request token URL"));
    TRY(authorization, station(attempt, oauth.authorization_url, "authorization URL"));
    TRY(access_token, station(attempt, oauth.access_token_url, "access token URL"));
    return Stations{std::move(request_token), std::move(authorization), std::move(access_token)};
}

base::Result<oauth::SignatureMethod> method_of(const provider::OAuth1& oauth) {
    const auto method = oauth::signature_method_from(oauth.signature_method);
    if (method) return *method;
    return base::fail(ErrorCode::unsupported, fmt::format("the signature method {} is not known", base::printable(oauth.signature_method, 40)));
}

base::Result<oauth::OAuth1Signer> signer_of(const provider::OAuth1& oauth, const Consumer& consumer, const base::Secret& token,
                                            const base::Secret& token_secret) {
    TRY(method, method_of(oauth));
    return oauth::OAuth1Signer::make(method, {consumer.key, consumer.secret.duplicate(), token.duplicate(), token_secret.duplicate()});
}

Form consumer_form(const Attempt& attempt, const std::string& redirect_uri, const std::string& origin) {
    auto form = form_for(attempt.definition);
    form.intro = fmt::format(
        "Register an application at the provider with the redirect URI below, then enter what it gives you. You are asked "
        "only once; both are stored encrypted on this computer and used only to sign requests to {} and the API.", origin);
    form.redirect_uri = redirect_uri;
    FormField key, secret;
    key.name = "consumer_key";
    key.label = "Consumer key";
    key.help = "Some services call it API key or client key.";
    secret.name = "consumer_secret";
    secret.label = "Consumer secret";
    if (attempt.definition.oauth1->signature_method == "RSA-SHA1") {
        secret.name = "private_key";
        secret.label = "Private key";
        secret.help = "The RSA key in PEM, whose public half the service knows; line breaks may be missing.";
        secret.multiline = true;
    }
    secret.secret = true;
    form.fields = {std::move(key), std::move(secret)};
    return form;
}

// The name of the second field tells what it must be.
std::map<std::string, std::string> check_consumer(const std::vector<FormField>& fields, const Answers& answers) {
    std::map<std::string, std::string> wrong;
    for (const auto& field : fields) {
        const auto value = trimmed_answer(answers, field.name);
        if (field.name == "private_key" && !value.empty()) {
            const auto key = crypto::RsaSha1Key::from_pem(base::Secret(value));
            if (!key) wrong.emplace(field.name, key.error().message);
            continue;
        }
        auto message = complaint(field, value);
        if (message.empty() && !oauth::is_vschar(value, kMaxConsumerValue)) message = "only plain ASCII characters can be part of it";
        if (!message.empty()) wrong.emplace(field.name, std::move(message));
    }
    return wrong;
}

net::Task<base::Result<Consumer>> ask_for_consumer(Attempt& attempt, std::string origin, std::string redirect_uri) {
    auto form = consumer_form(attempt, redirect_uri, origin);
    const auto fields = form.fields;
    FormCheck check = [&fields](const Answers& answers) { return check_consumer(fields, answers); };
    auto answers = co_await ask_checked(attempt, std::move(form), std::move(check));
    if (!answers) co_return base::fail(answers.error());
    Consumer consumer;
    consumer.key = std::string(trimmed_answer(*answers, fields.front().name));
    consumer.secret = base::Secret(trimmed_answer(*answers, fields.back().name));
    ClientRecord record;
    record.provider = attempt.definition.name;
    record.origin = std::move(origin);
    record.client_id = consumer.key;
    record.client_secret = consumer.secret.duplicate();
    record.redirect_uri = std::move(redirect_uri);
    consumer.to_save.push_back(std::move(record));
    co_return consumer;
}

// Bound to the origin of the token credentials' endpoint, as the clients of OAuth 2 are (OA-27).
net::Task<base::Result<Consumer>> ready_consumer(Attempt& attempt, std::string origin, std::string redirect_uri) {
    CO_TRY(stored, attempt.with.connections.client(attempt.definition.name, origin));
    if (stored && !attempt.request.new_client) {
        Consumer consumer;
        consumer.key = stored->client_id;
        consumer.secret = std::move(stored->client_secret);
        co_return consumer;
    }
    auto asked = co_await ask_for_consumer(attempt, std::move(origin), std::move(redirect_uri));
    co_return asked;
}

struct Step {
    net::Url endpoint;
    std::string_view what;
    oauth::ProtocolParameters more;
};

// One of the two signed requests; a redirect is an error, so nothing is ever signed for another host (OA-08, OA-25).
net::Task<base::Result<oauth::OAuth1Credentials>> ask(Attempt& attempt, oauth::OAuth1Signer signer, Step step) {
    const auto& oauth = *attempt.definition.oauth1;
    oauth::CredentialRequest wanted{std::move(step.endpoint), oauth.realm, oauth.placement == "query", std::move(step.more)};
    const auto stamp = oauth::make_stamp(attempt.with.random, attempt.with.connections.clock().now());
    CO_TRY(request, oauth::credential_http_request(signer, std::move(wanted), stamp));
    auto response = co_await attempt.with.http.send(std::move(request));
    if (!response) co_return base::fail(response.error().within(fmt::format("cannot get {}", step.what)));
    co_return oauth::read_credentials(*response, step.what);
}

net::Task<base::Result<oauth::OAuth1Credentials>> temporary_credentials(Attempt& attempt, const Consumer& consumer, net::Url endpoint,
                                                                        std::string redirect_uri) {
    const base::Secret none;
    CO_TRY(signer, signer_of(*attempt.definition.oauth1, consumer, none, none));
    Step step{std::move(endpoint), "temporary credentials", {}};
    step.more.push_back({"oauth_callback", base::WipedString(redirect_uri)});
    auto temporary = co_await ask(attempt, std::move(signer), std::move(step));
    if (temporary && !temporary->callback_confirmed)
        co_return base::fail(ErrorCode::protocol, "the service did not confirm the callback, so it speaks an older OAuth than 1.0a",
                             "without oauth_callback_confirmed somebody else could finish your login: ask the service for OAuth 1.0a");
    co_return temporary;
}

net::Task<base::Result<base::Secret>> consent(Attempt& attempt, net::Url endpoint, const base::Secret& token) {
    CO_TRY(link, oauth::owner_authorization_url(endpoint, token, attempt.definition.oauth1->authorization_params));
    auto state = token.duplicate();
    const auto deadline = net::in(kFlowLifetime);
    auto* recorder = attempt.with.recorder;
    if (recorder != nullptr) recorder->sent_to_browser(link);
    // A refusal carries the token under a name of its own.
    auto callback = co_await attempt.with.dialog.authorize(std::move(link), "oauth_token denied", std::move(state), deadline);
    if (!callback) co_return base::fail(callback.error());
    if (recorder != nullptr) recorder->browser_returned(callback->parameters);
    co_return oauth::read_owner_authorization(callback->parameters, token);
}

base::Error with_consumer_hint(const Attempt& attempt, const Consumer& consumer, base::Error error) {
    if (consumer.to_save.empty() && error.code == ErrorCode::authorization_failed && !error.hint.empty()) {
        error.hint += fmt::format("; if the stored consumer key is no longer right, enter another: claviger login {} --new-client", attempt.definition.name);
    }
    return error;
}

// What the answer says beside the token: everything under its own name, and what the definition asks for by its.
void take_further(const Attempt& attempt, oauth::OAuth1Credentials& credentials, Connection& connection) {
    for (const auto& rule : attempt.definition.capture) {
        const auto found = rule.pointer.starts_with('/') ? credentials.further.find(rule.pointer.substr(1)) : credentials.further.end();
        if (found != credentials.further.end()) connection.captured.emplace(rule.name, found->second);
    }
    // A variable's value is the human's; a service may not slip one in.
    std::erase_if(credentials.further, [&](const auto& field) {
        const auto same = [&](const auto& variable) { return variable.name == field.first; };
        const auto& vars = attempt.definition.vars;
        return field.first == "base_url" || attempt.variables.contains(field.first) || std::any_of(vars.begin(), vars.end(), same);
    });
    connection.captured.merge(credentials.further);
}

ConnectOutcome outcome_of(const Attempt& attempt, const Stations& stations, const Consumer& consumer, oauth::OAuth1Credentials token) {
    ConnectOutcome outcome;
    auto& connection = outcome.connection;
    connection = new_connection(attempt);
    if (token.expires_in) connection.expires_at = connection.obtained_at + *token.expires_in;
    connection.token_type = "OAuth";
    connection.access_token = std::move(token.token);
    connection.fields.emplace("access_token_secret", std::move(token.secret));
    connection.client_id = consumer.key;
    connection.token_endpoint = stations.access_token.text();
    connection.oauth_endpoints = {stations.request_token.text(), stations.authorization.text(), stations.access_token.text()};
    take_further(attempt, token, connection);
    return outcome;
}

}  // namespace

net::Task<base::Result<ConnectOutcome>> connect_by_oauth1(Attempt& attempt) {
    CO_TRY(stations, stations_of(attempt));
    if (auto* recorder = attempt.with.recorder; recorder != nullptr) {
        recorder->expect(stations.request_token, oauth::Step::Kind::temporary_credentials);
        recorder->expect(stations.access_token, oauth::Step::Kind::token_credentials);
    }
    CO_TRY(redirect_uri, attempt.with.dialog.redirect_uri());
    if (attempt.with.recorder != nullptr) attempt.with.recorder->transcript().redirect_uri = redirect_uri;
    auto origin = stations.access_token.origin();
    auto consumer = co_await ready_consumer(attempt, std::move(origin), redirect_uri);
    if (!consumer) co_return base::fail(consumer.error());

    auto temporary = co_await temporary_credentials(attempt, *consumer, stations.request_token, redirect_uri);
    if (!temporary) co_return base::fail(with_consumer_hint(attempt, *consumer, temporary.error()));
    auto verifier = co_await consent(attempt, stations.authorization, temporary->token);
    if (!verifier) co_return base::fail(verifier.error());

    CO_TRY(signer, signer_of(*attempt.definition.oauth1, *consumer, temporary->token, temporary->secret));
    Step step{stations.access_token, "token credentials", {}};
    step.more.push_back({"oauth_verifier", base::WipedString(verifier->reveal())});
    auto token = co_await ask(attempt, std::move(signer), std::move(step));
    if (!token) co_return base::fail(token.error());

    auto outcome = outcome_of(attempt, stations, *consumer, std::move(*token));
    auto stored = co_await store_tokens(attempt, outcome.connection, consumer->to_save);
    if (!stored) co_return base::fail(std::move(stored).error());
    co_return outcome;
}

}  // namespace claviger::connection
