// What an authorization server may answer: token responses, metadata, protected resources, signed tokens and keys. The first byte chooses; no
// answer may give a token that could break a header, or a success without a token (OA-11, OA-12).
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"
#include "oauth/discovery.hpp"
#include "oauth/id_token.hpp"
#include "oauth/token.hpp"

namespace {

// The public key of RFC 7515 appendix A.3.
constexpr std::string_view kKeySet = R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

void require(bool holds) {
    if (!holds) std::abort();
}

void token_response(std::string_view bytes, std::uint8_t choice) {
    claviger::http::Response response;
    response.status = (choice & 1) != 0 ? 200 : 400;
    response.fields.add("Content-Type", (choice & 2) != 0 ? "application/json" : "application/x-www-form-urlencoded");
    response.body.assign(bytes);
    claviger::oauth::TokenRequestOptions options;
    if ((choice & 4) != 0) options.access_token_pointers = {"/authed_user/access_token", "/access_token"};
    if ((choice & 8) != 0) options.response_format = "text";
    if ((choice & 16) != 0) options.error_when = {{"/ok", "false"}};
    if ((choice & 32) != 0) options.error_pointers = {"/code", "/data/code"};
    options.access_token_optional = (choice & 64) != 0;
    if ((choice & 128) != 0) options.ok_status = {400};
    // A Retry-After of any shape never throws.
    response.fields.add("Retry-After", std::string(bytes.substr(0, 40)));
    response.fields.add("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    const auto read = claviger::oauth::read_token_answer(response, options);
    if (!read) {
        require(!read.error().shown.message.empty() && read.error().status == response.status);
        require(!read.error().retry_after || read.error().retry_after->count() >= 0);
        return;
    }
    require(response.status == 200 || !options.ok_status.empty());
    require(!read->access_token.empty() || options.access_token_optional);
    for (const char c : read->access_token.reveal()) require(c >= 0x20 && c < 0x7f);
}

// No bytes of a stranger are an ID token, whatever keys the server publishes (OA-31).
void signed_token(std::string_view bytes) {
    const auto jws = claviger::crypto::read_jws(bytes);
    const auto keys = claviger::crypto::read_key_set(bytes);
    const claviger::oauth::IdTokenRules rules{"https://as.example", "client", "", {}, {}};
    require(!claviger::oauth::verify_id_token(bytes, kKeySet, rules));
    if (jws) require(jws->signed_part.size() < bytes.size());
    if (!keys) return;
    for (const auto& key : *keys) require(!key.thumbprint().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    token_response(bytes, data[0]);
    (void)claviger::oauth::read_server_metadata(bytes, "https://as.example");
    (void)claviger::oauth::resource_metadata_of(bytes);
    signed_token(bytes);
    if (const auto asked = claviger::net::Url::parse("https://api.example/mcp")) {
        (void)claviger::oauth::read_protected_resource(bytes, *asked, true);
    }
    return 0;
}
