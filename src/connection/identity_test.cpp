#include "connection/identity.hpp"

#include <gtest/gtest.h>

#include "connection/variables.hpp"
#include "provider/read.hpp"
#include "provider/url_fields.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using Values = std::map<std::string, std::string>;

http::Response answer(std::string_view body, int status = 200) {
    http::Response response;
    response.status = status;
    response.body = base::WipedString(body);
    return response;
}

provider::ProviderDefinition define(const std::string& members) {
    auto read = provider::read_definition(R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce",)" + members +
                                          R"(,"oauth":{"authorization_url":"https://acme.example/a","token_url":"https://acme.example/t"}})");
    EXPECT_TRUE(read.ok()) << provider::format_findings(read.findings, "test");
    return read.definitions.at(0);
}

TEST(Identity, of_claims_is_the_subject_under_the_best_name) {
    oauth::IdClaims claims{"https://acme.example", "17", "alice@example.test", "Alice", "al", true};
    EXPECT_EQ(account_of(claims).id, "17");
    EXPECT_EQ(account_of(claims).label, "alice@example.test");
    claims.email.clear();
    EXPECT_EQ(account_of(claims).label, "al");
    claims.preferred_username = " ";
    EXPECT_EQ(account_of(claims).label, "Alice");
    claims.name = "A\x1b[1mlice";
    EXPECT_EQ(account_of(claims).label.find('\x1b'), std::string::npos);  // CL-09
}

TEST(Identity, OA31_userinfo_must_be_about_the_subject_of_the_id_token) {
    const auto mine = answer(R"({"sub":"17","email":"alice@example.test"})");
    EXPECT_EQ(read_userinfo(mine, "17")->label, "alice@example.test");
    EXPECT_EQ(read_userinfo(mine, "")->id, "17");
    const auto swapped = read_userinfo(mine, "18");
    ASSERT_FALSE(swapped);
    EXPECT_EQ(swapped.error().code, ErrorCode::protocol);
    for (const auto* body : {"{}", "[]", "nothing", R"({"sub":""})", R"({"sub":{}})", R"({"sub":"a\nb"})"})
        EXPECT_FALSE(read_userinfo(answer(body), "")) << body;
    EXPECT_EQ(read_userinfo(answer("{}", 401), "").error().code, ErrorCode::needs_login);
    EXPECT_EQ(read_userinfo(answer("{}", 500), "").error().code, ErrorCode::protocol);
}

TEST(Identity, of_the_definition_is_read_at_its_pointers_and_captures) {
    const auto definition = define(R"("api_url":"https://api.acme.example/{cloud}","vars":{"cloud":{"title":"Cloud"}},
        "identity":{"url":"https://api.acme.example/me","id":"/0/id","label":"/0/name"},
        "capture":[{"name":"cloud","pointer":"/0/cloud"},{"name":"size","pointer":"/0/size"},{"name":"gone","pointer":"/9/x"}])");
    const auto read = read_identity(definition, answer(R"([{"id":17,"name":"Alice","cloud":"c-1","size":3}])"));
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(read->account.id, "17");
    EXPECT_EQ(read->account.label, "Alice");
    EXPECT_EQ(read->captured, (Values{{"cloud", "c-1"}, {"size", "3"}}));
    Connection connection;
    connection.captured = read->captured;
    EXPECT_EQ(not_captured(definition, connection), std::vector<std::string>{"gone"});
    const auto nobody = read_identity(definition, answer(R"([{"name":"Alice"}])"));
    ASSERT_FALSE(nobody);
    EXPECT_NE(nobody.error().message.find("/0/id"), std::string::npos);
    EXPECT_FALSE(read_identity(definition, answer("secret text that is no JSON")));
    EXPECT_TRUE(captured_in(definition, answer(R"([{"cloud":"c-1"}])", 500)).empty());
    EXPECT_TRUE(captured_in(definition, answer(R"([{"cloud":["c-1"],"size":{}}])")).empty());
}

class Captured : public ::testing::Test {
protected:
    provider::ProviderDefinition origin = define(R"("api_url":"{instance_url}/data","capture":["instance_url"],
        "vars":{"instance_url":{"title":"Instance","pattern":"https://[a-z]+\\.acme\\.example"}})");
    static Connection with(const std::string& name, const std::string& value) {
        Connection connection;
        connection.token_endpoint = "https://acme.example/t";
        connection.captured[name] = value;
        return connection;
    }
};

TEST_F(Captured, OA27_a_value_passes_the_checks_of_its_variable) {
    EXPECT_EQ(variables_of(origin, with("instance_url", "https://eu.acme.example"))->at("instance_url"), "https://eu.acme.example");
    for (const auto* hostile : {"https://evil.test", "http://eu.acme.example", "https://eu.acme.example.evil.test", "https://a@eu.acme.example",
                                "https://eu.acme.example/..", "eu", "", " ", "javascript:alert(1)"})
        EXPECT_FALSE(variables_of(origin, with("instance_url", hostile))) << hostile;
}

TEST_F(Captured, OA27_without_a_pattern_it_is_still_an_https_origin_and_never_this_machine) {
    const auto open = define(R"("api_url":"{instance_url}/data","capture":["instance_url"],"vars":{"instance_url":{"title":"Instance"}})");
    EXPECT_EQ(variables_of(open, with("instance_url", "HTTPS://EU.acme.example/"))->at("instance_url"), "https://eu.acme.example");
    for (const auto* hostile : {"http://eu.acme.example", "https://a:b@eu.acme.example", "https://eu.acme.example?x", "https://eu.acme.example#x",
                                "https://eu acme", "ftp://acme.example", "//acme.example", "https://"})
        EXPECT_FALSE(variables_of(open, with("instance_url", hostile))) << hostile;
    for (const auto* local : {"http://127.0.0.1:7998", "https://localhost", "https://[::1]/", "http://0x7f.1", "https://a.localhost", "127.0.0.1:8443", "localhost:8443", "localhost", "[::1]:1"}) {
        const auto refused = variables_of(open, with("instance_url", local));
        ASSERT_FALSE(refused) << local;
        EXPECT_EQ(refused.error().code, ErrorCode::denied) << local;
    }
    auto local = with("instance_url", "http://127.0.0.1:1234");
    local.token_endpoint = "http://127.0.0.1:1/t";  // a server of this machine may say so
    EXPECT_TRUE(variables_of(open, local));
}

TEST_F(Captured, a_label_stays_a_label) {
    const auto definition = define(R"("api_url":"https://{site}.acme.example/","capture":["site"],"vars":{"site":{"title":"Site"}})");
    EXPECT_TRUE(variables_of(definition, with("site", "eu")));
    EXPECT_TRUE(provider::is_captured_variable(definition, "site"));
}

TEST_F(Captured, a_hyphen_in_what_is_captured_is_an_underscore_in_the_variable) {
    const auto definition = define(R"("api_url":"https://{shop_id}.acme.example/","capture":["shop-id"],"vars":{"shop_id":{"title":"Shop"}})");
    EXPECT_TRUE(provider::is_captured_variable(definition, "shop_id"));
    EXPECT_EQ(variables_of(definition, with("shop-id", "eu"))->at("shop_id"), "eu");
}

TEST_F(Captured, what_a_human_chose_stays_and_a_default_gives_way) {
    const auto definition = define(R"("api_url":"{instance_url}/","capture":["instance_url"],
        "vars":{"instance_url":{"title":"Instance","default":"https://login.acme.example/"}})");
    auto connection = with("instance_url", "https://eu.acme.example");
    connection.variables["instance_url"] = "https://login.acme.example";  // as a login stores the default
    EXPECT_EQ(variables_of(definition, connection)->at("instance_url"), "https://eu.acme.example");
    connection.variables["instance_url"] = "https://us.acme.example";
    EXPECT_EQ(variables_of(definition, connection)->at("instance_url"), "https://us.acme.example");
}

TEST_F(Captured, only_what_is_declared_counts_and_what_is_not_told_yet_is_left_out) {
    auto connection = with("base_url", "https://evil.test");
    EXPECT_EQ(variables_of(origin, connection)->count("base_url"), 0U);
    EXPECT_EQ(variables_of(origin, connection)->count("instance_url"), 0U);
}

TEST_F(Captured, one_that_the_login_itself_needs_is_asked_for) {
    const auto read = provider::read_definition(R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce",
        "api_url":"https://{shop}.acme.example/","vars":{"shop":{"title":"Shop"}},"capture":["shop"],
        "oauth":{"authorization_url":"https://{shop}.acme.example/a","token_url":"https://acme.example/t"}})");
    ASSERT_TRUE(read.ok());
    EXPECT_FALSE(provider::is_captured_variable(read.definitions.at(0), "shop"));
}

TEST_F(Captured, from_the_browser_never_a_whole_origin) {
    const auto read = provider::read_definition(R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce",
        "api_url":"{location}/","vars":{"location":{"title":"Location"}},
        "oauth":{"authorization_url":"https://acme.example/a","token_url":"https://acme.example/t","callback":{"capture":["location"]}}})");
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.findings.front().code, "bad_capture");
}

}  // namespace
}  // namespace claviger::connection
