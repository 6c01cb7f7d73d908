// The bad-certificate zoo (PX-25, G18): every one is refused for its own reason, and the server gets no byte.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "net/certificate_zoo.hpp"
#include "net/tls.hpp"
#include "net/tls_peer.hpp"

namespace claviger::net {
namespace {

using namespace fixture;
using base::ErrorCode;
using base::Result;

constexpr std::chrono::milliseconds kLong{20'000};

Task<Result<std::string>> say_hello(Loop& loop, std::uint16_t port, TlsClientContext context, std::string host) {
    AddressPolicy policy;
    policy.allow_loopback = true;
    TcpTarget target{"127.0.0.1", port};
    auto tcp = co_await connect_tcp(loop, std::move(target), std::move(policy), in(kLong));
    if (!tcp) co_return base::fail(tcp.error());
    auto tls = co_await tls_connect(std::move(*tcp), std::move(context), std::move(host), in(kLong));
    if (!tls) co_return base::fail(tls.error());
    auto written = co_await (*tls)->write_all("application bytes", in(kLong));
    if (!written) co_return base::fail(written.error());
    co_return std::string("written");
}

TEST(TlsVerify, PX25_G18_every_bad_certificate_is_refused_and_no_byte_arrives) {
    const std::vector<ZooCase> cases = certificate_zoo();
    std::size_t good = 0;
    for (const ZooCase& one : cases) {
        SCOPED_TRACE(one.name);
        Loop loop;
        auto context = TlsClientContext::make({pem(one.trusted)});
        ASSERT_TRUE(context);
        Peer peer(server_context(one.chain, one.key, TLS1_VERSION, one.max_version));
        auto said = loop.run_until(say_hello(loop, peer.port(), *context, one.host));
        const std::vector<Seen>& seen = peer.finish();
        ASSERT_EQ(seen.size(), 1U);
        if (one.expected.empty()) {
            ++good;
            EXPECT_TRUE(said.has_value()) << said.error().describe();
            EXPECT_EQ(seen[0].application_bytes, std::string_view("application bytes").size());
            continue;
        }
        EXPECT_EQ(seen[0].application_bytes, 0U);
        EXPECT_FALSE(said.has_value());
        if (said) continue;
        EXPECT_EQ(said.error().code, ErrorCode::tls) << said.error().message;
        EXPECT_NE(said.error().message.find(one.expected), std::string::npos) << said.error().message;
    }
    EXPECT_GE(cases.size() - good, 40U);
    std::printf("%zu good and %zu bad certificates\n", good, cases.size() - good);
}

}  // namespace
}  // namespace claviger::net
