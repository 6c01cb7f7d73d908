// What a caller can send to get its own value to the service instead of ours (PX-13).
#include <gtest/gtest.h>

#include "inject/injection.hpp"
#include "inject/request_edit.hpp"
#include "inject/test_connection.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using provider::AuthType;
using Lines = std::vector<std::string>;

// Header X-Api-Key, parameter api_key, cookie sid: all hold "ours".
Injection everywhere() {
    auto definition = definition_of(AuthType::custom);
    definition.inject.present = true;
    definition.inject.headers = {{"X-Api-Key", "{{key}}"}, {"Authorization", "Bearer {{key}}"}};
    definition.inject.query = {{"api_key", "{{key}}"}};
    definition.inject.cookies = {{"sid", "{{key}}"}};
    definition.inject.reserved = {"X-Tenant"};
    definition.inject.pass = {"Cookie"};
    return std::move(*Injection::make(definition, connection_to(definition, {{"key", "ours"}}), kNow));
}

http::RequestHead after(http::RequestHead request) {
    const auto applied = everywhere().apply(request, url_of("https://api.acme.com/x"));
    EXPECT_TRUE(applied);
    return request;
}

// Every spelling of the two headers by case and by '-' and '_'.
std::vector<std::string> header_variants() {
    std::vector<std::string> names = {"Proxy-Authorization", "proxy-authorization", "PROXY_AUTHORIZATION", "Proxy_Authorization",
                                      "x-tenant", "X_Tenant", "X-TENANT", "x_TENANT"};
    for (const std::string base_name : {"x-api-key", "authorization", "cookie"}) {
        for (unsigned style = 0; style < 32; ++style) {
            std::string name = base_name;
            unsigned dash = 0;
            for (std::size_t i = 0; i < name.size(); ++i) {
                if (name[i] == '-' && (style >> dash++ & 1) != 0) name[i] = '_';
                const bool upper = (style & 4) != 0 ? i % 2 == 0 : (style & 8) != 0 ? i % 3 == 1 : (style & 16) != 0;
                if (upper && name[i] >= 'a' && name[i] <= 'z') name[i] = static_cast<char>(name[i] - 32);
            }
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
    }
    return names;
}

TEST(CallerCopies, PX13_the_upstream_sees_exactly_one) {
    const auto names = header_variants();
    ASSERT_GE(names.size(), 30u);
    int variants = 0;
    for (const auto& name : names) {
        for (const std::string value : {"sid=theirs; theirs=1", "", "Bearer ours-not"}) {
            const auto request = after(request_to("/x", {{name, value}, {"Accept", "*/*"}, {name, value}}));
            const auto lines = lines_of(request);
            ASSERT_GE(lines.size(), 4u) << name;
            EXPECT_EQ(lines[0], "Accept: */*") << name;
            EXPECT_EQ(lines[lines.size() - 2], "X-Api-Key: ours") << name;
            EXPECT_EQ(lines[lines.size() - 1], "Authorization: Bearer ours") << name;
            EXPECT_EQ(lines.size(), 4u) << name << ": nothing else but the one Cookie";
            EXPECT_TRUE(lines[1].starts_with("Cookie: ") && lines[1].ends_with("sid=ours")) << lines[1];
            EXPECT_EQ(lines[1].find("sid=theirs"), std::string::npos) << lines[1];
            ++variants;
        }
    }
    EXPECT_GE(variants, 60);
}

TEST(CallerCopies, other_headers_stay_as_they_are) {
    const auto request = after(request_to("/x", {{"X-Api-Keys", "1"}, {"X-Api", "2"}, {"Authorization-Info", "3"}, {"XApiKey", "4"}}));
    const auto lines = lines_of(request);
    ASSERT_EQ(lines.size(), 7u);
    EXPECT_EQ(Lines(lines.begin(), lines.begin() + 4), (Lines{"X-Api-Keys: 1", "X-Api: 2", "Authorization-Info: 3", "XApiKey: 4"}));
}

TEST(CallerCopies, PX13_nominating_our_header_does_not_strip_it) {
    for (const std::string list : {"X-Api-Key", "close, x_api_key", "authorization", "keep-alive ,\tAUTHORIZATION", "cookie"}) {
        EXPECT_EQ(after(request_to("/x", {{"Connection", list}})).fields.count("Connection"), 0u) << list;
    }
    EXPECT_EQ(after(request_to("/x", {{"Connection", "close"}})).fields.count("Connection"), 1u);
}

TEST(CallerCopies, PX13_parameters_of_our_name_go) {
    struct Row { std::string before, after; };
    for (const auto& row : {
             Row{"/x", "/x?api_key=ours"}, Row{"/x?", "/x?api_key=ours"}, Row{"/x?a=1", "/x?a=1&api_key=ours"},
             Row{"/x?api_key=theirs", "/x?api_key=ours"}, Row{"/x?api_key", "/x?api_key=ours"}, Row{"/x?api_key=", "/x?api_key=ours"},
             Row{"/x?a=1&api_key=theirs&b=2", "/x?a=1&b=2&api_key=ours"}, Row{"/x?api_key=t&api_key=u", "/x?api_key=ours"},
             Row{"/x?API_KEY=t", "/x?api_key=ours"}, Row{"/x?api-key=t", "/x?api_key=ours"}, Row{"/x?api.key=t", "/x?api_key=ours"},
             Row{"/x?api+key=t", "/x?api_key=ours"}, Row{"/x?api%5Fkey=t", "/x?api_key=ours"}, Row{"/x?%61pi_key=t", "/x?api_key=ours"},
             Row{"/x?%61%70%69%5f%6b%65%79=t", "/x?api_key=ours"}, Row{"/x?api_key[]=t", "/x?api_key=ours"},
             Row{"/x?api_key[0]=t", "/x?api_key=ours"}, Row{"/x?api_key%5B%5D=t", "/x?api_key=ours"}, Row{"/x?api_key%00=t", "/x?api_key=ours"},
             Row{"/x?+api_key=t", "/x?api_key=ours"}, Row{"/x?%20api_key=t", "/x?api_key=ours"}, Row{"/x?api_key%20=t", "/x?api_key=ours"},
             Row{"/x?a=1;api_key=t", "/x?a=1&api_key=ours"}, Row{"/x?a=1;api_key=t;b=2", "/x?a=1;b=2&api_key=ours"},
             Row{"/x?&&api_key=t&&", "/x?api_key=ours"},
             Row{"/x?a=b?", "/x?a=b?&api_key=ours"}, Row{"/x??", "/x??&api_key=ours"}, Row{"/x?a=1&", "/x?a=1&api_key=ours"},
             Row{"/x?api_keys=1", "/x?api_keys=1&api_key=ours"}, Row{"/x?my_api_key=1", "/x?my_api_key=1&api_key=ours"},
             Row{"/x?q=api_key=1", "/x?q=api_key=1&api_key=ours"}, Row{"/x?api%ZZkey=1", "/x?api%ZZkey=1&api_key=ours"},
             Row{"/x?x-tenant=t&a=%26", "/x?a=%26&api_key=ours"}, Row{"/api_key=t?b", "/api_key=t?b&api_key=ours"}}) {
        EXPECT_EQ(after(request_to(row.before)).target, row.after) << row.before;
    }
}

TEST(CallerCopies, a_query_without_our_names_keeps_each_byte) {
    std::string target = "/x?a=%zz&&;b=+%2B;&c";
    remove_parameters(target, {"api_key"});
    EXPECT_EQ(target, "/x?a=%zz&&;b=+%2B;&c");
}

TEST(CallerCopies, PX13_cookies_of_our_name_go) {
    struct Row { std::vector<std::string> before; std::string after; };
    for (const auto& row : {
             Row{{}, "sid=ours"}, Row{{"a=1"}, "a=1; sid=ours"}, Row{{"sid=t"}, "sid=ours"}, Row{{"a=1; sid=t; b=2"}, "a=1; b=2; sid=ours"},
             Row{{"a=1", "sid=t", "b=2"}, "a=1; b=2; sid=ours"}, Row{{"sid=t;sid=u;  sid=v"}, "sid=ours"}, Row{{"SID=t"}, "sid=ours"},
             Row{{" sid = t"}, "sid=ours"}, Row{{"sid"}, "sid=ours"}, Row{{"sidx=1;xsid=2"}, "sidx=1; xsid=2; sid=ours"},
             Row{{"a=sid=t"}, "a=sid=t; sid=ours"}, Row{{";;; a=1 ;"}, "a=1; sid=ours"}, Row{{"a=\"x; sid=t\""}, "a=\"x; sid=ours"}}) {
        http::RequestHead request = request_to("/x");
        for (const auto& value : row.before) request.fields.add("cookie", value);
        const auto done = after(std::move(request));
        EXPECT_EQ(done.fields.count("Cookie"), 1u);
        EXPECT_EQ(done.fields.find("Cookie").value_or(""), row.after);
    }
}

TEST(CallerCopies, a_target_without_a_path_carries_no_parameter) {
    for (const std::string target : {"*", "api.acme.com:443", "https://api.acme.com/x", ""}) {
        auto request = request_to(target);
        EXPECT_FALSE(everywhere().apply(request, url_of("https://api.acme.com/x"))) << target;
        EXPECT_EQ(request.fields.items().size(), 0u);
    }
}

}  // namespace
}  // namespace claviger::inject
