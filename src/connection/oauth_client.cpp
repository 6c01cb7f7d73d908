#include <algorithm>

#include <fmt/format.h>

#include "connection/attempt.hpp"
#include "connection/client_of.hpp"
#include "connection/flow_choice.hpp"
#include "connection/form_fields.hpp"
#include "crypto/jwk.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/registration.hpp"
#include "oauth/transcript.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using provider::Flow;

constexpr std::size_t kMaxClientValue = 4096;
constexpr std::size_t kMaxKey = 16 * 1024;

bool needs_secret(const provider::OAuth2& oauth, Flow flow) {
    const auto fields = client_fields(oauth, flow);
    return std::any_of(fields.begin(), fields.end(), [](const auto& field) { return field.name == "client_secret" && field.required; });
}

std::string_view what_to_register(Flow flow) {
    switch (flow) {
        case Flow::device_code: return "an OAuth app that may use the device flow";
        case Flow::client_credentials: return "a service or machine application";
        default: return "an OAuth app with the redirect URI below";
    }
}

// `known_id`: of a client whose secret alone is missing.
Form client_form(const Attempt& attempt, const std::string& redirect_uri, const std::string& origin,
                 const std::string& known_id) {
    auto form = form_for(attempt.definition);
    form.fields = client_fields(*attempt.definition.oauth2, attempt.flow);
    const bool more = form.fields.size() > 1;
    form.intro = fmt::format(
        "Register {} at the provider, then enter what it gives you. You are asked only once; {} stored encrypted on this "
        "computer and sent only to {}.", what_to_register(attempt.flow), more ? "all is" : "it is", origin);
    form.redirect_uri = redirect_uri;
    form.fields.front().default_value = known_id;
    return form;
}

// What is wrong with a private key; it may have line breaks, and what it says is known only by reading it.
std::string key_complaint(std::string_view value) {
    if (value.empty()) return "this field is required";
    if (value.size() > kMaxKey) return "this is too long";
    const auto key = crypto::Jwk::private_key(value);
    return key ? std::string() : key.error().message;
}

std::map<std::string, std::string> check_client(const std::vector<FormField>& fields, const Answers& answers) {
    std::map<std::string, std::string> wrong;
    for (const auto& field : fields) {
        const auto value = trimmed_answer(answers, field.name);
        if (field.name == "private_key") {
            if (auto message = key_complaint(value); !message.empty()) wrong.emplace(field.name, std::move(message));
            continue;
        }
        auto message = complaint(field, value);
        if (message.empty() && !value.empty() && !oauth::is_vschar(value, kMaxClientValue))
            message = "only plain ASCII characters can be part of it";
        if (!message.empty()) wrong.emplace(field.name, std::move(message));
    }
    return wrong;
}

base::Result<oauth::Client> usable(const Attempt& attempt, const ClientRecord& record, const Endpoints& endpoints) {
    const auto token = endpoints.token.text();
    return client_of(record, attempt.definition, attempt.variables, {endpoints.issuer, token});
}

net::Task<base::Result<ReadyClient>> ask_for_client(Attempt& attempt, const Endpoints& endpoints, std::string redirect_uri,
                                                    std::string known_id) {
    const auto origin = endpoints.token.origin();
    auto form = client_form(attempt, redirect_uri, origin, known_id);
    const auto fields = form.fields;
    FormCheck check = [&fields](const Answers& answers) { return check_client(fields, answers); };
    auto answers = co_await ask_checked(attempt, std::move(form), std::move(check));
    if (!answers) co_return base::fail(answers.error());
    ClientRecord record;
    record.provider = attempt.definition.name;
    record.origin = origin;
    record.client_id = std::string(trimmed_answer(*answers, "client_id"));
    record.client_secret = base::Secret(trimmed_answer(*answers, "client_secret"));
    record.private_key = base::Secret(trimmed_answer(*answers, "private_key"));
    record.key_id = std::string(trimmed_answer(*answers, "key_id"));
    record.redirect_uri = redirect_uri;
    ReadyClient ready;
    CO_TRY(client, usable(attempt, record, endpoints));
    ready.client = std::move(client);
    ready.to_save.push_back(std::move(record));
    ready.is_new = true;
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
    if (!redirect_uri.empty() && record.redirect_uri != redirect_uri) return false;
    if (!attempt.request.force) return true;
    return used_elsewhere(attempt, record.client_id);
}

net::Task<base::Result<ReadyClient>> find_client(Attempt& attempt, const Endpoints& endpoints, std::string redirect_uri) {
    const auto origin = endpoints.token.origin();
    CO_TRY(stored, attempt.with.connections.client(attempt.definition.name, origin));
    // A login by device code needed no secret; this one does.
    const bool incomplete = stored && !stored->dynamically_registered && stored->client_secret.empty() &&
                            needs_secret(*attempt.definition.oauth2, attempt.flow);
    if (stored && !incomplete && !attempt.request.new_client) {
        CO_TRY(good, still_good(attempt, *stored, redirect_uri));
        if (good) {
            ReadyClient ready;
            CO_TRY(client, usable(attempt, *stored, endpoints));
            ready.client = std::move(client);
            co_return ready;
        }
    }
    if (registers_client(*attempt.definition.oauth2, attempt.flow)) {
        auto registered = co_await register_new_client(attempt, endpoints, std::move(redirect_uri));
        co_return registered;
    }
    auto known_id = stored ? stored->client_id : std::string();
    auto entered = co_await ask_for_client(attempt, endpoints, std::move(redirect_uri), std::move(known_id));
    co_return entered;
}

}  // namespace

net::Task<base::Result<ReadyClient>> ready_client(Attempt& attempt, const Endpoints& endpoints,
                                                  std::string redirect_uri) {
    auto ready = co_await find_client(attempt, endpoints, std::move(redirect_uri));
    auto* recorder = attempt.with.recorder;
    if (ready && recorder != nullptr) recorder->transcript().client_authentication = oauth::to_string(ready->client.authentication);
    co_return ready;
}

}  // namespace claviger::connection
