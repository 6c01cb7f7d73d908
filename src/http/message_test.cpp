#include "http/message.hpp"

#include <gtest/gtest.h>

namespace claviger::http {
namespace {

// RFC 9110 section 5.6.2, written out independently of the implementation's table.
bool expected_token(int c) {
    if (c >= 'a' && c <= 'z') return true;
    if (c >= 'A' && c <= 'Z') return true;
    if (c >= '0' && c <= '9') return true;
    switch (c) {
        case '!': case '#': case '$': case '%': case '&': case '\'': case '*': case '+': case '-': case '.':
        case '^': case '_': case '`': case '|': case '~':
            return true;
        default:
            return false;
    }
}

TEST(Message, PX12_every_byte_at_every_position_of_a_name) {
    EXPECT_FALSE(valid_field_name(""));
    for (int c = 0; c < 256; ++c) {
        for (std::size_t position = 0; position < 4; ++position) {
            std::string name = "abcd";
            name[position] = static_cast<char>(c);
            EXPECT_EQ(valid_field_name(name), expected_token(c)) << "byte " << c << " at " << position;
        }
    }
}

TEST(Message, PX12_every_byte_at_every_position_of_a_value) {
    EXPECT_TRUE(valid_field_value(""));
    for (int c = 0; c < 256; ++c) {
        for (std::size_t position = 0; position < 4; ++position) {
            std::string value = "abcd";
            value[position] = static_cast<char>(c);
            const bool blank = c == ' ' || c == '\t';
            const bool inside = position == 1 || position == 2;
            const bool expected = blank ? inside : (c > 0x20 && c != 0x7f);
            EXPECT_EQ(valid_field_value(value), expected) << "byte " << c << " at " << position;
        }
    }
}

TEST(Message, fields_are_found_without_case_and_keep_their_order) {
    Fields fields;
    fields.add("Accept", "a");
    fields.add("X-One", "1");
    fields.add("ACCEPT", "b");
    EXPECT_EQ(fields.find("accept"), "a");
    EXPECT_EQ(fields.count("aCCept"), 2u);
    EXPECT_EQ(fields.all("accept"), (std::vector<std::string_view>{"a", "b"}));
    EXPECT_FALSE(fields.find("x-two"));
    fields.set("accept", "c");
    ASSERT_EQ(fields.items().size(), 2u);
    EXPECT_EQ(fields.items()[1].value, "c");
    EXPECT_EQ(fields.remove("Accept"), 1u);
    EXPECT_EQ(fields.remove("Accept"), 0u);
}

TEST(Message, set_may_take_a_value_out_of_the_same_field) {
    Fields fields;
    fields.add("Location", "https://a-value-that-is-longer-than-any-short-string.example/");
    fields.set("location", *fields.find("Location"));
    EXPECT_EQ(fields.find("location"), "https://a-value-that-is-longer-than-any-short-string.example/");
}

TEST(Message, PX14_hop_by_hop_fields_go) {
    for (const char* name : {"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
                             "TE", "Transfer-Encoding", "Upgrade", "proxy-anything", "Proxy_Authorization",
                             "transfer_encoding", "tE"}) {
        Fields fields;
        fields.add("Accept", "x");
        fields.add(name, "value");
        remove_hop_by_hop(fields);
        ASSERT_EQ(fields.items().size(), 1u) << name;
        EXPECT_EQ(fields.items()[0].name, "Accept");
    }
}

TEST(Message, PX13_connection_nominated_fields_go_and_neighbours_stay) {
    Fields fields;
    fields.add("X-Private", "1");
    fields.add("connection", "close, X-PRIVATE ,, x-other");
    fields.add("X-Other", "2");
    fields.add("x-private", "3");
    fields.add("Connection", "\tx-second\t");
    fields.add("X-Second", "4");
    fields.add("X-Privateer", "5");
    fields.add("Host", "a.example");
    remove_hop_by_hop(fields);
    ASSERT_EQ(fields.items().size(), 2u);
    EXPECT_EQ(fields.items()[0].name, "X-Privateer");
    EXPECT_EQ(fields.items()[1].name, "Host");
}

TEST(Message, a_nominated_host_stays) {
    Fields fields;
    fields.add("Host", "a.example");
    fields.add("Connection", "host");
    remove_hop_by_hop(fields);
    EXPECT_EQ(fields.count("host"), 1u);
}

}  // namespace
}  // namespace claviger::http
