#include "policy/passed_methods.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

TEST(PassedMethods, PX21_registered_ones_pass_and_others_do_not) {
    const PassedMethods methods;
    for (const char* one : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK",
                            "REPORT", "SEARCH", "MKCALENDAR", "ACL", "BIND", "REBIND", "UNBIND", "VERSION-CONTROL", "MERGE", "LINK", "PURGE", "LIST"}) {
        EXPECT_TRUE(methods.pass(one)) << one;
    }
    for (const char* one : {"TRACE", "TRACK", "CONNECT", "PRI", "FETCH", "get", "Get", "GETS", "GE", "", "*", "GET ", "trace"}) EXPECT_FALSE(methods.pass(one)) << one;
}

TEST(PassedMethods, PX21_others_pass_once_they_are_added_with_their_letter_case) {
    PassedMethods methods;
    EXPECT_TRUE(methods.add("FETCH"));
    EXPECT_TRUE(methods.add("x-it'em"));
    EXPECT_TRUE(methods.add("GET"));
    EXPECT_TRUE(methods.add("FETCH"));
    EXPECT_TRUE(methods.pass("FETCH"));
    EXPECT_TRUE(methods.pass("x-it'em"));
    EXPECT_FALSE(methods.pass("fetch"));
    EXPECT_EQ(methods.added(), (std::vector<std::string>{"FETCH", "x-it'em"})) << "what passes already is not added";
}

TEST(PassedMethods, PX21_what_echoes_or_tunnels_is_never_added) {
    PassedMethods methods;
    for (const char* one : {"TRACE", "trace", "TrAcE", "TRACK", "Track", "CONNECT", "connect", "PRI", "pri"}) {
        const auto added = methods.add(one);
        ASSERT_FALSE(added) << one;
        EXPECT_NE(added.error().message.find("never passes"), std::string::npos) << added.error().message;
        EXPECT_FALSE(PassedMethods::may_pass(one)) << one;
    }
    for (const std::string& one : {std::string(), std::string("*"), std::string("A B"), std::string("A,B"), std::string("A\r\nB"), std::string("A\0B", 3), std::string("Ä"), std::string(41, 'A')}) {
        const auto added = methods.add(one);
        ASSERT_FALSE(added) << one;
        EXPECT_NE(added.error().message.find("is no method"), std::string::npos) << added.error().message;
        EXPECT_FALSE(PassedMethods::may_pass(one)) << one;
    }
    EXPECT_TRUE(methods.added().empty());
    EXPECT_TRUE(methods.add(std::string(40, 'A')));
}

TEST(PassedMethods, are_so_many_that_the_allow_field_stays_short) {
    PassedMethods methods;
    for (std::size_t i = 0; i < PassedMethods::kMostAdded; ++i) EXPECT_TRUE(methods.add("M" + std::to_string(i)));
    EXPECT_FALSE(methods.add("ONE-MORE"));
    EXPECT_TRUE(methods.add("M1")) << "it is there already";
}

TEST(PassedMethods, PX21_the_allow_field_lists_exactly_what_passes) {
    PassedMethods methods;
    ASSERT_TRUE(methods.add("FETCH"));
    const auto listed = base::split(methods.allow_field(), ',');
    EXPECT_EQ(listed.size(), 40u);
    for (const auto& one : listed) EXPECT_TRUE(methods.pass(base::trim(one))) << one;
    EXPECT_EQ(listed.front(), "GET");
    EXPECT_EQ(base::trim(listed.back()), "FETCH");
}

TEST(PassedMethods, say_why_one_does_not_pass) {
    const PassedMethods methods;
    EXPECT_EQ(methods.why_not("get"), "get is not passed on: methods are case-sensitive, and this is not GET");
    EXPECT_EQ(methods.why_not("FETCH"), "FETCH is no method that this session passes on");
    EXPECT_EQ(methods.why_not("trace"), "trace is not passed on: it makes servers show the request or open a tunnel");
    EXPECT_LT(methods.why_not(std::string(60000, 'A')).size(), 200u);
}

}  // namespace
}  // namespace claviger::policy
