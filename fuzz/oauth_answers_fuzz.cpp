// What an authorization server may answer: token responses, metadata, protected resources. The first byte chooses; no
// answer may give a token that could break a header, or a success without a token (OA-11, OA-12).
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "oauth/discovery.hpp"
#include "oauth/token.hpp"

namespace {

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
    const auto read = claviger::oauth::read_token_response(response, options);
    if (!read) return;
    require(response.status == 200 && !read->access_token.empty());
    for (const char c : read->access_token.reveal()) require(c >= 0x20 && c < 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    token_response(bytes, data[0]);
    (void)claviger::oauth::read_server_metadata(bytes, "https://as.example");
    (void)claviger::oauth::resource_metadata_of(bytes);
    if (const auto asked = claviger::net::Url::parse("https://api.example/mcp")) {
        (void)claviger::oauth::read_protected_resource(bytes, *asked, true);
    }
    return 0;
}
