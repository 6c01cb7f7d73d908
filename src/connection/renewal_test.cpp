#include "connection/renewal.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "connection/refresh_schedule.hpp"
#include "connection/token_options.hpp"
#include "json/parse.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using oauth::ClientAuthentication;
using oauth::TokenFailure;
using namespace std::chrono_literals;

const base::Instant kNow{std::chrono::milliseconds(1'800'000'000'000)};

provider::ProviderDefinition acme() {
    provider::ProviderDefinition definition;
    definition.name = "acme";
    definition.auth_type = provider::AuthType::oauth2;
    definition.flow = provider::Flow::pkce;
    definition.oauth2.emplace();
    definition.oauth2->token_url = "https://as.example/token";
    return definition;
}

Connection connected() {
    Connection connection;
    connection.provider = "acme";
    connection.variables = {{"site", "west"}};
    connection.requested_scopes = {"read", "write"};
    connection.access_token = base::Secret("at-0");
    connection.refresh_token = base::Secret("rt-0");
    connection.obtained_at = kNow - 1h;
    connection.expires_at = kNow;
    connection.token_endpoint = "https://as.example/token";
    connection.client_id = "client-1";
    return connection;
}

oauth::Client client(ClientAuthentication method = ClientAuthentication::client_secret_post) {
    return {"client-1", base::Secret("secret-1"), method};
}

// A revocation and an introspection are not the request that the template was written for, unless it holds the token.
TEST(Renewal, an_xml_template_is_sent_only_where_the_token_stands_in_it) {
    struct Case { std::string body; provider::StringMap renames; bool revokes; };
    for (const auto& [body, renames, revokes] : {Case{"<a>{{refresh_token}}</a>", {}, false}, Case{"<a>{{token}}</a>", {}, true},
                                                 Case{"<a>{{token}}</a>", {{"token", "key"}}, false}, Case{"<a>{{key}}</a>", {{"token", "key"}}, true}}) {
        auto definition = acme();
        definition.oauth2->token_content_type = provider::BodyFormat::xml;
        definition.oauth2->token_body = body;
        definition.oauth2->rename["revoke"] = renames;
        const auto connection = connected();
        const auto fields = RequestFields::of(definition, connection);
        const auto endpoint = net::Url::parse("https://as.example/revoke").value();
        EXPECT_EQ(!revoke_request(definition, fields, endpoint, client())->options.xml_body.empty(), revokes) << body;
        EXPECT_EQ(client_request(definition, fields, endpoint, client())->options.xml_body, "");
        EXPECT_EQ(token_request(definition, fields, endpoint, client())->options.xml_body, body);
    }
}

TEST(Renewal, a_bound_on_a_tokens_life_never_lengthens_it) {
    auto definition = acme();
    definition.oauth2->expires.max_seconds = 3600;
    struct Case { std::chrono::seconds before; std::optional<std::int64_t> says; std::chrono::seconds after; };
    for (const auto& [before, says, after] : {Case{10min, std::nullopt, 10min}, Case{2h, std::nullopt, 1h}, Case{10min, 300, 5min}, Case{10min, 86400, 1h}}) {
        auto connection = connected();
        connection.expires_at = connection.obtained_at + before;
        oauth::TokenResponse answer;
        answer.access_token = base::Secret("at-1");
        answer.token_type = "Bearer";
        answer.expires_in = says;
        ASSERT_TRUE(take_renewal(definition, std::move(answer), connection, kNow));
        EXPECT_EQ(*connection.expires_at - kNow, after);
    }
}

TEST(Renewal, what_a_human_typed_for_the_template_goes_to_the_token_endpoint_alone) {
    auto definition = acme();
    definition.credentials.schema = json::parse(R"({"type":"object","properties":{"user":{"type":"string"}}})").value();
    definition.oauth2->token_content_type = provider::BodyFormat::xml;
    definition.oauth2->token_body = "<a>{{user}}</a>";
    auto connection = connected();
    connection.fields.emplace("user", base::Secret("me"));
    const auto fields = RequestFields::of(definition, connection);
    const auto endpoint = net::Url::parse("https://as.example/x").value();
    EXPECT_EQ(token_request(definition, fields, endpoint, client())->grant.size(), 1U);
    EXPECT_TRUE(client_request(definition, fields, endpoint, client())->grant.empty());
    EXPECT_TRUE(device_request(definition, fields, endpoint, client())->grant.empty());
    EXPECT_TRUE(revoke_request(definition, fields, endpoint, client())->grant.empty());
}

oauth::TokenResponse answer(std::string_view access, std::string_view refresh = "") {
    oauth::TokenResponse token;
    token.access_token = base::Secret(access);
    token.refresh_token = base::Secret(refresh);
    token.token_type = "Bearer";
    return token;
}

TEST(Renewal, OA22_a_bound_token_stays_bound_whatever_the_answer_calls_it) {
    auto connection = connected();
    connection.dpop_key = base::Secret("{}");
    connection.token_type = "DPoP";
    ASSERT_TRUE(take_renewal(acme(), answer("at-1", "rt-1"), connection, kNow));
    EXPECT_EQ(connection.token_type, "DPoP");
    EXPECT_EQ(connection.refresh_token.reveal(), "rt-1");
}

struct Sent { std::string method, url, body, authorization; };

Sent sent(const provider::ProviderDefinition& definition, const Connection& connection, oauth::Client with = client()) {
    const auto request = renewal_request(definition, connection, std::move(with));
    if (!request) return {"error", request.error().message, {}, {}};
    const auto http = oauth::token_http_request(*request);
    if (!http) return {"error", http.error().message, {}, {}};
    return {http->method, http->url.text(), std::string(http->body), std::string(http->fields.find("Authorization").value_or(""))};
}

TEST(RenewalRequest, plain_one_is_RFC_6749_section_6) {
    const auto plain = sent(acme(), connected());
    EXPECT_EQ(plain.method, "POST");
    EXPECT_EQ(plain.url, "https://as.example/token");
    EXPECT_EQ(plain.body, "grant_type=refresh_token&refresh_token=rt-0&client_id=client-1&client_secret=secret-1");
}

TEST(RenewalRequest, every_quirk_of_refresh) {
    struct Row {
        const char* what;
        std::function<void(provider::OAuth2&)> change;
        Sent expected;
    };
    const std::string basic = "Basic " + base::base64_encode("client-1:secret-1");
    const Row rows[] = {
        {"a URL of its own", [](auto& o) { o.refresh_url = "https://{site}.as.example/refresh"; },
         {"POST", "https://west.as.example/refresh", "grant_type=refresh_token&refresh_token=rt-0&client_id=client-1&client_secret=secret-1", ""}},
        {"the client's id alone", [](auto& o) { o.refresh.auth = provider::TokenAuthMethod::none; },
         {"POST", "https://as.example/token", "grant_type=refresh_token&refresh_token=rt-0&client_id=client-1", ""}},
        {"no client at all", [](auto& o) { o.refresh.auth = provider::TokenAuthMethod::none; o.rename["refresh"] = {{"client_id", ""}}; },
         {"POST", "https://as.example/token", "grant_type=refresh_token&refresh_token=rt-0", ""}},
        {"Basic", [](auto& o) { o.refresh.auth = provider::TokenAuthMethod::client_secret_basic; },
         {"POST", "https://as.example/token", "grant_type=refresh_token&refresh_token=rt-0", basic}},
        {"Basic as it is", [](auto& o) { o.refresh.auth = provider::TokenAuthMethod::client_secret_basic; o.basic = {"a:{{client_secret}}+/", "%=", false, true}; },
         {"POST", "https://as.example/token", "grant_type=refresh_token&refresh_token=rt-0", "Basic " + base::base64_encode("a:secret-1+/:%=")}},
        {"the access token, renamed, by GET",
         [](auto& o) {
             o.refresh.method = "GET";
             o.refresh.token = "access_token";
             o.refresh.grant_type = "exchange";
             o.rename["refresh"] = {{"refresh_token", "exchange_token"}};
         },
         {"GET", "https://as.example/token?grant_type=exchange&exchange_token=at-0&client_id=client-1&client_secret=secret-1", "", ""}},
        {"GET as at the token endpoint", [](auto& o) { o.token_method = "GET"; },
         {"GET", "https://as.example/token?grant_type=refresh_token&refresh_token=rt-0&client_id=client-1&client_secret=secret-1", "", ""}},
        {"POST only here", [](auto& o) { o.token_method = "GET"; o.refresh.method = "POST"; },
         {"POST", "https://as.example/token", "grant_type=refresh_token&refresh_token=rt-0&client_id=client-1&client_secret=secret-1", ""}},
        {"scopes and a variable repeated, an empty one left out",
         [](auto& o) { o.refresh_params = {{"scope", "{{scope}}"}, {"site", "s-{{site}}"}, {"none", ""}}; },
         {"POST", "https://as.example/token", "grant_type=refresh_token&refresh_token=rt-0&client_id=client-1&client_secret=secret-1&scope=read+write&site=s-west", ""}},
        {"OA-21: the resource", [](auto& o) { o.resource = "https://api.example/"; },
         {"POST", "https://as.example/token", "grant_type=refresh_token&refresh_token=rt-0&resource=https%3A%2F%2Fapi.example%2F&client_id=client-1&client_secret=secret-1", ""}},
        {"JSON only here", [](auto& o) { o.refresh.content_type = provider::BodyFormat::json; },
         {"POST", "https://as.example/token", R"({"grant_type":"refresh_token","refresh_token":"rt-0","client_id":"client-1","client_secret":"secret-1"})", ""}},
        {"parameters in the URL, the body empty", [](auto& o) { o.token_content_type = provider::BodyFormat::query; },
         {"POST", "https://as.example/token?grant_type=refresh_token&refresh_token=rt-0&client_id=client-1&client_secret=secret-1", "", ""}},
    };
    for (const auto& row : rows) {
        auto definition = acme();
        row.change(*definition.oauth2);
        const auto got = sent(definition, connected());
        EXPECT_EQ(got.method, row.expected.method) << row.what << ": " << got.url;
        EXPECT_EQ(got.url, row.expected.url) << row.what;
        EXPECT_EQ(got.body, row.expected.body) << row.what;
        EXPECT_EQ(got.authorization, row.expected.authorization) << row.what;
    }
}

TEST(RenewalRequest, Basic_with_the_secret_and_nothing_behind) {
    auto definition = acme();
    definition.oauth2->basic = {"{{client_secret}}", "", true, true};
    const auto got = sent(definition, connected(), client(ClientAuthentication::client_secret_basic));
    EXPECT_EQ(got.authorization, "Basic " + base::base64_encode("secret-1:"));
    EXPECT_EQ(got.body.find("secret-1"), std::string::npos);
}

TEST(RenewalRequest, headers_of_its_own_stand_before_those_of_the_token_endpoint) {
    auto definition = acme();
    definition.oauth2->token_headers = {{"X-Version", "1"}, {"X-Also", "a"}};
    definition.oauth2->refresh.headers = {{"x-version", "2-{{site}}"}, {"X-Only", "{{client_id}}"}};
    const auto request = renewal_request(definition, connected(), client());
    ASSERT_TRUE(request) << request.error().describe();
    const auto http = oauth::token_http_request(*request).value();
    EXPECT_EQ(http.fields.all("X-Version"), (std::vector<std::string_view>{"2-west"}));
    EXPECT_EQ(*http.fields.find("X-Also"), "a");
    EXPECT_EQ(*http.fields.find("X-Only"), "client-1");
}

TEST(RenewalRequest, OA26_the_secret_signs_where_only_the_refresh_says_so) {
    auto definition = acme();
    definition.oauth2->refresh.auth = provider::TokenAuthMethod::client_secret_jwt;
    const auto got = sent(definition, connected());
    EXPECT_NE(got.body.find("&client_id=client-1&client_assertion_type="), std::string::npos) << got.body;
    EXPECT_NE(got.body.find("&client_assertion="), std::string::npos) << got.body;
    EXPECT_EQ(got.body.find("secret-1"), std::string::npos) << got.body;
    EXPECT_EQ(got.authorization, "");
}

TEST(RenewalRequest, says_when_there_is_nothing_to_refresh_with_and_names_an_unknown_field) {
    auto connection = connected();
    connection.refresh_token = base::Secret();
    EXPECT_EQ(renewal_request(acme(), connection, client()).error().code, ErrorCode::needs_login);
    auto definition = acme();
    definition.oauth2->refresh_params = {{"x", "{{nobody}}"}};
    EXPECT_EQ(renewal_request(definition, connected(), client()).error().code, ErrorCode::invalid_input);
    // No text of a parameter can carry the secret or a token away.
    for (const auto* secret : {"{{client_secret}}", "{{refresh_token}}", "{{access_token}}"}) {
        definition.oauth2->refresh_params = {{"x", secret}};
        EXPECT_FALSE(renewal_request(definition, connected(), client())) << secret;
    }
}

TEST(RenewalRequest, OA27_a_captured_host_counts_only_where_the_definition_bounds_it) {
    auto definition = acme();
    definition.oauth2->refresh_url = "{accounts}/refresh";
    provider::Variable accounts;
    accounts.name = "accounts";
    accounts.pattern = R"(https://accounts\.example\.(com|eu))";
    accounts.default_value = "https://accounts.example.com";
    definition.vars = {accounts};
    auto connection = connected();
    connection.variables["accounts"] = "https://accounts.example.com";
    EXPECT_EQ(sent(definition, connection).url, "https://accounts.example.com/refresh");
    connection.captured["accounts"] = "https://accounts.example.eu";
    EXPECT_EQ(sent(definition, connection).url, "https://accounts.example.eu/refresh");
    connection.captured["accounts"] = "https://evil.example";
    EXPECT_EQ(renewal_request(definition, connection, client()).error().code, ErrorCode::protocol);
    definition.vars[0].pattern.clear();
    EXPECT_EQ(sent(definition, connection).url, "https://accounts.example.com/refresh");
}

TEST(TakeRenewal, OA18_a_new_refresh_token_replaces_and_its_absence_keeps_the_old) {
    struct Row { const char *rotation, *answered, *kept; bool good; };
    const Row rows[] = {
        {"auto", "", "rt-0", true},  {"auto", "rt-1", "rt-1", true},     {"never", "", "rt-0", true},
        {"never", "rt-1", "rt-1", true}, {"always", "rt-1", "rt-1", true}, {"always", "", "rt-0", false},
    };
    for (const auto& row : rows) {
        auto definition = acme();
        definition.oauth2->refresh.rotation = row.rotation;
        auto connection = connected();
        const auto taken = take_renewal(definition, answer("at-1", row.answered), connection, kNow);
        EXPECT_EQ(taken.has_value(), row.good) << row.rotation << " " << row.answered;
        if (!taken) EXPECT_EQ(taken.error().code, ErrorCode::protocol);
        EXPECT_TRUE(connection.refresh_token.equals(row.kept)) << row.rotation << " " << row.answered;
        EXPECT_TRUE(connection.access_token.equals(row.good ? "at-1" : "at-0"));
        EXPECT_EQ(connection.obtained_at, row.good ? kNow : kNow - 1h);
    }
}

TEST(TakeRenewal, OA18_scopes_narrow_and_never_widen) {
    using Scopes = std::optional<std::vector<std::string>>;
    struct Row { Scopes granted, answered, expected; };
    const Row rows[] = {
        {{}, {}, {}},
        {{}, {{"read"}}, {{"read"}}},
        {{}, {{"read", "admin"}}, {{"read"}}},
        {{}, {{"https://as.example/scope/read"}}, {}},
        {{{"read", "write"}}, {}, {{"read", "write"}}},
        {{{"read", "write"}}, {{"write"}}, {{"write"}}},
        {{{"read"}}, {{"read", "write"}}, {{"read"}}},
        {{{"read"}}, {{"admin"}}, std::vector<std::string>{}},
        {{{"read"}}, std::vector<std::string>{}, std::vector<std::string>{}},
    };
    for (const auto& row : rows) {
        auto connection = connected();
        connection.granted_scopes = row.granted;
        auto token = answer("at-1");
        token.scope = row.answered;
        ASSERT_TRUE(take_renewal(acme(), std::move(token), connection, kNow));
        EXPECT_EQ(connection.granted_scopes, row.expected) << ::testing::PrintToString(row.answered);
    }
}

TEST(TakeRenewal, ends_captures_and_the_traces_of_failure) {
    auto connection = connected();
    connection.captured = {{"host", "a"}, {"team", "t"}};
    connection.refresh_expires_at = kNow + 1h;
    connection.login_needed = true;
    connection.login_reason = "invalid_grant";
    connection.last_refresh_failure = kNow;
    connection.refresh_failures = 7;
    auto token = answer("at-1");
    token.captured = {{"host", "b"}};
    ASSERT_TRUE(take_renewal(acme(), std::move(token), connection, kNow));
    EXPECT_EQ(connection.expires_at, kNow + 1h);  // as long as the one before, since the answer does not say
    EXPECT_EQ(connection.refresh_expires_at, kNow + 1h);
    EXPECT_TRUE(connection.refresh_end_fixed);  // the renewal did not move it
    EXPECT_EQ(connection.captured, (std::map<std::string, std::string>{{"host", "b"}, {"team", "t"}}));
    EXPECT_FALSE(connection.login_needed);
    EXPECT_TRUE(connection.login_reason.empty());
    EXPECT_FALSE(connection.last_refresh_failure);
    EXPECT_EQ(connection.refresh_failures, 0U);
    auto rotated = answer("at-2", "rt-2");
    rotated.expires_in = 60;
    ASSERT_TRUE(take_renewal(acme(), std::move(rotated), connection, kNow));
    EXPECT_EQ(connection.expires_at, kNow + 1min);
    EXPECT_FALSE(connection.refresh_expires_at);  // of the new one nobody said it
    EXPECT_FALSE(connection.refresh_end_fixed);
    auto told = answer("at-3", "rt-3");
    told.refresh_expires_in = 86'400;
    ASSERT_TRUE(take_renewal(acme(), std::move(told), connection, kNow));
    EXPECT_EQ(connection.refresh_expires_at, kNow + 24h);
    auto dated = answer("at-5", "rt-5");
    dated.refresh_expires_text = base::to_rfc3339(kNow + 48h).substr(0, 19) + ".000+00:00";  // as some write a date
    ASSERT_TRUE(take_renewal(acme(), std::move(dated), connection, kNow));
    EXPECT_EQ(connection.refresh_expires_at, kNow + 48h);
    EXPECT_FALSE(connection.refresh_end_fixed);
}

TEST(TakeRenewal, an_end_of_the_refresh_token_that_a_renewal_does_not_move_is_shown_and_keeps_nothing_alive) {
    struct Row { const char* what; std::optional<std::int64_t> said; bool fixed; base::Duration end; };
    for (const auto& row : {Row{"silent", std::nullopt, true, 3h}, Row{"the same time", 7200, true, 3h}, Row{"a second later", 7201, true, 3h + 1s},
                            Row{"as long as before", 10'800, false, 4h}}) {
        auto connection = connected();
        connection.obtained_at = kNow;
        connection.refresh_expires_at = kNow + 3h;
        auto token = answer("at-1");
        token.refresh_expires_in = row.said;
        ASSERT_TRUE(take_renewal(acme(), std::move(token), connection, kNow + 1h));
        EXPECT_EQ(connection.refresh_expires_at, kNow + row.end) << row.what;
        EXPECT_EQ(connection.refresh_end_fixed, row.fixed) << row.what;
        EXPECT_EQ(keep_alive_at(connection, acme()).has_value(), !row.fixed) << row.what;
    }
    auto late = connected();
    late.refresh_expires_at = kNow + 3h;
    ASSERT_TRUE(take_renewal(acme(), answer("at-1"), late, kNow + 4h));
    EXPECT_FALSE(late.refresh_expires_at) << "it did not hold";
}

TEST(TakeRenewal, extend_moves_the_end_of_the_token_that_there_is) {
    auto definition = acme();
    auto connection = connected();
    EXPECT_EQ(take_renewal(definition, answer(""), connection, kNow).error().code, ErrorCode::protocol);
    EXPECT_EQ(connection.expires_at, kNow);
    definition.oauth2->refresh.mode = "extend";
    definition.oauth2->expires.default_seconds = 2'592'000;
    ASSERT_TRUE(take_renewal(definition, answer(""), connection, kNow));
    EXPECT_TRUE(connection.access_token.equals("at-0"));
    EXPECT_EQ(connection.expires_at, kNow + 30 * 24h);
}

TokenFailure refused(int status, std::string error, std::string description = "") {
    TokenFailure failure;
    failure.kind = TokenFailure::Kind::refused;
    failure.status = status;
    failure.error = std::move(error);
    failure.description = std::move(description);
    return failure;
}

TEST(Classify, OA19_only_invalid_grant_with_400_or_401_ends_the_grant) {
    struct Row { int status; const char* error; FailureClass expected; };
    const Row rows[] = {
        {400, "invalid_grant", FailureClass::terminal},          {401, "invalid_grant", FailureClass::terminal},
        {403, "invalid_grant", FailureClass::transient},         {200, "invalid_grant", FailureClass::transient},
        {404, "invalid_grant", FailureClass::transient},         {400, "Invalid_Grant", FailureClass::transient},
        {400, "invalid_client", FailureClass::configuration},    {401, "invalid_client", FailureClass::configuration},
        {400, "unauthorized_client", FailureClass::configuration}, {400, "invalid_request", FailureClass::configuration},
        {400, "unsupported_grant_type", FailureClass::configuration}, {400, "invalid_scope", FailureClass::configuration},
        {400, "invalid_target", FailureClass::configuration},    {403, "invalid_client", FailureClass::configuration},
        {400, "", FailureClass::transient},                      {401, "", FailureClass::transient},
        {403, "", FailureClass::transient},                      {404, "", FailureClass::transient},
        {405, "", FailureClass::transient},                      {410, "", FailureClass::transient},
        {302, "", FailureClass::transient},                      {400, "access_denied", FailureClass::transient},
        {400, "something_new", FailureClass::transient},         {418, "teapot", FailureClass::transient},
    };
    for (const auto& row : rows) EXPECT_EQ(classify(acme(), refused(row.status, row.error)), row.expected) << row.status << row.error;
    for (const auto kind : {TokenFailure::Kind::in_doubt, TokenFailure::Kind::broken, TokenFailure::Kind::unavailable}) {
        auto failure = refused(503, "invalid_grant");
        failure.kind = kind;
        EXPECT_EQ(classify(acme(), failure), FailureClass::transient);
    }
}

TEST(Classify, what_was_not_sent_is_a_matter_of_ours_or_of_the_network) {
    struct Row { ErrorCode code; FailureClass expected; };
    const Row rows[] = {{ErrorCode::invalid_input, FailureClass::configuration}, {ErrorCode::network, FailureClass::transient},
                        {ErrorCode::timeout, FailureClass::transient},           {ErrorCode::tls, FailureClass::transient},
                        {ErrorCode::address_refused, FailureClass::policy},      {ErrorCode::denied, FailureClass::policy}};
    for (const auto& row : rows) {
        TokenFailure failure;
        failure.shown.code = row.code;
        EXPECT_EQ(classify(acme(), failure), row.expected) << base::to_string(row.code);
    }
}

TEST(Classify, the_definition_speaks_first_by_code_by_status_and_by_words) {
    auto definition = acme();
    auto& errors = definition.oauth2->errors;
    errors.terminal = {"token_revoked", "AADSTS50173", "expired access/refresh token", "410"};
    errors.config = {"bad_app"};
    errors.transient = {"invalid_grant"};
    struct Row { int status; const char *error, *description; FailureClass expected; };
    const Row rows[] = {
        {200, "token_revoked", "", FailureClass::terminal},
        {400, "invalid_request", "aadsts50173: the grant has been revoked", FailureClass::terminal},
        {400, "invalid_request", "AADSTS501730: something else", FailureClass::configuration},
        {400, "invalid_grant", "Expired access/refresh token", FailureClass::terminal},
        {400, "invalid_grant", "", FailureClass::transient},
        {410, "", "", FailureClass::terminal},
        {400, "bad_app", "", FailureClass::configuration},
        {400, "bad", "a bad_app_id", FailureClass::transient},
    };
    for (const auto& row : rows)
        EXPECT_EQ(classify(definition, refused(row.status, row.error, row.description)), row.expected) << row.error << row.description;
}

}  // namespace
}  // namespace claviger::connection
