#include "provider/dialects/afps_v2_auth.hpp"

#include <algorithm>

#include <re2/re2.h>

#include "base/text.hpp"
#include "provider/dialects/afps_parts.hpp"

namespace claviger::provider::afps2 {
namespace {

void require(FieldReader& from, std::string_view key, const std::string& text) {
    if (text.empty()) from.error(key, "required", "is required unless there is an issuer; write an https URL");
}

// A vendor's entry of `_meta`, "<reverse name>/oauth", says what AFPS 2 has no word for.
std::string scope_separator(FieldReader& auth) {
    const json::Value* meta = auth.value("_meta");
    const json::Object* entries = meta ? meta->if_object() : nullptr;
    if (!entries) return " ";
    for (const auto& entry : *entries) {
        const json::Object* members = entry.value().if_object();
        if (!members || !std::string_view(entry.key()).ends_with("/oauth")) continue;
        if (const auto separator = json::string_at(*members, "scope_separator")) return std::string(*separator);
    }
    return " ";
}

void read_scopes(FieldReader& auth, OAuth2& model, ProviderDefinition& definition) {
    model.scopes = auth.strings("default_scopes");
    for (FieldReader& item : auth.objects("scope_catalog")) {
        ScopeChoice choice;
        choice.value = item.required_string("value");
        choice.label = item.string("label");
        choice.description = item.string("description");
        choice.implies = item.strings("implies");
        item.finish(&definition.unknown);
        model.available_scopes.push_back(std::move(choice));
    }
    model.scope_separator = scope_separator(auth);
}

// Whose account it is: a stable id, and a name that people know.
void read_identity(FieldReader& auth, const OAuth2& model, ProviderDefinition& definition) {
    if (!auth.has("identity_claims")) return;
    const StringMap claims = auth.string_map("identity_claims");
    // The first of these that is there and is not `other`.
    const auto claim = [&](std::initializer_list<std::string_view> names, std::string_view other = {}) {
        for (const std::string_view name : names)
            for (const auto& [key, path] : claims)
                if (const auto pointer = key == name ? pointer_of_path(path) : std::nullopt; pointer && *pointer != other)
                    return *pointer;
        return std::string();
    };
    Identity identity{model.userinfo_url, claim({"sub", "account_id", "accountId"}), ""};
    identity.label_pointer = claim({"account_id", "accountId", "email", "login", "name"}, identity.id_pointer);
    if (!identity.url.empty() && !identity.id_pointer.empty()) definition.identity = std::move(identity);
}

void read_oauth2(FieldReader& auth, ProviderDefinition& definition) {
    OAuth2 model;
    model.issuer = auth.string("issuer");
    model.authorization_url = auth.string("authorization_endpoint");
    model.token_url = auth.string("token_endpoint");
    model.userinfo_url = auth.string("userinfo_endpoint");
    if (model.issuer.empty()) {
        require(auth, "authorization_endpoint", model.authorization_url);
        require(auth, "token_endpoint", model.token_url);
    }
    const auto method = auth.choice("token_endpoint_auth_method", {"client_secret_basic", "client_secret_post", "none",
                                                                   "client_secret_jwt", "private_key_jwt"});
    model.token_auth_method = token_auth_method_from(method.value_or("client_secret_basic"));
    const bool public_client = model.token_auth_method == TokenAuthMethod::none;
    model.client_secret_required = !public_client && model.token_auth_method != TokenAuthMethod::private_key_jwt;
    // Not listed means not supported (RFC 8414), but discovery knows better, and a public client cannot do without.
    const auto challenges = auth.strings("code_challenge_methods_supported");
    model.pkce = std::find(challenges.begin(), challenges.end(), "S256") != challenges.end() ||
                 !model.issuer.empty() || public_client;
    model.resource = auth.string("resource");
    model.authorization_params = auth.string_map("authorization_params");
    read_scopes(auth, model, definition);
    read_identity(auth, model, definition);
    definition.flow = Flow::pkce;
    if (public_client && !model.issuer.empty() && model.authorization_url.empty()) {
        definition.flow = Flow::dcr_pkce;  // nobody can have a client yet
        model.supports_dcr = true;
    }
    definition.oauth2 = std::move(model);
}

void read_credentials(FieldReader& auth, ProviderDefinition& definition) {
    auto credentials = auth.object("credentials");
    if (!credentials) return;
    if (credentials->object("schema")) definition.credentials.schema = *credentials->value("schema");
    credentials->finish(&definition.unknown);
}

// Which field is the key, when nothing in `delivery` says so.
void settle_key_field(ProviderDefinition& definition) {
    std::string& name = definition.credentials.field_name;
    if (definition.auth_type != AuthType::api_key || !name.empty()) return;
    const auto fields = afps::declared_fields(definition);
    if (fields.size() == 1) name = fields.front();
    if (fields.empty() || std::find(fields.begin(), fields.end(), "api_key") != fields.end()) name = "api_key";
}

bool read_type(FieldReader& auth, ProviderDefinition& definition) {
    const auto type = auth.choice("type", {"oauth2", "api_key", "basic", "mtls", "custom"});
    if (!type) {
        if (!auth.has("type")) auth.error("type", "required", "type is required; write one of oauth2, api_key, basic, custom");
        return false;
    }
    if (*type == "mtls") {
        auth.warning("type", "unsupported", "client certificates are not supported; this way to authenticate is left out");
        return false;
    }
    definition.auth_type = *auth_type_from(*type);
    if (*type != "oauth2") definition.flow = *flow_from(*type);
    return true;
}

}  // namespace

std::optional<ValueTemplate> parse_value(std::string_view text) {
    constexpr std::size_t kLongest = 4096;  // as of a header's value
    if (text.size() > kLongest) return std::nullopt;
    ValueTemplate value;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = text.find("{$", at);
        value.text += text.substr(at, open == std::string_view::npos ? open : open - at);
        if (open == std::string_view::npos) break;
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos) return std::nullopt;
        std::string field;
        const std::string expression(text.substr(open + 2, close - open - 2));
        if (!RE2::FullMatch(expression, "credential\\.([A-Za-z_][A-Za-z0-9_]*)", &field)) return std::nullopt;
        value.text += "{{" + field + "}}";
        if (std::find(value.fields.begin(), value.fields.end(), field) == value.fields.end()) value.fields.push_back(field);
        at = close + 1;
    }
    return value;
}

std::optional<std::string> pointer_of_path(std::string_view json_path) {
    std::string rest(json_path.starts_with("$") ? json_path.substr(1) : "." + std::string(json_path));
    std::string pointer, name;
    re2::StringPiece input(rest);
    static constexpr const char* step = "(?:\\.([A-Za-z_][A-Za-z0-9_-]*)|\\['([^'\\\\]+)'\\]|\\[([0-9]{1,6})\\])";
    const RE2 pattern(step);
    std::string quoted, index;
    while (!input.empty()) {
        name.clear();
        quoted.clear();
        index.clear();
        if (!RE2::Consume(&input, pattern, &name, &quoted, &index)) return std::nullopt;
        pointer = json::pointer_append(pointer, !name.empty() ? name : !quoted.empty() ? quoted : index);
    }
    if (pointer.empty()) return std::nullopt;
    return pointer;
}

bool read_auth(FieldReader& auth, ProviderDefinition& definition) {
    if (!read_type(auth, definition)) return false;
    if (definition.auth_type == AuthType::oauth2) read_oauth2(auth, definition);
    read_credentials(auth, definition);
    read_delivery(auth, definition);
    settle_key_field(definition);
    definition.authorized_uris = auth.strings("authorized_uris");
    definition.allow_all_uris = auth.boolean("allow_all_uris");
    if (auto hint = auth.optional_string("callback_url_hint")) definition.setup_guide.callback_url_hint = *hint;
    if (auth.has("connect"))
        auth.warning("connect", "unsupported", "logging in by a request is not supported; the form asks for the fields of the schema");
    auth.keep("required_identity_claims");
    return true;
}

}  // namespace claviger::provider::afps2
