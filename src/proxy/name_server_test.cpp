#include "proxy/name_server.hpp"

#include <gtest/gtest.h>

#include <set>

#include "net/dns_message.hpp"

namespace claviger::proxy {
namespace {

std::string question(std::string_view name, int type) {
    std::string text("\x12\x34\x01\0\0\1\0\0\0\0\0\0", 12);
    while (!name.empty()) {
        const auto label = name.substr(0, name.find('.'));
        text += static_cast<char>(label.size());
        text += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return text + std::string(2, '\0') + static_cast<char>(type) + std::string("\0\1", 2);
}

struct Row {
    const char* name;
    int type;
    int code, count;
    std::string last;  // bytes of the address
};

TEST(NameServer, every_name_of_a_host_has_an_address_and_nothing_else_does) {
    const Row rows[] = {
        {"a.example", 1, 0, 1, std::string("\xc6\x12\0\1", 4)},
        {"b.example", 1, 0, 1, std::string("\xc6\x12\0\2", 4)},
        {"A.Example", 1, 0, 1, std::string("\xc6\x12\0\1", 4)},
        {"a.example", 28, 0, 1, std::string("\xfd\x63\x6c\x61\x76\x69\x67\x65\x72\0\0\0\0\0\0\1", 16)},
        {"a.example", 65, 0, 0, ""},
        {"localhost", 1, 0, 1, std::string("\x7f\0\0\1", 4)},
        {"x.localhost", 28, 0, 1, std::string(15, '\0') + '\1'},
        {"1.2.3.4", 1, 3, 0, ""},
        {"name.invalid", 1, 3, 0, ""},
        {"4.3.2.1.in-addr.arpa", 12, 3, 0, ""},
        {"a b.example", 1, 3, 0, ""},
        {"", 1, 3, 0, ""},
    };
    SyntheticAddresses names;
    for (const auto& row : rows) {
        const auto answer = answer_names(question(row.name, row.type), names, true);
        ASSERT_TRUE(answer) << row.name;
        EXPECT_EQ((*answer)[3] & 15, row.code) << row.name;
        EXPECT_EQ((*answer)[7], row.count) << row.name;
        if (row.count > 0) EXPECT_EQ(answer->substr(answer->size() - row.last.size()), row.last) << row.name;
    }
    EXPECT_EQ((*answer_names(question("a.example", 28), names, false))[7], 0) << "without IPv6";
    EXPECT_FALSE(answer_names("", names, true));
}

TEST(SyntheticAddresses, T4_an_address_means_one_name_for_good) {
    SyntheticAddresses names;
    std::set<std::string> given;
    for (std::size_t i = 0; i < SyntheticAddresses::kMostNames; ++i) {
        const std::string host = "h" + std::to_string(i) + ".example";
        const auto pair = names.of(host);
        ASSERT_TRUE(pair);
        if (i % 97 == 0 || i + 1 == SyntheticAddresses::kMostNames) {
            EXPECT_TRUE(given.insert(pair->v4.text()).second);
            EXPECT_EQ(names.host_of(pair->v4), host);
            EXPECT_EQ(names.host_of(pair->v6), host);
            EXPECT_TRUE(SyntheticAddresses::includes(pair->v4) && SyntheticAddresses::includes(pair->v6));
        }
    }
    EXPECT_FALSE(names.of("one.more.example")) << "rather none than one that meant another name";
    EXPECT_EQ(names.of("h0.example")->v4.text(), "198.18.0.1") << "those that are known stay";
    EXPECT_EQ((*answer_names(question("two.more.example", 1), names, true))[3] & 15, 2) << "SERVFAIL";
    EXPECT_EQ(names.host_of(net::IpAddress::v4(198, 18, 0, 0)), "");
    EXPECT_EQ(names.host_of(net::IpAddress::v4(198, 18, 255, 255)), "");
    EXPECT_TRUE(SyntheticAddresses::includes(net::IpAddress::v4(198, 18, 255, 255)));
    EXPECT_FALSE(SyntheticAddresses::includes(net::IpAddress::v4(198, 19, 0, 1)));
    EXPECT_FALSE(SyntheticAddresses::includes(*net::IpAddress::parse("fd63:6c61:7669:6765:7201::1")));
}

}  // namespace
}  // namespace claviger::proxy
