#include "net/dns_message.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace claviger::net {
namespace {

std::string bytes(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) text += static_cast<char>(value);
    return text;
}

std::string header(int flags, int questions, int additional = 0) { return bytes({0x12, 0x34, flags, 0, 0, questions, 0, 0, 0, 0, 0, additional}); }

std::string wire(std::string_view name) {
    std::string text;
    while (!name.empty()) {
        const auto label = name.substr(0, name.find('.'));
        text += static_cast<char>(label.size());
        text += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return text + '\0';
}

std::string question(std::string_view name, int type) { return wire(name) + bytes({0, type, 0, 1}); }

const std::string kOption = bytes({0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0});

TEST(DnsMessage, a_question_is_read_as_it_was_asked) {
    const auto query = parse_dns_query(header(1, 1) + question("API.Acme.Com", 1));
    ASSERT_TRUE(query);
    EXPECT_EQ(query->fault, DnsCode::no_error);
    EXPECT_EQ(query->question.name, "api.acme.com");
    EXPECT_EQ(query->question.type, DnsQuestion::kA);
    EXPECT_EQ(query->question.kind, DnsQuestion::kInternet);
    EXPECT_FALSE(query->edns);
    EXPECT_TRUE(parse_dns_query(header(1, 1, 1) + question("a.example", 28) + kOption)->edns);
    EXPECT_EQ(parse_dns_query(header(1, 1) + question("", 2))->question.name, "") << "the root";
    EXPECT_EQ(parse_dns_query(header(1, 1) + bytes({3, 'a', '.', 'b', 0, 0, 1, 0, 1}))->question.name, "a?b") << "a dot within a label makes no other name";
}

TEST(DnsMessage, what_is_no_question_is_answered_so_or_not_at_all) {
    const struct {
        const char* what;
        std::string message;
        DnsCode fault;
    } rows[] = {
        {"no question", header(1, 0), DnsCode::format_error},
        {"two questions", header(1, 2) + question("a", 1) + question("b", 1), DnsCode::format_error},
        {"a name without end", header(1, 1) + bytes({3, 'a', 'b', 'c'}), DnsCode::format_error},
        {"a label that is cut", header(1, 1) + bytes({9, 'a', 'b', 'c'}), DnsCode::format_error},
        {"a pointer", header(1, 1) + bytes({0xc0, 12, 0, 1, 0, 1}), DnsCode::format_error},
        {"no type", header(1, 1) + wire("a.example"), DnsCode::format_error},
        {"a name that is too long", header(1, 1) + question(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(63, 'd'), 1), DnsCode::format_error},
        {"an update", header(0x28, 1) + question("a", 1), DnsCode::not_implemented},
    };
    for (const auto& row : rows) {
        const auto query = parse_dns_query(row.message);
        ASSERT_TRUE(query) << row.what;
        EXPECT_EQ(query->fault, row.fault) << row.what;
        EXPECT_EQ(query->question.name, "") << row.what;
        const auto answer = dns_answer(*query, query->fault, {IpAddress::v4(1, 2, 3, 4)});
        EXPECT_EQ(answer.substr(0, 2), "\x12\x34") << row.what;
        EXPECT_EQ(answer[3] & 15, static_cast<int>(row.fault)) << row.what;
        EXPECT_EQ(answer.size(), 12U) << row.what;
        EXPECT_EQ(answer.substr(4), std::string(8, '\0')) << row.what;
    }
    EXPECT_FALSE(parse_dns_query(header(0x81, 1) + question("a", 1))) << "an answer, which to answer would make a loop";
    EXPECT_FALSE(parse_dns_query("short"));
}

TEST(DnsMessage, the_answer_holds_the_addresses_of_the_family_asked_for) {
    const std::vector<IpAddress> addresses{IpAddress::v4(198, 18, 0, 7), *IpAddress::parse("fd63::7")};
    const auto asked = [](int type, const std::string& more = "") { return *parse_dns_query(header(1, 1, more.empty() ? 0 : 1) + question("a.example", type) + more); };
    const std::string four = dns_answer(asked(1), DnsCode::no_error, addresses);
    EXPECT_EQ(four.substr(0, 12), bytes({0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}));
    EXPECT_EQ(four.substr(12), question("a.example", 1) + bytes({0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 0, 7}));
    const std::string six = dns_answer(asked(28), DnsCode::no_error, addresses);
    EXPECT_EQ(six.substr(12 + question("a.example", 28).size(), 12), bytes({0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16}));
    EXPECT_EQ(dns_answer(asked(28), DnsCode::no_error, {addresses[0]})[7], 0) << "no address of that family is no error";
    EXPECT_EQ(dns_answer(asked(15), DnsCode::no_error, addresses)[7], 0) << "other records are not there";
    const std::string extended = dns_answer(asked(1, kOption), DnsCode::no_error, addresses);
    EXPECT_EQ(extended[11], 1);
    EXPECT_EQ(extended.substr(extended.size() - 11), bytes({0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(dns_answer(asked(1), DnsCode::no_such_name, addresses)[7], 0);
}

}  // namespace
}  // namespace claviger::net
