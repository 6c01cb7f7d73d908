// PX-08: what may be dialled, by tables of spellings.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <set>

#include "net/address_guard.hpp"

namespace claviger::net {
namespace {

using base::ErrorCode;

AddressPolicy policy(bool loopback, bool private_ranges) {
    AddressPolicy made;
    made.allow_loopback = loopback;
    made.allow_private = private_ranges;
    return made;
}

bool allowed(const std::string& ip, const AddressPolicy& by = {}, std::uint16_t port = 443) {
    const auto result = check_address(ip, port, by);
    if (!result) EXPECT_EQ(result.error().code, ErrorCode::address_refused);
    return result.has_value();
}

// First, last and one inner address of each IPv4 range of PX-08.
const std::vector<std::string> kDeniedV4{
    "0.0.0.0", "0.0.0.1", "0.255.255.255",
    "10.0.0.0", "10.1.2.3", "10.255.255.255",
    "100.64.0.0", "100.100.100.200", "100.127.255.255",
    "127.0.0.0", "127.0.0.1", "127.255.255.255",
    "168.63.129.16",
    "169.254.0.0", "169.254.169.254", "169.254.255.255",
    "172.16.0.0", "172.20.1.1", "172.31.255.255",
    "192.0.0.0", "192.0.0.170", "192.0.0.255",
    "192.0.2.0", "192.0.2.77", "192.0.2.255",
    "192.88.99.0", "192.88.99.1", "192.88.99.255",
    "192.168.0.0", "192.168.1.1", "192.168.255.255",
    "198.18.0.0", "198.19.1.1", "198.19.255.255",
    "198.51.100.0", "198.51.100.7", "198.51.100.255",
    "203.0.113.0", "203.0.113.9", "203.0.113.255",
    "224.0.0.0", "230.1.1.1", "239.255.255.255",
    "240.0.0.0", "250.1.1.1", "255.255.255.254", "255.255.255.255",
};

const std::vector<std::string> kDeniedV6{
    "::", "::1", "0:0:0:0:0:0:0:1", "::2", "::ffff",
    "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    "100::", "100::ffff:ffff:ffff:ffff",
    "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::",
    "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff::1", "fc00::", "fd00::1", "fd00:ec2::254", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fe80::", "fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "1::1", "1fff::1", "4000::1", "5f00::1", "8000::1", "e000::1", "200::1",
};

// 100 addresses of the public Internet, among them every neighbour of a denied range.
const std::vector<std::string> kPublic{
    "1.0.0.0", "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "9.255.255.255", "11.0.0.0", "13.107.42.14", "17.253.144.10",
    "20.207.73.82", "23.1.2.3", "31.13.71.36", "34.117.59.81", "35.186.224.25", "44.192.1.1", "45.33.32.156", "50.16.1.1", "52.94.236.248", "54.239.28.85",
    "64.233.160.1", "66.102.1.1", "69.171.250.35", "72.14.192.1", "74.125.24.1", "76.76.21.21", "81.2.69.142", "91.198.174.192", "93.184.216.34", "99.84.1.1",
    "100.63.255.255", "100.128.0.0", "104.16.132.229", "108.177.1.1", "126.255.255.255", "128.0.0.0", "128.30.52.100", "130.211.0.1", "140.82.112.3", "142.250.74.78",
    "146.75.1.1", "151.101.1.69", "157.240.1.35", "162.159.200.1", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
    "172.217.16.142", "173.194.1.1", "178.1.1.1", "185.199.108.153", "188.114.97.3", "191.255.255.255", "192.0.1.255", "192.0.3.0", "192.1.1.1", "192.88.98.255",
    "192.88.100.0", "192.30.255.113", "192.167.255.255", "192.169.0.0", "193.0.6.139", "194.1.1.1", "195.1.1.1", "198.17.255.255", "198.20.0.0", "198.51.99.255",
    "198.51.101.0", "199.36.158.100", "199.232.1.1", "203.0.112.255", "203.0.114.0", "204.79.197.200", "208.67.222.222", "209.85.128.1", "216.58.214.14", "223.255.255.255",
    "2001:200::1", "2001:4860:4860::8888", "2001:4998:24:120d::1:0", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2400:cb00:2048:1::c629:d7a2", "2404:6800:4003:c00::64", "2600:1f18::1", "2606:4700:4700::1111",
    "2606:50c0:8000::153", "2607:f8b0:4005:805::200e", "2620:fe::fe", "2800:3f0:4001::1", "2803:f800::1", "2a00:1450:4001:81b::200e", "2a01:4f8::1", "2a02:26f0::1", "2a03:2880:f12f:83::25de", "2c0f:f248::1",
};

std::string hextets(const IpAddress& v4) {
    char text[16];
    std::snprintf(text, sizeof text, "%02x%02x:%02x%02x", v4.bytes()[0], v4.bytes()[1], v4.bytes()[2], v4.bytes()[3]);
    return text;
}
std::string inverted(const IpAddress& v4) { return hextets(v4.embedded(0, 1, 2, 3, 0xff)); }

// Every way to put an IPv4 address into an IPv6 one.
std::vector<std::string> carriers(const std::string& dotted) {
    const IpAddress v4 = *IpAddress::parse(dotted);
    const std::string hex = hextets(v4);
    char octets[64];
    std::snprintf(octets, sizeof octets, "64:ff9b:1:%02x%02x:%02x:%02x00::", v4.bytes()[0], v4.bytes()[1], v4.bytes()[2], v4.bytes()[3]);
    return {"::" + dotted, "::" + hex, "::ffff:" + dotted, "::ffff:" + hex, "0:0:0:0:0:ffff:" + hex, "::ffff:0:" + dotted, "::ffff:0:" + hex,
            "64:ff9b::" + dotted, "64:ff9b::" + hex, "64:ff9b:1::" + hex, octets, "2002:" + hex + "::1",
            "2001:0:" + hex + "::", "2001:0:808:808:0:0:" + inverted(v4)};
}

TEST(AddressGuard, PX08_special_ranges_are_denied) {
    for (const auto& ip : kDeniedV4) EXPECT_FALSE(allowed(ip)) << ip;
    for (const auto& ip : kDeniedV6) EXPECT_FALSE(allowed(ip)) << ip;
}

TEST(AddressGuard, PX08_public_addresses_are_allowed) {
    EXPECT_EQ(kPublic.size(), 100U);
    for (const auto& ip : kPublic) EXPECT_TRUE(allowed(ip)) << ip;
}

TEST(AddressGuard, PX08_G10_every_spelling_of_a_denied_address_is_denied) {
    std::set<std::string> spellings;
    for (const auto& dotted : kDeniedV4) {
        for (const auto& text : carriers(dotted)) spellings.insert(text);
    }
    EXPECT_GE(spellings.size(), 400U);
    for (const auto& text : spellings) {
        ASSERT_TRUE(IpAddress::parse(text)) << text << " must be judged, not only misread";
        EXPECT_FALSE(allowed(text)) << text;
    }
}

// With private ranges allowed, what stands inside is judged alone: loopback stays refused.
TEST(AddressGuard, PX08_embedded_addresses_are_judged_too) {
    for (const auto& text : carriers("127.0.0.1")) {
        EXPECT_FALSE(allowed(text, policy(false, true))) << text;
        EXPECT_FALSE(allowed(text, policy(true, false))) << text;
        // A Teredo address names two: the other one of this spelling is the broadcast address.
        const bool broadcast = text == "2001:0:7f00:0001::";
        EXPECT_EQ(allowed(text, policy(true, true)), !broadcast) << text;
    }
    for (const auto& text : carriers("0.0.0.0")) EXPECT_FALSE(allowed(text, policy(true, true))) << text;
    for (const auto& text : carriers("255.255.255.255")) EXPECT_FALSE(allowed(text, policy(true, true))) << text;
    for (const auto& text : carriers("10.1.2.3")) EXPECT_EQ(allowed(text, policy(false, true)), text != "2001:0:0a01:0203::") << text;
}

TEST(AddressGuard, allowances_open_their_ranges_and_no_other) {
    EXPECT_TRUE(allowed("127.0.0.1", policy(true, false)));
    EXPECT_TRUE(allowed("::1", policy(true, false)));
    EXPECT_FALSE(allowed("10.0.0.1", policy(true, false)));
    EXPECT_FALSE(allowed("0.0.0.0", policy(true, true)));
    EXPECT_FALSE(allowed("::", policy(true, true)));
    EXPECT_FALSE(allowed("255.255.255.255", policy(true, true)));
    EXPECT_FALSE(allowed("224.0.0.1", policy(true, true)));
    EXPECT_TRUE(allowed("10.0.0.1", policy(false, true)));
    EXPECT_TRUE(allowed("fd00::1", policy(false, true)));
    EXPECT_FALSE(allowed("127.0.0.1", policy(false, true)));
    EXPECT_FALSE(allowed("::1", policy(false, true)));
}

TEST(AddressGuard, PX10_own_ports_are_refused_on_loopback_only) {
    AddressPolicy own = policy(true, true);
    own.refused_loopback_ports = {8765};
    EXPECT_FALSE(allowed("127.0.0.1", own, 8765));
    EXPECT_FALSE(allowed("127.9.9.9", own, 8765));
    EXPECT_FALSE(allowed("::1", own, 8765));
    for (const auto& text : carriers("127.0.0.1")) EXPECT_FALSE(allowed(text, own, 8765)) << text;
    EXPECT_TRUE(allowed("127.0.0.1", own, 8766));
    EXPECT_TRUE(allowed("8.8.8.8", own, 8765));
}

// What inet_aton understands and the canonical form is not. Neither may reach a dial.
std::vector<std::string> number_forms(const std::string& dotted) {
    const auto b = IpAddress::parse(dotted)->bytes();
    const unsigned whole = unsigned{b[0]} << 24 | unsigned{b[1]} << 16 | unsigned{b[2]} << 8 | b[3];
    std::vector<std::string> forms;
    const auto add = [&](const char* format, auto... numbers) {
        char text[80];
        std::snprintf(text, sizeof text, format, numbers...);
        forms.emplace_back(text);
    };
    add("%u", whole);
    add("0x%x", whole);
    add("0X%X", whole);
    add("0%o", whole);
    add("0x%08x", whole);
    add("000%o", whole);
    add("%u.%u", b[0], whole & 0xffffffU);
    add("%u.%u.%u", b[0], b[1], whole & 0xffffU);
    add("0x%x.%u", b[0], whole & 0xffffffU);
    add("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]);
    add("0x%x.0x%x.0x%x.0x%x", b[0], b[1], b[2], b[3]);
    add("%u.0x%x.0%o.%u", b[0], b[1], b[2], b[3]);
    add("%03u.%03u.%03u.%03u", b[0], b[1], b[2], b[3]);
    add("%u.%u.%u.%u.", b[0], b[1], b[2], b[3]);
    return forms;
}

TEST(AddressGuard, PX08_G10_number_forms_are_no_canonical_addresses) {
    std::size_t count = 0;
    for (const auto& dotted : kDeniedV4) {
        for (const auto& form : number_forms(dotted)) {
            const auto read = IpAddress::parse(form);
            if (read && read->text() == form) continue;  // "%03u" of "127..." is canonical by chance
            ++count;
            EXPECT_FALSE(allowed(form)) << form;
            EXPECT_TRUE(looks_like_ipv4(form)) << form << " must be refused before a resolver sees it";
            // What a resolver would make of it is denied as well.
            in_addr made{};
            if (::inet_aton(form.c_str(), &made) == 0) continue;
            char text[INET_ADDRSTRLEN];
            ::inet_ntop(AF_INET, &made, text, sizeof text);
            if (std::find(kDeniedV4.begin(), kDeniedV4.end(), text) != kDeniedV4.end()) EXPECT_FALSE(allowed(text)) << form;
        }
    }
    EXPECT_GE(count, 500U);
}

TEST(AddressGuard, zones_brackets_and_rubbish_are_refused) {
    for (const std::string& text : {std::string("fe80::1%eth0"), std::string("fe80::1%1"), std::string("8.8.8.8%eth0"), std::string("2600::1%25eth0"),
                                    std::string("[2600::1]"), std::string(""), std::string(" 8.8.8.8"), std::string("8.8.8.8 "), std::string("8.8.8.8\n"),
                                    std::string("8.8.8.8\0", 8), std::string("8.8.8"), std::string("8.8.8.8.8"), std::string("8.8.8.256"), std::string("08.8.8.8"),
                                    std::string("+8.8.8.8"), std::string("2600:::1"), std::string("2600::1::1"), std::string("26000::1"), std::string("dns.example"),
                                    std::string("８.8.8.8"), std::string("8。8。8。8")}) {
        EXPECT_FALSE(allowed(text, policy(true, true))) << text;
    }
}

TEST(AddressGuard, names_are_not_taken_for_addresses) {
    for (const char* name : {"example.com", "1.example.com", "a1", "x0", "127.0.0.1.example", "0xg", "localhost", "1e3", "deadbeef"}) {
        EXPECT_FALSE(looks_like_ipv4(name)) << name;
    }
    for (const char* name : {"localhost", "LocalHost", "a.localhost", "localhost."}) EXPECT_TRUE(is_localhost_name(name)) << name;
    for (const char* name : {"localhost.example", "xlocalhost", "local", ""}) EXPECT_FALSE(is_localhost_name(name)) << name;
}

TEST(AddressGuard, the_message_names_address_and_range) {
    EXPECT_EQ(check_address("169.254.169.254", 80, {}).error().message, "address 169.254.169.254 is refused (link-local, cloud metadata)");
    EXPECT_EQ(check_address("::ffff:127.0.0.1", 80, policy(false, true)).error().message, "address 127.0.0.1 is refused (loopback)");
}

}  // namespace
}  // namespace claviger::net
