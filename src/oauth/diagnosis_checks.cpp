#include "oauth/diagnosis_checks.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::oauth::diagnosis {
namespace {

struct Place { std::string_view subject, member; };

// What the last request went to, and where the definition says it.
Place place_of(Step::Kind kind) {
    switch (kind) {
        case Step::Kind::metadata: return {"discovery", "oauth.issuer"};
        case Step::Kind::registration: return {"registration", "oauth.registration_endpoint"};
        case Step::Kind::authorization: return {"authorization URL", "oauth.authorization_url"};
        case Step::Kind::pushed_authorization: return {"pushed authorization URL", "oauth.pushed_authorization_url"};
        case Step::Kind::device_authorization: return {"device authorization URL", "oauth.device_authorization_url"};
        case Step::Kind::temporary_credentials: return {"request token URL", "oauth1.request_token_url"};
        case Step::Kind::token_credentials: return {"access token URL", "oauth1.access_token_url"};
        case Step::Kind::keys: return {"JWKS URL", "oauth.jwks_url"};
        case Step::Kind::userinfo: return {"userinfo URL", "oauth.userinfo_url"};
        case Step::Kind::revocation: return {"revocation URL", "oauth.revocation_url"};
        case Step::Kind::token:
        case Step::Kind::other: break;
    }
    return {"token URL", "oauth.token_url"};
}

std::string or_none(std::string text) { return text.empty() ? "none" : text; }

// A client that signs: nothing of it was sent but what the server must know too.
Check signing_client(const Login& login) {
    const auto audience = or_none(login.value("client_assertion/aud"));
    if (login.transcript.client_authentication == "client_secret_jwt") {
        return {"client secret", fmt::format("it signed the client assertion (for the audience {}) and was not sent; is it the current one of this app, and is the app registered for client_secret_jwt?", audience)};
    }
    return {"private key", fmt::format("the client signed with {}, key id {}, for the audience {}: does the service have the public half of this very key, under this key id, and does it want this "
                                       "audience? oauth.client_assertion in the definition sets algorithm, key_id and audience",
                                       or_none(login.value("client_assertion/alg")), or_none(login.value("client_assertion/kid")), audience)};
}

}  // namespace

const Outline* Login::sent(std::string_view name) const {
    for (const auto* outlines : {&last.body, &last.query, &last.fields}) {
        for (const auto& outline : *outlines) {
            if (outline.name == name) return &outline;
        }
    }
    return nullptr;
}

std::string Login::value(std::string_view name) const {
    for (auto step = transcript.steps.rbegin(); step != transcript.steps.rend(); ++step) {
        const auto* outline = Login{transcript, *step}.sent(name);
        if (outline != nullptr) return outline->value;
    }
    return {};
}

std::string Login::redirect_uri() const {
    for (const std::string_view name : {"redirect_uri", "oauth_callback"}) {
        if (auto sent_one = value(name); !sent_one.empty()) return sent_one;
    }
    return transcript.redirect_uri;
}

bool Login::sent_secret() const {
    const bool basic = std::any_of(last.fields.begin(), last.fields.end(), [](const Outline& o) { return base::to_lower(o.name).starts_with("authorization"); });
    return basic || sent("client_secret") != nullptr || sent("client_assertion") != nullptr;
}

bool Login::by_code() const { return transcript.flow == "pkce" || transcript.flow == "dcr_pkce"; }

std::string Login::said() const {
    std::string words;
    for (const auto& outline : last.answer) {
        if (!outline.hidden && outline.name != "scope") words += base::to_lower(outline.value) + "\n";
    }
    for (const auto& field : last.answer_fields) {
        if (field.name == "www-authenticate") words += base::to_lower(field.value) + "\n";
    }
    return words;
}

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

Check client(const Login& login) {
    const auto& method = login.transcript.client_authentication;
    if (method.ends_with("_jwt")) return signing_client(login);
    if (!login.sent_secret())
        return {"client secret", fmt::format("none was sent; a confidential app needs it; to enter it: claviger login {} --new-client", login.transcript.provider)};
    return {"client secret", fmt::format("it was sent{}; is it the current one, of this app? Some services want it the other way: \"token_auth_method\": \"{}\"",
                                         method.empty() ? "" : " by " + method, method == "client_secret_basic" ? "client_secret_post" : "client_secret_basic")};
}

Check kind_of_app(const Login& login) {
    return {"kind of app", fmt::format("the app may not use this flow ({}); allow it in the app's settings", login.transcript.flow)};
}

Check pushed(const Login& login) {
    const bool was = login.last.kind == Step::Kind::pushed_authorization;
    return {"pushed authorization", was ? fmt::format("the request was pushed to {}; is that where this service takes them?", login.last.url)
                                        : "the service takes the request only pushed (RFC 9126): write oauth.pushed_authorization_url into the definition, or oauth.issuer, whose metadata says it"};
}

Check dpop(const Login& login) {
    if (login.sent("DPoP") == nullptr) return {"DPoP", "no proof was sent; where the app is registered for tokens that are bound to a key (RFC 9449), set \"dpop\": true in the definition's oauth block"};
    return {"DPoP", fmt::format("a proof was sent, signed with {} for {} {} at {}: it is refused when this machine's clock is wrong, or the service knows itself by another URL",
                                or_none(login.value("DPoP/alg")), or_none(login.value("DPoP/htm")), or_none(login.value("DPoP/htu")), or_none(login.value("DPoP/iat")))};
}

Check assertion(const Login& login) {
    if (login.sent("assertion") == nullptr)
        return {"the grant", "what was given for the token (oauth.grant in the definition) was not accepted: is it of this service, and has it not run out?"};
    return {"assertion", fmt::format("it was signed with {}, key id {}, for the audience {}, in the name of {}: does the service know the public half of this key, under this id, for this account, "
                                     "and may the account do what is asked? oauth.grant.assertion sets issuer, subject, audience, key_id and claims",
                                     or_none(login.value("assertion/alg")), or_none(login.value("assertion/kid")), or_none(login.value("assertion/aud")), or_none(login.value("assertion/iss")))};
}

Check body_form(const Login& login) {
    if (login.last.body_type == "application/json") return {"body", "it was sent as JSON; the standard is a form: \"token_content_type\": \"form\""};
    if (login.last.body_type == "application/xml") return {"body", "it was sent as XML, which \"token_body\" says: compare it with what the service documents"};
    return {"body", "it was sent as a form; a few services want \"token_content_type\": \"json\""};
}

Check endpoint(const Login& login) {
    const auto [subject, member] = place_of(login.last.kind);
    return {std::string(subject), fmt::format("{} does not answer as it should; is {} in the definition right? See the service's documentation, or: claviger provider discover", login.last.url, member)};
}

Check resource(const Login& login) { return {"resource", fmt::format("the server does not know the resource '{}'; check oauth.resource", login.value("resource"))}; }

Check reachability(const Login& login) {
    return {"address", fmt::format("is {} the right URL, and does this machine reach it (network, firewall, VPN)? Claviger goes through the proxy that HTTPS_PROXY names, if one does and NO_PROXY does not except the host", login.last.url)};
}

Check later() { return {"the service", "it says that it cannot answer now; try again in a few minutes"}; }

}  // namespace claviger::oauth::diagnosis
