#include "connection/connect_code_test_support.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;

class ClientCredentials : public Code {
protected:
    provider::ProviderDefinition service(const std::string& more = "", const std::string& beside = "") {
        auto text = oauth(fmt::format(R"("token_url":"{0}/token","scopes":["read","write"]{1})", server.origin(), more), "client_credentials");
        if (!beside.empty()) text.insert(text.size() - 1, "," + beside);
        return define(text);
    }
};

TEST_F(ClientCredentials, a_login_mints_and_stores_without_a_browser) {
    give_client();
    const auto outcome = login(service());
    ASSERT_TRUE(outcome) << outcome.error().describe();
    ASSERT_EQ(dialog.forms.size(), 1U);
    EXPECT_TRUE(dialog.forms[0].redirect_uri.empty());
    EXPECT_TRUE(dialog.forms[0].fields.at(1).required);  // RFC 6749 section 4.4: confidential clients only
    EXPECT_TRUE(dialog.links.empty());
    EXPECT_EQ(server.requests("/token").at(0).form,
              (Words{{"grant_type", "client_credentials"}, {"scope", "read write"}, {"client_id", "client-1"}, {"client_secret", "secret-1"}}));
    const auto stored = connections->load("acme", "default").value();
    EXPECT_TRUE(stored.access_token.equals("at-1"));
    EXPECT_TRUE(stored.refresh_token.empty());
    EXPECT_EQ(stored.flow, provider::Flow::client_credentials);
    EXPECT_EQ(stored.client_id, "client-1");
    EXPECT_EQ(stored.token_endpoint, server.origin() + "/token");
    EXPECT_EQ(events(), (std::vector<std::string>{"client.created acme", "connection.created acme/default"}));
}

TEST_F(ClientCredentials, the_definitions_own_fields_are_asked_for_and_kept) {
    give_client();
    dialog.queue.push_back({{"account", "12"}});
    const auto outcome = login(service("", R"("credentials":{"schema":{"type":"object","required":["account"],"properties":{"account":{"type":"string"}}}})"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(dialog.forms.size(), 2U);
    EXPECT_TRUE(connections->load("acme", "default")->fields.at("account").equals("12"));
}

TEST_F(ClientCredentials, nothing_is_kept_of_a_refused_client) {
    server.on("/token", 401, R"({"error":"invalid_client"})");
    give_client();
    const auto outcome = login(service());
    EXPECT_EQ(outcome.error().code, ErrorCode::authorization_failed);
    EXPECT_FALSE(connections->client("acme", server.origin()).value());
    EXPECT_FALSE(connections->find("acme", "default").value());
}

TEST_F(ClientCredentials, another_flow_of_a_definition_is_run_when_asked_for_but_not_offered) {
    ConnectRequest request;
    request.flow = provider::Flow::client_credentials;
    give_client();
    ASSERT_TRUE(login(plain(), request));
    EXPECT_EQ(server.requests("/token").at(0).form.at("grant_type"), "client_credentials");
    request.flow = provider::Flow::device_code;
    request.connection_name = "other";
    EXPECT_EQ(login(plain(), request).error().hint, "acme can use: pkce");
}

}  // namespace
}  // namespace claviger::connection::testing
