// A test with two small authorization servers and definitions that point at them.
#pragma once

#include "connection/connect_test_support.hpp"

namespace claviger::connection::testing {

inline constexpr const char* kTokens =
    R"({"access_token":"at-1","refresh_token":"rt-1","token_type":"bearer","expires_in":3600,"scope":"read write"})";

class Code : public ConnectTest {
protected:
    Code() : server(loop), other(loop) {
        server.on("/token", 200, kTokens);
        other.on("/token", 200, R"({"access_token":"at-other","token_type":"bearer"})");
    }
    static std::string oauth(const std::string& members, const std::string& flow = "pkce") {
        return fmt::format(R"({{"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"{}","api_url":"api.acme.example","oauth":{{{}}}}})",
                           flow, members);
    }
    // The same with a variable {{tenant}}, which has a value.
    static provider::ProviderDefinition with_tenant(const std::string& text, const std::string& value) {
        return define(R"({"vars":{"tenant":{"title":"Tenant","pattern":"^[a-z0-9]+$","default":")" + value + R"("}},)" + text.substr(1));
    }
    provider::ProviderDefinition plain(const std::string& more = "") {
        return define(oauth(fmt::format(R"("authorization_url":"{0}/authorize","token_url":"{0}/token","scopes":["read","write"]{1})",
                                        server.origin(), more)));
    }
    provider::ProviderDefinition multi_tenant() {
        return define(oauth(fmt::format(R"("base_url":"{0}","authorization_url":"{{base_url}}/authorize","token_url":"{{base_url}}/token")",
                                        server.origin())));
    }
    void give_client(const std::string& id = "client-1", const std::string& secret = "secret-1") {
        dialog.queue.push_back({{"client_id", id}, {"client_secret", secret}});
    }
    FakeServer server, other;
};

}  // namespace claviger::connection::testing
