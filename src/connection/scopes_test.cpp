#include "connection/scopes.hpp"

#include <gtest/gtest.h>

#include "provider/read.hpp"

namespace claviger::connection {
namespace {

using Scopes = std::vector<std::string>;

struct Row {
    std::string name;
    Scopes requested;
    std::optional<Scopes> granted;
    Scopes missing;
    bool has_refresh_token = false, has_identity = false;
};

provider::ProviderDefinition with_implications() {
    auto read = provider::read_definition(R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce",
        "api_url":"api.acme.example","oauth":{"authorization_url":"https://acme.example/a","token_url":"https://acme.example/t",
        "available_scopes":[{"value":"admin","implies":["repo","read:all"]},{"value":"repo","implies":["public_repo"]},
            {"value":"public_repo","implies":["Repo"]},{"value":"https://acme.example/auth/mail","implies":["email"]}]}})");
    return read.definitions.at(0);
}

TEST(MissingScopes, are_requested_minus_granted) {
    const auto definition = with_implications();
    const Row rows[] = {
        {"all there", {"read", "write"}, Scopes{"write", "read"}, {}},
        {"one is not", {"read", "write"}, Scopes{"read"}, {"write"}},
        {"nothing was granted", {"read", "write"}, Scopes{}, {"read", "write"}},
        {"the server did not say", {"read", "write"}, std::nullopt, {}},
        {"nothing was asked for", {}, Scopes{"read"}, {}},
        {"implied", {"public_repo"}, Scopes{"repo"}, {}},
        {"implied by way of another, in a circle", {"public_repo", "read:all", "admin"}, Scopes{"admin"}, {}},
        {"not the other way round", {"repo", "admin"}, Scopes{"public_repo"}, {"admin"}},
        {"another spelling of the same", {"email"}, Scopes{"https://acme.example/auth/mail"}, {}},
        {"case", {"User.Read"}, Scopes{"user.read"}, {}},
        {"joined with commas", {"read", "write"}, Scopes{"read,write"}, {}},
        {"joined with spaces", {"read", "write"}, Scopes{"read write"}, {}},
        {"asked for as one text", {"read write"}, Scopes{"read", "write"}, {}},
        {"a part of a name is not the name", {"read:all"}, Scopes{"read"}, {"read:all"}},
        {"offline_access by the refresh token", {"offline_access"}, Scopes{"read"}, {}, true},
        {"no refresh token", {"offline_access"}, Scopes{"read"}, {"offline_access"}},
        {"openid by who it is", {"openid"}, Scopes{"read"}, {}, false, true},
        {"nobody known", {"openid"}, Scopes{"read"}, {"openid"}},
    };
    for (const auto& row : rows) {
        const ScopeFacts facts{row.requested, row.granted, row.has_refresh_token, row.has_identity};
        EXPECT_EQ(missing_scopes(&definition, facts), row.missing) << row.name;
    }
}

TEST(MissingScopes, without_a_definition_nothing_is_implied) {
    EXPECT_EQ(missing_scopes(nullptr, {{"public_repo"}, Scopes{"repo"}, false, false}), Scopes{"public_repo"});
}

}  // namespace
}  // namespace claviger::connection
