#include "proxy/problem.hpp"

#include <gtest/gtest.h>

#include "json/parse.hpp"

namespace claviger::proxy {
namespace {

using base::ErrorCode;

TEST(Problem, PX28_each_failure_has_its_status) {
    const std::pair<ErrorCode, int> rows[] = {
        {ErrorCode::needs_login, 424}, {ErrorCode::suspended, 424}, {ErrorCode::not_connected, 424}, {ErrorCode::storage, 424},
        {ErrorCode::corrupt, 424},     {ErrorCode::key_missing, 424}, {ErrorCode::not_found, 424},   {ErrorCode::denied, 403},
        {ErrorCode::address_refused, 403}, {ErrorCode::timeout, 504}, {ErrorCode::tls, 502},         {ErrorCode::network, 502},
        {ErrorCode::cancelled, 502},   {ErrorCode::protocol, 502},  {ErrorCode::limit, 502},         {ErrorCode::busy, 503}};
    for (const auto& [code, status] : rows) {
        EXPECT_EQ(problem_from(base::Error::make(code, "x")).status, status) << to_string(code);
    }
}

TEST(Problem, PX35_the_answer_is_problem_json_with_reason_and_command) {
    const auto message = to_message({424, "needs_login", "log in \"again\"", "claviger login acme --force"}, true);
    EXPECT_EQ(message.head.status, 424);
    EXPECT_EQ(message.head.fields.find("Content-Type"), "application/problem+json");
    EXPECT_EQ(message.head.fields.find("Connection"), "close");
    EXPECT_EQ(message.head.framing.length, message.body.size());
    const auto body = json::parse(message.body);
    ASSERT_TRUE(body);
    EXPECT_EQ(json::string_at(body->get_object(), "reason"), "needs_login");
    EXPECT_EQ(json::string_at(body->get_object(), "command"), "claviger login acme --force");
    EXPECT_EQ(json::int_at(body->get_object(), "status"), 424);
}

TEST(Problem, a_407_asks_for_basic_credentials) {
    const auto message = to_message({407, "proxy_authentication_required", "x", ""}, false);
    EXPECT_EQ(message.head.fields.find("Proxy-Authenticate"), "Basic realm=\"claviger\"");
    EXPECT_EQ(message.head.fields.count("Connection"), 0u);
}

}  // namespace
}  // namespace claviger::proxy
