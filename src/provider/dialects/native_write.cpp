// to_native_json: the canonical native form. A member that says nothing beyond its default is left out, so that
// adding a field in a later release changes no digest and no `inspect` output of older definitions.
#include <charconv>

#include "base/text.hpp"
#include "provider/definition.hpp"

namespace claviger::provider {
namespace {

json::Array to_array(const std::vector<std::string>& items) {
    json::Array result;
    for (const auto& item : items) result.emplace_back(item);
    return result;
}

// Builds one object; the put_* leave out what is empty or equals the default.
class ObjectWriter {
public:
    void text(std::string_view key, const std::string& value, std::string_view fallback = "") {
        if (value != fallback) object_[key] = value;
    }
    void flag(std::string_view key, bool value, bool fallback = false) {
        if (value != fallback) object_[key] = value;
    }
    void number(std::string_view key, const std::optional<std::int64_t>& value) {
        if (value) object_[key] = *value;
    }
    void numbers(std::string_view key, const std::vector<int>& values) {
        json::Array list(values.begin(), values.end());
        if (!list.empty()) object_[key] = std::move(list);
    }
    void texts(std::string_view key, const std::vector<std::string>& values) {
        if (!values.empty()) object_[key] = to_array(values);
    }
    void map(std::string_view key, const StringMap& values) {
        json::Object members;
        for (const auto& [name, value] : values) members[name] = value;
        object(key, std::move(members));
    }
    void object(std::string_view key, json::Object value) {
        if (!value.empty()) object_[key] = std::move(value);
    }
    void list(std::string_view key, json::Array value) {
        if (!value.empty()) object_[key] = std::move(value);
    }
    template <class T>
    void always(std::string_view key, T&& value) {
        object_[key] = std::forward<T>(value);
    }
    json::Object take() && { return std::move(object_); }

private:
    json::Object object_;
};

json::Array write_captures(const std::vector<CaptureRule>& rules) {
    json::Array result;
    for (const auto& rule : rules) result.push_back(json::Object{{"name", rule.name}, {"pointer", rule.pointer}});
    return result;
}

json::Object write_setup_guide(const SetupGuide& guide) {
    ObjectWriter out;
    out.text("callback_url_hint", guide.callback_url_hint);
    json::Array steps;
    for (const auto& step : guide.steps) {
        ObjectWriter item;
        item.always("label", step.label);
        item.text("url", step.url);
        steps.push_back(std::move(item).take());
    }
    out.list("steps", std::move(steps));
    return std::move(out).take();
}

json::Object write_vars(const std::vector<Variable>& vars) {
    json::Object result;
    for (const auto& var : vars) {
        ObjectWriter out;
        out.text("title", var.title);
        out.text("description", var.description);
        out.text("pattern", var.pattern);
        out.text("default", var.default_value);
        out.text("example", var.example);
        out.texts("enum", var.choices);
        out.flag("secret", var.secret);
        result[var.name] = std::move(out).take();
    }
    return result;
}

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
    return format == BodyFormat::json ? "json" : format == BodyFormat::query ? "query" : "form";
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
    out.object("callback", std::move(callback).take());

    out.object("response", write_response(oauth.response));

    ObjectWriter expires;
    expires.text("unit", oauth.expires.unit, "seconds");
    expires.text("kind", oauth.expires.kind, "relative");
    expires.number("default", oauth.expires.default_seconds);
    out.object("expires", std::move(expires).take());

    out.object("refresh", write_refresh(oauth.refresh));

    ObjectWriter errors;
    errors.texts("terminal", oauth.errors.terminal);
    errors.texts("config", oauth.errors.config);
    errors.texts("transient", oauth.errors.transient);
    out.object("errors", std::move(errors).take());

    out.object("revoke", write_revoke(oauth.revoke));
    out.text("device_token_request", oauth.device_token_request, "oauth2_form");
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
    out.always("scopes", to_array(oauth.scopes));
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
    out.text("token_method", oauth.token_method, "POST");
    if (oauth.basic.present) {
        ObjectWriter basic;
        basic.text("username", oauth.basic.username);
        basic.text("password", oauth.basic.password);
        out.always("basic", std::move(basic).take());
    }
    write_assertion("client_assertion", oauth.client_assertion, out);
    out.flag("dpop", oauth.dpop);
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

json::Object write_oauth1(const OAuth1& oauth) {
    ObjectWriter out;
    out.text("request_token_url", oauth.request_token_url);
    out.text("authorization_url", oauth.authorization_url);
    out.text("access_token_url", oauth.access_token_url);
    out.always("signature_method", oauth.signature_method);
    out.text("realm", oauth.realm);
    out.text("placement", oauth.placement, "header");
    out.map("authorization_params", oauth.authorization_params);
    return std::move(out).take();
}

json::Object write_api_key(const ApiKey& key) {
    ObjectWriter out;
    out.always("header_name", key.header_name);
    out.always("header_prefix", key.header_prefix);
    out.text("query_param", key.query_param);
    out.text("env_var", key.env_var);
    out.text("key_pattern", key.key_pattern);
    out.text("key_pattern_hint", key.key_pattern_hint);
    return std::move(out).take();
}

json::Object write_credentials(const Credentials& credentials) {
    ObjectWriter out;
    if (!credentials.schema.is_null()) out.always("schema", credentials.schema);
    out.text("field_name", credentials.field_name);
    if (credentials.transform) {
        ObjectWriter transform;
        transform.always("template", credentials.transform->template_text);
        transform.text("encoding", credentials.transform->encoding);
        out.object("transform", std::move(transform).take());
    }
    return std::move(out).take();
}

json::Object write_sigv4(const AwsSigV4& rule) {
    const AwsSigV4 usual;
    ObjectWriter out;
    out.text("access_key_id", rule.access_key_id, usual.access_key_id);
    out.text("secret_access_key", rule.secret_access_key, usual.secret_access_key);
    out.text("session_token", rule.session_token, usual.session_token);
    json::Array places;
    for (const auto& place : rule.places) {
        ObjectWriter item;
        item.text("host", place.host);
        item.text("region", place.region);
        item.text("service", place.service);
        item.flag("object_store", place.object_store);
        places.emplace_back(std::move(item).take());
    }
    out.list("places", std::move(places));
    return std::move(out).take();
}

json::Object write_hmac(const HmacSignature& rule) {
    ObjectWriter out;
    out.text("algorithm", rule.algorithm, "sha256");
    out.always("key", rule.key);
    out.text("key_encoding", rule.key_encoding);
    out.always("message", rule.message);
    out.text("encoding", rule.encoding, "hex");
    out.text("timestamp", rule.timestamp, "seconds");
    out.map("headers", rule.headers);
    return std::move(out).take();
}

json::Object write_inject(const InjectRules& inject) {
    ObjectWriter out;
    out.map("headers", inject.headers);
    out.map("query", inject.query);
    out.map("cookies", inject.cookies);
    out.text("sign", inject.sign);
    if (inject.aws_sigv4) out.always("aws_sigv4", write_sigv4(*inject.aws_sigv4));
    if (inject.hmac) out.always("hmac", write_hmac(*inject.hmac));
    out.texts("reserved", inject.reserved);
    out.texts("pass", inject.pass);
    return std::move(out).take();
}

// One name per source fits the `env` shape of the older files; several names for one source need the flat one.
json::Object write_exports(const std::vector<ExportRule>& rules) {
    json::Object env, flat;
    for (const auto& rule : rules) {
        env[rule.source] = rule.env_name;
        flat[rule.env_name] = rule.source;
    }
    if (env.size() == rules.size()) return rules.empty() ? json::Object{} : json::Object{{"env", std::move(env)}};
    return flat;
}

void write_after_connect(const ProviderDefinition& definition, ObjectWriter& out) {
    if (definition.identity) {
        ObjectWriter identity;
        identity.always("url", definition.identity->url);
        identity.text("id", definition.identity->id_pointer);
        identity.text("label", definition.identity->label_pointer);
        out.object("identity", std::move(identity).take());
    }
    if (definition.probe) {
        ObjectWriter probe;
        probe.text("method", definition.probe->method, "GET");
        probe.always("url", definition.probe->url);
        probe.numbers("ok_status", definition.probe->ok_status);
        out.object("probe", std::move(probe).take());
    }
    out.list("capture", write_captures(definition.capture));
    ObjectWriter retry;
    retry.numbers("status", definition.retry.status);
    retry.text("after_header", definition.retry.after_header);
    retry.text("at_header", definition.retry.at_header);
    out.object("retry", std::move(retry).take());
}

// The container at `pointer`, made of objects where it does not exist; nullptr inside a scalar or past a list's end.
json::Object* container_at(json::Value& root, std::string_view pointer) {
    json::Value* node = &root;
    const std::vector<std::string> tokens = base::split(pointer.empty() ? pointer : pointer.substr(1), '/');
    for (const std::string& token : pointer.empty() ? std::vector<std::string>{} : tokens) {
        if (auto* list = node->if_array()) {
            std::size_t index = 0;
            const auto [end, problem] = std::from_chars(token.data(), token.data() + token.size(), index);
            if (problem != std::errc() || end != token.data() + token.size() || index >= list->size()) return nullptr;
            node = &(*list)[index];
            continue;
        }
        auto* object = node->if_object();
        if (!object) return nullptr;
        std::string key;  // RFC 6901: ~1 is '/', ~0 is '~'
        for (std::size_t i = 0; i < token.size(); ++i) {
            const bool escape = token[i] == '~' && i + 1 < token.size();
            key += !escape ? token[i] : token[++i] == '1' ? '/' : '~';
        }
        json::Value& child = (*object)[key];
        if (child.is_null()) child.emplace_object();
        node = &child;
    }
    return node->if_object();
}

// Members that only a foreign dialect did not know go under one inert key: put back at their own pointers, a package
// could slip in native members that nobody checked ("allow_all_uris").
void write_unknown(const ProviderDefinition& definition, json::Value& root) {
    if (definition.unknown.empty()) return;
    if (definition.dialect != "native") {
        root.get_object()["x-" + definition.dialect] = definition.unknown;
        return;
    }
    for (const auto& place : definition.unknown) {
        const json::Object* members = place.value().if_object();
        json::Object* target = members ? container_at(root, place.key()) : nullptr;
        if (!target) continue;
        for (const auto& member : *members) target->emplace(member.key(), member.value());
    }
}

}  // namespace

json::Value to_native_json(const ProviderDefinition& definition) {
    ObjectWriter out;
    out.always("schema_version", definition.schema_version);
    out.always("name", definition.name);
    out.always("display_name", definition.display_name);
    out.text("description", definition.description);
    out.text("icon", definition.icon);
    out.texts("categories", definition.categories);
    out.text("docs_url", definition.docs_url);
    out.object("setup_guide", write_setup_guide(definition.setup_guide));
    out.always("auth_type", to_string(definition.auth_type));
    out.always("flow", to_string(definition.flow));
    if (definition.api_urls.size() == 1) {
        out.always("api_url", definition.api_urls.front());
    } else {
        out.texts("api_url", definition.api_urls);
    }
    out.texts("authorized_uris", definition.authorized_uris);
    out.flag("allow_all_uris", definition.allow_all_uris);
    out.flag("websocket", definition.websocket);
    out.text("uri_pattern_dialect", definition.uri_pattern_dialect);
    out.object("vars", write_vars(definition.vars));
    if (definition.oauth2) out.always("oauth", write_oauth2(*definition.oauth2));
    if (definition.oauth1) out.always("oauth1", write_oauth1(*definition.oauth1));
    if (definition.api_key) out.always("api_key", write_api_key(*definition.api_key));
    out.object("credentials", write_credentials(definition.credentials));
    if (definition.inject.present || !definition.inject.pass.empty()) out.always("inject", write_inject(definition.inject));
    write_after_connect(definition, out);
    out.object("export", write_exports(definition.exports));
    json::Value root = std::move(out).take();
    write_unknown(definition, root);
    return root;
}

}  // namespace claviger::provider
