#include "oauth/transcript_masking.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"

namespace claviger::oauth::masking {
namespace {

// Names of the specifications whose values are choices, addresses and kinds: RFC 6749, 7591, 7636, 8693, 8707, 5849, OpenID.
constexpr std::string_view kSent[] = {
    "response_type", "response_mode", "redirect_uri", "redirect_uris", "scope", "scopes", "grant_type", "grant_types", "response_types",
    "code_challenge_method", "resource", "audience", "prompt", "access_type", "include_granted_scopes", "approval_prompt", "display", "max_age",
    "ui_locales", "acr_values", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "id_token_signed_response_alg",
    "dpop_bound_access_tokens", "require_pushed_authorization_requests", "client_name", "client_uri", "logo_uri", "software_id", "software_version",
    "application_type", "client_assertion_type", "subject_token_type", "requested_token_type", "actor_token_type", "token_type_hint",
    "oauth_callback", "oauth_signature_method", "oauth_timestamp", "oauth_version", "realm", "code_challenge_methods", "response_format"};
// The server's own words, and numbers and kinds that the specifications name.
constexpr std::string_view kAnswered[] = {
    "error", "error_description", "error_uri", "error_code", "error_codes", "error_type", "error_subcode", "error_message", "suberror", "errors",
    "message", "msg", "description", "detail", "details", "title", "type", "reason", "status", "status_code", "success", "ok",
    "iss", "issuer", "scope", "scopes", "resource", "token_type", "issued_token_type", "expires_in", "ext_expires_in", "refresh_token_expires_in",
    "refresh_expires_in", "interval", "verification_uri", "verification_url",
    "oauth_problem", "oauth_problem_advice", "oauth_parameters_absent", "oauth_parameters_rejected", "oauth_acceptable_timestamps",
    "oauth_acceptable_versions", "oauth_callback_confirmed", "oauth_expires_in",
    "client_id_issued_at", "client_secret_expires_at", "subject_type", "post_logout_redirect_uris"};
constexpr std::string_view kOpenFields[] = {"accept", "accept-encoding", "content-type", "content-length", "user-agent"};
constexpr std::string_view kTellingFields[] = {"location", "retry-after", "www-authenticate", "server", "allow", "dpop-nonce"};

template <std::size_t N>
bool has(const std::string_view (&names)[N], std::string_view name) {
    const auto lower = base::to_lower(name);
    return std::find(std::begin(names), std::end(names), lower) != std::end(names);
}

void take(Claims& claims, const json::Object& object, std::string_view name) {
    const auto* value = json::find(object, name);
    if (value == nullptr) return;
    const auto text = value->is_string() ? std::string(std::string_view(value->get_string())) : json::to_text(*value);
    const bool person = name == "iss" || name == "sub";
    claims.emplace_back(std::string(name), person ? shortened(text) : base::printable(text));
}

void take_time(Claims& claims, const json::Object& object, std::string_view name) {
    if (const auto seconds = json::int_at(object, name))
        claims.emplace_back(std::string(name), base::to_rfc3339(base::Instant(std::chrono::seconds(*seconds))));
}

}  // namespace

bool harmless_when_sent(std::string_view name) { return has(kSent, name); }

bool harmless_when_answered(std::string_view path) {
    const auto leaf = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
    // "code" is the error's inside of one, and else the authorization code.
    const bool of_error = leaf == "code" && leaf.size() != path.size() && path.starts_with("error");
    return of_error || has(kAnswered, leaf) || has(kSent, leaf);
}

bool open_field(std::string_view name) { return has(kOpenFields, name); }
bool telling_field(std::string_view name) { return has(kTellingFields, name); }

std::string shortened(std::string_view id) {
    constexpr std::size_t kShown = 4;
    if (id.size() <= 2 * kShown) return base::printable(id);
    return fmt::format("{}... ({} characters)", base::printable(id.substr(0, kShown)), id.size());
}

Claims telling_claims(std::string_view jwt) {
    Claims claims;
    const auto first = jwt.find('.'), second = first == std::string_view::npos ? first : jwt.find('.', first + 1);
    if (second == std::string_view::npos) return claims;
    const auto header = base::base64url_decode(jwt.substr(0, first)), payload = base::base64url_decode(jwt.substr(first + 1, second - first - 1));
    const auto head = header ? json::parse(*header) : base::Result<json::Value>(base::fail(base::ErrorCode::invalid_input, ""));
    const auto body = payload ? json::parse(*payload) : base::Result<json::Value>(base::fail(base::ErrorCode::invalid_input, ""));
    if (!head || !head->is_object() || !body || !body->is_object()) return claims;
    for (const std::string_view name : {"alg", "kid", "typ"}) take(claims, head->get_object(), name);
    for (const std::string_view name : {"iss", "sub", "aud", "scope", "htm", "htu"}) take(claims, body->get_object(), name);
    for (const std::string_view name : {"iat", "exp"}) take_time(claims, body->get_object(), name);
    return claims;
}

std::vector<std::pair<std::string, base::Secret>> oauth1_parameters(std::string_view credentials) {
    std::vector<std::pair<std::string, base::Secret>> parameters;
    while (!credentials.empty()) {
        const auto piece = base::trim(credentials.substr(0, credentials.find(',')));
        credentials.remove_prefix(std::min(credentials.size(), credentials.find(',') == std::string_view::npos ? credentials.size() : credentials.find(',') + 1));
        const auto equals = piece.find('=');
        if (equals == std::string_view::npos || piece.size() < equals + 3) continue;
        auto value = base::percent_decode(piece.substr(equals + 2, piece.size() - equals - 3));  // without the quotes
        if (value) parameters.emplace_back(std::string(piece.substr(0, equals)), base::Secret::taking(*value));
    }
    return parameters;
}

std::vector<base::Secret> basic_secrets(std::string_view credentials) {
    std::vector<base::Secret> secrets;
    auto text = base::base64_decode(credentials);
    if (!text) return secrets;
    const auto pair = base::Secret::taking(*text);
    const auto colon = pair.reveal().find(':');
    if (colon == std::string_view::npos) return secrets;
    const auto password = pair.reveal().substr(colon + 1);
    secrets.emplace_back(password);
    if (auto decoded = base::form_decode(password)) secrets.push_back(base::Secret::taking(*decoded));
    return secrets;
}

}  // namespace claviger::oauth::masking
