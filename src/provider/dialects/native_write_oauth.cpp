// The oauth block of to_native_json.
#include "provider/dialects/native_write.hpp"

namespace claviger::provider {
namespace {

json::Array write_scope_choices(const std::vector<ScopeChoice>& choices) {
    json::Array result;
    for (const auto& choice : choices) {
        ObjectWriter out;
        out.always("value", choice.value);
        out.text("label", choice.label);
        out.text("description", choice.description);
        out.texts("implies", choice.implies);
        result.push_back(std::move(out).take());
    }
    return result;
}

std::string_view format_text(BodyFormat format) {
    return format == BodyFormat::json ? "json" : format == BodyFormat::query ? "query" : format == BodyFormat::xml ? "xml" : "form";
}

void write_assertion(std::string_view key, const AssertionRule& rule, ObjectWriter& out) {
    if (!rule.present) return;
    ObjectWriter assertion;
    assertion.text("algorithm", rule.algorithm);
    assertion.text("issuer", rule.issuer);
    assertion.text("subject", rule.subject);
    assertion.text("audience", rule.audience);
    assertion.text("key_id", rule.key_id);
    assertion.text("private_key", rule.private_key);
    assertion.map("claims", rule.claims);
    if (rule.lifetime_seconds != AssertionRule().lifetime_seconds) assertion.always("lifetime_seconds", rule.lifetime_seconds);
    if (rule.issued_ago_seconds != 0) assertion.always("issued_ago_seconds", rule.issued_ago_seconds);
    out.always(key, std::move(assertion).take());
}

void write_grant(const GrantRule& rule, ObjectWriter& out) {
    ObjectWriter grant;
    grant.text("type", rule.type, "client_credentials");
    write_assertion("assertion", rule.assertion, grant);
    grant.text("subject_token", rule.subject_token);
    grant.text("subject_token_type", rule.subject_token_type);
    grant.text("requested_token_type", rule.requested_token_type);
    out.object("grant", std::move(grant).take());
}

json::Object write_refresh(const RefreshQuirk& quirk) {
    ObjectWriter refresh;
    refresh.text("rotation", quirk.rotation, "auto");
    refresh.number("margin_seconds", quirk.margin_seconds);
    refresh.number("min_interval_seconds", quirk.min_interval_seconds);
    refresh.text("mode", quirk.mode, "refresh");
    refresh.text("method", quirk.method, "");
    refresh.text("grant_type", quirk.grant_type, "refresh_token");
    refresh.text("token", quirk.token, "refresh_token");
    if (quirk.auth) refresh.always("auth", to_string(*quirk.auth));
    if (quirk.content_type) refresh.always("content_type", format_text(*quirk.content_type));
    refresh.map("headers", quirk.headers);
    refresh.number("idle_max_seconds", quirk.idle_max_seconds);
    refresh.number("grace_seconds", quirk.grace_seconds);
    return std::move(refresh).take();
}

json::Object write_response(const ResponseQuirk& response) {
    ObjectWriter out;
    out.texts("access_token", response.access_token);
    out.texts("refresh_token", response.refresh_token);
    out.texts("expires", response.expires);
    out.texts("scope", response.scope);
    out.texts("token_type", response.token_type);
    out.texts("refresh_expires", response.refresh_expires);
    out.texts("error", response.error);
    out.numbers("ok_status", response.ok_status);
    out.text("scope_separator", response.scope_separator);
    out.text("format", response.format, "auto");
    if (!response.error_when.is_null()) out.always("error_when", response.error_when);
    out.list("capture", write_captures(response.capture));
    return std::move(out).take();
}

json::Object write_expiry(const ExpiryQuirk& quirk) {
    ObjectWriter out;
    out.text("unit", quirk.unit, "seconds");
    out.text("kind", quirk.kind, "relative");
    out.number("default", quirk.default_seconds);
    out.number("max", quirk.max_seconds);
    return std::move(out).take();
}

json::Array write_steps(const std::vector<TokenStep>& steps) {
    json::Array result;
    for (const auto& step : steps) {
        ObjectWriter out;
        out.always("name", step.name);
        out.always("url", step.url);
        out.text("method", step.method, "POST");
        if (step.content_type != BodyFormat::form) out.always("content_type", format_text(step.content_type));
        out.map("params", step.params);
        out.map("headers", step.headers);
        out.object("response", write_response(step.response));
        out.object("expires", write_expiry(step.expires));
        result.push_back(std::move(out).take());
    }
    return result;
}

json::Object write_revoke(const RevokeQuirk& revoke) {
    ObjectWriter out;
    if (!revoke.present) return {};
    out.always("method", revoke.method);
    out.text("url", revoke.url);
    out.text("auth", revoke.auth);
    out.map("params", revoke.params);
    out.text("order", revoke.order);
    return std::move(out).take();
}

void write_oauth2_quirks(const OAuth2& oauth, ObjectWriter& out) {
    json::Object rename;
    for (const auto& [request, names] : oauth.rename) {
        json::Object members;
        for (const auto& [from, to] : names) members[from] = to;
        if (!members.empty()) rename[request] = std::move(members);
    }
    out.object("rename", std::move(rename));

    ObjectWriter callback;
    callback.text("code_param", oauth.callback.code_param, "code");
    callback.text("state_param", oauth.callback.state_param, "state");
    callback.texts("capture", oauth.callback.capture);
    callback.flag("code_entry", oauth.callback.code_entry);
    callback.flag("iss_required", oauth.callback.iss_required);
    out.object("callback", std::move(callback).take());

    out.object("response", write_response(oauth.response));

    out.object("expires", write_expiry(oauth.expires));
    out.list("steps", write_steps(oauth.steps));

    out.object("refresh", write_refresh(oauth.refresh));

    ObjectWriter errors;
    errors.texts("terminal", oauth.errors.terminal);
    errors.texts("config", oauth.errors.config);
    errors.texts("transient", oauth.errors.transient);
    out.object("errors", std::move(errors).take());

    out.object("revoke", write_revoke(oauth.revoke));
    out.text("device_token_request", oauth.device_token_request, "oauth2_form");
}

}  // namespace

json::Array write_captures(const std::vector<CaptureRule>& rules) {
    json::Array result;
    for (const auto& rule : rules) result.push_back(json::Object{{"name", rule.name}, {"pointer", rule.pointer}});
    return result;
}

json::Object write_oauth2(const OAuth2& oauth) {
    ObjectWriter out;
    out.text("base_url", oauth.base_url);
    out.text("issuer", oauth.issuer);
    out.text("authorization_url", oauth.authorization_url);
    out.text("token_url", oauth.token_url);
    out.text("refresh_url", oauth.refresh_url);
    out.text("revocation_url", oauth.revocation_url);
    out.text("device_authorization_url", oauth.device_authorization_url);
    out.text("registration_endpoint", oauth.registration_endpoint);
    out.text("userinfo_url", oauth.userinfo_url);
    out.text("pushed_authorization_url", oauth.pushed_authorization_url);
    out.text("jwks_url", oauth.jwks_url);
    out.text("introspection_url", oauth.introspection_url);
    out.texts_always("scopes", oauth.scopes);
    out.list("available_scopes", write_scope_choices(oauth.available_scopes));
    out.flag("scopes_required", oauth.scopes_required);
    out.text("scope_separator", oauth.scope_separator, " ");
    out.text("scope_param", oauth.scope_param, "scope");
    out.always("pkce", oauth.pkce);
    out.always("supports_device_code", oauth.supports_device_code);
    out.always("supports_dcr", oauth.supports_dcr);
    out.flag("client_secret_required", oauth.client_secret_required);
    if (oauth.token_auth_method) out.always("token_auth_method", to_string(*oauth.token_auth_method));
    if (oauth.token_content_type != BodyFormat::form) out.always("token_content_type", format_text(oauth.token_content_type));
    out.text("token_body", oauth.token_body, "");
    out.text("token_method", oauth.token_method, "POST");
    if (oauth.basic.present) {
        ObjectWriter basic;
        basic.text("username", oauth.basic.username);
        basic.text("password", oauth.basic.password);
        if (!oauth.basic.form_encoded) basic.always("form_encoded", false);
        out.always("basic", std::move(basic).take());
    }
    write_assertion("client_assertion", oauth.client_assertion, out);
    out.flag("dpop", oauth.dpop);
    if (oauth.token_signature) out.always("token_signature", write_hmac(*oauth.token_signature));
    write_grant(oauth.grant, out);
    out.map("authorization_params", oauth.authorization_params);
    out.map("token_params", oauth.token_params);
    out.map("refresh_params", oauth.refresh_params);
    out.map("token_headers", oauth.token_headers);
    out.text("resource", oauth.resource);
    out.text("audience", oauth.audience);
    write_oauth2_quirks(oauth, out);
    return std::move(out).take();
}

}  // namespace claviger::provider
