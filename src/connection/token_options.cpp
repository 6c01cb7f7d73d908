#include "connection/token_options.hpp"

#include <utility>

#include "json/value.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

base::Result<oauth::TokenRequest> request_with(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                               net::Url endpoint, oauth::Client client, const provider::StringMap& params,
                                               std::string_view renames) {
    const auto& oauth = *definition.oauth2;
    oauth::TokenRequest request{std::move(endpoint), std::move(client), {}, {}, answer_options(definition), {}, {}, {}};
    auto& options = request.options;
    TRY(parameters, fields.parameters(params));
    TRY(headers, fields.parameters(oauth.token_headers));
    options.extra_parameters = std::move(parameters);
    options.extra_headers = std::move(headers);
    options.json_body = oauth.token_content_type == provider::BodyFormat::json;
    options.in_query = oauth.token_content_type == provider::BodyFormat::query;
    options.method = oauth.token_method;
    options.rename = renames_of(oauth, renames);
    if (!oauth.basic.present) return request;
    TRY(username, fields.secret_text(oauth.basic.username, request.client));
    TRY(password, fields.secret_text(oauth.basic.password, request.client));
    request.basic.emplace(std::move(username), std::move(password));
    return request;
}

}  // namespace

oauth::Parameters renames_of(const provider::OAuth2& oauth, std::string_view request) {
    const auto found = oauth.rename.find(std::string(request));
    return found == oauth.rename.end() ? oauth::Parameters() : found->second;
}

base::Result<std::string> resource_parameter(const provider::OAuth2& oauth, const provider::VariableValues& variables) {
    if (provider::variables_in(oauth.resource).empty()) return oauth.resource;
    TRY(url, provider::expand_url(oauth.resource, variables));
    return url.text();
}

oauth::TokenRequestOptions answer_options(const provider::ProviderDefinition& definition) {
    const auto& oauth = *definition.oauth2;
    const auto& response = oauth.response;
    oauth::TokenRequestOptions options;
    options.access_token_pointers = response.access_token;
    options.refresh_token_pointers = response.refresh_token;
    options.expires_pointers = response.expires;
    options.refresh_expires_pointers = response.refresh_expires;
    options.scope_pointers = response.scope;
    options.token_type_pointers = response.token_type;
    options.error_pointers = response.error;
    options.ok_status = response.ok_status;
    options.scope_separator = response.scope_separator.empty() ? oauth.scope_separator : response.scope_separator;
    options.response_format = response.format;
    for (const auto& rule : response.capture) options.capture.emplace_back(rule.name, rule.pointer);
    for (const auto& rule : definition.capture) options.capture.emplace_back(rule.name, rule.pointer);
    // { "/ok": false }: any of these values in the answer makes it an error.
    if (response.error_when.is_object())
        for (const auto& item : response.error_when.get_object())
            options.error_when.emplace_back(std::string_view(item.key()), json::to_canonical_text(item.value()));
    options.retry_status = definition.retry.status;
    options.retry_after_header = definition.retry.after_header;
    options.retry_at_header = definition.retry.at_header;
    options.any_token_type = definition.inject.present && !definition.inject.headers.empty();
    return options;
}

base::Result<oauth::TokenRequest> token_request(const provider::ProviderDefinition& definition,
                                                const RequestFields& fields, net::Url endpoint, oauth::Client client) {
    return request_with(definition, fields, std::move(endpoint), std::move(client), definition.oauth2->token_params, "token");
}

base::Result<oauth::TokenRequest> refresh_request(const provider::ProviderDefinition& definition,
                                                  const RequestFields& fields, net::Url endpoint, oauth::Client client) {
    return request_with(definition, fields, std::move(endpoint), std::move(client), definition.oauth2->refresh_params, "refresh");
}

base::Result<oauth::TokenRequest> revoke_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                 net::Url endpoint, oauth::Client client) {
    const provider::StringMap none;
    TRY(request, request_with(definition, fields, std::move(endpoint), std::move(client), none, "revoke"));
    const auto& quirk = definition.oauth2->revoke;
    request.options.method = quirk.present ? quirk.method : "POST";
    if (request.options.method != "POST") request.options.in_query = true;
    return request;
}

base::Result<oauth::TokenRequest> introspection_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                        net::Url endpoint, oauth::Client client) {
    const provider::StringMap none;
    TRY(request, request_with(definition, fields, std::move(endpoint), std::move(client), none, "introspect"));
    request.options.method = "POST";
    request.options.json_body = request.options.in_query = false;
    return request;
}

}  // namespace claviger::connection
