// Rules: extra request parameters cannot replace those of the protocol (OA-29), the implicit and password grants
// stay out (OA-30), renames stay one to one, pointers are pointers.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.hpp"
#include "net/url.hpp"
#include "provider/rule_check.hpp"

namespace claviger::provider {
namespace {

using Names = std::vector<std::string_view>;

const Names& authorize_names() {
    static const Names names{"state", "redirect_uri", "client_id", "response_type", "scope", "code_challenge",
                             "code_challenge_method", "request", "request_uri", "nonce"};
    return names;
}
const Names& token_names() {
    static const Names names{"code", "code_verifier", "redirect_uri", "client_id", "client_secret", "refresh_token",
                             "client_assertion", "client_assertion_type", "device_code"};
    return names;
}
const Names& oauth1_names() {
    static const Names names{"oauth_token", "oauth_callback", "oauth_verifier", "oauth_consumer_key", "oauth_nonce",
                             "oauth_signature", "oauth_signature_method", "oauth_timestamp", "oauth_version"};
    return names;
}

bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

void check_value(RuleCheck& check, const std::string& pointer, const std::string& name, const std::string& value) {
    if (name.empty() || name.size() > 128 || has_hidden_character(name) || name.find(' ') != std::string::npos) {
        check.error(pointer, "bad_parameter", "has an empty, too long or unprintable name; rename it");
    }
    if (value.size() > 2048) check.error(pointer, "too_long", "is longer than 2048 bytes; shorten it");
    if (has_hidden_character(value)) check.error(pointer, "control_character", "has a control character; remove it");
}

// `renamed` holds the server's names for protocol parameters, which are then reserved as well. Parameter names are
// compared without case: a server that ignores case must not be misled.
void check_map(RuleCheck& check, std::string_view pointer, const StringMap& map, const Names& reserved,
               const StringMap& renamed, std::string_view scope_param = {}) {
    for (const auto& [name, value] : map) {
        const std::string at = json::pointer_append(pointer, name);
        check_value(check, at, name, value);
        const std::string lower = base::to_lower(name);
        bool taken = contains(reserved, lower) || (!scope_param.empty() && lower == base::to_lower(scope_param));
        for (const auto& [from, to] : renamed) {
            taken = taken || (contains(reserved, from) && lower == base::to_lower(to));
        }
        if (taken) {
            check.error(at, "reserved_parameter",
                        fmt::format("\"{}\" is set by the protocol; remove it", base::printable(name, 64)));
        }
        if (lower == "grant_type" && (value == "password" || value == "implicit")) {
            check.error(at, "grant_refused", "the implicit and password grants are not safe (RFC 9700); use another flow");
        }
    }
}

const StringMap& renames_of(const OAuth2& oauth, const std::string& request) {
    static const StringMap none;
    const auto found = oauth.rename.find(request);
    return found == oauth.rename.end() ? none : found->second;
}

// What binds the answer to this login is sent to every server.
void check_omission(RuleCheck& check, const std::string& at, const std::string& name) {
    const Names bound{"state", "code", "code_challenge", "code_challenge_method", "code_verifier", "nonce"};
    if (contains(bound, name)) {
        check.error(at, "reserved_parameter",
                    fmt::format("\"{}\" protects the login and is always sent; \"pkce\": false switches PKCE off", name));
    }
}

void check_renames(RuleCheck& check, const OAuth2& oauth) {
    static constexpr std::array<std::string_view, 6> requests{"authorize", "token", "refresh", "revoke", "device", "register"};
    for (const auto& [request, names] : oauth.rename) {
        const std::string pointer = json::pointer_append("/oauth/rename", request);
        if (std::find(requests.begin(), requests.end(), request) == requests.end()) {
            check.error(pointer, "not_allowed", "must be one of authorize, token, refresh, revoke, device, register");
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            const std::string at = json::pointer_append(pointer, names[i].first);
            if (names[i].second.empty()) {
                check_omission(check, at, names[i].first);
                continue;
            }
            check_value(check, at, names[i].second, names[i].first);
            const Names& reserved = request == "authorize" ? authorize_names() : token_names();
            bool clash = contains(reserved, names[i].second) && names[i].second != names[i].first;
            for (std::size_t j = 0; j < i; ++j) clash = clash || names[j].second == names[i].second;
            if (clash) check.error(at, "reserved_parameter", "takes the name of another parameter; choose another name");
        }
    }
}

void check_pointer(RuleCheck& check, const std::string& at, const std::string& pointer) {
    if (pointer.empty() || !pointer.starts_with('/') || pointer.size() > 256 || has_hidden_character(pointer)) {
        check.error(at, "bad_pointer", "must be a JSON Pointer; write /member or /member/inner");
        return;
    }
    for (std::size_t i = 0; i < pointer.size(); ++i) {
        const bool escape = pointer[i] == '~';
        if (escape && (i + 1 == pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1'))) {
            check.error(at, "bad_pointer", "has '~' that is not ~0 or ~1; write ~0 for '~'");
            return;
        }
    }
}

void check_pointers(RuleCheck& check, std::string_view at, const std::vector<std::string>& pointers) {
    for (std::size_t i = 0; i < pointers.size(); ++i) {
        // A single pointer may stand without a list; its finding then belongs to the member itself.
        check_pointer(check, pointers.size() == 1 ? std::string(at) : json::pointer_append(at, i), pointers[i]);
    }
}

void check_captures(RuleCheck& check, std::string_view at, const std::vector<CaptureRule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const std::string item = json::pointer_append(at, i);
        for (const std::string_view taken : {"access_token", "refresh_token", "client_secret", "id_token"}) {
            if (rules[i].name == taken) {
                check.error(item, "bad_capture", "a captured value is shown to people; a token may not be captured");
            }
        }
        if (!is_token(rules[i].name) || rules[i].name.size() > 64) {
            check.error(item, "bad_capture", "needs a name of letters, digits, '_' and '-'");
        }
        check_pointer(check, item, rules[i].pointer);
    }
}

void check_scopes(RuleCheck& check, const OAuth2& oauth) {
    const auto judge = [&](const std::string& at, const std::string& scope) {
        if (scope.empty() || scope.size() > 256 || has_hidden_character(scope)) {
            check.error(at, "bad_scope", "is empty, longer than 256 bytes or has a control character");
        } else if (oauth.scope_separator == " " && scope.find(' ') != std::string::npos) {
            check.error(at, "bad_scope", "has a space, which separates scopes; write each scope as an item of its own");
        }
    };
    for (std::size_t i = 0; i < oauth.scopes.size(); ++i) judge(json::pointer_append("/oauth/scopes", i), oauth.scopes[i]);
    for (std::size_t i = 0; i < oauth.available_scopes.size(); ++i) {
        const std::string item = json::pointer_append("/oauth/available_scopes", i);
        judge(item + "/value", oauth.available_scopes[i].value);
        if (has_hidden_character(oauth.available_scopes[i].label) || has_hidden_character(oauth.available_scopes[i].description, true)) {
            check.error(item, "control_character", "has a control character; remove it");
        }
    }
    if (oauth.scope_separator.empty() || oauth.scope_separator.size() > 4 || has_hidden_character(oauth.scope_separator)) {
        check.error("/oauth/scope_separator", "bad_separator", "must be one to four printable characters, such as \" \" or \",\"");
    }
    if (!is_token(oauth.scope_param)) {
        check.error("/oauth/scope_param", "bad_parameter", "must be the name of a parameter, such as \"scope\"");
    }
    const std::string scope_name = base::to_lower(oauth.scope_param);
    if (scope_name != "scope" && contains(authorize_names(), scope_name)) {
        check.error("/oauth/scope_param", "reserved_parameter", "takes the name of another parameter; choose another name");
    }
}

void check_response(RuleCheck& check, const OAuth2& oauth) {
    check_pointers(check, "/oauth/response/access_token", oauth.response.access_token);
    check_pointers(check, "/oauth/response/refresh_token", oauth.response.refresh_token);
    check_pointers(check, "/oauth/response/expires", oauth.response.expires);
    check_pointers(check, "/oauth/response/scope", oauth.response.scope);
    check_pointers(check, "/oauth/response/token_type", oauth.response.token_type);
    check_pointers(check, "/oauth/response/refresh_expires", oauth.response.refresh_expires);
    check_pointers(check, "/oauth/response/error", oauth.response.error);
    if (oauth.response.scope_separator.size() > 4 || has_hidden_character(oauth.response.scope_separator)) {
        check.error("/oauth/response/scope_separator", "bad_separator", "must be one to four printable characters, such as \",\"");
    }
    check_captures(check, "/oauth/response/capture", oauth.response.capture);
    if (const auto* when = oauth.response.error_when.if_object()) {
        for (const auto& member : *when) {
            check_pointer(check, json::pointer_append("/oauth/response/error_when", member.key()), std::string(member.key()));
        }
    }
    if (!is_token(oauth.callback.code_param)) {
        check.error("/oauth/callback/code_param", "bad_parameter", "must be the name of a parameter, such as \"code\"");
    }
    if (!is_token(oauth.callback.state_param) || oauth.callback.state_param == oauth.callback.code_param) {
        check.error("/oauth/callback/state_param", "bad_parameter", "must be the name of a parameter, such as \"state\"");
    }
    if (oauth.callback.code_entry && !oauth.callback.capture.empty()) {
        check.error("/oauth/callback/capture", "bad_parameter", "nothing comes back beside a code that is entered: take out capture or code_entry");
    }
    if (oauth.callback.iss_required && oauth.callback.code_entry) {
        check.error("/oauth/callback/iss_required", "bad_parameter", "nothing comes back beside a code that is entered: take out iss_required or code_entry");
    } else if (oauth.callback.iss_required && oauth.issuer.empty()) {
        check.error("/oauth/callback/iss_required", "required", "nothing is known to compare iss with; write oauth.issuer");
    }
}

}  // namespace

void check_parameters(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    if (const auto& oauth = d.oauth2) {
        check_map(check, "/oauth/authorization_params", oauth->authorization_params, authorize_names(),
                  renames_of(*oauth, "authorize"), oauth->scope_param);
        check_map(check, "/oauth/token_params", oauth->token_params, token_names(), renames_of(*oauth, "token"));
        check_map(check, "/oauth/refresh_params", oauth->refresh_params, token_names(), renames_of(*oauth, "refresh"));
        check_map(check, "/oauth/revoke/params", oauth->revoke.params, {"token", "client_id", "client_secret"}, {});
        check_renames(check, *oauth);
        check_scopes(check, *oauth);
        check_response(check, *oauth);
        if (!oauth->resource.empty()) {
            const auto url = net::Url::parse(oauth->resource);
            if (has_hidden_character(oauth->resource) || oauth->resource.find(' ') != std::string::npos ||
                (url && url->fragment())) {
                check.error("/oauth/resource", "bad_url", "must be an absolute URI without a fragment (RFC 8707)");
            }
        }
        if (has_hidden_character(oauth->audience)) {
            check.error("/oauth/audience", "control_character", "has a control character; remove it");
        }
    }
    if (const auto& oauth = d.oauth1) {
        check_map(check, "/oauth1/authorization_params", oauth->authorization_params, oauth1_names(), {});
        if (has_hidden_character(oauth->realm) || oauth->realm.find('"') != std::string::npos) {
            check.error("/oauth1/realm", "control_character", "has a control character or a quote; remove it");
        }
    }
    check_captures(check, "/capture", d.capture);
    if (d.identity) {
        if (!d.identity->id_pointer.empty()) check_pointer(check, "/identity/id", d.identity->id_pointer);
        if (!d.identity->label_pointer.empty()) check_pointer(check, "/identity/label", d.identity->label_pointer);
    }
}

}  // namespace claviger::provider
