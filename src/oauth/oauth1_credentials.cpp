#include "oauth/oauth1_credentials.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/number.hpp"
#include "base/text.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxValue = 16 * 1024;
constexpr std::size_t kMaxFurther = 32, kMaxFurtherValue = 1024, kMaxName = 64;

bool is_protocol_name(std::string_view name) { return base::to_lower(name).starts_with("oauth_"); }

base::Result<void> check_query(const net::Url& endpoint) {
    for (const auto& piece : base::split(endpoint.query().value_or(""), '&')) {
        const auto name = base::form_decode(std::string_view(piece).substr(0, piece.find('=')));
        if (name && !is_protocol_name(*name)) continue;
        return base::fail(ErrorCode::invalid_input, fmt::format("the query of {} has an OAuth parameter or cannot be read", endpoint.redacted()),
                          "correct the URL in the definition's oauth1 block");
    }
    return {};
}

using Fields = std::map<std::string, base::Secret>;

// nullopt: no form, or a field twice.
std::optional<Fields> read_form(std::string_view body) {
    Fields fields;
    body = base::trim(body);
    while (!body.empty()) {
        const auto end = std::min(body.find('&'), body.size());
        const auto piece = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        if (piece.empty()) continue;
        const auto equals = std::min(piece.find('='), piece.size());
        const auto name = base::form_decode(piece.substr(0, equals));
        auto value = base::form_decode(piece.substr(std::min(equals + 1, piece.size())));
        if (!name || !value || !fields.emplace(*name, base::Secret::taking(*value)).second) return std::nullopt;
    }
    return fields;
}

std::string_view value_of(const Fields& fields, std::string_view name) {
    const auto found = fields.find(std::string(name));
    return found == fields.end() ? std::string_view() : found->second.reveal();
}

// What the service said of its no: `oauth_problem` in the body or the challenge (a common extension), else its text.
std::string said_by(const http::Response& response) {
    const std::string_view body = response.body;
    if (const auto fields = read_form(body)) {
        if (const auto problem = value_of(*fields, "oauth_problem"); !problem.empty())
            return error_sentence(problem, value_of(*fields, "oauth_problem_advice"));
    }
    const auto challenge = response.fields.find("WWW-Authenticate").value_or("");
    if (const auto at = challenge.find("oauth_problem=\""); at != std::string_view::npos) {
        const auto rest = challenge.substr(at + 15);
        return clean_text(rest.substr(0, rest.find('"')));
    }
    const auto type = base::to_lower(response.fields.find("Content-Type").value_or(""));
    const bool page = type.find("html") != std::string::npos || base::trim(body).starts_with('<');
    return page ? std::string() : clean_text(base::trim(body));
}

base::Error refusal(const http::Response& response, std::string_view what) {
    const auto said = said_by(response);
    auto error = base::Error::make(ErrorCode::authorization_failed,
                                   fmt::format("the service refused {} with HTTP {}{}{}", what, response.status, said.empty() ? "" : ": ", said));
    const auto lower = base::to_lower(said);
    if (lower.find("timestamp") != std::string::npos) error.hint = "set this computer's clock right";
    else if (lower.find("callback") != std::string::npos) error.hint = "register the redirect URI at the service exactly as it is shown";
    else if (response.status == 401) error.hint = "check the consumer key, the consumer secret and oauth1.signature_method";
    return error;
}

// A field that may be shown and used as a variable.
bool may_keep(std::string_view name, std::string_view value) {
    const auto lower = base::to_lower(name);
    if (lower.empty() || lower.size() > kMaxName || !is_vschar(value, kMaxFurtherValue) || is_protocol_name(lower)) return false;
    for (const std::string_view word : {"secret", "token", "handle", "password", "key", "session"})
        if (lower.find(word) != std::string::npos) return false;
    return std::all_of(lower.begin(), lower.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

std::optional<std::chrono::seconds> lifetime(std::string_view text) {
    constexpr std::int64_t kLongest = 9'999'999'999;
    const auto number = base::whole_number(text);
    return number && *number > 0 && *number <= kLongest ? std::optional(std::chrono::seconds(*number)) : std::nullopt;
}

const std::string* parameter(const Parameters& all, std::string_view name) {
    for (const auto& [key, value] : all)
        if (key == name) return &value;
    return nullptr;
}

}  // namespace

base::Result<http::Request> credential_http_request(const OAuth1Signer& signer, CredentialRequest request, const Stamp& stamp) {
    TRY_VOID(check_endpoint(request.endpoint, "URL for credentials"));
    if (request.endpoint.query()) TRY_VOID(check_query(request.endpoint));
    http::Request out;
    out.method = "POST";
    out.url = std::move(request.endpoint);
    auto target = out.url.request_target();
    TRY(parameters, signer.sign({out.method, out.url, target, ""}, stamp, request.more));
    if (request.in_query) {
        append_to_query(target, parameters);
        TRY(signed_url, net::Url::parse(out.url.origin() + target));
        out.url = std::move(signed_url);
    } else {
        out.fields.add("Authorization", authorization_value(parameters, request.realm));
    }
    out.fields.add("Accept", "application/x-www-form-urlencoded, */*;q=0.1");
    return out;
}

base::Result<OAuth1Credentials> read_credentials(const http::Response& response, std::string_view what) {
    if (response.status >= 300 && response.status < 400)
        return base::fail(ErrorCode::protocol, fmt::format("the service answered the request for {} with a redirect, which is never followed", what),
                          "correct the URLs of the definition's oauth1 block");
    if (response.status == 429 || response.status >= 500)
        return base::fail(ErrorCode::network, fmt::format("the service answered the request for {} with HTTP {}", what, response.status),
                          "try again later");
    if (response.status < 200 || response.status >= 300) return base::fail(refusal(response, what));
    const auto fields = read_form(response.body);
    const auto malformed = [&](std::string_view how) {
        return base::fail(ErrorCode::protocol, fmt::format("the service's answer with {} {}", what, how));
    };
    if (!fields) return malformed("is no form, or repeats a parameter");
    if (!value_of(*fields, "oauth_problem").empty()) return base::fail(refusal(response, what));
    const auto token = value_of(*fields, "oauth_token");
    const auto secret = value_of(*fields, "oauth_token_secret");
    if (!is_vschar(token, kMaxValue)) return malformed("has no usable oauth_token");
    if (!fields->contains("oauth_token_secret") || (!secret.empty() && !is_vschar(secret, kMaxValue)))
        return malformed("has no usable oauth_token_secret");
    OAuth1Credentials credentials;
    credentials.token = base::Secret(token);
    credentials.secret = base::Secret(secret);
    credentials.callback_confirmed = value_of(*fields, "oauth_callback_confirmed") == "true";
    credentials.expires_in = lifetime(value_of(*fields, "oauth_expires_in"));
    for (const auto& [name, value] : *fields) {
        if (credentials.further.size() < kMaxFurther && may_keep(name, value.reveal())) credentials.further.emplace(name, value.reveal());
    }
    return credentials;
}

base::Result<net::Url> owner_authorization_url(const net::Url& endpoint, const base::Secret& token, const Parameters& extra) {
    TRY_VOID(check_endpoint(endpoint, "authorization URL"));
    if (endpoint.query()) TRY_VOID(check_query(endpoint));
    Parameters all{{"oauth_token", std::string(token.reveal())}};
    for (const auto& [name, value] : extra) {
        if (is_protocol_name(name))
            return base::fail(ErrorCode::invalid_input, fmt::format("authorization_params sets the reserved parameter '{}'", base::printable(name, 60)),
                              "remove it from the definition: Claviger sets it itself");
        all.emplace_back(name, value);
    }
    return endpoint.with_query(all);
}

base::Result<base::Secret> read_owner_authorization(const Parameters& callback, const base::Secret& token) {
    for (const std::string_view name : {"oauth_token", "oauth_verifier", "denied", "oauth_problem"}) {
        const auto times = std::count_if(callback.begin(), callback.end(), [&](const auto& p) { return p.first == name; });
        if (times > 1) return base::fail(ErrorCode::protocol, "the callback repeats a parameter", "log in again");
    }
    const auto* returned = parameter(callback, "oauth_token");
    if (returned != nullptr && !token.equals(*returned))
        return base::fail(ErrorCode::authorization_failed, "the callback is about another login than this one",
                          "someone may have given you a link of theirs: log in again");
    const auto* verifier = parameter(callback, "oauth_verifier");
    const auto* problem = parameter(callback, "oauth_problem");
    const bool denied = parameter(callback, "denied") != nullptr;
    if (denied || problem != nullptr) {
        const bool refused = denied || *problem == "user_refused" || *problem == "permission_denied";
        return base::fail(ErrorCode::authorization_failed,
                          refused ? "the provider did not grant access: you or somebody else said no"
                                  : "the provider did not grant access: " + clean_text(*problem),
                          refused ? "log in again and approve the request" : "");
    }
    if (returned == nullptr || verifier == nullptr || !is_vschar(*verifier, kMaxValue))
        return base::fail(ErrorCode::authorization_failed, "the callback has no oauth_verifier, so nobody approved the request as OAuth 1.0a demands",
                          "log in again; if it stays so, the service speaks the older OAuth 1.0, which is not safe");
    return base::Secret(*verifier);
}

}  // namespace claviger::oauth
