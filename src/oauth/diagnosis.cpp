// what_to_check: from how a login ended to what its human should look at. A table for the error codes of RFC 6749, 7591,
// 8628, 8707, 9126 and 9449; what is known of the transport comes before it, the shape of the answer after it.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "oauth/diagnosis_checks.hpp"

namespace claviger::oauth {
namespace {

using namespace diagnosis;
using Kind = Step::Kind;
constexpr std::int64_t kTolerableDifference = 60;

Checks by_invalid_grant(const Login& login) {
    if (login.by_code()) {
        return {redirect_url(login), pkce(login), {"code", "a code is good once and for about a minute: log in again, without reloading the page"}, client_id(login), dpop(login)};
    }
    if (login.transcript.flow == "device_code") return {{"the code", "the code of this device was not accepted: log in again"}, client_id(login)};
    return {assertion(login), client(login), scopes(login)};
}

Checks by_invalid_request(const Login& login) {
    const auto kind = login.last.kind;
    if (kind == Kind::authorization || kind == Kind::pushed_authorization) return {redirect_url(login), pkce(login), scopes(login), client_id(login)};
    if (kind == Kind::device_authorization) return {client_id(login), scopes(login), client(login)};
    if (login.by_code()) return {redirect_url(login), pkce(login), body_form(login), client(login)};
    return {body_form(login), client(login), scopes(login)};
}

Checks by_error(const Login& login, const std::string& error) {
    if (error == "access_denied") return {{"the answer", "the account, or its administrator, said no: approve the request, or ask for fewer scopes"}, scopes(login), client_id(login)};
    if (error == "invalid_client" || error == "invalid_api_key") return {client(login), client_id(login)};
    if (error == "unauthorized_client") return {kind_of_app(login), client_id(login), client(login)};
    if (error == "invalid_grant") return by_invalid_grant(login);
    if (error == "invalid_scope") return {scopes(login)};
    if (error == "redirect_uri_mismatch" || error == "invalid_redirect_uri") return {redirect_url(login), client_id(login)};
    if (error == "unsupported_response_type") return {{"kind of app", "the service does not give codes at this URL; check the authorization URL, and that the app may use the authorization code flow"}, client_id(login)};
    if (error == "unsupported_grant_type") return {{"grant", fmt::format("the service does not know the grant '{}' at this URL; check flow and token URL", login.value("grant_type"))}, endpoint(login)};
    if (error == "invalid_target") return {resource(login)};
    if (error == "invalid_dpop_proof" || error == "use_dpop_nonce") return {dpop(login)};
    if (error == "authorization_pending" || error == "slow_down") return {{"the code", "nobody approved it; log in again, open the link and enter the code"}};
    if (error == "expired_token") return {{"time", "nobody entered the code in time; log in again"}};
    if (error == "server_error" || error == "temporarily_unavailable") return {later(), client_id(login), scopes(login)};
    if (error == "invalid_client_metadata") return {{"registration", "the server does not take what was asked for; register an app by hand and use the flow pkce"}, redirect_url(login)};
    if (error == "invalid_request") return by_invalid_request(login);
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

Checks by_redirect(const Login& login) {
    std::string to;
    for (const auto& field : login.last.answer_fields) {
        if (field.name == "location") to = field.value;
    }
    return {{endpoint(login).subject, fmt::format("{} redirects{}; redirects are not followed, as a secret would go along: write the new URL into the definition", login.last.url, to.empty() ? "" : " to " + to)}};
}

// It says success, and yet the login failed.
Checks by_success(const Login& login) {
    if (login.last.kind == Kind::token && login.last.answered_with("access_token") != nullptr)
        return {{"the answer", fmt::format("it holds a token that was not accepted: {}", login.transcript.error)}};
    if (login.last.answer_type == "text/html") return {endpoint(login), redirect_url(login)};
    if (login.last.kind == Kind::token)
        return {{"answer", "it says success, but holds no token where the standard has it: see its members above, and set oauth.response in the definition"}};
    return {{"answer", "it says success, but not what the standard has: see its members above"}, endpoint(login)};
}

Checks by_shape(const Login& login) {
    const auto& last = login.last;
    if (last.status >= 300 && last.status < 400) return by_redirect(login);
    if (last.kind == Kind::registration && last.status >= 400)
        return {{"registration", "the server registers no clients by itself, or not for this redirect URL; register an app by hand and use the flow pkce"}, redirect_url(login)};
    if (last.kind == Kind::metadata && last.status != 200) return {{"discovery", fmt::format("{} publishes nothing; write authorization_url and token_url into the definition", last.url)}};
    if (last.status == 404 || last.status == 405 || last.status == 410) return {endpoint(login)};
    if (last.status == 429 || last.status >= 500) return {later()};
    if (login.transcript.flow == "oauth1") return by_oauth1_answer(login);
    if (last.status == 401) return {client(login), client_id(login)};
    if (last.status == 415) return {body_form(login)};
    if (last.status >= 200 && last.status < 300) return by_success(login);
    if (last.answer_type == "text/html") return {endpoint(login), redirect_url(login)};
    return {client(login), redirect_url(login), pkce(login), client_id(login)};
}

Checks when_nobody_came_back(const Login& login) {
    Checks checks{{"the page", "did the service show an error instead of its question? Then it is the first of these:"}, redirect_url(login), client_id(login), scopes(login), pkce(login)};
    if (const auto place = net::Url::parse(login.redirect_uri()))
        checks.push_back({"browser", fmt::format("it must run on this machine, or reach it: over SSH connect with ssh -L {0}:127.0.0.1:{0}", place->port())});
    return checks;
}

Checks by_callback(const Login& login) {
    if (login.transcript.flow == "oauth1") return by_oauth1_answer(login);
    if (!login.last.error().empty()) return {client_id(login), redirect_url(login), scopes(login), pkce(login)};
    return {{"the answer", "the browser came back, but what it brought is not of this login or this server: log in again in one window, and check oauth.issuer"}};
}

Checks checks_for(const Login& login) {
    if (!login.last.failure_code.empty()) return by_transport(login);
    if (login.last.kind == Kind::authorization && !login.last.answered) return when_nobody_came_back(login);
    if (const auto error = login.last.error(); !error.empty()) {
        auto checks = login.transcript.flow == "oauth1" ? by_problem(login, error) : by_error(login, error);
        if (!checks.empty()) return checks;
    }
    return login.last.kind == Kind::authorization ? by_callback(login) : by_shape(login);
}

// "word=" is the request repeated, and says nothing.
bool names(const std::string& said, std::string_view word) {
    for (auto at = said.find(word); at != std::string::npos; at = said.find(word, at + 1)) {
        if (said.substr(at + word.size(), 1) != "=") return true;
    }
    return false;
}

// What the server's own words are about comes first.
void put_first(const Login& login, Checks& checks) {
    struct Row { std::string_view word; Check (*make)(const Login&); };
    static constexpr Row kRows[] = {{"dpop", dpop},          {"pushed", pushed},        {"redirect_uri", redirect_url}, {"redirect uri", redirect_url}, {"redirect url", redirect_url},
                                    {"code_challenge", pkce}, {"code challenge", pkce}, {"code_verifier", pkce},        {"pkce", pkce},                 {"client_assertion", client},
                                    {"client_credential", client}, {"client secret", client}, {"client_secret", client}, {"not allowed", kind_of_app}};
    const auto said = login.said();
    for (const auto& [word, make] : kRows) {
        if (!names(said, word)) continue;
        auto check = make(login);
        std::erase_if(checks, [&check](const Check& known) { return known.subject == check.subject; });
        checks.insert(checks.begin(), std::move(check));
        return;
    }
}

// Of a flow without a browser neither redirect URL nor PKCE can be wrong.
void drop_what_has_no_part(const Login& login, Checks& checks) {
    std::erase_if(checks, [&login](const Check& check) {
        return (check.subject == "PKCE" && !login.by_code()) || (check.subject == "redirect URL" && login.redirect_uri().empty());
    });
}

}  // namespace

std::vector<Check> what_to_check(const Transcript& transcript) {
    if (transcript.steps.empty()) return {};
    const Login login{transcript, transcript.steps.back()};
    auto checks = checks_for(login);
    if (transcript.flow != "oauth1" && login.last.status != 429 && login.last.status < 500) put_first(login, checks);
    drop_what_has_no_part(login, checks);
    for (const auto& step : transcript.steps) {
        const auto ahead = step.clock_difference.value_or(0);
        if (std::abs(ahead) <= kTolerableDifference) continue;
        std::erase_if(checks, [](const Check& check) { return check.subject == "clock"; });
        checks.insert(checks.begin(), {"clock", fmt::format("this machine's clock is {} seconds {} the server's; codes and signed requests are then refused: set it right", std::abs(ahead), ahead > 0 ? "behind" : "ahead of")});
        break;
    }
    return checks;
}

}  // namespace claviger::oauth
