#include "net/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace claviger::net {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string terminated(text);
    if (terminated.size() != std::strlen(terminated.c_str())) return std::nullopt;
    IpAddress address;
    if (::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) {
        address.v4_ = true;
        return address;
    }
    address.bytes_ = {};
    if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) return address;
    return std::nullopt;
}

std::optional<IpAddress> IpAddress::from(const sockaddr* address) {
    IpAddress result;
    if (address->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address, sizeof v4);
        result.v4_ = true;
        std::memcpy(result.bytes_.data(), &v4.sin_addr, 4);
        return result;
    }
    if (address->sa_family != AF_INET6) return std::nullopt;
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    if (v6.sin6_scope_id != 0) return std::nullopt;
    std::memcpy(result.bytes_.data(), &v6.sin6_addr, 16);
    return result;
}

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    IpAddress address;
    address.v4_ = true;
    address.bytes_ = {a, b, c, d};
    return address;
}

bool IpAddress::within(const IpAddress& prefix, int bits) const {
    if (v4_ != prefix.v4_) return false;
    const auto whole = static_cast<std::size_t>(bits / 8);
    if (!std::equal(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(whole), prefix.bytes_.begin())) return false;
    const int rest = bits % 8;
    return rest == 0 || (bytes_[whole] >> (8 - rest)) == (prefix.bytes_[whole] >> (8 - rest));
}

IpAddress IpAddress::embedded(int a, int b, int c, int d, std::uint8_t mask) const {
    const auto at = [&](int i) { return static_cast<std::uint8_t>(bytes_[static_cast<std::size_t>(i)] ^ mask); };
    return v4(at(a), at(b), at(c), at(d));
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    ::inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), buffer.data(), buffer.size());
    return buffer.data();
}

socklen_t IpAddress::fill(sockaddr_storage& into, std::uint16_t port) const {
    into = {};
    if (v4_) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, bytes_.data(), 4);
        std::memcpy(&into, &v4, sizeof v4);
        return sizeof v4;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, bytes_.data(), 16);
    std::memcpy(&into, &v6, sizeof v6);
    return sizeof v6;
}

}  // namespace claviger::net
