#include "inject/injection.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/variables.hpp"
#include "inject/caller_fields.hpp"
#include "inject/credential_fields.hpp"
#include "inject/prove_dpop.hpp"
#include "inject/request_edit.hpp"
#include "inject/sign_hmac.hpp"
#include "inject/sign_oauth1.hpp"
#include "inject/sign_sigv4.hpp"
#include "inject/usable.hpp"
#include "provider/expand.hpp"
#include "provider/validate.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;
using base::Result;

// "Bearer" + " " + key, but "Token token=" + key: a space belongs behind a word, or where the definition wrote one.
Result<base::Secret> with_prefix(std::string_view prefix, std::string_view value) {
    const auto word = base::trim(prefix);
    base::WipedString out(word);
    if (!word.empty()) {
        const char last = word.back();
        const bool behind_word = (last >= '0' && last <= '9') || ((last | 0x20) >= 'a' && (last | 0x20) <= 'z');
        if (behind_word || prefix.ends_with(' ')) out += ' ';
    }
    out += value;
    return base::Secret::taking(out);
}

// RFC 6265 cookie-octet, optionally in one pair of quotes.
bool valid_cookie_value(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return std::all_of(value.begin(), value.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
    });
}

tl::unexpected<base::Error> no_credential(const provider::ProviderDefinition& definition, std::string_view field) {
    return base::fail(ErrorCode::invalid_input,
                      fmt::format("the connection of {} has no field {}", definition.name, base::printable(field, 64)),
                      fmt::format("run: claviger login {} --force", definition.name));
}

// RFC 7617: the first colon ends the user name, so it may not hold one.
Result<base::Secret> basic_credentials(const provider::ProviderDefinition& definition, const CredentialFields& fields) {
    const auto user = fields.find("username");
    if (!user) return no_credential(definition, "username");
    if (user->find(':') != std::string_view::npos) {
        return base::fail(ErrorCode::invalid_input, "the user name holds a colon, which basic authentication cannot carry");
    }
    base::WipedString pair(*user);
    pair += ':';
    pair += fields.find("password").value_or("");
    auto encoded = base::base64_encode(pair);
    base::wipe(pair.data(), pair.size());  // a short one lies in the object itself
    return base::Secret::taking(encoded);
}

std::vector<Pair> borrowed(const std::vector<SecretPair>& pairs) {
    std::vector<Pair> out;
    for (const auto& pair : pairs) out.push_back({pair.name, pair.value.reveal()});
    return out;
}

bool is_tls(const net::Url& url) { return url.scheme() == "https" || url.scheme() == "wss"; }

}  // namespace

provider::VariableValues own_names(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    provider::VariableValues names;
    for (const auto& [name, value] : connection.fields) {
        if (name == definition.credentials.field_name || !policy::names_own_host(name)) continue;
        names.emplace(name, std::string(value.reveal()));
    }
    return names;
}

Result<Injection> Injection::make(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                  base::Instant now, connection::Connections& stored) {
    if (definition.auth_type != provider::AuthType::oauth1) return make(definition, connection, now);
    TRY(client, stored.client_of(connection));
    return make(definition, connection, now, client ? &*client : nullptr);
}

Result<Injection> Injection::make(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                  base::Instant now, const connection::ClientRecord* client) {
    TRY_VOID(check_usable(definition, connection, now));
    TRY(fields, CredentialFields::transformed(definition, connection));
    Injection injection;
    injection.valid_until_ = connection.end();
    injection.websocket_ = definition.websocket;
    for (const auto& name : definition.inject.reserved) {
        if (provider::header_name_allowed(name)) injection.reserved_.push_back(name);  // never Host and its like
    }
    injection.passed_ = definition.inject.pass;
    TRY(variables, connection::variables_of(definition, connection));
    auto rules = policy::rules_of(definition, variables, own_names(definition, connection));
    // Places that wait for a value which no answer has told yet: until then the credential goes where it is admitted alone.
    if (!rules && rules.error().code != ErrorCode::not_found) return base::fail(std::move(rules).error());
    if (rules) injection.declared_ = std::move(*rules);
    if (DpopProver::needed(connection)) {
        TRY(prover, DpopProver::make(connection));
        injection.dpop_ = std::make_shared<const DpopProver>(std::move(prover));
    }
    TRY_VOID(injection.plan_signature(definition, connection, fields, client));
    auto planned = definition.inject.present ? injection.plan_rules(definition, fields)
                                             : injection.plan_default(definition, fields);
    if (!planned) return base::fail(std::move(planned).error());
    return injection;
}

Result<void> Injection::plan_signature(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                       const CredentialFields& fields, const connection::ClientRecord* client) {
    if (definition.auth_type == provider::AuthType::oauth1) {
        TRY(signature, OAuth1Signature::make(definition, connection, client));
        oauth1_ = std::make_shared<const OAuth1Signature>(std::move(signature));
    } else if (definition.inject.sign == "aws_sigv4") {
        TRY(signature, SigV4Signature::make(definition, fields));
        sigv4_ = std::make_shared<const SigV4Signature>(std::move(signature));
    } else if (definition.inject.sign == "hmac") {
        TRY(signature, HmacRequestSignature::make(definition, fields));
        hmac_ = std::make_shared<const HmacRequestSignature>(std::move(signature));
    } else if (!definition.inject.sign.empty()) {
        return base::fail(ErrorCode::unsupported, fmt::format("requests to {} cannot be signed by {}", definition.name, definition.inject.sign));
    }
    return {};
}

Result<void> Injection::plan_rules(const provider::ProviderDefinition& definition, const CredentialFields& fields) {
    for (const auto& [name, text] : definition.inject.headers) {
        if (fields.left_empty(text)) continue;
        TRY(value, fields.render(text));
        TRY_VOID(add_header(name, std::move(value)));
    }
    for (const auto& [name, text] : definition.inject.query) {
        if (fields.left_empty(text)) continue;
        TRY(value, fields.render(text));
        query_.push_back({name, std::move(value)});
    }
    for (const auto& [name, text] : definition.inject.cookies) {
        if (fields.left_empty(text)) continue;
        TRY(value, fields.render(text));
        TRY_VOID(add_cookie(name, std::move(value)));
    }
    return {};
}

Result<void> Injection::plan_default(const provider::ProviderDefinition& definition, const CredentialFields& fields) {
    using provider::AuthType;
    const bool has_place = definition.api_key.has_value();
    const auto credential = fields.find(fields.credential_name());
    switch (definition.auth_type) {
        case AuthType::oauth2: {
            // A type that needs more than the token itself would go out wrong (RFC 6749 7.1).
            const auto type = fields.find("token_type").value_or("Bearer");
            if (base::equal_ignoring_case(type, "mac")) {
                return base::fail(ErrorCode::unsupported, fmt::format("tokens of type {} are not supported", type));
            }
            if (!credential || credential->empty()) return no_credential(definition, fields.credential_name());
            TRY(value, with_prefix(dpop_ ? "DPoP" : "Bearer", *credential));
            return add_header("Authorization", std::move(value));
        }
        case AuthType::api_key:
            if (!credential || credential->empty()) return no_credential(definition, fields.credential_name());
            return plan_key(has_place ? *definition.api_key : provider::ApiKey{}, *credential);
        case AuthType::basic: {
            provider::ApiKey place;
            place.header_prefix = "Basic";
            if (has_place) place = *definition.api_key;
            if (definition.credentials.transform) return plan_key(place, credential.value_or(""));
            TRY(pair, basic_credentials(definition, fields));
            return plan_key(place, pair.reveal());
        }
        case AuthType::custom:
            if (!has_place) return {};
            if (!credential || credential->empty()) return no_credential(definition, fields.credential_name());
            return plan_key(*definition.api_key, *credential);
        case AuthType::oauth1: return {};  // the signature is all
    }
    return base::fail(ErrorCode::unsupported, "this kind of authentication is not supported yet");
}

Result<void> Injection::plan_key(const provider::ApiKey& place, std::string_view credential) {
    if (!place.query_param.empty()) query_.push_back({place.query_param, base::Secret(credential)});
    if (place.header_name.empty()) return {};
    TRY(value, with_prefix(place.header_prefix, credential));
    return add_header(place.header_name, std::move(value));
}

Result<void> Injection::add_header(std::string name, base::Secret value) {
    if (!provider::header_name_allowed(name) || equal_names(name, "Cookie")) {
        return base::fail(ErrorCode::invalid_input, fmt::format("the header {} may not be set", base::printable(name, 64)));
    }
    if (!http::valid_field_value(value.reveal())) {
        return base::fail(ErrorCode::invalid_input,
                          fmt::format("the credential for the header {} holds a character that no header may hold", name),
                          "log in again and paste the credential without spaces or line breaks around it");
    }
    headers_.push_back({std::move(name), std::move(value)});
    return {};
}

Result<void> Injection::add_cookie(std::string name, base::Secret value) {
    if (!http::valid_field_name(name)) {
        return base::fail(ErrorCode::invalid_input, fmt::format("{} is no name of a cookie", base::printable(name, 64)));
    }
    if (!valid_cookie_value(value.reveal())) {
        return base::fail(ErrorCode::invalid_input,
                          fmt::format("the credential for the cookie {} holds a character that no cookie may hold", name));
    }
    cookies_.push_back({std::move(name), std::move(value)});
    return {};
}

void Injection::clean_trailers(http::Fields& trailers) const {
    for (const auto& name : reserved_) remove_field(trailers, name);
    for (const auto& header : headers_) remove_field(trailers, header.name);
    for (const std::string_view name : {"Authorization", "Cookie", "DPoP"}) remove_field(trailers, name);
    remove_credentials(trailers, {});
    if (sigv4_) SigV4Signature::remove_callers(trailers);
    if (hmac_) hmac_->remove_callers(trailers);
}

bool Injection::covers_body(const http::RequestHead& request, const net::Url& url) const {
    return (oauth1_ && oauth1_->covers_body(request)) || (sigv4_ && sigv4_->covers_body(request, url)) || (hmac_ && hmac_->covers_body(request));
}

void Injection::withhold_cookies(http::Fields& answer) const {
    const bool passed = std::any_of(passed_.begin(), passed_.end(), [](const std::string& name) { return equal_names(name, "Cookie"); });
    std::vector<std::string_view> ours;
    for (const auto& cookie : cookies_) ours.push_back(cookie.name);
    remove_cookies(answer, passed, ours);
}

Result<void> Injection::apply(http::RequestHead& request, const net::Url& url, const Occasion* occasion) const {
    const auto declares = [&url](const policy::UriRule& rule) { return rule.matches(url); };
    const bool admitted = admitted_ && admitted_->text() == url.text();
    const bool declared = admitted || std::any_of(declared_.begin(), declared_.end(), declares);
    if (!is_tls(url) && !(url.host_is_loopback() && declared)) {
        return base::fail(ErrorCode::denied, "a credential goes over https only", "use the https URL of the service");
    }
    // A session's routes are older than this credential: a new login may have moved the connection to another host, or
    // the definition may have changed back and forth (OA-27, CL-10). What counts is where this very credential may go.
    if (!declared) {
        return base::fail(ErrorCode::needs_login, "this connection's credential is not for " + url.authority(),
                          "start a new session: claviger run -- ...");
    }
    if (!query_.empty() && !request.target.starts_with('/')) {
        return base::fail(ErrorCode::denied, "a request without a path cannot carry this credential");
    }
    std::vector<std::string_view> parameters(reserved_.begin(), reserved_.end());
    for (const auto& pair : query_) parameters.push_back(pair.name);
    if (request.target.starts_with('/')) remove_parameters(request.target, parameters);
    append_parameters(request.target, borrowed(query_));

    remove_credentials(request.fields, passed_);
    for (const auto& name : reserved_) remove_field(request.fields, name);
    for (const auto& header : headers_) remove_field(request.fields, header.name);
    merge_cookies(request.fields, borrowed(cookies_));
    for (const auto& header : headers_) request.fields.add(header.name, header.value.reveal());
    if (dpop_) TRY_VOID(dpop_->apply(request, url, occasion));
    if (!oauth1_ && !sigv4_ && !hmac_) return {};
    if (occasion == nullptr) return base::fail(ErrorCode::unsupported, "a signed request cannot be made here");
    if (sigv4_) return sigv4_->apply(request, url, *occasion);
    if (hmac_) return hmac_->apply(request, *occasion);
    return oauth1_->apply(request, url, *occasion);
}

}  // namespace claviger::inject
