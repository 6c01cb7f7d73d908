#include "api/local_page_guard.hpp"

#include "api/local_page_test_support.hpp"

namespace claviger::api::testing {
namespace {

class Guard : public PageTest {};

struct HostRow { const char* host; int status; };  // "P" stands for the port; nullptr = no Host at all

const HostRow kHosts[] = {
    {"127.0.0.1:P", 200},      {"localhost:P", 200},     {"[::1]:P", 200},        {"LOCALHOST:P", 200},
    {"127.0.0.1", 421},        {"localhost", 421},       {"[::1]", 421},          {"127.0.0.1:1", 421},
    {"0.0.0.0:P", 421},        {"localhost.:P", 421},    {"evil.example", 421},   {"evil.example:P", 421},
    {"127.0.0.1.evil.example:P", 421}, {"localhost.evil.example:P", 421}, {"127.1:P", 421}, {"2130706433:P", 421},
    {"0x7f.1:P", 421},         {"127.0.0.2:P", 421},     {"[::ffff:127.0.0.1]:P", 421}, {"[::]:P", 421},
    {"::1:P", 421},            {"127.0.0.1:P0", 421},    {"foo.localhost:P", 421}, {"", 421}, {nullptr, 421},
};

const struct { const char* origin; bool ours; } kOrigins[] = {
    {nullptr, false},          {"http://127.0.0.1:P", true}, {"http://localhost:P", true},  {"http://[::1]:P", true},
    {"null", false},           {"https://127.0.0.1:P", false}, {"http://127.0.0.1", false}, {"http://127.0.0.1:1", false},
    {"https://evil.example", false}, {"http://evil.example:P", false}, {"http://127.0.0.1:P.evil.example", false}, {"", false},
};

std::string with_port(std::string text, std::uint16_t port) {
    if (const auto at = text.find(":P"); at != std::string::npos) text.replace(at + 1, 1, std::to_string(port));
    return text;
}

TEST_F(Guard, LB02_LB03_LB10_LB12_every_host_origin_method_and_route) {
    Asked asked;
    ask(asked);
    const auto form = form_path();
    auto web = browser();
    const auto before = web.get(form).body;
    ASSERT_NE(csrf_of(before), "");
    const char* methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"};
    const std::string routes[] = {form, kCallback, "/"};
    int requests = 0;
    for (const auto& host : kHosts) {
        for (const auto& origin : kOrigins) {
            for (const std::string method : methods) {
                for (const auto& route : routes) {
                    Sent sent;
                    sent.method = method;
                    sent.target = route;
                    if (host.host != nullptr) sent.host = with_port(host.host, web.port());
                    if (origin.origin != nullptr) sent.origin = with_port(origin.origin, web.port());
                    sent.body = method == "POST" ? "api_key=good&state=x&code=y" : "";
                    auto text = sent.text(web.port());
                    if (host.host == nullptr) text.erase(text.find("Host: "), text.find("\r\n", text.find("Host: ")) + 2 - text.find("Host: "));
                    const auto reply = web.raw(std::move(text));
                    ++requests;
                    const auto what = fmt::format("{} {} Host {} Origin {}", method, route, host.host ? host.host : "absent",
                                                  origin.origin ? origin.origin : "absent");
                    ASSERT_EQ(reply.headers.count("access-control-allow-origin"), 0U) << what;
                    ASSERT_EQ(reply.headers.count("access-control-allow-private-network"), 0U) << what;
                    ASSERT_NE(reply.status, 303) << what;
                    if (host.status == 421) {
                        // A message without one Host is malformed before it is misdirected (RFC 9112 section 3.2).
                        ASSERT_TRUE(reply.status == 421 || reply.status == 400) << what << " " << reply.status;
                        continue;
                    }
                    const int got = method == "GET" ? (route == form ? 200 : route == kCallback ? 400 : 404)
                                    : method == "OPTIONS" ? 403
                                    : method == "HEAD"    ? 405
                                    : !origin.ours        ? 403
                                    : method != "POST"    ? 405
                                    : route == form       ? 403  // no CSRF field
                                                          : 405;
                    ASSERT_EQ(reply.status, got) << what;
                }
            }
        }
    }
    EXPECT_EQ(requests, 25 * 12 * 8 * 3);
    EXPECT_FALSE(asked.result);
    EXPECT_EQ(web.get(form).body, before);  // nothing moved
}

TEST_F(Guard, LB02_two_hosts_and_absolute_form) {
    auto web = browser();
    const auto port = web.port();
    for (const auto& text :
         {fmt::format("GET / HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nHost: 127.0.0.1:{0}\r\n\r\n", port),
          fmt::format("GET http://127.0.0.1:{0}/ HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nConnection: close\r\n\r\n", port),
          fmt::format("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nConnection: close\r\n\r\n", port)}) {
        const auto reply = web.raw(text);
        EXPECT_TRUE(reply.status == 421 || reply.status == 400) << text << reply.status;
    }
}

TEST_F(Guard, LB03_fetch_metadata_decides_where_origin_is_silent) {
    Asked asked;
    ask(asked);
    auto web = browser();
    const auto csrf = csrf_of(web.get(form_path()).body);
    struct Row { std::optional<std::string> origin, site; int status; };
    const auto ours = fmt::format("http://127.0.0.1:{}", web.port());
    const Row rows[] = {
        {{}, {}, 403}, {{}, "cross-site", 403}, {{}, "same-site", 403}, {{}, "Same-Origin", 403}, {"null", "same-origin", 403},
        {"null", "none", 403}, {ours, "cross-site", 403}, {ours, "same-site", 403}, {"https://evil.example", "same-origin", 403},
    };
    for (const auto& row : rows) {
        Sent sent{"POST", form_path(), "api_key=good-1&csrf=" + csrf};
        sent.origin = row.origin;
        sent.fetch_site = row.site;
        EXPECT_EQ(web.send(sent).status, row.status) << row.origin.value_or("-") << row.site.value_or("-");
        EXPECT_FALSE(asked.result);
    }
    Sent twice{"POST", form_path(), "api_key=good-1&csrf=" + csrf};
    twice.origin = ours;
    twice.more = {"Origin: " + ours};
    EXPECT_NE(web.send(twice).status, 303);
    EXPECT_FALSE(asked.result);
    Sent good{"POST", form_path(), "api_key=good-1&csrf=" + csrf};
    good.fetch_site = "same-origin";
    EXPECT_EQ(web.send(good).status, 303);
    EXPECT_TRUE(asked.result);
}

TEST_F(Guard, LB03_upgrades_are_refused) {
    auto web = browser();
    Sent sent;
    sent.more = {"Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="};
    auto text = sent.text(web.port());
    text.replace(text.find("Connection: close"), 17, "Connection: Upgrade, close");
    const auto reply = web.raw(text);
    EXPECT_EQ(reply.status, 403);
}

}  // namespace
}  // namespace claviger::api::testing
