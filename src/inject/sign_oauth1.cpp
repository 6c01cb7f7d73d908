#include "inject/sign_oauth1.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "inject/request_edit.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::array<std::string_view, 10> kProtocolNames{
    "oauth_consumer_key", "oauth_token",   "oauth_signature_method", "oauth_timestamp", "oauth_nonce",
    "oauth_version",      "oauth_callback", "oauth_verifier",        "oauth_body_hash", "oauth_signature"};

bool is_protocol_name(std::string_view name) {
    return std::any_of(kProtocolNames.begin(), kProtocolNames.end(), [&](auto known) { return equal_names(known, name); });
}

// Section 3.2: each parameter once, so two signatures in one request are none.
Result<void> check_form(std::string_view form) {
    while (!form.empty()) {
        const auto end = std::min(form.find('&'), form.size());
        const auto piece = form.substr(0, end);
        form.remove_prefix(std::min(end + 1, form.size()));
        const auto name = base::form_decode(piece.substr(0, piece.find('=')));
        if (!name || !is_protocol_name(*name)) continue;
        return base::fail(ErrorCode::invalid_input,
                          fmt::format("the form of the request has a parameter {} of its own", base::printable(*name, 40)),
                          "send the form without OAuth parameters: claviger signs the request");
    }
    return {};
}

}  // namespace

Result<OAuth1Signature> OAuth1Signature::make(const provider::ProviderDefinition& definition,
                                              const connection::Connection& connection, const connection::ClientRecord* client) {
    const auto method = definition.oauth1 ? oauth::signature_method_from(definition.oauth1->signature_method) : std::nullopt;
    if (!method) {
        return base::fail(ErrorCode::invalid_input, fmt::format("the definition of {} does not say how to sign", definition.name),
                          "write oauth1.signature_method");
    }
    // A client of the same origin that replaced ours signs for other tokens (OA-27).
    if (client == nullptr || client->client_id != connection.client_id || connection.access_token.empty()) {
        return base::fail(ErrorCode::needs_login,
                          fmt::format("the consumer key of the connection {} of {} is no longer stored", connection.name, connection.provider),
                          fmt::format("run: claviger login {} --connection {} --force", connection.provider, connection.name));
    }
    oauth::OAuth1Signer::Keys keys;
    keys.consumer_key = client->client_id;
    keys.consumer_secret = client->client_secret.duplicate();
    keys.token = connection.access_token.duplicate();
    if (const auto secret = connection.fields.find("access_token_secret"); secret != connection.fields.end()) {
        keys.token_secret = secret->second.duplicate();
    }
    TRY(signer, oauth::OAuth1Signer::make(*method, std::move(keys)));
    return OAuth1Signature(std::move(signer), definition.oauth1->realm, definition.oauth1->placement == "query");
}

bool OAuth1Signature::covers_body(const http::RequestHead& request) const {
    if (!signer_.covers_request() || request.framing.kind == http::BodyFraming::Kind::none) return false;
    // A compressed form is no form on the wire.
    const auto coding = base::trim(request.fields.find("Content-Encoding").value_or(""));
    if (!coding.empty() && !base::equal_ignoring_case(coding, "identity")) return false;
    return oauth::is_form_type(request.fields.find("Content-Type").value_or(""));
}

Result<void> OAuth1Signature::apply(http::RequestHead& request, const net::Url& url, const Occasion& occasion) const {
    if (!request.target.starts_with('/')) {
        return base::fail(ErrorCode::denied, "a request without a path cannot be signed");
    }
    const auto form = covers_body(request) ? occasion.body : std::string_view();
    TRY_VOID(check_form(form));
    remove_parameters(request.target, {kProtocolNames.begin(), kProtocolNames.end()});
    remove_field(request.fields, "Authorization");
    const auto stamp = oauth::make_stamp(occasion.random, occasion.now);
    TRY(parameters, signer_.sign({request.method, url, request.target, form}, stamp));
    if (in_query_) {
        oauth::append_to_query(request.target, parameters);
    } else {
        request.fields.add("Authorization", oauth::authorization_value(parameters, realm_));
    }
    return {};
}

}  // namespace claviger::inject
