// Rules: the flow fits the type, and what the flow needs is there.
#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/rule_check.hpp"

namespace claviger::provider {
namespace {

void require_endpoint(RuleCheck& check, std::string_view pointer, const std::string& url, std::string_view flow) {
    if (!url.empty()) return;
    check.error(pointer, "required", fmt::format("is required for the flow \"{}\"", flow));
}

// With an issuer the endpoints come from its metadata (RFC 8414); with a resource, for dcr_pkce and pkce, from what that
// says of its issuer (RFC 9728).
void check_oauth2(RuleCheck& check, const OAuth2& oauth, Flow flow) {
    const std::string_view flow_text = to_string(flow);
    const bool by_code = flow == Flow::pkce || flow == Flow::dcr_pkce;
    if (oauth.issuer.empty() && (!by_code || oauth.resource.empty())) {
        if (by_code) {
            require_endpoint(check, "/oauth/authorization_url", oauth.authorization_url, flow_text);
        }
        if (flow == Flow::device_code) {
            require_endpoint(check, "/oauth/device_authorization_url", oauth.device_authorization_url, flow_text);
        }
        require_endpoint(check, "/oauth/token_url", oauth.token_url, flow_text);
        if (oauth.supports_device_code && flow != Flow::device_code && oauth.device_authorization_url.empty()) {
            check.warning("/oauth/supports_device_code", "disagrees",
                          "there is no \"device_authorization_url\"; add it, or write false");
        }
    }
    if (flow == Flow::device_code && !oauth.supports_device_code) {
        check.warning("/oauth/supports_device_code", "disagrees", "the flow is \"device_code\"; write true, or another flow");
    }
    if (flow == Flow::dcr_pkce && !oauth.supports_dcr) {
        check.warning("/oauth/supports_dcr", "disagrees", "the flow is \"dcr_pkce\"; write true, or another flow");
    }
    if (oauth.scopes_required && oauth.scopes.empty() && oauth.available_scopes.empty()) {
        check.warning("/oauth/scopes_required", "disagrees", "scopes are required, but none is listed; add \"scopes\"");
    }
    if (oauth.client_secret_required && oauth.token_auth_method == TokenAuthMethod::none) {
        check.error("/oauth/token_auth_method", "disagrees",
                    "is \"none\", but \"client_secret_required\" is true; change one of them");
    }
}

void check_oauth1(RuleCheck& check, const OAuth1& oauth) {
    require_endpoint(check, "/oauth1/request_token_url", oauth.request_token_url, "oauth1");
    require_endpoint(check, "/oauth1/authorization_url", oauth.authorization_url, "oauth1");
    require_endpoint(check, "/oauth1/access_token_url", oauth.access_token_url, "oauth1");
    if (oauth.signature_method != "PLAINTEXT") return;
    for (const auto& [pointer, url] : {std::pair<std::string_view, const std::string&>{"/oauth1/request_token_url", oauth.request_token_url},
                                       {"/oauth1/access_token_url", oauth.access_token_url}}) {
        if (!base::to_lower(url).starts_with("http:")) continue;
        check.error(pointer, "disagrees", "the signature method PLAINTEXT sends the secrets themselves; use https or another method");
    }
}

void check_key_block(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    if (!d.api_key && d.credentials.schema.is_null() && !d.inject.present) {
        check.error("/api_key", "required",
                    "auth_type \"api_key\" needs an \"api_key\" block; write \"api_key\": {\"header_name\": ...}");
    }
}

void check_custom_block(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    if (d.credentials.schema.is_null()) {
        check.error("/credentials/schema", "required",
                    "auth_type \"custom\" needs \"credentials\": {\"schema\": ...} with the fields to ask for");
    }
    if (!d.inject.present && !d.api_key && !d.credentials.transform) {
        check.warning("/inject", "nothing_injected",
                      "no credential will be put into requests; say where in \"inject\": {\"headers\": ...}");
    }
}

}  // namespace

void check_blocks(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    if (!flow_fits(d.auth_type, d.flow)) {
        check.error("/flow", "flow_mismatch", fmt::format("\"{}\" is no flow of auth_type \"{}\"; {}", to_string(d.flow),
                    to_string(d.auth_type),
                    d.auth_type == AuthType::oauth2 ? "use pkce, dcr_pkce, device_code or client_credentials"
                                                    : fmt::format("use {}", to_string(d.auth_type))));
        return;  // what is required depends on both
    }
    switch (d.auth_type) {
        case AuthType::oauth2:
            if (!d.oauth2) {
                check.error("/oauth", "required", "auth_type \"oauth2\" needs an \"oauth\" block; write \"oauth\": {...}");
            } else {
                check_oauth2(check, *d.oauth2, d.flow);
            }
            break;
        case AuthType::oauth1:
            if (!d.oauth1) {
                check.error("/oauth1", "required", "auth_type \"oauth1\" needs an \"oauth1\" block; write \"oauth1\": {...}");
            } else {
                check_oauth1(check, *d.oauth1);
            }
            break;
        case AuthType::api_key: check_key_block(check); break;
        case AuthType::custom: check_custom_block(check); break;
        case AuthType::basic: break;  // user name and password are asked for by default
    }
}

}  // namespace claviger::provider
