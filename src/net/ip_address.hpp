// IpAddress: four or sixteen bytes, and their canonical text. Immutable value.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace claviger::net {

class IpAddress {
public:
    // Strict: dotted decimal without leading zeros, or RFC 4291 text without brackets and zone.
    static std::optional<IpAddress> parse(std::string_view text);
    static std::optional<IpAddress> from(const sockaddr* address);  // nullopt: neither family, or a scoped address
    static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);

    [[nodiscard]] bool is_v4() const { return v4_; }
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // v4: the first four
    [[nodiscard]] bool within(const IpAddress& prefix, int bits) const;
    // The IPv4 address that stands at these four bytes, each xored with `mask` (Teredo hides its client so).
    [[nodiscard]] IpAddress embedded(int a, int b, int c, int d, std::uint8_t mask = 0) const;
    [[nodiscard]] std::string text() const;
    socklen_t fill(sockaddr_storage& into, std::uint16_t port) const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;

private:
    bool v4_ = false;
    std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace claviger::net
