// Requests per second over N kept-alive TLS connections, straight to the server or through the proxy of the
// environment. Prints one JSON line. Usage: proxy_bench direct|proxy HOST PORT CA_FILE CONNECTIONS SECONDS
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "http/codec.hpp"
#include "net/tls.hpp"
#include "net/url.hpp"

namespace claviger {
namespace {

struct Run {
    net::Loop& loop;
    net::TlsClientContext context;
    std::string host;
    std::uint16_t port;
    std::optional<net::Url> proxy;
    net::Deadline end;
    std::vector<double> microseconds;
    int failed = 0;
};

net::Task<base::Result<net::StreamPtr>> dial(Run& run) {
    net::AddressPolicy policy;
    policy.allow_loopback = true;
    net::TcpTarget target{run.host, run.port};
    if (run.proxy) target = net::TcpTarget{run.proxy->dial_host(), run.proxy->port()};
    auto tcp = co_await net::connect_tcp(run.loop, target, policy, run.end);
    if (!tcp || !run.proxy) co_return tcp;
    const std::string authority = run.host + ":" + std::to_string(run.port);
    const std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\nProxy-Authorization: Basic " +
                                base::base64_encode(run.proxy->username() + ":" + run.proxy->password()) + "\r\n\r\n";
    auto sent = co_await (*tcp)->write_all(request, run.end);
    if (!sent) co_return base::fail(sent.error());
    std::string answer;
    char byte = 0;
    while (!answer.ends_with("\r\n\r\n")) {
        auto got = co_await (*tcp)->read_some(std::span<char>(&byte, 1), run.end);
        if (!got || *got == 0) co_return base::fail(base::ErrorCode::network, "the proxy closed the connection");
        answer += byte;
    }
    co_return tcp;
}

net::Task<void> client(Run& run) {
    auto tcp = co_await dial(run);
    if (!tcp) { ++run.failed; co_return; }
    std::string host = run.host;
    net::TlsClientContext context = run.context;
    auto tls = co_await net::tls_connect(std::move(*tcp), std::move(context), std::move(host), run.end);
    if (!tls) { std::fprintf(stderr, "%s\n", tls.error().message.c_str()); ++run.failed; co_return; }
    http::Connection connection(std::move(*tls), http::Limits{});
    std::vector<char> buffer(65536);
    const std::string authority = run.host + ":" + std::to_string(run.port);
    while (std::chrono::steady_clock::now() < run.end) {
        const auto began = std::chrono::steady_clock::now();
        const net::Deadline deadline = net::in(std::chrono::seconds(10));
        http::RequestHead head;
        head.method = "GET";
        head.target = "/bench";
        head.fields.add("Host", authority);
        auto sent = co_await connection.write_head(std::move(head), std::string_view(), deadline);
        if (!sent) { ++run.failed; co_return; }
        auto answer = co_await connection.read_response_head("GET", deadline);
        if (!answer || answer->status != 200) { ++run.failed; co_return; }
        while (!connection.body_complete()) {
            auto got = co_await connection.read_body(std::span<char>(buffer), deadline);
            if (!got) { ++run.failed; co_return; }
            if (*got == 0) break;
        }
        run.microseconds.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
    }
}

int bench(int argc, char** argv) {
    if (argc != 7) return 2;
    std::ifstream file(argv[4]);
    std::stringstream pem;
    pem << file.rdbuf();
    net::TlsClientContext::Options options;
    options.extra_ca_pem = pem.str();
    auto context = net::TlsClientContext::make(options);
    if (!context) return 1;
    net::Loop loop;
    const int seconds = std::atoi(argv[6]);
    Run run{loop, *context, argv[2], static_cast<std::uint16_t>(std::atoi(argv[3])), std::nullopt, net::in(std::chrono::seconds(seconds)), {}, 0};
    if (std::string_view(argv[1]) == "proxy") {
        auto proxy = net::Url::parse(std::getenv("HTTPS_PROXY") == nullptr ? "" : std::getenv("HTTPS_PROXY"));
        if (!proxy) return 1;
        run.proxy = *proxy;
    }
    for (int i = 0; i < std::atoi(argv[5]); ++i) loop.spawn("client", client(run));
    loop.run();
    auto& times = run.microseconds;
    std::sort(times.begin(), times.end());
    const auto at = [&](double part) { return times.empty() ? 0.0 : times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))]; };
    std::printf("{\"per_second\": %.0f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"failed\": %d}\n",
                static_cast<double>(times.size()) / seconds, at(0.5), at(0.99), run.failed);
    return run.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace claviger

int main(int argc, char** argv) { return claviger::bench(argc, argv); }
