#include "connection/jwt_claims.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::connection {
namespace {

base::Secret jwt(const std::string& claims) { return base::Secret("e30." + base::base64url_encode(claims) + ".c2ln"); }

TEST(JwtClaims, OA21_a_token_for_somebody_else_is_flagged) {
    constexpr std::string_view kWanted = "https://api.acme.example/mcp";
    for (const auto* good : {R"({"aud":"https://api.acme.example/mcp"})", R"({"aud":"https://api.acme.example/mcp/"})",
                             R"({"aud":["other","https://api.acme.example/mcp"]})", R"({"sub":"alice"})", "[]", "nothing"})
        EXPECT_FALSE(wrong_audience(jwt(good), kWanted)) << good;
    for (const auto* opaque : {"", "at-1", "a.b", "a.!.c"}) EXPECT_FALSE(wrong_audience(base::Secret(opaque), kWanted)) << opaque;
    struct Row { const char *claims, *told; };
    for (const auto& [claims, told] : {Row{R"({"aud":"https://evil.example"})", "'https://evil.example'"}, Row{R"({"aud":["one","two"]})", "'one' and others"},
                                       Row{R"({"aud":[]})", "nobody"}, Row{R"({"aud":7})", "nobody"}, Row{R"({"aud":"https://api.acme.example"})", "'https://api.acme.example'"},
                                       Row{R"({"aud":"a\u001b[31mb"})", "'a"}}) {
        const auto warning = wrong_audience(jwt(claims), kWanted);
        ASSERT_TRUE(warning) << claims;
        EXPECT_NE(warning->find(told), std::string::npos) << *warning;
        EXPECT_NE(warning->find(kWanted), std::string::npos) << *warning;
        EXPECT_EQ(warning->find('\x1b'), std::string::npos) << *warning;
    }
}

TEST(JwtClaims, LG03_a_secret_variable_is_not_in_the_warning) {
    provider::ProviderDefinition definition;
    definition.oauth2.emplace();
    definition.oauth2->resource = "https://api.acme.example/{tenant_key}";
    provider::Variable variable;
    variable.name = "tenant_key";
    variable.secret = true;
    definition.vars.push_back(variable);
    Connection connection;
    connection.variables = {{"tenant_key", "hidden77needle"}};
    connection.access_token = jwt(R"({"aud":"https://other.example/hidden77needle"})");
    const auto warning = other_audience(definition, connection);
    ASSERT_TRUE(warning);
    EXPECT_EQ(warning->find("hidden77needle"), std::string::npos) << *warning;
    EXPECT_NE(warning->find("***"), std::string::npos) << *warning;
}

}  // namespace
}  // namespace claviger::connection
