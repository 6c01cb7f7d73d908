#include "proxy/request_body.hpp"

#include <gtest/gtest.h>

#include "net/loop.hpp"
#include "net/pipe.hpp"

namespace claviger::proxy {
namespace {

// What is read whole before anything of it is passed on (its signature covers it) is no stream: who falls silent in it has
// as little time as between two requests.
TEST(RequestBody, PX31_a_body_that_is_read_whole_may_not_pause_for_long) {
    net::Loop loop;
    auto [ours, theirs] = net::make_pipe(loop, "");
    http::Connection client(std::move(ours), http::Limits{});
    ASSERT_TRUE(loop.run_until(theirs->write_all("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", net::in(std::chrono::minutes(1)))));
    auto head = loop.run_until(client.read_request_head(net::in(std::chrono::minutes(1))));
    ASSERT_TRUE(head) << head.error().describe();
    KeptBody kept(100);
    const auto read = loop.run_until(read_whole(client, head->framing, kept, std::chrono::milliseconds(20)));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, base::ErrorCode::timeout);
    EXPECT_FALSE(kept.whole());
}

}  // namespace
}  // namespace claviger::proxy
