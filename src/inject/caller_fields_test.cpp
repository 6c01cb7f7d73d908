// What a caller's request and the answer to it lose beside the copies of our own fields (PX-13, PX-23).
#include "inject/caller_fields.hpp"

#include <gtest/gtest.h>

#include "inject/injection.hpp"
#include "inject/test_connection.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using provider::AuthType;
using Lines = std::vector<std::string>;

Injection injection(const std::vector<std::string>& pass, bool cookie) {
    auto definition = definition_of(AuthType::api_key);
    definition.inject.present = true;
    definition.inject.headers = {{"X-Acme-Key", "{{api_key}}"}};
    if (cookie) definition.inject.cookies = {{"sid", "{{api_key}}"}};
    definition.inject.pass = pass;
    return std::move(*Injection::make(definition, connection_to(definition, {{"api_key", "ours"}}), kNow));
}

Lines after(const std::vector<std::string>& pass, std::initializer_list<std::pair<std::string, std::string>> fields, bool cookie = false) {
    auto request = request_to("/x", fields);
    EXPECT_TRUE(injection(pass, cookie).apply(request, url_of("https://api.acme.com/x")));
    return lines_of(request);
}

TEST(CallerFields, PX13_names_of_credentials) {
    for (const std::string name : {"Authorization", "AUTHORIZATION", "authorization", "Proxy-Authorization", "X-Authorization", "Cookie", "cookie", "COOKIE2", "X-API-Key", "x_api_key",
                                   "Api-Key", "ApiKey", "X-ApiKey", "X-Acme-Api-Key", "X-Auth-Token", "X_AUTH_TOKEN", "Auth-Key", "X-Access-Token", "Access_Token", "X-Secret-Key",
                                   "Private-Token", "X-Session-Token", "X-Api-Token", "X-Access-Key"}) {
        EXPECT_TRUE(names_a_credential(name)) << name;
        EXPECT_EQ(after({}, {{name, "theirs"}, {"Accept", "*/*"}, {name, "again"}}), (Lines{"Accept: */*", "X-Acme-Key: ours"})) << name;
    }
    for (const std::string name : {"Accept", "X-CSRF-Token", "Idempotency-Key", "If-Match", "Sec-WebSocket-Key", "X-Request-Id", "Content-Type", "X-Api-Keys", "Api-Version", "Authorization-Info",
                                   "XApi-Keyx", "X-Cookie", "Token", "X-Map-Key", "MyApiKeyHint", "Surrogate-Key", "Xapikey"}) {
        EXPECT_FALSE(names_a_credential(name)) << name;
        EXPECT_EQ(after({}, {{name, "theirs"}}), (Lines{name + ": theirs", "X-Acme-Key: ours"})) << name;
    }
}

TEST(CallerFields, what_the_definition_lets_through) {
    EXPECT_EQ(after({"X-App-Api-Key"}, {{"x_app_api_key", "public"}, {"X-Api-Key", "theirs"}}), (Lines{"x_app_api_key: public", "X-Acme-Key: ours"}));
    EXPECT_EQ(after({"Cookie"}, {{"Cookie", "a=1"}}), (Lines{"Cookie: a=1", "X-Acme-Key: ours"}));
    EXPECT_EQ(after({"Cookie"}, {{"Cookie", "a=1; sid=theirs"}}, true), (Lines{"Cookie: a=1; sid=ours", "X-Acme-Key: ours"}));
    EXPECT_EQ(after({}, {{"Cookie", "a=1; sid=theirs"}}, true), (Lines{"Cookie: sid=ours", "X-Acme-Key: ours"}));
    EXPECT_EQ(after({"Authorization", "X-Acme-Key"}, {{"Authorization", "theirs"}, {"X-Acme-Key", "theirs"}}), (Lines{"Authorization: theirs", "X-Acme-Key: ours"}))
        << "ours is ours all the same";
}

TEST(CallerFields, placeholders_go) {
    const std::vector<std::string> placeholders{"claviger-managed", ""};
    const auto after_removal = [&](const std::string& target, std::initializer_list<std::pair<std::string, std::string>> fields) {
        auto request = request_to(target, fields);
        remove_placeholders(request, placeholders);
        auto lines = lines_of(request);
        lines.insert(lines.begin(), request.target);
        return lines;
    };
    EXPECT_EQ(after_removal("/x", {{"X-Odd", "claviger-managed"}, {"X-Other", "key=claviger-managed; v=1"}, {"Accept", "*/*"}}), (Lines{"/x", "Accept: */*"}));
    struct Row { std::string before, after; };
    for (const auto& row : {Row{"/x?key=claviger-managed", "/x"}, Row{"/x?a=1&key=claviger-managed&b=2", "/x?a=1&b=2"}, Row{"/x?key=claviger%2Dmanaged", "/x"},
                            Row{"/x?key=%63laviger-managed", "/x"}, Row{"/x?q=about+claviger-managed+keys", "/x"}, Row{"/x?claviger-managed=1", "/x?claviger-managed=1"},
                            Row{"/x?a=claviger;b=managed", "/x?a=claviger;b=managed"}, Row{"/claviger-managed?a=%zz", "/claviger-managed?a=%zz"},
                            Row{"/x?a=%zz;key=claviger-managed", "/x?a=%zz"}}) {
        EXPECT_EQ(after_removal(row.before, {}), Lines{row.after}) << row.before;
    }
}

Lines cookies_left(const std::vector<std::string>& pass, std::initializer_list<std::string> set_cookies, bool ours) {
    http::Fields answer;
    answer.add("Content-Type", "text/plain");
    for (const auto& value : set_cookies) answer.add("Set-Cookie", value);
    answer.add("set_cookie", "cgi=1");
    injection(pass, ours).withhold_cookies(answer);
    Lines left;
    for (const auto& field : answer.items()) left.emplace_back(std::string_view(field.value));
    return left;
}

TEST(CallerFields, PX23_cookies_of_the_service_stay_here) {
    EXPECT_EQ(cookies_left({}, {"a=1; Path=/", "sid=new"}, true), Lines{"text/plain"});
    EXPECT_EQ(cookies_left({}, {"a=1"}, false), Lines{"text/plain"});
    EXPECT_EQ(cookies_left({"cookie"}, {"a=1; Path=/", "sid=new; HttpOnly", " SID = new", "sidx=1"}, true), (Lines{"text/plain", "a=1; Path=/", "sidx=1", "cgi=1"}));
    EXPECT_EQ(cookies_left({"X-Api-Key"}, {"a=1"}, true), Lines{"text/plain"});
}

}  // namespace
}  // namespace claviger::inject
