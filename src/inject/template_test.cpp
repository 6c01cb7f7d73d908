#include <gtest/gtest.h>

#include "inject/credential_fields.hpp"
#include "inject/test_connection.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using provider::AuthType;

base::Result<base::Secret> render(std::string_view text, const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    TRY(fields, CredentialFields::transformed(definition, connection));
    return fields.render(text);
}

std::string rendered(const base::Result<base::Secret>& result) {
    return result ? std::string(result->reveal()) : "error: " + result.error().message;
}

TEST(Template, PX24_table) {
    const auto definition = definition_of(AuthType::custom);
    const auto connection = connection_to(definition, {{"api_key", "K"}, {"a", "{{b}}"}, {"b", "B"}, {"empty", ""},
                                                       {"url", "x y&z"}, {"A-B", "d"}});
    struct Row { std::string_view text, out; };  // "!" = refused
    const Row rows[] = {
        {"{{api_key}}", "K"}, {"{{ api_key }}", "K"}, {"{{\tapi_key\n}}", "K"}, {"{{API_KEY}}", "!"}, {"{{missing}}", "!"},
        {"{{a}}", "{{b}}"}, {"{{empty}}", ""}, {"{{url}}", "x y&z"}, {"{{A-B}}", "d"}, {"{{a.b}}", "!"}, {"{{{api_key}}}", "{K}"},
        {"{{{{api_key}}}}", "{{K}}"}, {"{{api_key}", "{{api_key}"}, {"{ {api_key}}", "{ {api_key}}"}, {"$& {{b}}", "$& B"},
        {"{{constructor}}", "!"}, {"{{toString}}", "!"}, {"{{__proto__}}", "!"}, {"", ""}, {"plain", "plain"}, {"{{}}", "!"},
        {"{{ }}", "!"}, {"{{a b}}", "!"}, {"{{b}}{{b}}", "BB"}, {"x{{b}}y{{api_key}}z", "xByKz"}, {"{{b}} {{missing}}", "!"},
        {"{{refresh_token}}", "!"}, {"{{client_secret}}", "!"}, {"}}{{b}}", "}}B"}, {"{{b}}}", "B}"}, {"{{", "{{"}, {"{", "{"},
        {"{{b", "{{b"}, {"{{b}} {{", "B {{"}, {"{{\xc3\xa9}}", "!"}, {"{{b|upper}}", "!"}, {"{{../b}}", "!"},
    };
    for (const auto& row : rows) {
        const auto result = render(row.text, definition, connection);
        if (row.out == "!") {
            EXPECT_FALSE(result) << row.text;
            if (!result) EXPECT_EQ(result.error().code, base::ErrorCode::invalid_input);
        } else {
            EXPECT_EQ(rendered(result), row.out) << row.text;
        }
    }
}

TEST(Template, errors_name_fields_and_never_values) {
    const auto definition = definition_of(AuthType::custom);
    const auto connection = connection_to(definition, {{"key", "canary-value"}});
    const auto result = render("{{key}}:{{other}}", definition, connection);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("other"), std::string::npos);
    EXPECT_EQ(result.error().describe().find("canary"), std::string::npos);
}

TEST(Template, what_a_connection_has) {
    auto definition = definition_of(AuthType::oauth2);
    auto connection = connection_to(definition, {});
    connection.access_token = base::Secret("T");
    connection.refresh_token = base::Secret("canary-refresh");
    connection.token_type = "bearer";
    connection.client_id = "C";
    connection.variables = {{"region", "eu"}, {"refresh_token", "canary"}};
    connection.captured = {{"instance_url", "https://x.acme.com"}, {"region", "captured"}, {"client_secret", "canary"}};
    for (const auto& [text, out] : {std::pair{"{{access_token}}", "T"}, std::pair{"{{token_type}}", "Bearer"},
                                    std::pair{"{{client_id}}", "C"}, std::pair{"{{region}}", "eu"},
                                    std::pair{"{{instance_url}}", "https://x.acme.com"}}) {
        EXPECT_EQ(rendered(render(text, definition, connection)), out) << text;
    }
    EXPECT_FALSE(render("{{refresh_token}}", definition, connection));
    EXPECT_FALSE(render("{{client_secret}}", definition, connection));
    EXPECT_FALSE(render("{{api_key}}", definition, connection));
}

TEST(Template, a_field_of_the_form_comes_before_all_else) {
    auto definition = definition_of(AuthType::api_key);
    definition.credentials.field_name = "access_token";
    auto connection = connection_to(definition, {{"access_token", "from the form"}});
    EXPECT_EQ(rendered(render("{{access_token}}", definition, connection)), "from the form");
    EXPECT_EQ(rendered(render("{{api_key}}", definition, connection)), "from the form");
}

TEST(Template, the_transform_replaces_the_credential_field_only) {
    auto definition = definition_of(AuthType::api_key);
    definition.credentials.field_name = "api_key";
    definition.credentials.transform = provider::Transform{"{{email}}/token:{{api_key}}", "base64"};
    const auto connection = connection_to(definition, {{"email", "a@acme.com"}, {"api_key", "K"}});
    EXPECT_EQ(rendered(render("{{api_key}} {{email}}", definition, connection)), "YUBhY21lLmNvbS90b2tlbjpL a@acme.com");
    EXPECT_EQ(CredentialFields::raw(definition, connection).find("api_key"), "K");
    definition.credentials.transform->encoding = "";
    EXPECT_EQ(rendered(render("{{api_key}}", definition, connection)), "a@acme.com/token:K");
    definition.credentials.transform->encoding = "rot13";
    EXPECT_FALSE(render("{{api_key}}", definition, connection));
    definition.credentials.transform = provider::Transform{"{{nobody}}", "base64"};
    EXPECT_FALSE(render("{{api_key}}", definition, connection));
}

}  // namespace
}  // namespace claviger::inject
