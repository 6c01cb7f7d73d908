#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/value.hpp"
#include "json/xml.hpp"
#include "oauth/dpop.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/server_time.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

struct Pair {
    std::string name;
    std::string_view value;  // of the TokenRequest, which outlives the pairs
};

constexpr std::array<std::string_view, 9> kReserved{
    "grant_type",    "code",          "redirect_uri",     "client_id",            "client_secret",
    "code_verifier", "refresh_token", "client_assertion", "client_assertion_type"};

constexpr std::array<std::string_view, 9> kReservedHeaders{"authorization",     "host",       "content-length",
                                                           "content-type",      "connection", "cookie",
                                                           "transfer-encoding", "proxy-authorization", "dpop"};

constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

bool by_assertion(ClientAuthentication method) {
    return method == ClientAuthentication::client_secret_jwt || method == ClientAuthentication::private_key_jwt;
}

// A grant that says itself whose it is needs no client (RFC 7521 section 4.1, RFC 8693 section 2.1).
bool speaks_for_itself(std::string_view grant_type) {
    return grant_type.empty() || grant_type.ends_with(":jwt-bearer") || grant_type.ends_with(":token-exchange");
}

// RFC 6749 section 2.3.1 knows no half-authenticated client (OA-14).
base::Result<void> check_client(const TokenRequest& request) {
    const auto& client = request.client;
    const auto method = client.authentication;
    const bool by_key = method == ClientAuthentication::private_key_jwt;
    const bool wants_secret = method != ClientAuthentication::none && !by_key;
    if (client.client_id.empty() && (wants_secret || by_key || !speaks_for_itself(request.grant_type)))
        return base::fail(ErrorCode::invalid_input, "the client id is empty");
    if (by_key && client.private_key.empty()) {
        return base::fail(ErrorCode::invalid_input, "the client authenticates with a private key, but has none",
                          "enter the private key, or set token_auth_method to another method");
    }
    if (wants_secret && client.client_secret.empty()) {
        return base::fail(ErrorCode::invalid_input, "the client authenticates with a secret, but has none",
                          "enter the client secret, or set token_auth_method to none");
    }
    if (!wants_secret && !client.client_secret.empty()) {
        return base::fail(ErrorCode::invalid_input, by_key ? "the client has both a secret and a private key"
                                                           : "the client has a secret, but its authentication method is none",
                          "set token_auth_method to client_secret_post or client_secret_basic");
    }
    return {};
}

void append_form_encoded(base::WipedString& out, std::string_view bytes) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                           (byte >= 'A' && byte <= 'Z') || byte == '*' || byte == '-' || byte == '.' || byte == '_';
        if (plain) {
            out.push_back(c);
        } else if (byte == ' ') {
            out.push_back('+');
        } else {
            out.push_back('%');
            out.push_back(kHex[byte >> 4]);
            out.push_back(kHex[byte & 15]);
        }
    }
}

// Id and secret are form-encoded first, then joined and base64-encoded (OA-14); some servers do not decode them (RFC 7617 alone).
base::WipedString basic_credentials(const TokenRequest& request) {
    const auto& client = request.client;
    base::WipedString plain;
    const auto append = [&](std::string_view text) {
        if (request.basic_form_encoded) append_form_encoded(plain, text);
        else plain.append(text);
    };
    append(request.basic ? request.basic->first.reveal() : std::string_view(client.client_id));
    plain.push_back(':');
    append(request.basic ? request.basic->second.reveal() : client.client_secret.reveal());
    std::string encoded = base::base64_encode(plain);
    base::WipedString value("Basic ");
    value.append(encoded);
    base::wipe(encoded.data(), encoded.size());
    return value;
}

base::WipedString form_body(const std::vector<Pair>& pairs) {
    base::WipedString body;
    body.reserve(1024);
    for (const auto& pair : pairs) {
        if (!body.empty()) body.push_back('&');
        append_form_encoded(body, pair.name);
        body.push_back('=');
        append_form_encoded(body, pair.value);
    }
    return body;
}

base::WipedString json_body(const std::vector<Pair>& pairs) {
    json::Object object(json::secret_storage());
    for (const auto& pair : pairs) object[pair.name] = pair.value;
    const auto text = json::to_secret_text(json::Value(std::move(object), json::secret_storage()));
    return base::WipedString(text.reveal());
}

// A parameter that this request has not is empty: one template serves the exchange and the refresh. What is put in is never
// read as a template.
base::Result<base::WipedString> xml_body(std::string_view text, const std::vector<Pair>& pairs) {
    base::WipedString body;
    body.reserve(text.size() + 1024);
    for (;;) {
        const auto open = text.find("{{");
        const auto close = open == std::string_view::npos ? open : text.find("}}", open);
        body.append(text.substr(0, close == std::string_view::npos ? close : open));
        if (close == std::string_view::npos) return body;
        const auto name = base::trim(text.substr(open + 2, close - open - 2));
        text.remove_prefix(close + 2);
        const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return pair.name == name; });
        if (found == pairs.end()) continue;
        if (!json::append_xml_escaped(body, found->value))
            return base::fail(ErrorCode::invalid_input, fmt::format("the parameter '{}' has a character that XML cannot hold", base::printable(name, 60)),
                              "enter it anew without control characters, as UTF-8");
    }
}

// `assertion` outlives the pairs.
std::vector<Pair> protocol_pairs(const TokenRequest& request, const base::Secret& assertion) {
    const auto name_of = [&](std::string_view name) {
        for (const auto& [from, to] : request.options.rename)
            if (from == name) return to;
        return std::string(name);
    };
    std::vector<Pair> pairs;
    const auto add = [&](std::string_view name, std::string_view value) {
        auto sent_as = name_of(name);
        if (!sent_as.empty()) pairs.push_back({std::move(sent_as), value});
    };
    if (!request.grant_type.empty()) add("grant_type", request.grant_type);
    for (const auto& [name, value] : request.grant) add(name, value.reveal());
    if (request.client.authentication != ClientAuthentication::client_secret_basic && !request.client.client_id.empty())
        add("client_id", request.client.client_id);
    if (request.client.authentication == ClientAuthentication::client_secret_post)
        add("client_secret", request.client.client_secret.reveal());
    if (assertion.empty()) return pairs;
    add("client_assertion_type", kAssertionType);
    add("client_assertion", assertion.reveal());
    return pairs;
}

base::Result<void> append_extras(std::vector<Pair>& pairs, const Parameters& extras) {
    const auto ours = pairs.size();
    for (const auto& [name, value] : extras) {
        if (value.empty()) continue;  // many servers refuse an empty parameter; none needs one
        const auto end = pairs.begin() + static_cast<std::ptrdiff_t>(ours);
        const auto same = std::find_if(pairs.begin(), end,
                                       [&](const Pair& p) { return base::equal_ignoring_case(p.name, name); });
        // Repeating what is sent anyway does no harm: many descriptions list grant_type among the extras.
        if (same != end && same->value == value) continue;
        const bool reserved = std::any_of(kReserved.begin(), kReserved.end(),
                                          [&](auto r) { return base::equal_ignoring_case(r, name); });
        if (same != end || reserved) {
            return base::fail(ErrorCode::invalid_input,
                              fmt::format("token_params sets the reserved parameter '{}'", base::printable(name, 60)),
                              "remove it from the definition: Claviger sets it itself");
        }
        pairs.push_back({name, value});
    }
    return {};
}

base::Result<void> add_proof(http::Request& http, const TokenRequest& request, std::string_view nonce) {
    if (request.dpop_key.empty()) return {};
    TRY(key, crypto::Jwk::private_key(request.dpop_key.reveal()));
    TRY(proof, dpop_proof(key, {http.method, request.endpoint, {}, nonce}, request.signing));
    http.fields.set("DPoP", proof.reveal());
    return {};
}

base::Result<void> add_headers(http::Fields& fields, const Parameters& headers) {
    for (const auto& [name, value] : headers) {
        const auto lower = base::to_lower(name);
        const bool reserved = std::find(kReservedHeaders.begin(), kReservedHeaders.end(), lower) != kReservedHeaders.end();
        if (reserved || !http::valid_field_name(name) || !http::valid_field_value(value)) {
            return base::fail(ErrorCode::invalid_input,
                              fmt::format("token_headers has the unusable header '{}'", base::printable(name, 60)),
                              "remove it from the definition, or correct it");
        }
        fields.set(name, value);
    }
    return {};
}

base::Result<http::Request> unsigned_request(const TokenRequest& request, std::string_view dpop_nonce) {
    TRY_VOID(check_endpoint(request.endpoint, "token URL"));
    TRY_VOID(check_client(request));
    base::Secret assertion;
    if (by_assertion(request.client.authentication)) {
        TRY(made, client_assertion(request.client, request.endpoint, request.signing));
        assertion = std::move(made);
    }
    auto pairs = protocol_pairs(request, assertion);
    TRY_VOID(append_extras(pairs, request.options.extra_parameters));

    const auto& options = request.options;
    http::Request http{options.method, request.endpoint, {}, {}};
    http.once = true;  // also as GET: it spends a code or a token
    http.fields.set("Accept", options.response_format == "xml" ? "application/xml" : "application/json");
    TRY_VOID(add_headers(http.fields, options.extra_headers));
    if (request.client.authentication == ClientAuthentication::client_secret_basic)
        http.fields.set("Authorization", basic_credentials(request));
    if (!request.bearer.empty()) http.fields.set("Authorization", bearer_credentials(request.bearer));
    TRY_VOID(add_proof(http, request, dpop_nonce));
    if (options.in_query || options.method == "GET") {
        Parameters query;
        for (const auto& pair : pairs) query.emplace_back(pair.name, std::string(pair.value));
        http.url = http.url.with_query(query);
        return http;
    }
    if (!options.xml_body.empty() && !options.json_body) {
        TRY(body, xml_body(options.xml_body, pairs));
        http.fields.set("Content-Type", "application/xml");
        http.body = std::move(body);
        return http;
    }
    http.fields.set("Content-Type", options.json_body ? "application/json" : "application/x-www-form-urlencoded");
    http.body = options.json_body ? json_body(pairs) : form_body(pairs);
    return http;
}

}  // namespace

base::WipedString bearer_credentials(const base::Secret& token) {
    base::WipedString value("Bearer ");
    value.append(token.reveal());
    return value;
}

base::Result<http::Request> token_http_request(const TokenRequest& request, std::string_view dpop_nonce) {
    TRY(http, unsigned_request(request, dpop_nonce));
    if (!request.sign) return http;
    TRY_VOID(request.sign(http, request.signing));
    return http;
}

net::Task<base::Result<http::Response>> send_authenticated(http::Client& http, TokenRequest request, bool* left) {
    const std::string what = request.grant_type.empty() ? "the request failed" : "the token request failed";
    CO_TRY(message, token_http_request(request));
    auto answer = co_await http.send(std::move(message), left);
    if (!answer) co_return base::fail(answer.error().within(what));
    const auto nonce = request.dpop_key.empty() ? std::string() : demanded_nonce(answer->status, answer->fields, answer->body);
    if (nonce.empty()) co_return answer;
    CO_TRY(again, token_http_request(request, nonce));
    if (left != nullptr) *left = false;  // the first one was refused for its proof alone
    auto second = co_await http.send(std::move(again), left);
    if (!second) co_return base::fail(second.error().within(what));
    co_return second;
}

namespace {

// Whoever reads that something answered wrongly wants to know what was asked.
std::string with_place(std::string message, const std::string& place) {
    constexpr std::string_view kEndpoint = "the token endpoint";
    if (message.starts_with(kEndpoint)) message.insert(kEndpoint.size(), " " + place);
    return message;
}

}  // namespace

net::Task<TokenOutcome> ask_token(http::Client& http, TokenRequest request) {
    const auto options = request.options;
    const auto place = request.endpoint.redacted();
    const auto signing = request.signing;
    const auto sent = signing.now();
    bool left = false;
    auto answer = co_await send_authenticated(http, std::move(request), &left);
    if (!answer) {
        TokenFailure failure;
        failure.kind = left ? TokenFailure::Kind::in_doubt : TokenFailure::Kind::not_sent;
        failure.shown = answer.error();
        co_return tl::unexpected<TokenFailure>(std::move(failure));
    }
    auto token = read_token_answer(*answer, options);
    if (token) token->clock_skew = clock_skew(answer->fields, sent, signing.now());
    else token.error().shown.message = with_place(std::move(token.error().shown.message), place);
    co_return token;
}

net::Task<base::Result<TokenResponse>> request_token(http::Client& http, TokenRequest request) {
    auto outcome = co_await ask_token(http, std::move(request));
    if (!outcome) co_return base::fail(std::move(outcome).error().shown);
    co_return std::move(*outcome);
}

}  // namespace claviger::oauth
