#include "provider/dialects/native_parts.hpp"

#include "base/text.hpp"

namespace claviger::provider::native {
namespace {

// The sources of the flat shape in their older spelling ("ACCESS_TOKEN", "API_TOKEN"): both mean the credential.
std::string canonical_source(const std::string& source, AuthType type) {
    const std::string lower = base::to_lower(source);
    const bool credential = lower == "access_token" || lower == "api_token" || lower == "api_key";
    if (credential && (type == AuthType::oauth2 || type == AuthType::oauth1)) return "access_token";
    if (credential && type == AuthType::api_key) return "api_key";
    for (const std::string_view fixed : {"access_token", "refresh_token", "base_url", "api_url"}) {
        if (lower == fixed) return lower;
    }
    return source;
}

}  // namespace

std::vector<CaptureRule> read_captures(FieldReader& reader, std::string_view key, Context& context) {
    std::vector<CaptureRule> rules;
    for (auto& item : reader.strings_or_objects(key)) {
        CaptureRule rule;
        if (const auto* name = std::get_if<std::string>(&item)) {
            rule = {*name, json::pointer_append("", *name)};
        } else {
            FieldReader& object = std::get<FieldReader>(item);
            rule.name = object.required_string("name");
            rule.pointer = object.string("pointer", json::pointer_append("", rule.name));
            object.finish(&context.unknown);
        }
        rules.push_back(std::move(rule));
    }
    return rules;
}

void read_setup_guide(FieldReader& root, Context& context) {
    auto guide = root.object("setup_guide");
    if (!guide) return;
    context.definition.setup_guide.callback_url_hint = guide->string("callback_url_hint");
    for (FieldReader& step : guide->objects("steps")) {
        SetupStep item;
        item.label = step.required_string("label");
        item.url = step.string("url");
        step.finish(&context.unknown);
        context.definition.setup_guide.steps.push_back(std::move(item));
    }
    guide->finish(&context.unknown);
}

void read_vars(FieldReader& root, Context& context) {
    auto vars = root.object("vars");
    if (!vars) return;
    for (const std::string& name : vars->keys()) {
        auto var = vars->object(name);
        if (!var) continue;
        Variable item;
        item.name = name;
        item.title = var->string("title");
        item.description = var->string("description");
        item.pattern = var->string("pattern");
        item.default_value = var->string("default");
        item.example = var->string("example");
        item.choices = var->strings("enum");
        item.secret = var->boolean("secret");
        var->finish(&context.unknown);
        context.definition.vars.push_back(std::move(item));
    }
}

void read_api_key(FieldReader& root, Context& context) {
    auto key = root.object("api_key");
    if (!key) return;
    ApiKey model;
    model.query_param = key->string("query_param");
    const bool in_query = !model.query_param.empty();
    const bool prefix_written = key->has("header_prefix") || key->is_null("header_prefix");
    // A key in the query is not put into a header as well, unless the file asks for it.
    model.header_name = key->string("header_name", in_query ? "" : "Authorization");
    // null is the older way to say "no prefix".
    model.header_prefix =
        key->string("header_prefix", key->is_null("header_prefix") || model.header_name.empty() ? "" : "Bearer");
    if (!prefix_written && !model.header_name.empty() && !base::equal_ignoring_case(model.header_name, "Authorization")) {
        key->warning("header_name", "default_prefix",
                     "\"Bearer\" will stand before the key; write \"header_prefix\": \"\" if the key stands alone");
    }
    model.env_var = key->string("env_var");
    model.key_pattern = key->string("key_pattern");
    model.key_pattern_hint = key->string("key_pattern_hint");
    key->finish(&context.unknown);
    context.definition.api_key = std::move(model);
}

void read_credentials(FieldReader& root, Context& context) {
    auto credentials = root.object("credentials");
    if (!credentials) return;
    Credentials& model = context.definition.credentials;
    if (credentials->object("schema")) model.schema = *credentials->value("schema");
    model.field_name = credentials->string("field_name");
    if (auto transform = credentials->object("transform")) {
        Transform item;
        item.template_text = transform->required_string("template");
        item.encoding = transform->choice("encoding", {"", "base64"}).value_or("");
        transform->finish(&context.unknown);
        model.transform = std::move(item);
    }
    credentials->finish(&context.unknown);
}

void read_sigv4(FieldReader& inject, Context& context) {
    auto reader = inject.object("aws_sigv4");
    if (!reader) return;
    AwsSigV4 model;
    for (const auto& [key, text] : {std::pair{"access_key_id", &model.access_key_id}, std::pair{"secret_access_key", &model.secret_access_key},
                                    std::pair{"session_token", &model.session_token}}) {
        *text = reader->string(key, *text);
    }
    for (auto& item : reader->objects("places")) {
        SigV4Place place;
        place.host = item.string("host");
        place.region = item.string("region");
        place.service = item.string("service");
        place.object_store = item.boolean("object_store");
        item.finish(&context.unknown);
        model.places.push_back(std::move(place));
    }
    reader->finish(&context.unknown);
    context.definition.inject.aws_sigv4 = std::move(model);
}

std::optional<HmacSignature> read_hmac(FieldReader& parent, std::string_view key, Context& context) {
    auto reader = parent.object(key);
    if (!reader) return std::nullopt;
    HmacSignature model;
    model.algorithm = reader->choice("algorithm", {"sha256", "sha1", "sha512"}).value_or(model.algorithm);
    model.key = reader->required_string("key");
    model.key_encoding = reader->choice("key_encoding", {"", "base64", "hex"}).value_or("");
    model.message = reader->required_string("message");
    model.encoding = reader->choice("encoding", {"hex", "base64", "base64url"}).value_or(model.encoding);
    model.timestamp = reader->choice("timestamp", {"seconds", "milliseconds", "rfc3339"}).value_or(model.timestamp);
    model.headers = reader->string_map("headers");
    reader->finish(&context.unknown);
    return model;
}

void read_inject(FieldReader& root, Context& context) {
    auto inject = root.object("inject");
    if (!inject) return;
    InjectRules& model = context.definition.inject;
    model.headers = inject->string_map("headers");
    model.query = inject->string_map("query");
    model.cookies = inject->string_map("cookies");
    model.sign = inject->choice("sign", {"", "oauth1", "aws_sigv4", "hmac"}).value_or("");
    read_sigv4(*inject, context);
    model.hmac = read_hmac(*inject, "hmac", context);
    model.reserved = inject->strings("reserved");
    model.pass = inject->strings("pass");
    // What callers may send says nothing of where the credential goes.
    const bool says_places = !model.headers.empty() || !model.query.empty() || !model.cookies.empty() || !model.sign.empty() || !model.reserved.empty();
    model.present = says_places || model.pass.empty();
    inject->finish(&context.unknown);
}

void read_after_connect(FieldReader& root, Context& context) {
    ProviderDefinition& definition = context.definition;
    if (auto identity = root.object("identity")) {
        Identity model;
        model.url = identity->required_string("url");
        model.id_pointer = identity->string("id");
        model.label_pointer = identity->string("label");
        identity->finish(&context.unknown);
        definition.identity = std::move(model);
    }
    if (auto probe = root.object("probe")) {
        Probe model;
        model.method = probe->choice("method", {"GET", "HEAD", "POST"}).value_or("GET");
        model.url = probe->required_string("url");
        model.ok_status = probe->integers("ok_status", 100, 599);
        probe->finish(&context.unknown);
        definition.probe = std::move(model);
    }
    definition.capture = read_captures(root, "capture", context);
    if (auto retry = root.object("retry")) {
        definition.retry.status = retry->integers("status", 100, 599);
        definition.retry.after_header = retry->string("after_header");
        definition.retry.at_header = retry->string("at_header");
        retry->finish(&context.unknown);
    }
}

void read_exports(FieldReader& root, Context& context) {
    auto exports = root.object("export");
    if (!exports) return;
    const AuthType type = context.definition.auth_type;
    const auto add = [&](std::string name, std::string source, std::string pointer) {
        context.pointers.add(json::pointer_append("/export", name), std::move(pointer));
        context.definition.exports.push_back({std::move(name), canonical_source(source, type)});
    };
    for (const std::string& key : exports->keys()) {
        const json::Value* member = exports->value(key);
        if (!member) continue;
        if (key == "env" && !member->is_string()) {  // the older shape: credential field -> name
            const std::string env_pointer = exports->pointer_of("env");
            for (auto& [source, name] : exports->string_map("env")) {
                add(name, source, json::pointer_append(env_pointer, source));
            }
        } else if (auto source = exports->optional_string(key)) {
            add(key, *source, exports->pointer_of(key));
        }
    }
}

}  // namespace claviger::provider::native
