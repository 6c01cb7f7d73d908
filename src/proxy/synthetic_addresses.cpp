#include "proxy/synthetic_addresses.hpp"

#include <array>

namespace claviger::proxy {
namespace {

// 198.18.0.0/16 of RFC 2544's range for tests of networks: no host of the internet has such an address.
constexpr int kPrefix4 = 16;
net::IpAddress pool4() { return net::IpAddress::v4(198, 18, 0, 0); }
// A unique local prefix (RFC 4193); it is met in the session's network only.
constexpr int kPrefix6 = 112;
net::IpAddress pool6() { return *net::IpAddress::parse("fd63:6c61:7669:6765:7200::"); }

net::IpAddress v6_of(unsigned high, unsigned low) {
    constexpr std::array<char, 17> kDigits{"0123456789abcdef"};
    std::string text = "fd63:6c61:7669:6765:7200::";
    for (const unsigned byte : {high, low}) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return *net::IpAddress::parse(text);
}

}  // namespace

std::optional<SyntheticAddresses::Pair> SyntheticAddresses::of(const std::string& host) {
    auto found = places_.find(host);
    if (found == places_.end()) {
        if (hosts_.size() >= kMostNames) return std::nullopt;
        found = places_.emplace(host, static_cast<std::uint32_t>(hosts_.size())).first;
        hosts_.push_back(host);
    }
    const unsigned number = found->second + 1, high = number >> 8, low = number & 0xff;
    return Pair{net::IpAddress::v4(198, 18, static_cast<std::uint8_t>(high), static_cast<std::uint8_t>(low)), v6_of(high, low)};
}

bool SyntheticAddresses::includes(const net::IpAddress& address) {
    return address.is_v4() ? address.within(pool4(), kPrefix4) : address.within(pool6(), kPrefix6);
}

std::string SyntheticAddresses::host_of(const net::IpAddress& address) const {
    if (!includes(address)) return {};
    const std::size_t at = address.is_v4() ? 2 : 14;
    const std::size_t number = static_cast<std::size_t>(address.bytes()[at]) << 8 | address.bytes()[at + 1];
    return number == 0 || number > hosts_.size() ? std::string() : hosts_[number - 1];
}

}  // namespace claviger::proxy
