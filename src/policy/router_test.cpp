#include "policy/router.hpp"

#include <gtest/gtest.h>

namespace claviger::policy {
namespace {

using Kind = Decision::Kind;

net::Url url_of(std::string_view text) {
    auto url = net::Url::parse(text);
    EXPECT_TRUE(url) << text;
    return url ? *url : net::Url{};
}

Route route(std::string provider, const std::vector<std::string>& targets, const std::vector<std::string>& excluded = {}) {
    Route out{std::move(provider), "default", {}, {}};
    for (const auto& target : targets) out.rules.push_back(*UriRule::parse_target(target));
    for (const auto& endpoint : excluded) out.excluded.push_back(url_of(endpoint));
    return out;
}

Router two_and_a_wide_one() {
    std::vector<Route> routes;
    routes.push_back(route("wide", {"**.acme.com", R"(regex:.*\.example\.org)"}));
    routes.push_back(route("acme", {"api.acme.com"}));
    routes.push_back(route("acme-mail", {"https://api.acme.com/mail", "mail.example.org"}));
    return Router(std::move(routes));
}

TEST(Router, the_most_specific_rule_wins) {
    const auto router = two_and_a_wide_one();
    struct Row { std::string_view url, provider; };
    for (const auto& row : {Row{"https://api.acme.com/x", "acme"}, Row{"https://api.acme.com/mail", "acme-mail"},
                            Row{"https://api.acme.com/mail/1", "acme-mail"}, Row{"https://api.acme.com/mailx", "acme"},
                            Row{"https://other.acme.com/", "wide"}, Row{"https://a.b.acme.com/", "wide"},
                            Row{"https://mail.example.org/", "acme-mail"}, Row{"https://x.example.org/", "wide"}}) {
        const auto decision = router.decide(url_of(row.url));
        EXPECT_EQ(decision.kind, Kind::matched) << row.url;
        EXPECT_EQ(decision.provider, row.provider) << row.url;
        EXPECT_FALSE(decision.rule.empty());
        EXPECT_FALSE(decision.because.empty());
    }
}

TEST(Router, unmatched_requests_say_so) {
    const auto router = two_and_a_wide_one();
    for (const std::string_view url : {"https://evil.com/", "http://api.acme.com/", "https://api.acme.com:8443/",
                                       "https://u:p@api.acme.com/", "https://acme.com/", "https://api.acme.com/a%5cb"}) {
        const auto decision = router.decide(url_of(url));
        EXPECT_EQ(decision.kind, Kind::unmatched) << url;
        EXPECT_EQ(decision.provider, "");
        EXPECT_FALSE(decision.because.empty());
    }
}

TEST(Router, a_tie_is_an_error_that_names_both) {
    std::vector<Route> routes;
    routes.push_back(route("acme", {"api.acme.com"}));
    routes.push_back(route("acme-oauth", {"https://api.acme.com/"}));
    const Router router(std::move(routes));
    const auto decision = router.decide(url_of("https://api.acme.com/x"));
    EXPECT_EQ(decision.kind, Kind::ambiguous);
    EXPECT_NE(decision.because.find("acme/default"), std::string::npos);
    EXPECT_NE(decision.because.find("acme-oauth/default"), std::string::npos);
}

TEST(Router, a_tie_goes_to_the_chosen_one) {
    const auto decide = [](bool first, bool second, std::string_view url) {
        std::vector<Route> routes;
        routes.push_back(route("acme", {"api.acme.com"}));
        routes.push_back(route("acme-oauth", {"api.acme.com", "https://api.acme.com/v2"}));
        routes[0].chosen = first;
        routes[1].chosen = second;
        return Router(std::move(routes)).decide(url_of(url));
    };
    EXPECT_EQ(decide(true, false, "https://api.acme.com/x").provider, "acme");
    EXPECT_EQ(decide(false, true, "https://api.acme.com/x").provider, "acme-oauth");
    EXPECT_EQ(decide(true, false, "https://api.acme.com/v2").provider, "acme-oauth") << "the more specific rule wins all the same";
    const auto neither = decide(false, false, "https://api.acme.com/x");
    EXPECT_EQ(neither.kind, Kind::ambiguous);
    EXPECT_EQ(neither.command, "claviger run --use acme=default -- ...");
    EXPECT_NE(neither.because.find("choose with --use acme=default or --use acme-oauth=default"), std::string::npos) << neither.because;
    const auto both = decide(true, true, "https://api.acme.com/x");
    EXPECT_EQ(both.kind, Kind::ambiguous);
    EXPECT_NE(both.because.find("--use names both"), std::string::npos) << both.because;
}

TEST(Router, a_definition_that_does_not_match_the_path_leaves_it_to_the_next) {
    std::vector<Route> routes;
    routes.push_back(route("acme-v2", {"https://api.acme.com/v2/deep"}));
    routes.push_back(route("acme", {"*.acme.com"}));
    const Router router(std::move(routes));
    EXPECT_EQ(router.decide(url_of("https://api.acme.com/v2")).provider, "acme");
    EXPECT_EQ(router.decide(url_of("https://api.acme.com/v2/deep/x")).provider, "acme-v2");
}

TEST(Router, contenders_say_who_lost_and_why) {
    std::vector<Route> routes;
    routes.push_back(route("exact", {"api.acme.com"}));
    routes.push_back(route("wide", {"*.acme.com"}));
    routes.push_back(route("deep", {"https://api.acme.com/v2"}));
    routes.push_back(route("port", {"api.acme.com:8443"}));
    routes.push_back(route("twin", {"api.acme.com"}));
    routes.push_back(route("elsewhere", {"api.example.org"}));
    const auto outcomes = [](const std::vector<Route>& from, std::string_view url) {
        std::string text;
        for (const auto& one : Router(from).contenders(url_of(url))) {
            EXPECT_FALSE(one.because.empty()) << one.provider;
            EXPECT_FALSE(one.rule.empty()) << one.provider;
            text += one.provider + ":" + std::string(to_string(one.outcome)) + " ";
        }
        return text;
    };
    EXPECT_EQ(outcomes(routes, "https://api.acme.com/x"), "exact:ties wide:less_specific deep:no_match port:no_match twin:ties ");
    EXPECT_EQ(outcomes(routes, "https://api.acme.com/v2"), "exact:less_specific wide:less_specific deep:wins port:no_match twin:less_specific ");
    routes[0].chosen = true;
    EXPECT_EQ(outcomes(routes, "https://api.acme.com/x"), "exact:wins wide:less_specific deep:no_match port:no_match twin:not_chosen ");
    EXPECT_EQ(outcomes(routes, "http://api.acme.com/x"), "exact:no_match wide:no_match deep:no_match port:no_match twin:no_match ");
    EXPECT_EQ(outcomes(routes, "https://nobody.test/"), "");
    const auto all = Router(routes).contenders(url_of("https://api.acme.com/x"));
    EXPECT_EQ(all[2].because, "another path");
    EXPECT_EQ(all[3].because, "it is for port 8443");
    EXPECT_TRUE(Router(routes).wants_https(url_of("http://api.acme.com/x")));
    EXPECT_FALSE(Router(routes).wants_https(url_of("http://nobody.test/x")));
    EXPECT_FALSE(Router(routes).wants_https(url_of("https://api.acme.com/x")));
}

TEST(Router, two_rules_of_one_route_are_no_tie) {
    std::vector<Route> routes;
    routes.push_back(route("acme", {"api.acme.com", "https://api.acme.com/"}));
    const Router router(std::move(routes));
    EXPECT_EQ(router.decide(url_of("https://api.acme.com/x")).kind, Kind::matched);
}

TEST(Router, PX32_whether_the_path_decides) {
    EXPECT_FALSE(decides_by_path(route("acme", {"api.acme.com", "https://api.acme.com/"})));
    EXPECT_TRUE(decides_by_path(route("acme", {"api.acme.com", "https://api.acme.com/v1"})));
    EXPECT_TRUE(decides_by_path(route("acme", {"api.acme.com"}, {"https://api.acme.com/token"})));
}

// However an endpoint is spelt, a server that forgives much might take it for the endpoint.
TEST(Router, PX30_spellings_of_an_own_endpoint_get_no_credential) {
    std::vector<Route> routes;
    routes.push_back(route("acme", {"api.acme.com", "**.api.acme.com"},
                           {"https://api.acme.com/oauth/token", "https://api.acme.com/oauth/authorize"}));
    const Router router(std::move(routes));
    for (const std::string path : {
             "/oauth/token", "/oauth/token/", "/oauth//token", "//oauth/token", "///oauth///token//", "/oauth/./token",
             "/oauth/x/../token", "/./oauth/token", "/oauth/%2e/token", "/oauth/x/%2e%2e/token", "/oauth/token?grant=x",
             "/oauth/token#x", "/oauth/token/?x", "/OAuth/Token", "/oauth/TOKEN", "/oauth/%74oken", "/%6fauth/token",
             "/oauth/%74%6f%6b%65%6e", "/oauth/%2574oken", "/oauth/token;x=1", "/oauth;x/token", "/oauth/token%20",
             "/oauth/%20token", "/oauth/token%3Fx=1", "/oauth/token%23x", "/oauth\\token", "\\oauth\\token", "/oauth/token/.",
             "/oauth/token/x/..", "/oauth/token%09", "/oauth/authorize", "/oauth/authorize/", "/oauth/token;", "/oauth/;/token",
             "/oauth/%54OKEN", "/x/..//oauth/token", "/oauth/%74oken;%zz",
             "/oauth/%74oken?%"}) {
        for (const std::string origin : {"https://api.acme.com", "https://API.acme.com:443", "HTTPS://api.acme.com", "wss://api.acme.com"}) {
            const auto decision = router.decide(url_of(origin + path));
            EXPECT_EQ(decision.kind, Kind::excluded) << origin << path;
        }
    }
    for (const std::string path : {"/oauth%2ftoken", "/oauth/token%2f", "/x%2f..%2foauth/token", "/x%2F%2Foauth%2F..%2F../oauth/token"}) {
        EXPECT_EQ(router.decide(url_of("https://api.acme.com" + path)).kind, Kind::excluded) << path;
    }
    // What cannot be read in one way matches no rule at all, and is not forwarded either.
    for (const std::string path : {"/oauth/token%00", "/oauth%5ctoken", "/oauth/..;/oauth/token", "/v1/..%3b/admin", "/v1/%2e%2e%3Bx/admin", "/x%2f%252e%252e%2foauth/token"}) {
        const auto decision = router.decide(url_of("https://api.acme.com" + path));
        EXPECT_EQ(decision.kind, Kind::unmatched) << path;
        EXPECT_TRUE(decision.refused) << path;
    }
    for (const std::string path : {"/v1/a%3bx/b", "/v1/...%3b/b", "/oauth/tokens", "/oauth/token/x", "/token", "/oauth", "/oauth/token/info", "/oauth/to/ken"}) {
        EXPECT_EQ(router.decide(url_of("https://api.acme.com" + path)).kind, Kind::matched) << path;
    }
    EXPECT_EQ(router.decide(url_of("https://x.api.acme.com/oauth/token")).kind, Kind::matched) << "another host";
}

TEST(Router, PX30_another_routes_endpoint_is_excluded_too) {
    std::vector<Route> routes;
    routes.push_back(route("one", {"api.acme.com"}));
    routes.push_back(route("two", {"two.acme.com"}, {"https://api.acme.com/token"}));
    EXPECT_EQ(Router(routes).decide(url_of("https://api.acme.com/token")).kind, Kind::excluded);
}

TEST(Router, PX27_opens_tls_for_routed_hosts_only) {
    std::vector<Route> routes;
    routes.push_back(route("acme", {"https://api.acme.com/v1", "*.acme.com", "https://api.example.org:8443", "http://127.0.0.1:99"}));
    const Router router(std::move(routes));
    EXPECT_TRUE(router.opens("api.acme.com", 443));
    EXPECT_TRUE(router.opens("x.acme.com", 443));
    EXPECT_TRUE(router.opens("api.example.org", 8443));
    EXPECT_FALSE(router.opens("api.example.org", 443));
    EXPECT_FALSE(router.opens("api.acme.com", 8443));
    EXPECT_FALSE(router.opens("acme.com", 443));
    EXPECT_FALSE(router.opens("evil.com", 443));
    EXPECT_FALSE(router.opens("127.0.0.1", 99));
    EXPECT_FALSE(Router({}).opens("api.acme.com", 443));
}

TEST(Router, PX05_an_encoded_slash_never_changes_who_is_meant) {
    std::vector<Route> routes;
    routes.push_back(route("wide", {"api.acme.com"}));
    routes.push_back(route("admin", {"https://api.acme.com/admin"}));
    const Router router(std::move(routes));
    const struct { const char* path; Kind kind; const char* provider; bool refused; } rows[] = {
        {"/projects/group%2Fname", Kind::matched, "wide", false},
        {"/admin/group%2Fname", Kind::matched, "admin", false},
        {"/x%2F..%2Fadmin/1", Kind::unmatched, "", true},
        {"/x/..%2Fadmin", Kind::unmatched, "", true},
        {"/%2Fadmin/1", Kind::unmatched, "", true},
        {"/admin%2Fx", Kind::unmatched, "", true},
        {"/admin/x%2F..%2F..%2Fy", Kind::unmatched, "", true},
        {"/admin%5Cx", Kind::unmatched, "", true},
    };
    for (const auto& row : rows) {
        const auto decision = router.decide(url_of(std::string("https://api.acme.com") + row.path));
        EXPECT_EQ(decision.kind, row.kind) << row.path;
        EXPECT_EQ(decision.provider, row.provider) << row.path;
        EXPECT_EQ(decision.refused, row.refused) << row.path;
    }
    EXPECT_FALSE(router.decide(url_of("https://other.example/a%2Fb")).refused) << "not a host of the session";
    EXPECT_FALSE(router.decide(url_of("https://other.example/a%5Cb")).refused);
}

TEST(Router, PX09_only_the_named_host_and_port_are_on_this_machine) {
    std::vector<Route> routes;
    routes.push_back(route("local", {"http://127.0.0.1:99", "https://localhost:8443"}));
    routes.push_back(route("acme", {"*.acme.com"}));
    const Router router(std::move(routes));
    EXPECT_TRUE(router.reaches_loopback("127.0.0.1", 99));
    EXPECT_TRUE(router.reaches_loopback("localhost", 8443));
    EXPECT_FALSE(router.reaches_loopback("127.0.0.1", 8443));
    EXPECT_FALSE(router.reaches_loopback("127.0.0.2", 99));
    EXPECT_FALSE(router.reaches_loopback("localhost", 443));
    EXPECT_FALSE(router.reaches_loopback("x.acme.com", 443)) << "a name may resolve to anything";
    EXPECT_FALSE(router.reaches_loopback("x.acme.com", 99));
    EXPECT_TRUE(router.names_host("x.acme.com"));
    EXPECT_FALSE(router.names_host("acme.com"));
}

TEST(Router, PX26_constraint_hosts_are_sorted_and_single) {
    const auto router = two_and_a_wide_one();
    EXPECT_EQ(router.constraint_hosts(), (std::vector<std::string>{".acme.com", "api.acme.com", "mail.example.org"}));
}

}  // namespace
}  // namespace claviger::policy
