// PX-08: what may be dialled, by tables of spellings.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "json/parse.hpp"
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

// The tables that the end-to-end test of addresses reads as well: of each IPv4 range of PX-08 first, last and one inner
// address; IPv6 addresses that are denied; 100 of the public Internet, among them every neighbour of a denied range.
std::vector<std::string> addresses(std::string_view table) {
    std::ifstream file(std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/net/addresses.json", std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    const auto parsed = json::parse(text.str());
    std::vector<std::string> out;
    if (parsed && parsed->is_object()) {
        for (const auto& one : parsed->as_object().at(table).as_array()) out.emplace_back(one.as_string());
    }
    EXPECT_GE(out.size(), 40U) << table;
    return out;
}
const std::vector<std::string>& denied_v4() {
    static const auto all = addresses("denied_v4");
    return all;
}

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
    for (const auto& ip : denied_v4()) EXPECT_FALSE(allowed(ip)) << ip;
    for (const auto& ip : addresses("denied_v6")) EXPECT_FALSE(allowed(ip)) << ip;
}

TEST(AddressGuard, PX08_public_addresses_are_allowed) {
    const auto all = addresses("public");
    EXPECT_EQ(all.size(), 100U);
    for (const auto& ip : all) EXPECT_TRUE(allowed(ip)) << ip;
}

TEST(AddressGuard, PX08_G10_every_spelling_of_a_denied_address_is_denied) {
    std::set<std::string> spellings;
    for (const auto& dotted : denied_v4()) {
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
    for (const auto& dotted : denied_v4()) {
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
            if (std::find(denied_v4().begin(), denied_v4().end(), text) != denied_v4().end()) EXPECT_FALSE(allowed(text)) << form;
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
