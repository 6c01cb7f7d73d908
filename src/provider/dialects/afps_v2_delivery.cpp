// AFPS 2's `delivery`: how the credential reaches a request or a program.
#include <re2/re2.h>

#include "base/text.hpp"
#include "provider/dialects/afps_v2_auth.hpp"

namespace claviger::provider::afps2 {
namespace {

constexpr std::size_t kMostVariables = 50;

struct HttpDelivery { std::string in, name, prefix, value_text; bool base64 = false; };

// The prefix is literal, but a bare scheme before an Authorization value means the scheme and a space.
std::string literal_prefix(const HttpDelivery& http) {
    const bool authorization = base::equal_ignoring_case(http.name, "Authorization") ||
                               base::equal_ignoring_case(http.name, "Proxy-Authorization");
    if (authorization && RE2::FullMatch(http.prefix, "[A-Za-z][A-Za-z0-9-]*")) return http.prefix + " ";
    return http.prefix;
}

// After base64 the whole value stands in for one field: the last that it names, which is the secret in "user:key".
std::string carrying_field(const ValueTemplate& value) { return value.fields.empty() ? "" : value.fields.back(); }

bool is_bearer_default(const ProviderDefinition& d, const HttpDelivery& http, std::string_view prefix,
                       const ValueTemplate& value) {
    return d.auth_type == AuthType::oauth2 && http.in == "header" && !http.base64 && prefix == "Bearer " &&
           base::equal_ignoring_case(http.name, "Authorization") && value.text == "{{access_token}}";
}

bool is_basic_default(const ProviderDefinition& d, const HttpDelivery& http, std::string_view prefix,
                      const ValueTemplate& value) {
    return d.auth_type == AuthType::basic && http.in == "header" && http.base64 && prefix == "Basic " &&
           base::equal_ignoring_case(http.name, "Authorization") && value.text == "{{username}}:{{password}}";
}

// The form that the key's own block can say: "<prefix> <key>" in a header, or the key alone in the query.
bool fits_key_block(const ProviderDefinition& d, const HttpDelivery& http, std::string_view prefix, bool one_field) {
    if (d.auth_type != AuthType::api_key || !one_field) return false;
    if (http.in == "query") return prefix.empty();
    const std::string_view word = prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1);
    return http.in == "header" && (prefix.empty() || (prefix.ends_with(' ') && base::trim(word) == word && !word.empty()));
}

void place_http(const HttpDelivery& http, const ValueTemplate& value, ProviderDefinition& definition) {
    const std::string prefix = literal_prefix(http);
    if (is_bearer_default(definition, http, prefix, value) || is_basic_default(definition, http, prefix, value)) return;
    std::string shown = value.text;
    bool one_field = value.is_one_field();
    if (http.base64) {
        definition.credentials.transform = Transform{value.text, "base64"};
        shown = "{{" + carrying_field(value) + "}}";
        one_field = true;
    }
    if (one_field) definition.credentials.field_name = carrying_field(value);
    if (fits_key_block(definition, http, prefix, one_field)) {
        ApiKey key;
        key.header_name = http.in == "header" ? http.name : "";
        key.header_prefix = base::trim(prefix);
        key.query_param = http.in == "query" ? http.name : "";
        definition.api_key = std::move(key);
        return;
    }
    InjectRules& inject = definition.inject;
    inject.present = true;
    StringMap& place = http.in == "query" ? inject.query : http.in == "cookie" ? inject.cookies : inject.headers;
    place.emplace_back(http.name, prefix + shown);
}

void read_http(FieldReader& delivery, ProviderDefinition& definition) {
    auto from = delivery.object("http");
    if (!from) return;
    HttpDelivery http;
    http.in = from->choice("in", {"header", "query", "cookie"}).value_or("");
    if (http.in.empty() && !from->has("in")) from->error("in", "required", "in is required; write header, query or cookie");
    http.name = from->required_string("name");
    http.prefix = from->string("prefix");
    http.value_text = from->required_string("value");
    http.base64 = from->choice("encoding", {"base64"}).has_value();
    if (from->boolean("allow_server_override"))
        from->warning("allow_server_override", "unsupported", "has no effect: the credential always wins over what a request brings");
    from->finish(&definition.unknown);
    const auto value = parse_value(http.value_text);
    if (http.in.empty() || http.name.empty() || http.value_text.empty()) return;
    if (!value || value->fields.empty())
        from->error("value", "bad_template", "must name a field of the credential; write {$credential.api_key}");
    else
        place_http(http, *value, definition);
}

void read_env(FieldReader& delivery, ProviderDefinition& definition) {
    auto env = delivery.object("env");
    if (!env) return;
    if (env->keys().size() > kMostVariables) {
        delivery.error("env", "too_many", "has more than 50 variables; remove some");
        return;
    }
    for (const std::string& name : env->keys()) {
        auto item = env->object(name);
        if (!item) continue;
        const auto value = parse_value(item->required_string("value"));
        item->keep("sensitive");
        item->keep("user_config_key");
        item->finish(&definition.unknown);
        if (value && value->is_one_field()) definition.exports.push_back({name, value->fields.front()});
        else item->warning("value", "unsupported", "must be one field of the credential, as in {$credential.api_key}; it is not exported");
    }
}

// What a package means that does not say it; AFPS 2 wants it said.
void use_default(FieldReader& auth, ProviderDefinition& definition) {
    auth.warning("delivery", "default_delivery", "is absent; the usual place for this type is taken, write \"delivery\": {\"http\": ...}");
    if (definition.auth_type == AuthType::api_key) {
        definition.api_key = ApiKey{};
        definition.api_key->header_name = "X-Api-Key";
        definition.api_key->header_prefix = "";
    }
    if (definition.auth_type == AuthType::custom) definition.inject.present = true;
}

}  // namespace

void read_delivery(FieldReader& auth, ProviderDefinition& definition) {
    if (!auth.has("delivery")) return use_default(auth, definition);
    auto delivery = auth.object("delivery");
    if (!delivery) return;
    const bool http = delivery->has("http");
    read_http(*delivery, definition);
    read_env(*delivery, definition);
    if (delivery->has("files"))
        delivery->warning("files", "unsupported", "credentials are never written to files; this is left out");
    delivery->finish(&definition.unknown);
    // Only programs get it: nothing goes into requests by itself.
    if (!http) definition.inject.present = true;
}

}  // namespace claviger::provider::afps2
