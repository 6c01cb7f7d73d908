#include "connection/steps.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "connection/expiry.hpp"
#include "connection/refresh_schedule.hpp"
#include "connection/refresh_state.hpp"
#include "connection/request_fields.hpp"
#include "connection/secret_variables.hpp"
#include "connection/token_options.hpp"
#include "provider/expand.hpp"
#include "provider/template_text.hpp"

namespace claviger::connection {
namespace {

using oauth::TokenFailure;

provider::FieldLookup fields_for(const Connection& connection, const oauth::Client& client) {
    return [&connection, &client](std::string_view name) -> std::optional<std::string_view> {
        if (name == "access_token") return connection.access_token.reveal();
        if (name == "token_type") return connection.token_type;
        if (name == "client_id") return connection.client_id;
        if (name == "client_secret") return client.client_secret.reveal();
        const std::string key(name);
        if (const auto field = connection.fields.find(key); field != connection.fields.end()) return field->second.reveal();
        if (const auto variable = connection.variables.find(key); variable != connection.variables.end()) return variable->second;
        if (const auto value = connection.captured.find(key); value != connection.captured.end()) return value->second;
        return std::nullopt;
    };
}

// Set last: they may hold the token, which no list of plain headers may.
base::Result<void> add_headers(const oauth::SecretParameters& headers, http::Request& message) {
    for (const auto& [name, value] : headers) {
        if (!http::valid_field_name(name) || !http::valid_field_value(value.reveal()))
            return base::fail(base::ErrorCode::invalid_input, "the step's header " + name + " holds what no header may hold");
        message.fields.set(name, value.reveal());
    }
    return {};
}

base::Result<oauth::TokenRequest> request_for(const provider::ProviderDefinition& definition, const provider::TokenStep& step,
                                              const Connection& connection, const oauth::Client& client) {
    TRY(values, RequestFields::of(definition, connection).url_values());
    TRY(endpoint, provider::expand_url(step.url, values));
    oauth::TokenRequest request{std::move(endpoint), {}, {}, {}, step_options(definition, step), {}, {}, {}, {}};
    const auto find = fields_for(connection, client);
    for (const auto& [name, text] : step.params) {
        TRY(value, provider::render_text(text, definition.name, find));
        if (!value.empty()) request.grant.emplace_back(name, std::move(value));
    }
    const auto headers = std::make_shared<oauth::SecretParameters>();
    for (const auto& [name, text] : step.headers) {
        TRY(value, provider::render_text(text, definition.name, find));
        headers->emplace_back(name, std::move(value));
    }
    request.sign = [headers](http::Request& message, const oauth::Signing&) { return add_headers(*headers, message); };
    return request;
}

TokenFailure not_sent(base::Error error) {
    TokenFailure failure;
    failure.kind = TokenFailure::Kind::not_sent;
    failure.shown = std::move(error);
    return failure;
}

// What no text of a failure may show: besides the secret variables, what earlier steps brought (LG-03).
base::HiddenValues hidden_values(const provider::ProviderDefinition& definition, const Connection& connection, const oauth::Client& client) {
    auto hidden = secret_variables(definition, connection);
    hidden.add(client.client_secret.reveal());
    hidden.add(connection.access_token.reveal());
    for (const auto& [name, value] : connection.fields) hidden.add(value.reveal());
    return hidden;
}

}  // namespace

bool lacks_step(const Connection& connection, const provider::ProviderDefinition& definition) {
    if (!definition.oauth2) return false;
    const auto& steps = definition.oauth2->steps;
    return std::any_of(steps.begin(), steps.end(), [&](const auto& step) { return !connection.fields.contains(step.name); });
}

net::Task<tl::expected<void, TokenFailure>> ask_steps(MintParts with, const provider::ProviderDefinition& definition,
                                                      Connection& connection, const oauth::Client& client) {
    auto copy = copy_of(connection);
    if (!copy) co_return tl::unexpected<TokenFailure>(not_sent(copy.error()));
    auto& after = *copy;
    after.steps_end.reset();
    for (const auto& step : definition.oauth2->steps) {
        auto request = request_for(definition, step, after, client);
        auto outcome = request ? oauth::TokenOutcome() : tl::unexpected<TokenFailure>(not_sent(request.error()));
        if (request) {
            request->signing = {&with.clock, &with.random};
            auto asked = co_await oauth::ask_token(with.http, std::move(*request));
            outcome = std::move(asked);
        }
        if (!outcome) {
            auto failure = std::move(outcome).error();
            const auto hidden = hidden_values(definition, after, client);
            failure.error = hidden.masked(failure.error);
            failure.shown = hidden.masked(failure.shown).within("the step " + step.name + " after the token failed");
            co_return tl::unexpected<TokenFailure>(std::move(failure));
        }
        after.steps_end = earlier(after.steps_end, expiry_of(*outcome, step.expires, with.clock.now()));
        after.fields.insert_or_assign(step.name, std::move(outcome->access_token));
        for (auto& [name, value] : outcome->captured) after.captured.insert_or_assign(name, std::move(value));
        adopt_captured(definition, after);
    }
    after.steps_at = with.clock.now();
    connection = std::move(after);
    co_return tl::expected<void, TokenFailure>();
}

}  // namespace claviger::connection
