// Url over any bytes. The first byte says how many of the following are the base; the rest is a reference.
// Beside memory errors: what was parsed once parses to itself, and its parts put together are its text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/url.hpp"

namespace {

using claviger::net::Url;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const Url& url) {
    const auto again = Url::parse(url.text());
    require(again.has_value() && *again == url);
    require(url.path().starts_with('/') && !url.host().empty());
    require(url.path().find_first_of("\\?# \t\r\n") == std::string::npos);
    require(url.request_target().find_first_of("# \t\r\n") == std::string::npos);
    require(url.host().find_first_of("/\\?#@% \t\r\n") == std::string::npos);
    // A host stands for itself: CONNECT and SNI reach the same one.
    const auto host = claviger::net::canonical_host(url.host());
    require(host.has_value() && *host == url.host());
    (void)url.host_is_loopback();
    (void)url.dial_host();
    require(Url::parse(url.redacted()).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto split = std::min<std::size_t>(data[0], bytes.size());
    (void)claviger::net::canonical_host(bytes);
    if (const auto url = Url::parse(bytes)) check(*url);
    if (const auto base = Url::parse(bytes.substr(0, split))) {
        if (const auto url = base->resolve(bytes.substr(split))) check(*url);
    }
    return 0;
}
