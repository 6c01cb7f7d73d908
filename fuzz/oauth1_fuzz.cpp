// OAuth 1.0a: base strings of any request, and what a service may answer or send back. A base string has three parts and
// no byte that must be encoded; no answer may give a token that could break a header (OA-25).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "oauth/oauth1_credentials.hpp"

namespace {

namespace oauth = claviger::oauth;

void require(bool holds) {
    if (!holds) std::abort();
}

bool unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
}

// method NUL target NUL form
void base_string(std::string_view bytes) {
    static const auto url = claviger::net::Url::parse("https://api.example:8443/").value();
    const auto first = std::min(bytes.find('\0'), bytes.size());
    const auto rest = bytes.substr(std::min(first + 1, bytes.size()));
    const auto second = std::min(rest.find('\0'), rest.size());
    const oauth::CoveredRequest request{bytes.substr(0, first), url, rest.substr(0, second), rest.substr(std::min(second + 1, rest.size()))};
    oauth::ProtocolParameters protocol{{"oauth_token", claviger::base::WipedString(bytes)}};
    const auto text = oauth::signature_base_string(request, protocol);
    require(std::count(text.begin(), text.end(), '&') == 2);
    require(std::all_of(text.begin(), text.end(), [](char c) { return unreserved(c) || c == '%' || c == '&'; }));
    // What stands where among the parameters changes nothing.
    std::reverse(protocol.begin(), protocol.end());
    require(oauth::signature_base_string(request, protocol) == text);
    const auto value = oauth::authorization_value(protocol, "realm");
    require(std::count(value.begin(), value.end(), '"') == 4);
}

void answer(std::string_view bytes, std::uint8_t choice) {
    claviger::http::Response response;
    response.status = (choice & 2) != 0 ? 200 : 401;
    response.fields.add("WWW-Authenticate", "OAuth");
    response.body.assign(bytes);
    const auto read = oauth::read_credentials(response, "credentials");
    if (!read) return;
    require(response.status == 200 && !read->token.empty());
    for (const auto* secret : {&read->token, &read->secret})
        for (const char c : secret->reveal()) require(c >= 0x20 && c < 0x7f);
    require(!read->further.contains("oauth_token_secret"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    if ((data[0] & 1) != 0) base_string(bytes);
    else answer(bytes, data[0]);
    return 0;
}
