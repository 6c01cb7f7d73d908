#include "connection/connect_test_support.hpp"
#include "connection/form_fields.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;

constexpr const char* kApiKey = R"({"name":"acme","display_name":"Acme","auth_type":"api_key","flow":"api_key",
    "api_url":"api.acme.example","docs_url":"https://acme.example/docs",
    "api_key":{"header_name":"X-Key","header_prefix":"","key_pattern":"sk_[a-z0-9]{4,}","key_pattern_hint":"a key begins with sk_"}})";

class Fields : public ConnectTest {};

TEST_F(Fields, a_key_is_checked_trimmed_and_stored_before_success_is_told) {
    const auto definition = define(kApiKey);
    dialog.queue = {{{"api_key", ""}}, {{"api_key", "pk_1234"}}, {{"api_key", "x sk_1234"}}, {{"api_key", "sk_1234\nsk_1234"}},
                    {{"api_key", "  sk_1234 \r\n"}}};
    bool stored_when_told = false;
    dialog.on_finished = [&] { stored_when_told = connections->find("acme", "default")->has_value(); };
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(stored_when_told);  // LB-14
    ASSERT_EQ(dialog.outcomes.size(), 1U);
    EXPECT_TRUE(dialog.outcomes.front());
    EXPECT_EQ(dialog.complaints, (std::vector<Words>{{{"api_key", "this field is required"}},
                                                     {{"api_key", "a key begins with sk_"}},
                                                     {{"api_key", "a key begins with sk_"}},
                                                     {{"api_key", "this must be one line of plain text"}}}));
    const auto& form = dialog.forms.front();
    EXPECT_EQ(form.title, "Connect Acme");
    EXPECT_TRUE(form.fields.front().secret);
    EXPECT_EQ(form.docs_url, "https://acme.example/docs");
    const auto stored = connections->load("acme", "default").value();
    EXPECT_TRUE(stored.fields.at("api_key").equals("sk_1234"));
    EXPECT_EQ(stored.status(clock.now(), provider::security_digest(definition)), Status::connected);
    EXPECT_EQ(stored.definition_fields, provider::security_fields(definition));
    EXPECT_EQ(events(), (std::vector<std::string>{"connection.created acme/default"}));
}

TEST_F(Fields, logging_in_again_is_an_error_unless_forced_or_not_needed) {
    const auto definition = define(kApiKey);
    dialog.queue = {{{"api_key", "sk_first"}}};
    ASSERT_TRUE(login(definition));
    const auto again = login(definition);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::already_connected);
    EXPECT_EQ(again.error().message, "acme is already connected (default)");
    EXPECT_EQ(again.error().hint, "use --force to log in again or --connection NAME for a second account");
    EXPECT_EQ(dialog.forms.size(), 1U);

    ConnectRequest if_needed;
    if_needed.if_needed = true;
    const auto success = login(definition, if_needed);
    ASSERT_TRUE(success);
    EXPECT_TRUE(success->already_connected);
    EXPECT_EQ(dialog.forms.size(), 1U);

    ConnectRequest second;
    second.connection_name = "work";
    dialog.queue = {{{"api_key", "sk_second"}}};
    ASSERT_TRUE(login(definition, second));
    EXPECT_EQ(connections->default_name("acme").value(), "default");

    ConnectRequest force;
    force.force = true;
    dialog.queue = {{{"api_key", "sk_third"}}};
    const auto before = connections->load("acme", "default")->created_at;
    ASSERT_TRUE(login(definition, force));
    EXPECT_TRUE(connections->load("acme", "default")->fields.at("api_key").equals("sk_third"));
    EXPECT_EQ(connections->load("acme", "default")->created_at, before);

    // A changed definition suspends the connection, and a human accepts it with the difference in view (CL-10).
    auto changed = definition;
    changed.api_urls = {"api.other.example"};
    dialog.queue = {{{"api_key", "sk_fourth"}}};
    const auto suspended = login(changed);
    ASSERT_FALSE(suspended);
    EXPECT_EQ(suspended.error().code, ErrorCode::suspended);
    EXPECT_NE(suspended.error().hint.find("claviger confirm"), std::string::npos);
    EXPECT_TRUE(login(changed, force));
}

TEST_F(Fields, a_cancelled_form_stores_nothing_and_is_told) {
    const auto outcome = login(define(kApiKey));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::cancelled);
    ASSERT_EQ(dialog.outcomes.size(), 1U);
    EXPECT_FALSE(dialog.outcomes.front());
    EXPECT_TRUE(connections->list()->empty());
    EXPECT_TRUE(events().empty());
}

TEST_F(Fields, basic_asks_for_user_and_password) {
    dialog.queue = {{{"username", "alice"}, {"password", "p w"}}};
    ASSERT_TRUE(login(define(R"({"name":"acme","display_name":"Acme","auth_type":"basic","flow":"basic","api_url":"api.acme.example"})")));
    ASSERT_EQ(dialog.forms.front().fields.size(), 2U);
    EXPECT_FALSE(dialog.forms.front().fields[0].secret);
    EXPECT_TRUE(dialog.forms.front().fields[1].secret);
    EXPECT_TRUE(connections->load("acme", "default")->fields.at("password").equals("p w"));
}

TEST_F(Fields, basic_takes_what_rfc7617_allows) {
    const auto definition = define(R"({"name":"acme","display_name":"Acme","auth_type":"basic","flow":"basic","api_url":"api.acme.example"})");
    struct Row { std::string user, password, stored_user, stored_password; };  // no stored user: refused
    const std::vector<Row> rows{{"j\xc3\xbcrgen", "gr\xc3\xbc\xc3\x9f:e", "j\xc3\xbcrgen", "gr\xc3\xbc\xc3\x9f:e"},
                                {" alice ", " p w ", "alice", " p w "},
                                {"alice", "p\r\n", "alice", "p"},
                                {"alice", "", "alice", "(none)"},
                                {"al:ice", "p", "", ""},
                                {"", "p", "", ""},
                                {"alice", "p\tq", "", ""},
                                {"alice", "\xff", "", ""}};
    ConnectRequest again;
    again.force = true;
    for (const auto& row : rows) {
        dialog.queue = {{{"username", row.user}, {"password", row.password}}};
        const auto outcome = login(definition, again);
        ASSERT_EQ(outcome.has_value(), !row.stored_user.empty()) << row.user;
        if (!outcome) continue;
        const auto stored = connections->load("acme", "default").value();
        EXPECT_TRUE(stored.fields.at("username").equals(row.stored_user)) << row.user;
        const auto password = stored.fields.find("password");
        EXPECT_EQ(password == stored.fields.end() ? "(none)" : std::string(password->second.reveal()), row.stored_password) << row.user;
    }
    EXPECT_NE(dialog.complaints.at(0).at("username").find("colon"), std::string::npos);
}

TEST_F(Fields, a_schema_draws_the_form_and_checks_the_values) {
    const auto definition = define(R"({"name":"acme","display_name":"Acme","auth_type":"custom","flow":"custom","api_url":"api.acme.example",
        "inject":{"headers":{"X-A":"{{token}}"}},
        "credentials":{"schema":{"type":"object","required":["subdomain","token"],"properties":{
            "subdomain":{"type":"string","title":"Subdomain","pattern":"^[a-z]+$","description":"before .acme.example"},
            "token":{"type":"string","minLength":4},
            "shard":{"type":"integer","minimum":1,"maximum":9,"default":3},
            "region":{"type":"string","enum":["eu","us"]},
            "beta":{"type":"boolean"}}}}})");
    dialog.queue = {{{"subdomain", "ACME"}, {"token", "abcdef"}},
                    {{"subdomain", "acme"}, {"token", "abc"}},
                    {{"subdomain", "acme"}, {"token", "abcdef"}, {"shard", "12"}},
                    {{"subdomain", "acme"}, {"token", "abcdef"}, {"shard", "x"}},
                    {{"subdomain", "acme"}, {"token", "abcdef"}, {"region", "mars"}},
                    {{"subdomain", "acme"}, {"token", "abcdef"}, {"beta", "perhaps"}},
                    {{"subdomain", " acme "}, {"token", "abcdef"}, {"shard", "7"}, {"region", ""}, {"beta", "true"}, {"evil", "x"}}};
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto& fields = dialog.forms.front().fields;
    ASSERT_EQ(fields.size(), 5U);
    EXPECT_EQ(fields[0].label, "Subdomain");
    EXPECT_FALSE(fields[0].secret);
    EXPECT_TRUE(fields[1].secret);
    EXPECT_TRUE(fields[1].required);
    EXPECT_EQ(fields[2].default_value, "3");
    EXPECT_FALSE(fields[2].required);
    EXPECT_EQ(fields[3].choices, (std::vector<std::string>{"eu", "us"}));
    EXPECT_EQ(fields[4].choices, (std::vector<std::string>{"true", "false"}));
    const char* wrong[] = {"subdomain", "token", "shard", "shard", "region", "beta"};
    ASSERT_EQ(dialog.complaints.size(), std::size(wrong));
    for (std::size_t i = 0; i < std::size(wrong); ++i) {
        EXPECT_EQ(dialog.complaints[i].begin()->first, wrong[i]);
        EXPECT_EQ(dialog.complaints[i].begin()->second.find("abc"), std::string::npos);
    }
    const auto stored = connections->load("acme", "default").value();
    EXPECT_EQ(stored.fields.size(), 4U);
    EXPECT_TRUE(stored.fields.at("subdomain").equals("acme"));
    EXPECT_TRUE(stored.fields.at("shard").equals("7"));
}

TEST_F(Fields, missing_variables_are_asked_for_and_kept) {
    const auto definition = define(R"({"name":"acme","display_name":"Acme","auth_type":"api_key","flow":"api_key","api_url":"https://{tenant}.acme.example",
        "vars":{"tenant":{"title":"Tenant","pattern":"^[a-z]+$","example":"mycompany"}},"api_key":{"header_name":"X-Key"}})");
    dialog.queue = {{{"tenant", "UPPER"}}, {{"tenant", "evil.example/"}}, {{"tenant", "shop"}}, {{"api_key", "k"}}};
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(connections->load("acme", "default")->variables.at("tenant"), "shop");
    EXPECT_EQ(dialog.complaints.size(), 2U);
    dialog.queue = {{{"api_key", "k2"}}};
    ConnectRequest force;
    force.force = true;
    ASSERT_TRUE(login(definition, force));
    EXPECT_EQ(connections->load("acme", "default")->variables.at("tenant"), "shop");
    // Another value is another account: not what is there.
    ConnectRequest other;
    other.if_needed = true;
    other.variables = {{"tenant", "other"}};
    dialog.queue = {{{"api_key", "k3"}}};
    const auto moved = login(definition, other);
    ASSERT_TRUE(moved) << moved.error().describe();
    EXPECT_FALSE(moved->already_connected);
}

TEST_F(Fields, flows_that_do_not_fit_or_are_not_here_are_named) {
    ConnectRequest request;
    request.flow = provider::Flow::pkce;
    const auto unfit = login(define(kApiKey), request);
    EXPECT_EQ(unfit.error().code, ErrorCode::usage);
    EXPECT_EQ(unfit.error().hint, "acme can use: api_key");
    const auto oauth = define(R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce","api_url":"api.acme.example","oauth":{
        "authorization_url":"https://acme.example/a","token_url":"https://acme.example/t","supports_device_code":true,
        "device_authorization_url":"https://acme.example/d"}})");
    request.flow = provider::Flow::dcr_pkce;
    const auto no_registration = login(oauth, request);
    EXPECT_EQ(no_registration.error().code, ErrorCode::usage);
    EXPECT_EQ(no_registration.error().hint, "acme can use: pkce, device_code");
    ConnectRequest scoped;
    scoped.scopes = std::vector<std::string>{"read"};
    EXPECT_EQ(login(define(kApiKey), scoped).error().code, ErrorCode::usage);
    ConnectRequest based;
    based.base_url = "https://other.example";
    EXPECT_EQ(login(define(kApiKey), based).error().code, ErrorCode::usage);
    EXPECT_TRUE(dialog.forms.empty());
}

}  // namespace
}  // namespace claviger::connection::testing
