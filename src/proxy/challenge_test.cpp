#include "proxy/challenge.hpp"

#include <gtest/gtest.h>

namespace claviger::proxy {
namespace {

TEST(ChallengeTest, RFC6750_the_error_is_read_whatever_stands_around_it) {
    struct Row { const char* field; const char* error; };
    for (const auto& [field, error] : {
             Row{R"(Bearer realm="x", error="invalid_token", error_description="no")", "invalid_token"},
             {R"(Bearer error = "invalid_token")", "invalid_token"},
             {R"(Bearer error=invalid_token)", "invalid_token"},
             {R"(DPoP algs="ES256", error="use_dpop_nonce")", "use_dpop_nonce"},
             {R"(Basic realm="a, error=\"trap\"", Bearer ERROR="insufficient_user_authentication", max_age="5")", "insufficient_user_authentication"},
             {R"(Bearer realm="error=invalid_token")", ""},
             {R"(Bearer error_description="error")", ""},
             {R"(Negotiate YII=,Bearer)", ""},
             {R"(Bearer error=")", ""},
             {R"(Bearer error)", ""},
             {R"(=="",,"=)", ""},
             {"", ""},
         }) {
        http::Fields fields;
        fields.add("WWW-Authenticate", field);
        EXPECT_EQ(challenge_error(fields), error) << field;
    }
}

TEST(ChallengeTest, the_first_of_several_fields_that_says_something) {
    http::Fields fields;
    fields.add("WWW-Authenticate", "Basic realm=x");
    fields.add("www-authenticate", "Bearer error=\"invalid_token\"");
    EXPECT_EQ(challenge_error(fields), "invalid_token");
    http::Fields long_one;
    long_one.add("WWW-Authenticate", "Bearer error=" + std::string(65, 'x'));
    EXPECT_EQ(challenge_error(long_one), "");
}

}  // namespace
}  // namespace claviger::proxy
