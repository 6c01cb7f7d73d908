#include "oauth/introspection.hpp"

#include <gtest/gtest.h>

namespace claviger::oauth {
namespace {

http::Response answer(int status, const std::string& body) {
    http::Response response;
    response.status = status;
    response.body = body;
    return response;
}

TEST(Introspection, says_whether_a_token_lives_and_until_when) {
    struct Case { std::string body; bool active; std::optional<std::int64_t> end; };
    for (const auto& [body, active, end] : {Case{R"({"active":true,"exp":1419356238})", true, 1419356238}, Case{R"({"active":true,"exp":1419356238.9})", true, 1419356238},
                                            Case{R"({"active":true})", true, std::nullopt}, Case{R"({"active":true,"exp":"soon"})", true, std::nullopt},
                                            Case{R"({"active":true,"exp":0})", true, std::nullopt}, Case{R"({"active":true,"exp":1e300})", true, std::nullopt},
                                            Case{R"({"active":false,"exp":1419356238})", false, std::nullopt}}) {
        const auto said = read_introspection(answer(200, body));
        ASSERT_TRUE(said) << body;
        EXPECT_EQ(said->active, active) << body;
        EXPECT_EQ(said->expires_at, end) << body;
    }
}

TEST(Introspection, what_is_no_answer_is_an_error) {
    using base::ErrorCode;
    struct Case { int status; std::string body; ErrorCode code; };
    for (const auto& [status, body, code] : {Case{200, "", ErrorCode::protocol}, Case{200, "[]", ErrorCode::protocol}, Case{200, R"({"exp":5})", ErrorCode::protocol},
                                             Case{200, R"({"active":"true"})", ErrorCode::protocol}, Case{401, R"({"active":true})", ErrorCode::authorization_failed},
                                             Case{302, R"({"active":true})", ErrorCode::authorization_failed}, Case{503, "", ErrorCode::network}}) {
        const auto said = read_introspection(answer(status, body));
        ASSERT_FALSE(said) << body;
        EXPECT_EQ(said.error().code, code) << status << body;
    }
}

}  // namespace
}  // namespace claviger::oauth
