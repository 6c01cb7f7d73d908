// Rules: what is put into requests. Header names are tokens and none of those that frame a message (PX-12), templates
// use fields that exist, forms and key patterns compile (PK-08).
#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "json/schema.hpp"
#include "provider/pattern.hpp"
#include "provider/rule_check.hpp"

namespace claviger::provider {
namespace {

constexpr std::size_t kLongestValue = 4096;

void add_once(std::vector<std::string>& names, std::string_view name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

const json::Object* form_fields(const ProviderDefinition& definition) {
    const auto* schema = definition.credentials.schema.if_object();
    return schema ? json::object_at(*schema, "properties") : nullptr;
}

void check_header_name(RuleCheck& check, const std::string& pointer, const std::string& name) {
    if (header_name_allowed(name)) return;
    check.error(pointer, "bad_header",
                is_token(name) ? fmt::format("\"{}\" frames or routes the message and cannot be set; use another header", name)
                               : "is no header name; use letters, digits and '-'");
}

void check_header_value(RuleCheck& check, const std::string& pointer, const std::string& value) {
    const bool padded = !value.empty() && (value.front() == ' ' || value.back() == ' ');
    if (has_hidden_character(value) || padded || value.size() > kLongestValue) {
        check.error(pointer, "bad_header_value", "has a control character, a space at an end, or more than 4096 bytes");
    }
}

// {{name}}, one pass: the names in order. False when a "{{" is never closed.
bool template_names(std::string_view text, std::vector<std::string>& names) {
    for (std::size_t at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at)) {
        const std::size_t end = text.find("}}", at + 2);
        if (end == std::string_view::npos) return false;
        names.emplace_back(base::trim(text.substr(at + 2, end - at - 2)));
        at = end + 2;
    }
    return true;
}

void check_template(RuleCheck& check, const std::string& pointer, const std::string& text, const std::vector<std::string>& beside = {}) {
    if (text.size() > kLongestValue) return;  // said by check_header_value
    std::vector<std::string> used;
    if (!template_names(text, used)) {
        check.error(pointer, "bad_template", "has {{ without }}; write {{field}}");
        return;
    }
    std::vector<std::string> fields = credential_fields(check.definition);
    for (const auto& name : beside) add_once(fields, name);
    const std::vector<std::string_view> candidates(fields.begin(), fields.end());
    for (const std::string& name : used) {
        if (name == "refresh_token" || name == "client_secret") {
            check.error(pointer, "bad_template", fmt::format("{{{{{}}}}} never leaves the vault; use {{{{access_token}}}}", name));
        } else if (std::find(fields.begin(), fields.end(), name) == fields.end()) {
            const auto guess = base::did_you_mean(name, candidates);
            check.error(pointer, "unknown_field",
                        fmt::format("uses {{{{{}}}}}, which is no field of the credential; {}", base::printable(name, 64),
                                    guess ? fmt::format("did you mean {{{{{}}}}}?", *guess)
                                          : fmt::format("known are {}", base::join(fields, ", "))));
        }
    }
}

void check_place(RuleCheck& check, const std::string& pointer, const SigV4Place& place) {
    const auto labels = base::split(place.host, '.');
    const auto has = [&](std::string_view label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); };
    for (const auto& label : place.host.empty() ? std::vector<std::string>() : labels) {
        const bool plain = !label.empty() && std::all_of(label.begin(), label.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        });
        if (plain || label == "*" || label == "{region}" || label == "{service}") continue;
        check.error(pointer + "/host", "bad_place", "write whole labels in small letters, '*', {region} or {service}");
        return;
    }
    for (const auto& [name, text] : {std::pair{"region", &place.region}, std::pair{"service", &place.service}}) {
        if (text->empty() && !has("{" + std::string(name) + "}")) check.error(pointer + "/" + name, "disagrees", "is neither written nor a label of the host");
        check_header_value(check, pointer + "/" + name, *text);
        check_template(check, pointer + "/" + name, *text);
    }
}

void check_sigv4(RuleCheck& check, const InjectRules& inject) {
    const AwsSigV4 rule = inject.aws_sigv4.value_or(AwsSigV4());
    check_template(check, "/inject/aws_sigv4/access_key_id", rule.access_key_id);
    check_template(check, "/inject/aws_sigv4/secret_access_key", rule.secret_access_key);
    check_template(check, "/inject/aws_sigv4/session_token", rule.session_token, {"session_token"});
    if (rule.places.empty()) check.error("/inject/aws_sigv4/places", "disagrees", "must say which region and service a request is for");
    for (std::size_t i = 0; i < rule.places.size(); ++i) check_place(check, json::pointer_append("/inject/aws_sigv4/places", i), rule.places[i]);
}

void check_hmac(RuleCheck& check, const InjectRules& inject) {
    if (!inject.hmac) {
        check.error("/inject/hmac", "disagrees", "must say what is signed, with which key, and into which headers the signature goes");
        return;
    }
    const HmacSignature& rule = *inject.hmac;
    auto facts = signed_facts();
    check_template(check, "/inject/hmac/key", rule.key);
    if (has_hidden_character(rule.message, true) || rule.message.size() > kLongestValue) {
        check.error("/inject/hmac/message", "control_character", "has a control character other than a line's end, or more than 4096 bytes");
    }
    check_template(check, "/inject/hmac/message", rule.message, facts);
    std::erase(facts, "request.body");  // no header holds it
    facts.emplace_back("request.signature");
    if (rule.headers.empty()) check.error("/inject/hmac/headers", "disagrees", "the signature goes nowhere; write {\"X-Signature\": \"{{request.signature}}\"}");
    for (const auto& [name, text] : rule.headers) {
        const std::string at = json::pointer_append("/inject/hmac/headers", name);
        check_header_name(check, at, name);
        check_header_value(check, at, text);
        check_template(check, at, text, facts);
    }
}

void check_token_headers(RuleCheck& check, std::string_view pointer, const StringMap& headers) {
    for (const auto& [name, value] : headers) {
        const std::string at = json::pointer_append(std::string(pointer), name);
        check_header_name(check, at, name);
        for (const std::string_view taken : {"Authorization", "Content-Type", "Cookie", "DPoP"}) {
            if (base::equal_ignoring_case(name, taken)) {
                check.error(at, "bad_header", "is set by the protocol; use token_auth_method or token_content_type");
            }
        }
        check_header_value(check, at, value);
    }
}

void check_signature(RuleCheck& check, const InjectRules& inject) {
    if (inject.sign == "aws_sigv4") check_sigv4(check, inject);
    else if (inject.aws_sigv4) check.error("/inject/aws_sigv4", "disagrees", "has no effect unless \"sign\" is \"aws_sigv4\"");
    if (inject.sign == "hmac") check_hmac(check, inject);
    else if (inject.hmac) check.error("/inject/hmac", "disagrees", "has no effect unless \"sign\" is \"hmac\"");
    const bool other = !inject.sign.empty() && inject.sign != "oauth1";
    if (other && check.definition.auth_type == AuthType::oauth1) check.error("/inject/sign", "disagrees", "requests of auth_type \"oauth1\" have a signature already");
    if (inject.sign == "oauth1" && check.definition.auth_type != AuthType::oauth1) {
        check.error("/inject/sign", "disagrees", "\"oauth1\" signs only for auth_type \"oauth1\"; change one of them");
    }
}

void check_rules(RuleCheck& check, const InjectRules& inject) {
    for (const auto& [name, text] : inject.headers) {
        const std::string at = json::pointer_append("/inject/headers", name);
        check_header_name(check, at, name);
        if (base::equal_ignoring_case(name, "Cookie")) check.error(at, "bad_header", "cookies go into \"inject\": {\"cookies\": ...}");
        check_header_value(check, at, text);
        check_template(check, at, text);
        const bool signature_there = check.definition.oauth1 && check.definition.oauth1->placement == "header";
        if (signature_there && base::equal_ignoring_case(name, "Authorization")) {
            check.error(at, "disagrees", "the signature stands in that header; remove it, or write oauth1.placement \"query\"");
        }
    }
    for (const auto& [name, text] : inject.query) {
        const std::string at = json::pointer_append("/inject/query", name);
        if (name.empty() || name.size() > 128 || has_hidden_character(name)) check.error(at, "bad_parameter", "has no usable name");
        check_header_value(check, at, text);
        check_template(check, at, text);
    }
    for (const auto& [name, text] : inject.cookies) {
        const std::string at = json::pointer_append("/inject/cookies", name);
        if (!is_token(name)) check.error(at, "bad_parameter", "is no cookie name; use letters, digits, '_' and '-'");
        check_header_value(check, at, text);
        if (text.find(';') != std::string::npos) check.error(at, "bad_header_value", "has ';', which ends a cookie; remove it");
        check_template(check, at, text);
    }
    for (const auto& [list, names] : {std::pair{"/inject/reserved", &inject.reserved}, std::pair{"/inject/pass", &inject.pass}}) {
        for (std::size_t i = 0; i < names->size(); ++i) {
            if (!is_token((*names)[i])) check.error(json::pointer_append(list, i), "bad_header", "is no header name; use letters, digits and '-'");
        }
    }
    check_signature(check, inject);
}

void check_credentials(RuleCheck& check) {
    const Credentials& credentials = check.definition.credentials;
    if (!credentials.schema.is_null()) {
        if (json::to_text(credentials.schema).size() > (std::size_t{64} << 10)) {
            check.error("/credentials/schema", "too_long", "is larger than 64 KiB; shorten it");
        } else if (auto schema = json::Schema::compile(credentials.schema); !schema) {
            check.error("/credentials/schema", "bad_schema", "is no JSON Schema: " + schema.error().message);
        }
        const json::Object* properties = form_fields(check.definition);
        if (!properties || properties->empty()) {
            check.error("/credentials/schema", "bad_schema", "has no \"properties\"; name the fields to ask for");
        } else {
            for (const auto& field : *properties) {
                const std::string name(field.key());
                if (!is_token(name) || name.size() > 64) {
                    check.error(json::pointer_append("/credentials/schema/properties", name), "bad_field_name",
                                "must be letters, digits, '_' and '-', at most 64");
                }
            }
        }
        if (!credentials.field_name.empty() && properties && !properties->contains(credentials.field_name)) {
            check.error("/credentials/field_name", "unknown_field",
                        fmt::format("\"{}\" is not in credentials.schema.properties; add it there or name another field",
                                    base::printable(credentials.field_name, 64)));
        }
    }
    if (credentials.transform) {
        check_header_value(check, "/credentials/transform/template", credentials.transform->template_text);
        check_template(check, "/credentials/transform/template", credentials.transform->template_text);
    }
}

void check_api_key(RuleCheck& check, const ApiKey& key) {
    if (!key.header_name.empty()) {
        check_header_name(check, "/api_key/header_name", key.header_name);
    } else if (key.query_param.empty() && !check.definition.inject.present) {
        check.error("/api_key/header_name", "required", "the key goes nowhere; write \"header_name\" or \"query_param\"");
    }
    check_header_value(check, "/api_key/header_prefix", key.header_prefix);
    if (key.query_param.size() > 128 || has_hidden_character(key.query_param)) {
        check.error("/api_key/query_param", "bad_parameter", "has no usable name");
    }
    if (!key.key_pattern.empty()) {
        if (const auto problem = pattern_problem(key.key_pattern)) check.error("/api_key/key_pattern", "bad_pattern", *problem);
    }
}

}  // namespace

std::vector<std::string> credential_fields(const ProviderDefinition& definition) {
    std::vector<std::string> names;
    switch (definition.auth_type) {
        case AuthType::oauth2: names = {"access_token", "token_type", "client_id"}; break;
        case AuthType::oauth1: names = {"access_token", "access_token_secret", "client_id"}; break;
        case AuthType::api_key: names = {"api_key"}; break;
        case AuthType::basic: names = {"username", "password"}; break;
        case AuthType::custom: break;
    }
    if (const json::Object* fields = form_fields(definition)) {
        for (const auto& field : *fields) add_once(names, field.key());
    }
    add_once(names, definition.credentials.field_name);
    for (const auto& variable : definition.vars) add_once(names, variable.name);
    for (const auto& rule : definition.capture) add_once(names, rule.name);
    if (definition.oauth2) {
        for (const auto& rule : definition.oauth2->response.capture) add_once(names, rule.name);
        for (const auto& step : definition.oauth2->steps) {
            add_once(names, step.name);
            for (const auto& rule : step.response.capture) add_once(names, rule.name);
        }
        for (const auto& name : definition.oauth2->callback.capture) add_once(names, name);
    }
    add_once(names, "base_url");
    return names;
}

std::vector<std::string> signed_facts() {
    std::vector<std::string> facts;
    for (const char* fact : {"method", "target", "path", "query", "host", "content_type", "body", "body_sha256", "timestamp", "nonce"}) facts.push_back("request." + std::string(fact));
    return facts;
}

void check_injection(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    if (d.api_key) check_api_key(check, *d.api_key);
    check_credentials(check);
    if (d.inject.present) check_rules(check, d.inject);
    if (d.oauth2) {
        check_token_headers(check, "/oauth/token_headers", d.oauth2->token_headers);
        check_token_headers(check, "/oauth/refresh/headers", d.oauth2->refresh.headers);
        if (d.oauth2->token_signature) check_token_headers(check, "/oauth/token_signature/headers", d.oauth2->token_signature->headers);
    }
    if (!d.retry.after_header.empty()) check_header_name(check, "/retry/after_header", d.retry.after_header);
    if (!d.retry.at_header.empty()) check_header_name(check, "/retry/at_header", d.retry.at_header);
}

}  // namespace claviger::provider
