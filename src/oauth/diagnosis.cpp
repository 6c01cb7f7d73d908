// what_to_check: from how a login ended to what its human should look at. A table for the error codes of RFC 6749, 7591,
// 8628 and 8707; what is known of the transport and of the shape of the answer comes before it.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.hpp"
#include "oauth/transcript.hpp"

namespace claviger::oauth {
namespace {

using Checks = std::vector<Check>;
constexpr std::int64_t kTolerableDifference = 60;

struct Login {  // what the advice is derived from
    const Transcript& transcript;
    const Step& last;
    [[nodiscard]] const Outline* sent(std::string_view name) const {
        for (const auto* outlines : {&last.body, &last.query}) {
            for (const auto& outline : *outlines) {
                if (outline.name == name) return &outline;
            }
        }
        return nullptr;
    }
    // As the last request said it, else as the last earlier one did.
    [[nodiscard]] std::string value(std::string_view name) const {
        for (auto step = transcript.steps.rbegin(); step != transcript.steps.rend(); ++step) {
            const auto* outline = Login{transcript, *step}.sent(name);
            if (outline != nullptr) return outline->value;
        }
        return {};
    }
    [[nodiscard]] std::string redirect_uri() const {
        const auto sent_one = value("redirect_uri");
        return sent_one.empty() ? transcript.redirect_uri : sent_one;
    }
    [[nodiscard]] bool sent_secret() const {
        const bool basic = std::any_of(last.fields.begin(), last.fields.end(), [](const Outline& o) { return base::to_lower(o.name).starts_with("authorization"); });
        return basic || sent("client_secret") != nullptr || sent("client_assertion") != nullptr;
    }
};

Check redirect_url(const Login& login) {
    return {"redirect URL", fmt::format("the app registered at the service must list exactly {} (scheme, port and path; 'localhost' is another)", login.redirect_uri())};
}
Check client_id(const Login& login) {
    const auto shown = login.value("client_id");
    return {"client id", fmt::format("is {} the client id of the app, of this environment (test or live), without spaces?", shown.empty() ? "the one entered" : shown)};
}
Check pkce(const Login& login) {
    if (login.transcript.pkce) return {"PKCE", "a code challenge with S256 was sent; a service that refuses unknown parameters needs \"pkce\": false in the definition"};
    return {"PKCE", "none was sent; if the service requires it set \"pkce\": true in the definition"};
}
Check scopes(const Login& login) {
    const auto asked = login.value("scope");
    return {"scopes", asked.empty() ? "none were asked for; some services need at least one: --scopes a,b"
                                    : fmt::format("asked for '{}': does the service know each, and does the app have leave to ask for them? Try fewer with --scopes", asked)};
}
Check authentication(const Login& login) {
    if (login.transcript.flow == "oauth1")
        return {"consumer key and secret", "are both those of this app, without spaces, and is oauth1.signature_method the one that the service wants?"};
    if (!login.sent_secret())
        return {"client secret", fmt::format("none was sent; a confidential app needs it: claviger remove {0} forgets the client (keep a definition of your own before: "
                                             "claviger inspect {0}), then log in again and enter it", login.transcript.provider)};
    const auto& method = login.transcript.client_authentication;
    return {"client secret", fmt::format("it was sent{}; is it the current one, of this app? Some services want it the other way: \"token_auth_method\": \"{}\"",
                                         method.empty() ? "" : " by " + method, method == "client_secret_basic" ? "client_secret_post" : "client_secret_basic")};
}
Check reachability(const Login& login) {
    return {"address", fmt::format("is {} the right URL, and does this machine reach it (network, firewall, VPN)? Claviger connects directly, not through HTTPS_PROXY", login.last.url)};
}
Check later() { return {"the service", "it says that it cannot answer now; try again in a few minutes"}; }
Check token_url(const Login& login) { return {"token URL", fmt::format("{} does not answer as a token endpoint; see the service's documentation, or: claviger provider discover", login.last.url)}; }

// One row per error code; what the advice is depends on whether the browser or the token endpoint brought it.
Checks by_error(const Login& login, const std::string& error) {
    const bool browser = login.last.kind == Step::Kind::authorization;
    if (error == "access_denied") return {{"the answer", "the account, or its administrator, said no: approve the request, or ask for fewer scopes"}, scopes(login), client_id(login)};
    if (error == "invalid_client" || error == "invalid_api_key") return {authentication(login), client_id(login)};
    if (error == "unauthorized_client") return {{"kind of app", fmt::format("the app may not use this flow ({}); allow it in the app's settings", login.transcript.flow)}, client_id(login), authentication(login)};
    if (error == "invalid_grant") return {redirect_url(login), pkce(login), {"code", "a code is good once and for about a minute: log in again, without reloading the page"}, client_id(login)};
    if (error == "invalid_scope") return {scopes(login)};
    if (error == "redirect_uri_mismatch" || error == "invalid_redirect_uri") return {redirect_url(login), client_id(login)};
    if (error == "unsupported_response_type") return {{"kind of app", "the service does not give codes at this URL; check the authorization URL, and that the app may use the authorization code flow"}, client_id(login)};
    if (error == "unsupported_grant_type") return {{"grant", fmt::format("the service does not know the grant '{}' at this URL; check flow and token URL", login.value("grant_type"))}, token_url(login)};
    if (error == "invalid_target") return {{"resource", fmt::format("the server does not know the resource '{}'; check oauth.resource", login.value("resource"))}};
    if (error == "authorization_pending" || error == "slow_down") return {{"the code", "nobody approved it; log in again, open the link and enter the code"}};
    if (error == "expired_token") return {{"time", "nobody entered the code in time; log in again"}};
    if (error == "server_error" || error == "temporarily_unavailable") return {later(), client_id(login), scopes(login)};
    if (error == "invalid_client_metadata") return {{"registration", "the server does not take what was asked for; register an app by hand and use the flow pkce"}, redirect_url(login)};
    if (error == "invalid_request" && browser) return {redirect_url(login), pkce(login), scopes(login), client_id(login)};
    if (error == "invalid_request") {
        Checks checks{redirect_url(login), pkce(login)};
        if (login.last.body_type == "application/json") checks.push_back({"body", "it was sent as JSON; the standard is a form: \"token_content_type\": \"form\""});
        else checks.push_back({"body", "it was sent as a form; a few services want \"token_content_type\": \"json\""});
        checks.push_back(authentication(login));
        return checks;
    }
    return {};
}

// Nothing came: how the connection failed.
Checks by_transport(const Login& login) {
    const auto& code = login.last.failure_code;
    if (code == "tls") return {{"certificate", "the server's certificate is not trusted or is for another name; behind a company's proxy: claviger config set network.ca_file FILE"}, reachability(login)};
    if (code == "address_refused") return {{"address", fmt::format("{} is on a private network; if that is meant: claviger config set network.allow_private true", login.last.url)}};
    if (code == "denied") return {{"address", fmt::format("{} is not https; plain http goes to this machine alone", login.last.url)}};
    if (code == "protocol") return {{"address", fmt::format("{} does not answer in HTTP, or compresses or switches protocols unasked", login.last.url)}};
    if (code == "limit") return {{"address", fmt::format("{} answers with more than 1 MiB: hardly an endpoint for tokens", login.last.url)}};
    return {reachability(login)};
}

Checks by_shape(const Login& login) {
    const auto& last = login.last;
    const bool page = last.answer_type == "text/html";
    if (last.status >= 300 && last.status < 400) {
        std::string to;
        for (const auto& field : last.answer_fields) {
            if (field.name == "location") to = field.value;
        }
        return {{"token URL", fmt::format("{} redirects{}; redirects are not followed, as a secret would go along: write the new URL into the definition", last.url, to.empty() ? "" : " to " + to)}};
    }
    if (last.kind == Step::Kind::registration && last.status >= 400)
        return {{"registration", "the server registers no clients by itself, or not for this redirect URL; register an app by hand and use the flow pkce"}, redirect_url(login)};
    if (last.kind == Step::Kind::metadata && last.status != 200) return {{"discovery", fmt::format("{} publishes nothing; write authorization_url and token_url into the definition", last.url)}};
    if (last.status == 404 || last.status == 405 || last.status == 410) return {token_url(login)};
    if (last.status == 429 || last.status >= 500) return {later()};
    if (last.status == 401) return {authentication(login), client_id(login)};
    if (page) return {token_url(login), redirect_url(login)};
    if (last.status == 415) return {{"body", fmt::format("the server does not take {}; set \"token_content_type\"", last.body_type)}};
    if (last.status >= 200 && last.status < 300) return {{"answer", "it says success, but holds no token where the standard has it: see its members above, and set oauth.response in the definition"}};
    return {authentication(login), redirect_url(login), pkce(login), client_id(login)};
}

Checks when_nobody_came_back(const Login& login) {
    Checks checks{{"the page", "did the service show an error instead of its question? Then it is the first of these:"}, redirect_url(login), client_id(login), scopes(login), pkce(login)};
    checks.push_back({"browser", "it must run on this machine, or reach it: over SSH connect with ssh -L 7998:127.0.0.1:7998"});
    return checks;
}

Checks checks_for(const Login& login) {
    if (!login.last.failure_code.empty()) return by_transport(login);
    if (login.last.kind == Step::Kind::authorization && !login.last.answered) return when_nobody_came_back(login);
    const auto error = login.last.error();
    if (!error.empty()) {
        if (auto checks = by_error(login, error); !checks.empty()) return checks;
    }
    if (login.last.kind == Step::Kind::authorization) {
        if (!error.empty()) return {client_id(login), redirect_url(login), scopes(login), pkce(login)};
        if (login.transcript.flow == "oauth1") return {{"the answer", "the account, or the service, said no: log in again and approve the request"}};
        return {{"the answer", "the browser came back, but what it brought is not of this login or this server: log in again in one window, and check oauth.issuer"}};
    }
    return by_shape(login);
}

}  // namespace

std::vector<Check> what_to_check(const Transcript& transcript) {
    if (transcript.steps.empty()) return {};
    const Login login{transcript, transcript.steps.back()};
    auto checks = checks_for(login);
    for (const auto& step : transcript.steps) {
        const auto ahead = step.clock_difference.value_or(0);
        if (std::abs(ahead) <= kTolerableDifference) continue;
        checks.insert(checks.begin(), {"clock", fmt::format("this machine's clock is {} seconds {} the server's; codes and signed requests are then refused: set it right", std::abs(ahead), ahead > 0 ? "behind" : "ahead of")});
        break;
    }
    return checks;
}

}  // namespace claviger::oauth
