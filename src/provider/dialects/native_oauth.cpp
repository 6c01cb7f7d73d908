#include "provider/dialects/native_parts.hpp"

#include "json/value.hpp"

namespace claviger::provider::native {
namespace {

void read_endpoints(FieldReader& oauth, OAuth2& model) {
    model.base_url = oauth.string("base_url");
    model.issuer = oauth.string("issuer");
    model.authorization_url = oauth.string("authorization_url");
    model.token_url = oauth.string("token_url");
    model.refresh_url = oauth.string("refresh_url");
    model.revocation_url = oauth.string("revocation_url");
    model.device_authorization_url = oauth.string("device_authorization_url");
    model.registration_endpoint = oauth.string("registration_endpoint");
    model.userinfo_url = oauth.string("userinfo_url");
    model.pushed_authorization_url = oauth.string("pushed_authorization_url");
    model.jwks_url = oauth.string("jwks_url");
    model.introspection_url = oauth.string("introspection_url");
}

void read_scopes(FieldReader& oauth, OAuth2& model, Context& context) {
    model.scopes = oauth.strings("scopes");
    for (FieldReader& choice : oauth.objects("available_scopes")) {
        ScopeChoice item;
        item.value = choice.required_string("value");
        item.label = choice.string("label");
        item.description = choice.string("description");
        item.implies = choice.strings("implies");
        choice.finish(&context.unknown);
        model.available_scopes.push_back(std::move(item));
    }
    model.scopes_required = oauth.boolean("scopes_required");
    model.scope_separator = oauth.string("scope_separator", " ");
    model.scope_param = oauth.string("scope_param", "scope");
}

void read_abilities(FieldReader& oauth, OAuth2& model, Flow flow) {
    model.pkce = oauth.boolean("pkce", true);
    oauth.alias("supports_device_flow", "supports_device_code");
    // What the chosen flow needs is taken to be there unless the file says otherwise.
    model.supports_device_code = oauth.boolean("supports_device_code", flow == Flow::device_code);
    model.supports_dcr = oauth.boolean("supports_dcr", flow == Flow::dcr_pkce);
    model.client_secret_required = oauth.boolean("client_secret_required");
    model.device_token_request = oauth.choice("device_token_request", {"oauth2_form", "json"}).value_or("oauth2_form");
}

std::optional<BodyFormat> read_format(FieldReader& reader, std::string_view key) {
    const auto text = reader.choice(key, {"form", "json", "query", "xml"});
    if (!text) return std::nullopt;
    return *text == "json" ? BodyFormat::json : *text == "query" ? BodyFormat::query : *text == "xml" ? BodyFormat::xml : BodyFormat::form;
}

std::optional<TokenAuthMethod> read_method(FieldReader& reader, std::string_view key) {
    const auto text = reader.choice(key, {"client_secret_post", "client_secret_basic", "none", "private_key_jwt", "client_secret_jwt"});
    return text ? token_auth_method_from(*text) : std::nullopt;
}

void read_assertion(FieldReader& parent, std::string_view key, AssertionRule& rule, Context& context) {
    constexpr std::int64_t kLongest = 300;  // OA-26
    auto assertion = parent.object(key);
    if (!assertion) return;
    rule.present = true;
    rule.algorithm = assertion->choice("algorithm", {"RS256", "PS256", "ES256", "EdDSA", "HS256"}).value_or("");
    rule.issuer = assertion->string("issuer");
    rule.subject = assertion->string("subject");
    rule.audience = assertion->string("audience");
    rule.key_id = assertion->string("key_id");
    rule.private_key = assertion->string("private_key");
    rule.claims = assertion->string_map("claims");
    rule.lifetime_seconds = assertion->integer("lifetime_seconds", 1, kLongest).value_or(kLongest);
    rule.issued_ago_seconds = assertion->integer("issued_ago_seconds", 0, kLongest).value_or(0);
    assertion->finish(&context.unknown);
}

void read_grant(FieldReader& oauth, OAuth2& model, Context& context) {
    auto grant = oauth.object("grant");
    if (!grant) return;
    model.grant.type =
        grant->choice("type", {"client_credentials", "jwt_bearer", "jwt_header", "self_signed_jwt", "token_exchange"}).value_or("client_credentials");
    read_assertion(*grant, "assertion", model.grant.assertion, context);
    model.grant.subject_token = grant->string("subject_token");
    model.grant.subject_token_type = grant->string("subject_token_type");
    model.grant.requested_token_type = grant->string("requested_token_type");
    grant->finish(&context.unknown);
}

void read_client_authentication(FieldReader& oauth, OAuth2& model, Context& context) {
    model.token_auth_method = read_method(oauth, "token_auth_method");
    if (auto older = oauth.choice("authorization_method", {"body", "basic"})) {
        const auto meant =
            *older == "basic" ? TokenAuthMethod::client_secret_basic : TokenAuthMethod::client_secret_post;
        if (model.token_auth_method && *model.token_auth_method != meant) {
            oauth.error("authorization_method", "conflict",
                        "says something else than \"token_auth_method\"; keep only \"token_auth_method\"");
        } else if (!model.token_auth_method) {
            model.token_auth_method = meant;
            context.pointers.add("/oauth/token_auth_method", oauth.pointer_of("authorization_method"));
        }
    }
    model.token_content_type = read_format(oauth, "token_content_type").value_or(BodyFormat::form);
    model.token_body = oauth.string("token_body");
    model.token_method = oauth.choice("token_method", {"POST", "GET"}).value_or("POST");
    if (auto basic = oauth.object("basic")) {
        model.basic.present = true;
        model.basic.username = basic->string("username");
        model.basic.password = basic->string("password");
        model.basic.form_encoded = basic->boolean("form_encoded", true);
        basic->finish(&context.unknown);
    }
    read_assertion(oauth, "client_assertion", model.client_assertion, context);
    model.dpop = oauth.boolean("dpop");
    model.token_signature = read_hmac(oauth, "token_signature", context);
    read_grant(oauth, model, context);
}

void read_parameters(FieldReader& oauth, OAuth2& model, Context& context) {
    model.authorization_params = oauth.string_map("authorization_params");
    model.token_params = oauth.string_map("token_params");
    model.refresh_params = oauth.string_map("refresh_params");
    model.token_headers = oauth.string_map("token_headers");
    model.resource = oauth.string("resource");
    model.audience = oauth.string("audience");
    if (auto rename = oauth.object("rename")) {
        for (const std::string_view request : {"authorize", "token", "refresh", "revoke", "device", "register"}) {
            StringMap names = rename->string_map(request);
            if (!names.empty()) model.rename.emplace(request, std::move(names));
        }
        rename->finish(&context.unknown);
    }
}

void read_answer(FieldReader& parent, ResponseQuirk& quirk, Context& context) {
    auto response = parent.object("response");
    if (!response) return;
    quirk.access_token = response->string_or_strings("access_token");
    quirk.refresh_token = response->string_or_strings("refresh_token");
    quirk.expires = response->string_or_strings("expires");
    quirk.scope = response->string_or_strings("scope");
    quirk.token_type = response->string_or_strings("token_type");
    quirk.refresh_expires = response->string_or_strings("refresh_expires");
    quirk.error = response->string_or_strings("error");
    quirk.ok_status = response->integers("ok_status", 200, 599);
    quirk.scope_separator = response->string("scope_separator");
    quirk.format = response->choice("format", {"auto", "json", "form", "text", "xml"}).value_or("auto");
    if (auto when = response->object("error_when")) quirk.error_when = *response->value("error_when");
    quirk.capture = read_captures(*response, "capture", context);
    response->finish(&context.unknown);
}

constexpr std::int64_t kTenYears = 315'360'000;

void read_expiry(FieldReader& parent, ExpiryQuirk& quirk, Context& context) {
    auto expires = parent.object("expires");
    if (!expires) return;
    quirk.unit = expires->choice("unit", {"seconds", "milliseconds", "minutes", "hours", "days"}).value_or("seconds");
    quirk.kind = expires->choice("kind", {"relative", "absolute", "jwt_exp"}).value_or("relative");
    quirk.default_seconds = expires->integer("default", 1, kTenYears);
    quirk.max_seconds = expires->integer("max", 1, kTenYears);
    expires->finish(&context.unknown);
}

void read_steps(FieldReader& oauth, OAuth2& model, Context& context) {
    for (FieldReader& reader : oauth.objects("steps")) {
        TokenStep step;
        step.name = reader.required_string("name");
        step.url = reader.required_string("url");
        step.method = reader.choice("method", {"POST", "GET"}).value_or("POST");
        const auto format = reader.choice("content_type", {"form", "json", "query"}).value_or("form");
        step.content_type = format == "json" ? BodyFormat::json : format == "query" ? BodyFormat::query : BodyFormat::form;
        step.params = reader.string_map("params");
        step.headers = reader.string_map("headers");
        read_answer(reader, step.response, context);
        read_expiry(reader, step.expires, context);
        reader.finish(&context.unknown);
        model.steps.push_back(std::move(step));
    }
}

void read_response(FieldReader& oauth, OAuth2& model, Context& context) {
    read_answer(oauth, model.response, context);
    read_steps(oauth, model, context);
    if (auto callback = oauth.object("callback")) {
        model.callback.code_param = callback->string("code_param", "code");
        model.callback.state_param = callback->string("state_param", "state");
        model.callback.capture = callback->strings("capture");
        model.callback.code_entry = callback->boolean("code_entry");
        model.callback.iss_required = callback->boolean("iss_required");
        callback->finish(&context.unknown);
    }
}

void read_life(FieldReader& oauth, OAuth2& model, Context& context) {
    read_expiry(oauth, model.expires, context);
    if (auto refresh = oauth.object("refresh")) {
        model.refresh.rotation = refresh->choice("rotation", {"auto", "always", "never"}).value_or("auto");
        model.refresh.margin_seconds = refresh->integer("margin_seconds", 0, 86'400);
        model.refresh.min_interval_seconds = refresh->integer("min_interval_seconds", 0, 86'400);
        model.refresh.mode = refresh->choice("mode", {"refresh", "remint", "extend"}).value_or("refresh");
        model.refresh.method = refresh->choice("method", {"POST", "GET"}).value_or("");
        model.refresh.grant_type = refresh->string("grant_type", "refresh_token");
        model.refresh.token = refresh->choice("token", {"refresh_token", "access_token"}).value_or("refresh_token");
        model.refresh.auth = read_method(*refresh, "auth");
        model.refresh.content_type = read_format(*refresh, "content_type");
        model.refresh.headers = refresh->string_map("headers");
        model.refresh.idle_max_seconds = refresh->integer("idle_max_seconds", 60, kTenYears);
        model.refresh.grace_seconds = refresh->integer("grace_seconds", 0, 86'400);
        refresh->finish(&context.unknown);
    }
    if (auto errors = oauth.object("errors")) {
        model.errors.terminal = errors->strings("terminal");
        model.errors.config = errors->strings("config");
        model.errors.transient = errors->strings("transient");
        errors->finish(&context.unknown);
    }
    if (auto revoke = oauth.object("revoke")) {
        model.revoke.present = true;
        model.revoke.method = revoke->choice("method", {"POST", "GET", "DELETE"}).value_or("POST");
        model.revoke.url = revoke->string("url");
        model.revoke.auth =
            revoke->choice("auth", {"", "client_secret_post", "client_secret_basic", "none", "bearer"}).value_or("");
        model.revoke.params = revoke->string_map("params");
        model.revoke.order = revoke->choice("order", {"", "refresh_first", "access_first", "refresh_only", "access_only"}).value_or("");
        revoke->finish(&context.unknown);
    }
}

// The endpoint once stood in a block of its own.
void read_registration_block(FieldReader& root, OAuth2& model, Context& context) {
    auto registration = root.object("registration");
    if (!registration) return;
    const std::string endpoint = registration->string("registration_endpoint");
    if (!endpoint.empty() && model.registration_endpoint.empty()) {
        model.registration_endpoint = endpoint;
        context.pointers.add("/oauth/registration_endpoint", registration->pointer_of("registration_endpoint"));
    } else if (!endpoint.empty() && model.registration_endpoint != endpoint) {
        registration->error("registration_endpoint", "conflict",
                            "says something else than \"oauth.registration_endpoint\"; keep only that one");
    }
    registration->finish(&context.unknown);
}

}  // namespace

void read_oauth2(FieldReader& root, Context& context) {
    auto oauth = root.object("oauth");
    if (!oauth) {
        if (auto registration = root.object("registration")) {
            registration->string("registration_endpoint");
            root.warning("registration", "unused", "has no effect without \"oauth\"; move it into an \"oauth\" block");
        }
        return;
    }
    OAuth2 model;
    read_endpoints(*oauth, model);
    read_scopes(*oauth, model, context);
    read_abilities(*oauth, model, context.definition.flow);
    read_client_authentication(*oauth, model, context);
    read_parameters(*oauth, model, context);
    read_response(*oauth, model, context);
    read_life(*oauth, model, context);
    read_registration_block(root, model, context);
    oauth->finish(&context.unknown);
    oauth->note_aliases(context.pointers, "/oauth");
    context.definition.oauth2 = std::move(model);
}

void read_oauth1(FieldReader& root, Context& context) {
    auto oauth = root.object("oauth1");
    if (!oauth) return;
    OAuth1 model;
    model.request_token_url = oauth->string("request_token_url");
    model.authorization_url = oauth->string("authorization_url");
    model.access_token_url = oauth->string("access_token_url");
    model.signature_method =
        oauth->choice("signature_method", {"HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"}).value_or("HMAC-SHA1");
    model.realm = oauth->string("realm");
    model.placement = oauth->choice("placement", {"header", "query"}).value_or("header");
    model.authorization_params = oauth->string_map("authorization_params");
    oauth->finish(&context.unknown);
    context.definition.oauth1 = std::move(model);
}

}  // namespace claviger::provider::native
