#include "oauth/authorize.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/text.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxCode = 8192;
constexpr std::size_t kMaxCaptured = 1024;

// `request` and `request_uri` (RFC 9101) can carry all of the others, so they are reserved like them.
constexpr std::array<std::string_view, 9> kReserved{"state",          "redirect_uri",          "client_id",
                                                    "response_type",  "code_challenge",        "code_challenge_method",
                                                    "scope",          "request",               "request_uri"};

std::string renamed(const Parameters& rename, std::string_view name) {
    for (const auto& [from, to] : rename)
        if (from == name) return to;
    return std::string(name);
}

// Some servers read parameter names without case, so the comparison ignores it.
bool same_name(std::string_view a, std::string_view b) { return base::equal_ignoring_case(a, b); }

base::Result<void> refuse_override(std::string_view name, const Parameters& ours, std::string_view where) {
    const bool reserved =
        std::any_of(kReserved.begin(), kReserved.end(), [&](auto r) { return same_name(r, name); }) ||
        std::any_of(ours.begin(), ours.end(), [&](const auto& p) { return same_name(p.first, name); });
    if (!reserved) return {};
    return base::fail(ErrorCode::invalid_input,
                      fmt::format("{} sets the reserved parameter '{}'", where, base::printable(name, 60)),
                      "remove it from the definition: Claviger sets it itself");
}

base::Result<void> check_existing_query(const net::Url& endpoint, const Parameters& ours) {
    if (!endpoint.query()) return {};
    for (const auto& piece : base::split(*endpoint.query(), '&')) {
        const auto name = base::form_decode(std::string_view(piece).substr(0, piece.find('=')));
        if (!name) return base::fail(ErrorCode::invalid_input, "the authorization URL has a malformed query");
        if (name->empty()) continue;
        TRY_VOID(refuse_override(*name, ours, "the query of the authorization URL"));
    }
    return {};
}

// check_endpoint, but a page may be a route of a script in the fragment.
base::Result<void> check_page(const net::Url& url) {
    if (!url.fragment()) return check_endpoint(url, "authorization URL");
    TRY(bare, net::Url::parse(url.text().substr(0, url.text().find('#'))));
    if (!url.fragment()->starts_with('/'))
        return base::fail(ErrorCode::invalid_input, "the authorization URL has a fragment that is no route", "write the URL without it");
    return check_endpoint(bare, "authorization URL");
}

base::Result<net::Url> with_parameters(const net::Url& page, const Parameters& parameters) {
    if (!page.fragment()) return page.with_query(parameters);
    // The script behind a route reads what stands behind the route.
    auto text = page.text();
    auto separator = page.fragment()->find('?') == std::string::npos ? '?' : '&';
    for (const auto& [name, value] : parameters) {
        text += separator + base::form_encode(name) + "=" + base::form_encode(value);
        separator = '&';
    }
    return net::Url::parse(text);
}

}  // namespace

base::Result<Parameters> authorization_parameters(const AuthorizationRequest& request) {
    TRY_VOID(check_page(request.endpoint));
    if (!is_vschar(request.client_id, 1024))
        return base::fail(ErrorCode::invalid_input, "the client id is empty or has characters that no client id has");
    Parameters ours;
    const auto add = [&](std::string_view name, std::string value) {
        auto sent_as = renamed(request.rename, name);
        if (!sent_as.empty()) ours.emplace_back(std::move(sent_as), std::move(value));
    };
    add("response_type", "code");
    add("client_id", request.client_id);
    add("redirect_uri", request.redirect_uri);
    if (!request.scopes.empty()) {
        // A form's space is sent as '+', which is what servers mean that want a plus between scopes.
        auto scope = base::join(request.scopes, request.scope_separator == "+" ? " " : request.scope_separator);
        if (request.scope_param == "scope") add("scope", std::move(scope));
        else ours.emplace_back(request.scope_param, std::move(scope));
    }
    add("state", std::string(request.state.reveal()));
    if (!request.code_challenge.empty()) {
        add("code_challenge", request.code_challenge);
        add("code_challenge_method", "S256");
    }
    if (!request.resource.empty()) add("resource", request.resource);
    if (!request.nonce.empty()) add("nonce", request.nonce);
    if (!request.dpop_jkt.empty()) add("dpop_jkt", request.dpop_jkt);

    TRY_VOID(check_existing_query(request.endpoint, ours));
    Parameters all = ours;
    for (const auto& [name, value] : request.extra) {
        TRY_VOID(refuse_override(name, ours, "authorization_params"));
        all.emplace_back(name, value);
    }
    return all;
}

base::Result<net::Url> authorization_url(const AuthorizationRequest& request) {
    TRY(parameters, authorization_parameters(request));
    return with_parameters(request.endpoint, parameters);
}

base::Result<AuthorizationGrant> read_authorization_response(const Parameters& parameters,
                                                             const ResponseRules& rules) {
    std::set<std::string_view> seen;
    for (const auto& [name, value] : parameters) {
        if (!seen.insert(name).second)
            return base::fail(ErrorCode::protocol, "the authorization response repeats a parameter", "log in again");
    }
    const auto value_of = [&](std::string_view name) -> const std::string* {
        for (const auto& [key, value] : parameters)
            if (key == name) return &value;
        return nullptr;
    };
    const auto* iss = value_of("iss");
    if (rules.iss_required && iss == nullptr) {
        return base::fail(ErrorCode::authorization_failed,
                          "the authorization response does not name its issuer, although the server announces it",
                          "someone may have mixed two servers: log in again");
    }
    if (iss != nullptr && !rules.issuer.empty() && *iss != rules.issuer) {
        return base::fail(ErrorCode::authorization_failed,
                          "the authorization response comes from another issuer than the one that was asked",
                          "someone may have mixed two servers: log in again");
    }
    if (const auto* error = value_of("error"); error != nullptr) {
        const auto* description = value_of("error_description");
        auto said = error_sentence(*error, description != nullptr ? *description : std::string());
        return base::fail(ErrorCode::authorization_failed, "the provider did not grant access: " + said,
                          *error == "access_denied"   ? "log in again and approve the request"
                          : *error == "invalid_scope" ? "ask for other scopes with --scopes"
                                                      : "");
    }
    const auto* code = value_of(rules.code_param);
    if (code == nullptr || !is_vschar(*code, kMaxCode))
        return base::fail(ErrorCode::protocol, "the authorization response has no usable code", "log in again");

    AuthorizationGrant grant;
    grant.code = base::Secret(*code);
    for (const auto& name : rules.capture) {
        const auto* value = value_of(name);
        if (value != nullptr && is_vschar(*value, kMaxCaptured)) grant.captured.emplace(name, *value);
    }
    return grant;
}

}  // namespace claviger::oauth
