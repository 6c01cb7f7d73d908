// Rules for the requests to an authorization server: texts name what such a request may hold, client authentication and
// grants have what they need (OA-26, OA-30).
#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "json/xml.hpp"
#include "provider/expand.hpp"
#include "provider/rule_check.hpp"
#include "provider/template_text.hpp"

namespace claviger::provider {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t kLongestText = 2048;

bool contains(const Words& words, std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); }

// What is known before the human has been sent away.
Words first_fields(const ProviderDefinition& definition) {
    Words names{"client_id", "scope", "base_url"};
    for (const auto& variable : definition.vars) names.push_back(variable.name);
    return names;
}

// What both a plain parameter and a text of client authentication may name.
Words request_fields(const ProviderDefinition& definition) {
    Words names{"client_id", "scope", "base_url"};
    for (const auto& variable : definition.vars) names.push_back(variable.name);
    for (const auto& rule : definition.capture) names.push_back(rule.name);
    for (const auto& rule : definition.oauth2->response.capture) names.push_back(rule.name);
    for (const auto& name : definition.oauth2->callback.capture) names.push_back(name);
    return names;
}

// With the secrets that prove who asks: the client's, and those of a service account.
Words authentication_fields(const ProviderDefinition& definition) {
    Words names = request_fields(definition);
    names.emplace_back("client_secret");
    if (const auto* schema = definition.credentials.schema.if_object()) {
        if (const auto* fields = json::object_at(*schema, "properties"))
            for (const auto& field : *fields) names.emplace_back(field.key());
    }
    if (!definition.credentials.field_name.empty()) names.push_back(definition.credentials.field_name);
    return names;
}

// What a signature or an XML body of token requests may name: what a human typed into the definition's own form is known only
// where that is how one logs in.
Words sender_fields(const ProviderDefinition& definition) {
    if (definition.flow == Flow::client_credentials) return authentication_fields(definition);
    auto names = request_fields(definition);
    names.emplace_back("client_secret");
    return names;
}

void check_text(RuleCheck& check, const std::string& at, const std::string& text, const Words& known) {
    if (text.size() > kLongestText) return;  // said elsewhere
    for (const auto& name : fields_in(text)) {
        if (contains(known, name)) continue;
        const std::vector<std::string_view> candidates(known.begin(), known.end());
        const auto guess = base::did_you_mean(name, candidates);
        check.error(at, "unknown_field",
                    fmt::format("uses {{{{{}}}}}, which no such request has; {}", base::printable(name, 64),
                                guess ? fmt::format("did you mean {{{{{}}}}}?", *guess)
                                      : fmt::format("known are {}", base::join(known, ", "))));
        return;  // one finding a text, so that a hostile file costs little
    }
}

void check_texts_of(RuleCheck& check, std::string_view pointer, const StringMap& map, const Words& known) {
    for (const auto& [name, text] : map) check_text(check, json::pointer_append(pointer, name), text, known);
}

void check_line(RuleCheck& check, const std::string& at, const std::string& text, const Words& known) {
    if (text.size() > kLongestText) check.error(at, "too_long", "is longer than 2048 bytes; shorten it");
    if (has_hidden_character(text)) check.error(at, "control_character", "has a control character; remove it");
    check_text(check, at, text, known);
}

void check_assertion(RuleCheck& check, const std::string& pointer, const AssertionRule& rule, Words known) {
    if (!rule.present) return;
    check_line(check, pointer + "/private_key", rule.private_key, authentication_fields(check.definition));
    const std::pair<const char*, const std::string*> lines[] = {{"/issuer", &rule.issuer}, {"/subject", &rule.subject},
                                                                {"/audience", &rule.audience}, {"/key_id", &rule.key_id}};
    for (const auto& [member, text] : lines) check_line(check, pointer + member, *text, known);
    if (rule.issued_ago_seconds >= rule.lifetime_seconds)
        check.error(pointer + "/issued_ago_seconds", "disagrees", "is as long as the JWT lives, so it would be over at once; shorten it");
    for (const auto& [name, text] : rule.claims) {
        const std::string at = json::pointer_append(pointer + "/claims", name);
        check_line(check, at, text, known);
        for (const std::string_view taken : {"iss", "sub", "aud", "exp", "iat", "nbf", "jti"}) {
            if (name == taken) check.error(at, "reserved_parameter", fmt::format("\"{}\" is set by the assertion itself; remove it", taken));
        }
    }
    // A key in the file would be a secret that everybody with the definition has.
    if (!rule.private_key.empty() && fields_in(rule.private_key).empty())
        check.error(pointer + "/private_key", "bad_template", "must name a field that is asked for, as in \"{{private_key}}\"");
}

// A refresh has what the login asked for: a key, or a secret.
void check_refresh_authentication(RuleCheck& check, const OAuth2& oauth) {
    if (!oauth.refresh.auth || *oauth.refresh.auth == TokenAuthMethod::none || oauth.refresh.auth == oauth.token_auth_method) return;
    if (*oauth.refresh.auth == TokenAuthMethod::private_key_jwt)
        check.error("/oauth/refresh/auth", "disagrees", "needs a key that no login asks for; write \"token_auth_method\": \"private_key_jwt\"");
    else if (oauth.token_auth_method == TokenAuthMethod::none || oauth.token_auth_method == TokenAuthMethod::private_key_jwt)
        check.error("/oauth/refresh/auth", "disagrees", "needs a client secret, which no login asks for with this \"token_auth_method\"");
}

void check_client_authentication(RuleCheck& check, const OAuth2& oauth) {
    const auto known = authentication_fields(check.definition);
    if (oauth.basic.present) {
        check_line(check, "/oauth/basic/username", oauth.basic.username, known);
        check_line(check, "/oauth/basic/password", oauth.basic.password, known);
        const bool used = oauth.token_auth_method == TokenAuthMethod::client_secret_basic ||
                          oauth.refresh.auth == TokenAuthMethod::client_secret_basic;
        if (!used)
            check.error("/oauth/basic", "disagrees", "stands for id and secret in Basic; write \"token_auth_method\": \"client_secret_basic\"");
    }
    const bool asserts = oauth.token_auth_method == TokenAuthMethod::private_key_jwt ||
                         oauth.token_auth_method == TokenAuthMethod::client_secret_jwt || oauth.refresh.auth == TokenAuthMethod::client_secret_jwt;
    if (oauth.client_assertion.present && !asserts)
        check.error("/oauth/client_assertion", "disagrees", "is used by no \"token_auth_method\"; write private_key_jwt or client_secret_jwt");
    check_assertion(check, "/oauth/client_assertion", oauth.client_assertion, known);
    check_refresh_authentication(check, oauth);
}

void check_token_signature(RuleCheck& check, const OAuth2& oauth) {
    if (!oauth.token_signature) return;
    const auto& rule = *oauth.token_signature;
    auto known = sender_fields(check.definition);
    check_line(check, "/oauth/token_signature/key", rule.key, known);
    // A key in the file would be a secret that everybody with the definition has.
    if (!rule.key.empty() && fields_in(rule.key).empty())
        check.error("/oauth/token_signature/key", "bad_template", "must name a field that is asked for, as in \"{{client_secret}}\"");
    const auto facts = signed_facts();
    known.insert(known.end(), facts.begin(), facts.end());
    if (rule.message.size() > kLongestText || has_hidden_character(rule.message, true))
        check.error("/oauth/token_signature/message", "control_character", "has a control character other than a line's end, or more than 2048 bytes");
    check_text(check, "/oauth/token_signature/message", rule.message, known);
    std::erase(known, "request.body");  // no header holds it
    std::erase(known, "client_secret");
    known.emplace_back("request.signature");
    if (rule.headers.empty())
        check.error("/oauth/token_signature/headers", "disagrees", "the signature goes nowhere; write {\"X-Signature\": \"{{request.signature}}\"}");
    check_texts_of(check, "/oauth/token_signature/headers", rule.headers, known);
}

void check_grant(RuleCheck& check, const GrantRule& grant) {
    if (grant.type != "client_credentials" && check.definition.flow != Flow::client_credentials)
        check.error("/oauth/grant/type", "disagrees", "is a grant without a human; write \"flow\": \"client_credentials\"");
    const bool signs = grant.type == "jwt_bearer" || grant.type == "jwt_header" || grant.type == "self_signed_jwt";
    if (signs && !grant.assertion.present)
        check.error("/oauth/grant/assertion", "required", fmt::format("\"{}\" needs an \"assertion\"", grant.type));
    if (grant.type == "jwt_header" && check.definition.oauth2->token_auth_method == TokenAuthMethod::client_secret_basic)
        check.error("/oauth/grant/type", "disagrees", "puts the JWT where \"client_secret_basic\" puts the client; write another \"token_auth_method\"");
    if (grant.type == "token_exchange" && (grant.subject_token.empty() || grant.subject_token_type.empty()))
        check.error("/oauth/grant/subject_token", "required", "\"token_exchange\" needs \"subject_token\" and \"subject_token_type\"");
    const auto known = authentication_fields(check.definition);
    auto of_assertion = known;
    of_assertion.emplace_back(kPublicKeySha256);
    check_assertion(check, "/oauth/grant/assertion", grant.assertion, std::move(of_assertion));
    check_line(check, "/oauth/grant/subject_token", grant.subject_token, known);
    check_line(check, "/oauth/grant/subject_token_type", grant.subject_token_type, {});
    check_line(check, "/oauth/grant/requested_token_type", grant.requested_token_type, {});
}

// What the parameters of any request of ours to the server are called, under their new names too.
Words names_in_body(const ProviderDefinition& definition) {
    Words names = sender_fields(definition);
    names.insert(names.end(), {"grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "resource", "audience", "token", "token_type_hint",
                               "device_code", "assertion", "client_assertion", "client_assertion_type", "subject_token", "subject_token_type", "requested_token_type"});
    for (const auto* params : {&definition.oauth2->token_params, &definition.oauth2->refresh_params, &definition.oauth2->revoke.params})
        for (const auto& [name, text] : *params) names.push_back(name);
    for (const auto& [request, renames] : definition.oauth2->rename)
        for (const auto& [from, to] : renames) names.push_back(to);
    return names;
}

// As it is sent, with a letter for each value: braces left over would be sent as they stand.
std::string filled(std::string_view text) {
    std::string out;
    for (auto open = text.find("{{"); open != std::string_view::npos; open = text.find("{{")) {
        const auto close = text.find("}}", open);
        if (close == std::string_view::npos) break;
        out.append(text.substr(0, open)).push_back('x');
        text.remove_prefix(close + 2);
    }
    return out.append(text);
}

void check_body(RuleCheck& check, const OAuth2& oauth) {
    const bool used = oauth.token_content_type == BodyFormat::xml || oauth.refresh.content_type == BodyFormat::xml;
    if (used && oauth.token_body.empty())
        check.error("/oauth/token_body", "disagrees", "\"xml\" needs a \"token_body\", the XML that is sent, with {{names}} of parameters");
    if (oauth.token_body.empty()) return;
    if (!used) check.error("/oauth/token_body", "disagrees", "is sent by no request; write \"token_content_type\": \"xml\"");
    if (oauth.token_body.size() > kLongestText) return check.error("/oauth/token_body", "too_long", "is longer than 2048 bytes; shorten it");
    check_text(check, "/oauth/token_body", oauth.token_body, names_in_body(check.definition));
    if (const auto xml = json::parse_xml(filled(oauth.token_body)); !xml)
        check.error("/oauth/token_body", "bad_template", xml.error().message + "; correct it");
}

// What a step may name: all that a request of the connection may, the client's secret, and of the steps only earlier ones.
Words fields_before(const ProviderDefinition& definition, std::size_t step) {
    auto known = credential_fields(definition);
    const auto& steps = definition.oauth2->steps;
    for (std::size_t later = step; later < steps.size(); ++later) {
        std::erase(known, steps[later].name);
        for (const auto& rule : steps[later].response.capture) std::erase(known, rule.name);
    }
    known.emplace_back("client_secret");
    return known;
}

bool usable_step_name(const ProviderDefinition& definition, const std::string& name) {
    const bool taken = std::any_of(definition.vars.begin(), definition.vars.end(), [&](const auto& variable) { return variable.name == name; });
    const auto same = std::count_if(definition.oauth2->steps.begin(), definition.oauth2->steps.end(), [&](const auto& step) { return step.name == name; });
    for (const std::string_view own : {"access_token", "refresh_token", "token_type", "client_id", "client_secret", "base_url"})
        if (name == own) return false;
    return is_token(name) && name.size() <= 64 && !taken && same == 1;
}

void check_steps(RuleCheck& check, const OAuth2& oauth) {
    for (std::size_t i = 0; i < oauth.steps.size(); ++i) {
        const auto& step = oauth.steps[i];
        const std::string at = json::pointer_append("/oauth/steps", i);
        if (!usable_step_name(check.definition, step.name))
            check.error(at + "/name", "bad_field_name", "must be letters, digits, '_' and '-', at most 64, and the name of no other field");
        const auto known = fields_before(check.definition, i);
        check_texts_of(check, at + "/params", step.params, known);
        check_texts_of(check, at + "/headers", step.headers, known);
        for (const auto& [name, text] : step.headers) {
            if (!header_name_allowed(name) || base::equal_ignoring_case(name, "Content-Type"))
                check.error(json::pointer_append(at + "/headers", name), "bad_header", "is no header name, or one that frames or routes the message");
        }
        if (step.method == "GET" && !step.params.empty())
            check.warning(at + "/method", "secret_in_url", "puts the parameters into a URL, which servers may log; use POST if the service allows it");
    }
}

void check_refresh(RuleCheck& check, const OAuth2& oauth) {
    const auto& grant = oauth.refresh.grant_type;
    if (grant == "password" || grant == "implicit") {
        check.error("/oauth/refresh/grant_type", "grant_refused", "the implicit and password grants are not safe (RFC 9700)");
    } else if (grant.empty() || grant.size() > 128 || has_hidden_character(grant)) {
        check.error("/oauth/refresh/grant_type", "bad_parameter", "must be the name of a grant, such as \"refresh_token\"");
    }
    for (const auto& [at, method] : {std::pair{"/oauth/token_method", &oauth.token_method}, std::pair{"/oauth/refresh/method", &oauth.refresh.method}}) {
        if (*method == "GET")
            check.warning(at, "secret_in_url", "puts the client's secret and the tokens into a URL, which servers may log; use POST if the service allows it");
    }
}

}  // namespace

void check_token_requests(RuleCheck& check) {
    if (!check.definition.oauth2) return;
    const auto& oauth = *check.definition.oauth2;
    const auto known = request_fields(check.definition);
    auto first = first_fields(check.definition), exchange = known;
    first.emplace_back("redirect_uri");
    exchange.insert(exchange.end(), {"redirect_uri", "state"});
    check_texts_of(check, "/oauth/authorization_params", oauth.authorization_params, first);
    check_texts_of(check, "/oauth/token_params", oauth.token_params, exchange);
    check_texts_of(check, "/oauth/refresh_params", oauth.refresh_params, known);
    check_texts_of(check, "/oauth/token_headers", oauth.token_headers, known);
    check_texts_of(check, "/oauth/refresh/headers", oauth.refresh.headers, known);
    check_client_authentication(check, oauth);
    check_token_signature(check, oauth);
    check_steps(check, oauth);
    check_grant(check, oauth.grant);
    check_refresh(check, oauth);
    check_body(check, oauth);
}

}  // namespace claviger::provider
