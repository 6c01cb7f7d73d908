#include "http/outbound_proxy.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/text.hpp"
#include "http/client.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using Environment = std::map<std::string, std::string>;

constexpr std::chrono::seconds kPatience{20};

OutboundProxiesPtr proxies_of(const Environment& environment) {
    return OutboundProxies::from([&](const std::string& name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    });
}

// "host:port" of the proxy, "" for none.
std::string for_url(const Environment& environment, const std::string& text) {
    const auto url = net::Url::parse(text);
    const auto proxy = proxies_of(environment)->proxy_for(url->scheme(), url->host(), url->port());
    return proxy ? proxy->name() : "";
}

TEST(OutboundProxies, which_variable_counts) {
    struct Row { Environment environment; std::string url, expected; };
    for (const auto& [environment, url, expected] : std::vector<Row>{
             {{}, "https://acme.example/", ""},
             {{{"HTTPS_PROXY", "http://p.corp:3128"}}, "https://acme.example/", "p.corp:3128"},
             {{{"HTTPS_PROXY", "http://p.corp:3128"}}, "http://acme.example/", ""},
             {{{"HTTPS_PROXY", "http://p.corp:3128"}, {"https_proxy", "small:1"}}, "https://acme.example/", "small:1"},
             {{{"https_proxy", ""}, {"HTTPS_PROXY", "http://p.corp:3128"}}, "https://acme.example/", "p.corp:3128"},
             {{{"HTTP_PROXY", "p.corp"}}, "http://acme.example/", "p.corp:80"},
             {{{"HTTP_PROXY", "p.corp"}}, "https://acme.example/", ""},
             {{{"ALL_PROXY", "http://all:8080/"}, {"HTTP_PROXY", "p:1"}}, "https://acme.example/", "all:8080"},
             {{{"ALL_PROXY", "http://all:8080/"}, {"HTTP_PROXY", "p:1"}}, "http://acme.example/", "p:1"},
             {{{"https_proxy", "http://[fd00::1]:3128"}}, "https://acme.example/", "[fd00::1]:3128"},
             {{{"https_proxy", "p:1"}}, "https://localhost/", ""},
             {{{"https_proxy", "p:1"}}, "https://x.localhost:8443/", ""},
             {{{"https_proxy", "p:1"}}, "https://127.3.2.1/", ""},
             {{{"https_proxy", "p:1"}}, "https://[::1]/", ""},
         }) {
        EXPECT_EQ(for_url(environment, url), expected) << url << (environment.empty() ? "" : environment.begin()->second);
    }
}

TEST(OutboundProxies, NO_PROXY_as_others_read_it) {
    struct Row { const char *list, *url; bool direct; };
    for (const auto& [list, url, direct] : std::vector<Row>{
             {"acme.example", "https://acme.example/", true},
             {"acme.example", "https://api.acme.example/", true},
             {"acme.example", "https://myacme.example/", false},
             {".acme.example", "https://api.acme.example/", true},
             {"*.acme.example", "https://a.b.acme.example/", true},
             {"x, ACME.example", "https://acme.example/", true},
             {"x acme.example", "https://acme.example/", true},
             {"acme.example:8443", "https://acme.example:8443/", true},
             {"acme.example:8443", "https://acme.example/", false},
             {"*", "https://acme.example/", true},
             {"", "https://acme.example/", false},
             {".", "https://acme.example/", false},
             {"10.0.0.0/8", "https://10.1.2.3/", true},
             {"10.0.0.0/8", "https://11.1.2.3/", false},
             {"10.0.0.0/33", "https://10.1.2.3/", false},
             {"10.0.0.0/x", "https://10.1.2.3/", false},
             {"10.1.2.3", "https://10.1.2.3/", true},
             {"2.3", "https://10.1.2.3/", false},
             {"fd00::/8", "https://[fd12::1]/", true},
             {"[fd12::1]", "https://[fd12::1]/", true},
             {"fd12::1", "https://[fd12::1]/", true},
             {"[fd12::1]:8443", "https://[fd12::1]/", false},
             {"fd00::/8", "https://10.1.2.3/", false},
         }) {
        EXPECT_EQ(for_url({{"HTTPS_PROXY", "p:1"}, {"NO_PROXY", list}}, url).empty(), direct) << list << " " << url;
    }
    EXPECT_EQ(for_url({{"HTTPS_PROXY", "p:1"}, {"NO_PROXY", "*"}, {"no_proxy", "other"}}, "https://acme.example/"), "p:1") << "small letters first";
}

TEST(OutboundProxies, what_cannot_be_used_says_so_and_never_its_password) {
    for (const std::string text : {"socks5://u:s3cret@p:1080", "https://u:s3cret@p:443", "http://u:s3cret@", "http://u%zz:s3cret@p:1", "http://u%3Ax:s3cret@p:1"}) {
        const auto proxy = proxies_of({{"ALL_PROXY", text}})->proxy_for("https", "acme.example", 443);
        ASSERT_TRUE(proxy) << text;
        ASSERT_TRUE(proxy->unusable) << text;
        EXPECT_EQ(proxy->unusable->code, ErrorCode::network);
        EXPECT_NE(proxy->unusable->message.find("ALL_PROXY"), std::string::npos);
        EXPECT_EQ(proxy->unusable->describe().find("s3cret"), std::string::npos) << proxy->unusable->describe();
    }
}

TEST(OutboundProxies, credentials_are_decoded_once) {
    const auto proxy = proxies_of({{"HTTPS_PROXY", "http://us%65r:p%40ss%3Aw%25@p:1"}})->proxy_for("https", "acme.example", 443);
    EXPECT_EQ(proxy->authorization.reveal(), "Basic " + base::base64_encode("user:p@ss:w%"));
    RequestHead head;
    head.target = "/x?y";
    proxy->address(head, *net::Url::parse("http://acme.example:8080/x?y"));
    EXPECT_EQ(head.target, "http://acme.example:8080/x?y");
    EXPECT_EQ(head.fields.find("Proxy-Authorization"), proxy->authorization.reveal());
}

TEST(OutboundProxies, PX08_addresses_are_judged_though_the_proxy_would_dial) {
    for (const char* host : {"10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0"}) {
        const auto judged = check_far_target({host, 443}, {});
        ASSERT_FALSE(judged) << host;
        EXPECT_EQ(judged.error().code, ErrorCode::address_refused);
    }
    for (const char* host : {"acme.example", "8.8.8.8", "2606:4700::1"}) EXPECT_TRUE(check_far_target({host, 443}, {})) << host;
}

// A proxy by script: what it answers to CONNECT, byte by byte.
struct Through : testing::Test {
    net::Loop loop;
    std::optional<net::Listener> listener;
    std::string asked;

    net::Task<void> serve(std::string answer) {
        auto stream = co_await listener->accept();
        if (!stream) co_return;
        std::array<char, 4096> buffer{};
        const net::Deadline deadline = net::in(kPatience);
        while (asked.find("\r\n\r\n") == std::string::npos) {
            auto got = co_await (*stream)->read_some(std::span<char>(buffer), deadline);
            if (!got || *got == 0) co_return;
            asked.append(buffer.data(), *got);
        }
        auto sent = co_await (*stream)->write_all(answer, deadline);
        (void)sent;
    }
    base::Result<Tunnelled> connect(const std::string& answer) {
        asked.clear();
        listener.emplace(std::move(*net::Listener::loopback(loop, 0)));
        loop.spawn("proxy", serve(answer));
        const auto proxy = proxies_of({{"HTTPS_PROXY", "http://u:s3cret@127.0.0.1:" + std::to_string(listener->port())}})->proxy_for("https", "acme.example", 443);
        return loop.run_until(connect_through(loop, proxy, {"acme.example", 8443}, {}, net::in(kPatience), nullptr));
    }
};

TEST_F(Through, CONNECT_names_the_target_and_keeps_what_it_says_first) {
    auto tunnelled = connect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection Established\r\nContent-Length: 9\r\n\r\nSSH-2.0-x\r\n");
    ASSERT_TRUE(tunnelled) << tunnelled.error().describe();
    EXPECT_EQ(tunnelled->first_bytes, "SSH-2.0-x\r\n") << "RFC 9110 section 9.3.6: lengths mean nothing there";
    EXPECT_TRUE(asked.starts_with("CONNECT acme.example:8443 HTTP/1.1\r\nHost: acme.example:8443\r\n")) << asked;
    EXPECT_NE(asked.find("Proxy-Authorization: Basic " + base::base64_encode("u:s3cret") + "\r\n"), std::string::npos);
}

TEST_F(Through, every_failure_names_the_proxy_and_is_of_the_network) {
    for (const std::string answer : {"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 403 No\r\n\r\n", "HTTP/1.1 502 No\r\n\r\nbody", "SSH-2.0\r\n\r\n",
                                     "HTTP/1.1 101 Switching\r\n\r\n", ""}) {
        const auto failed = connect(answer);
        ASSERT_FALSE(failed) << answer;
        EXPECT_EQ(failed.error().code, ErrorCode::network) << answer;
        EXPECT_NE(failed.error().message.find("the proxy 127.0.0.1:" + std::to_string(listener->port()) + " (HTTPS_PROXY)"), std::string::npos) << failed.error().message;
        EXPECT_EQ(failed.error().describe().find("s3cret"), std::string::npos);
    }
}

}  // namespace
}  // namespace claviger::http
