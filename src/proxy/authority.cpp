#include "proxy/authority.hpp"

#include <charconv>

#include "net/url.hpp"

namespace claviger::proxy {

using base::ErrorCode;

base::Result<Authority> parse_authority(std::string_view target) {
    const auto colon = target.rfind(':');
    if (colon == std::string_view::npos) return base::fail(ErrorCode::invalid_input, "CONNECT needs host:port");
    unsigned port = 0;
    const auto digits = target.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535) {
        return base::fail(ErrorCode::invalid_input, "CONNECT needs a port from 1 to 65535");
    }
    TRY(host, net::canonical_host(target.substr(0, colon)));
    return Authority{std::move(host), static_cast<std::uint16_t>(port)};
}

std::string dial_host(const std::string& canonical) {
    return canonical.starts_with('[') ? canonical.substr(1, canonical.size() - 2) : canonical;
}

bool is_address(const std::string& canonical) {
    return canonical.starts_with('[') || canonical.find_first_not_of("0123456789.") == std::string::npos;
}

std::string authority_text(const Authority& authority) {
    return authority.port == 443 ? authority.host : authority.host + ":" + std::to_string(authority.port);
}

}  // namespace claviger::proxy
