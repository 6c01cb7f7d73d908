#include "net/address_guard.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "net/url.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

enum class Class {
    never,        // names this host, or no host: nothing allows it
    loopback,     // allow_loopback
    special,      // allow_private
};

// Where an IPv4 address may stand inside an IPv6 one; each must pass too.
enum class Embedding { none, last, second, teredo, nat64_local };

struct Range {
    const char* prefix;
    int bits;
    Class kind;
    const char* name;
    Embedding embedding = Embedding::none;
};

// PX-08 and the IANA special-purpose registries; the first match decides.
constexpr std::array kRanges{
    Range{"0.0.0.0", 8, Class::never, "this host"},
    Range{"10.0.0.0", 8, Class::special, "private"},
    Range{"100.64.0.0", 10, Class::special, "carrier-grade NAT"},
    Range{"127.0.0.0", 8, Class::loopback, "loopback"},
    Range{"168.63.129.16", 32, Class::special, "cloud platform"},
    Range{"169.254.0.0", 16, Class::special, "link-local, cloud metadata"},
    Range{"172.16.0.0", 12, Class::special, "private"},
    Range{"192.0.0.0", 24, Class::special, "protocol assignments"},
    Range{"192.0.2.0", 24, Class::special, "documentation"},
    Range{"192.88.99.0", 24, Class::special, "6to4 relay"},
    Range{"192.168.0.0", 16, Class::special, "private"},
    Range{"198.18.0.0", 15, Class::special, "benchmarking"},
    Range{"198.51.100.0", 24, Class::special, "documentation"},
    Range{"203.0.113.0", 24, Class::special, "documentation"},
    Range{"224.0.0.0", 4, Class::never, "multicast"},
    Range{"255.255.255.255", 32, Class::never, "broadcast"},
    Range{"240.0.0.0", 4, Class::special, "reserved"},

    Range{"::", 128, Class::never, "this host"},
    Range{"::1", 128, Class::loopback, "loopback"},
    Range{"::", 96, Class::special, "IPv4-compatible", Embedding::last},
    Range{"::ffff:0:0", 96, Class::special, "IPv4-mapped", Embedding::last},
    Range{"::ffff:0:0:0", 96, Class::special, "IPv4-translated", Embedding::last},
    Range{"64:ff9b::", 96, Class::special, "NAT64", Embedding::last},
    Range{"64:ff9b:1::", 48, Class::special, "local NAT64", Embedding::nat64_local},
    Range{"100::", 64, Class::special, "discard"},
    Range{"2001::", 32, Class::special, "Teredo", Embedding::teredo},
    Range{"2001::", 23, Class::special, "protocol assignments"},
    Range{"2001:db8::", 32, Class::special, "documentation"},
    Range{"2002::", 16, Class::special, "6to4", Embedding::second},
    Range{"3fff::", 20, Class::special, "documentation"},
    Range{"fc00::", 7, Class::special, "unique local"},
    Range{"fe80::", 10, Class::special, "link-local"},
    Range{"fec0::", 10, Class::special, "site-local"},
    Range{"ff00::", 8, Class::never, "multicast"},
};

struct Rule {
    IpAddress prefix;
    const Range* range;
};

const std::array<Rule, kRanges.size()>& rules() {
    static const auto table = [] {
        std::array<Rule, kRanges.size()> made{};
        for (std::size_t i = 0; i < kRanges.size(); ++i) made[i] = Rule{*IpAddress::parse(kRanges[i].prefix), &kRanges[i]};
        return made;
    }();
    return table;
}

Result<void> refused(const IpAddress& address, const char* range) {
    return base::fail(ErrorCode::address_refused, "address " + address.text() + " is refused (" + range + ")");
}

Result<void> check_embedded(const IpAddress& address, Embedding embedding, std::uint16_t port, const AddressPolicy& policy) {
    switch (embedding) {
        case Embedding::none: break;
        case Embedding::last: return check_address(address.embedded(12, 13, 14, 15), port, policy);
        case Embedding::second: return check_address(address.embedded(2, 3, 4, 5), port, policy);
        case Embedding::teredo: {
            TRY_VOID(check_address(address.embedded(4, 5, 6, 7), port, policy));
            return check_address(address.embedded(12, 13, 14, 15, 0xff), port, policy);
        }
        case Embedding::nat64_local: {  // RFC 6052 2.2: after 48 bits around the u octet, or at the end; unused is zero
            const IpAddress none = IpAddress::v4(0, 0, 0, 0);
            const IpAddress early = address.embedded(6, 7, 9, 10);
            const IpAddress late = address.embedded(12, 13, 14, 15);
            if (early != none) {
                TRY_VOID(check_address(early, port, policy));
            }
            if (late != none || early == none) return check_address(late, port, policy);
            break;
        }
    }
    return {};
}

}  // namespace

Result<void> check_address(const IpAddress& address, std::uint16_t port, const AddressPolicy& policy) {
    for (const Rule& rule : rules()) {
        const Range& range = *rule.range;
        if (!address.within(rule.prefix, range.bits)) continue;
        if (range.kind == Class::never) return refused(address, range.name);
        if (range.kind == Class::special && !policy.allow_private) return refused(address, range.name);
        if (range.kind == Class::loopback) {
            if (!policy.allow_loopback) return refused(address, range.name);
            const auto& own = policy.refused_loopback_ports;
            if (std::find(own.begin(), own.end(), port) != own.end()) return refused(address, "a port of this program");
        }
        return check_embedded(address, range.embedding, port, policy);
    }
    // The rest of IPv6 outside 2000::/3 is not assigned.
    static const IpAddress global = *IpAddress::parse("2000::");
    if (!address.is_v4() && !address.within(global, 3) && !policy.allow_private) return refused(address, "not global unicast");
    return {};
}

Result<void> check_address(std::string_view ip, std::uint16_t port, const AddressPolicy& policy) {
    const auto address = IpAddress::parse(ip);
    if (!address) {
        return base::fail(ErrorCode::address_refused, "'" + base::printable(ip, 80) + "' is not an address in canonical form");
    }
    return check_address(*address, port, policy);
}

bool looks_like_ipv4(std::string_view host) {
    host = without_final_dot(host);
    const std::string_view last = host.substr(host.rfind('.') + 1);
    if (last.empty()) return false;
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (std::all_of(last.begin(), last.end(), digit)) return true;
    const auto hex = [&](char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
    return last.size() >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X') &&
           std::all_of(last.begin() + 2, last.end(), hex);
}

bool is_localhost_name(std::string_view host) {
    const std::string lower = base::to_lower(without_final_dot(host));
    return lower == "localhost" || lower.ends_with(".localhost");
}

}  // namespace claviger::net
