#include "connection/token_options.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "json/value.hpp"
#include "provider/expand.hpp"
#include "provider/hmac_signature.hpp"
#include "provider/template_text.hpp"

namespace claviger::connection {
namespace {

// What oauth.token_signature needs, apart from the message.
struct TokenSignature {
    std::string owner;
    provider::HmacSignature rule;
    base::Secret key;
    std::map<std::string, base::Secret, std::less<>> fields;
};

base::Result<void> sign_message(const TokenSignature& with, http::Request& message, const oauth::Signing& signing) {
    const provider::RequestFacts facts{message.method, message.url.request_target(), message.url.authority(),
                                       std::string(message.fields.find("Content-Type").value_or("")), message.body, signing.now(),
                                       signing.unique_id()};
    const auto find = [&with](std::string_view name) -> std::optional<std::string_view> {
        const auto field = with.fields.find(name);
        return field == with.fields.end() ? std::nullopt : std::optional<std::string_view>(field->second.reveal());
    };
    TRY(headers, provider::signature_headers(with.rule, with.owner, with.key, facts, find));
    for (const auto& [name, value] : headers) {
        if (!http::valid_field_name(name) || !http::valid_field_value(value.reveal()))
            return base::fail(base::ErrorCode::invalid_input, "the text of token_signature for the header " + name + " holds what no header may hold");
        message.fields.set(name, value.reveal());
    }
    return {};
}

base::Result<void> add_signature(const provider::ProviderDefinition& definition, const RequestFields& fields, oauth::TokenRequest& request) {
    const auto& rule = definition.oauth2->token_signature;
    if (!rule) return {};
    auto with = std::make_shared<TokenSignature>();
    with->owner = definition.name;
    with->rule = *rule;
    TRY(key, fields.secret_text(rule->key, request.client));
    TRY(decoded, provider::decoded_hmac_key(std::move(key), rule->key_encoding));
    with->key = std::move(decoded);
    for (const auto& name : provider::fields_of(*rule)) {
        TRY(value, fields.secret_text("{{" + name + "}}", request.client));
        with->fields.insert_or_assign(name, std::move(value));
    }
    request.sign = [with](http::Request& message, const oauth::Signing& signing) { return sign_message(*with, message, signing); };
    return {};
}

// What the template of an XML body names beside the request's own parameters: fields that a human typed.
base::Result<void> add_named_fields(const provider::ProviderDefinition& definition, const RequestFields& fields, oauth::TokenRequest& request) {
    const auto* schema = definition.credentials.schema.if_object();
    const auto* typed = schema == nullptr ? nullptr : json::object_at(*schema, "properties");
    if (typed == nullptr || definition.oauth2->token_body.empty()) return {};
    std::set<std::string> named;
    for (auto& name : provider::fields_in(definition.oauth2->token_body)) named.insert(std::move(name));
    for (const auto& name : named) {
        if (!typed->contains(name)) continue;
        TRY(value, fields.secret_text("{{" + name + "}}", request.client));
        request.grant.emplace_back(name, std::move(value));
    }
    return {};
}

base::Result<oauth::TokenRequest> request_with(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                               net::Url endpoint, oauth::Client client, const provider::StringMap& params,
                                               std::string_view renames) {
    const auto& oauth = *definition.oauth2;
    oauth::TokenRequest request{std::move(endpoint), std::move(client), {}, {}, answer_options(definition), {}, {}, {}, {}};
    auto& options = request.options;
    TRY(parameters, fields.parameters(params));
    TRY(headers, fields.parameters(oauth.token_headers));
    options.extra_parameters = std::move(parameters);
    options.extra_headers = std::move(headers);
    set_format(oauth, oauth.token_content_type, options);
    TRY_VOID(add_named_fields(definition, fields, request));
    options.method = oauth.token_method;
    options.rename = renames_of(oauth, renames);
    TRY_VOID(add_signature(definition, fields, request));
    request.basic_form_encoded = oauth.basic.form_encoded;
    if (oauth.basic.username.empty() && oauth.basic.password.empty()) return request;
    TRY(username, fields.secret_text(oauth.basic.username, request.client));
    TRY(password, fields.secret_text(oauth.basic.password, request.client));
    request.basic.emplace(std::move(username), std::move(password));
    return request;
}

oauth::TokenRequestOptions options_of(const provider::ProviderDefinition& definition, const provider::ResponseQuirk& response) {
    oauth::TokenRequestOptions options;
    options.access_token_pointers = response.access_token;
    options.refresh_token_pointers = response.refresh_token;
    options.expires_pointers = response.expires;
    options.refresh_expires_pointers = response.refresh_expires;
    options.scope_pointers = response.scope;
    options.token_type_pointers = response.token_type;
    options.error_pointers = response.error;
    options.ok_status = response.ok_status;
    options.response_format = response.format;
    for (const auto& rule : response.capture) options.capture.emplace_back(rule.name, rule.pointer);
    // { "/ok": false }: any of these values in the answer makes it an error.
    if (response.error_when.is_object())
        for (const auto& item : response.error_when.get_object())
            options.error_when.emplace_back(std::string_view(item.key()), json::to_canonical_text(item.value()));
    options.retry_status = definition.retry.status;
    options.retry_after_header = definition.retry.after_header;
    options.retry_at_header = definition.retry.at_header;
    return options;
}

// Whether the XML template holds the token of a revocation, under the name that it has there.
bool names_token(const provider::OAuth2& oauth) {
    std::string name = "token";
    for (const auto& [from, to] : renames_of(oauth, "revoke"))
        if (from == name) name = to;
    const auto named = provider::fields_in(oauth.token_body);
    return std::find(named.begin(), named.end(), name) != named.end();
}

// As the RFCs of the endpoints beside the token's want it, whatever the token endpoint wants.
void make_form(oauth::TokenRequest& request) {
    request.options.method = "POST";
    request.options.json_body = request.options.in_query = false;
    request.options.xml_body.clear();
    request.options.response_format = "json";
    request.grant.clear();  // what a human typed into the definition's form is the token endpoint's
}

}  // namespace

void set_format(const provider::OAuth2& oauth, provider::BodyFormat format, oauth::TokenRequestOptions& options) {
    options.json_body = format == provider::BodyFormat::json;
    options.in_query = format == provider::BodyFormat::query;
    options.xml_body = format == provider::BodyFormat::xml ? oauth.token_body : std::string();
}

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
    auto options = options_of(definition, oauth.response);
    options.scope_separator = oauth.response.scope_separator.empty() ? oauth.scope_separator : oauth.response.scope_separator;
    for (const auto& rule : definition.capture) options.capture.emplace_back(rule.name, rule.pointer);
    options.any_token_type = definition.inject.present && !definition.inject.headers.empty();
    return options;
}

oauth::TokenRequestOptions step_options(const provider::ProviderDefinition& definition, const provider::TokenStep& step) {
    auto options = options_of(definition, step.response);
    options.json_body = step.content_type == provider::BodyFormat::json;
    options.in_query = step.content_type == provider::BodyFormat::query;
    options.method = step.method;
    options.any_token_type = true;
    return options;
}

base::Result<oauth::TokenRequest> token_request(const provider::ProviderDefinition& definition,
                                                const RequestFields& fields, net::Url endpoint, oauth::Client client) {
    return request_with(definition, fields, std::move(endpoint), std::move(client), definition.oauth2->token_params, "token");
}

base::Result<oauth::TokenRequest> refresh_request(const provider::ProviderDefinition& definition,
                                                  const RequestFields& fields, net::Url endpoint, oauth::Client client) {
    TRY(request, request_with(definition, fields, std::move(endpoint), std::move(client), definition.oauth2->refresh_params, "refresh"));
    TRY(headers, fields.parameters(definition.oauth2->refresh.headers));
    auto& all = request.options.extra_headers;
    all.insert(all.end(), std::make_move_iterator(headers.begin()), std::make_move_iterator(headers.end()));
    return request;
}

base::Result<oauth::TokenRequest> revoke_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                 net::Url endpoint, oauth::Client client) {
    const provider::StringMap none;
    TRY(request, request_with(definition, fields, std::move(endpoint), std::move(client), none, "revoke"));
    const auto& quirk = definition.oauth2->revoke;
    request.options.method = quirk.present ? quirk.method : "POST";
    if (request.options.method != "POST") request.options.in_query = true;
    if (names_token(*definition.oauth2)) return request;
    request.options.xml_body.clear();  // as RFC 7009 wants it
    request.grant.clear();
    return request;
}

base::Result<oauth::TokenRequest> client_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                 net::Url endpoint, oauth::Client client) {
    const provider::StringMap none;
    TRY(request, request_with(definition, fields, std::move(endpoint), std::move(client), none, "token"));
    std::erase_if(request.options.rename, [](const auto& name) { return !name.first.starts_with("client_"); });
    make_form(request);
    return request;
}

base::Result<oauth::TokenRequest> device_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                 net::Url endpoint, oauth::Client client) {
    const provider::StringMap none;
    TRY(request, request_with(definition, fields, std::move(endpoint), std::move(client), none, "device"));
    make_form(request);
    return request;
}

}  // namespace claviger::connection
