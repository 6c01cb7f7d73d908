// to_native_json: the canonical native form. A member that says nothing beyond its default is left out, so that
// adding a field in a later release changes no digest and no `inspect` output of older definitions.
#include "base/number.hpp"
#include "base/text.hpp"
#include "provider/dialects/native_write.hpp"

namespace claviger::provider {
namespace {

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
            const auto index = base::whole_number<std::size_t>(token);
            if (!index || *index >= list->size()) return nullptr;
            node = &(*list)[*index];
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
