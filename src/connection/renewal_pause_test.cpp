#include "connection/renewal_pause.hpp"

#include "connection/refresh_flight.hpp"
#include "connection/refresh_test_support.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

class RenewalPause : public RefreshTest {
protected:
    void SetUp() override {
        RefreshTest::SetUp();
        ASSERT_TRUE(sys::ensure_private_directory(refresh_directory(home)));
    }
    std::optional<sys::FileLock> lease() {
        return sys::FileLock::try_byte(refresh_directory(home) / "lock", lease_place(hash_of_id("acme/default"))).value();
    }
    base::Result<sys::FileLock> pause(std::chrono::milliseconds at_most) {
        return loop.run_until(pause_renewals(around(), "acme", "default", at_most));
    }
    static net::Task<void> release_later(net::Loop& loop, std::optional<sys::FileLock>& held) {
        co_await loop.sleep(50ms);
        held.reset();
    }
};

TEST_F(RenewalPause, RF02_ItIsTheLeaseThatARenewalTakes) {
    connect_acme(define_acme());
    {
        const auto paused = pause(30s);
        ASSERT_TRUE(paused) << paused.error().describe();
        EXPECT_FALSE(lease()) << "no renewal can begin";
    }
    EXPECT_TRUE(lease()) << "its end lets them go on";
}

TEST_F(RenewalPause, OA20_ARenewalThatDoesNotEndInTimeIsSaid) {
    connect_acme(define_acme());
    const auto held = lease();
    ASSERT_TRUE(held);
    const auto paused = pause(30ms);
    ASSERT_FALSE(paused);
    EXPECT_EQ(paused.error().code, ErrorCode::busy);
    EXPECT_NE(paused.error().hint.find("as it was"), std::string::npos) << paused.error().hint;
}

// Whoever took the lock's file away locks another one now: the lease that its owner noted counts until its end, by the clock.
TEST_F(RenewalPause, RF02_ALeaseWhoseLockFileIsGoneRunsOutByTime) {
    auto connection = connect_acme(define_acme());
    RefreshState open;
    open.generation = generation_of(connection);
    open.attempt = "stopped";
    open.aside_key = random.secret_token(32);
    open.lock_file = "1:1";  // device and inode of no file here
    open.begun_at = clock.now();
    open.lease_end = clock.now() + kLeaseTime - 1s;
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(open), 0, {"test", "acme/default"}));
    for (const auto wait : {0s, 60s, 58s}) {
        clock.advance(wait);
        const auto paused = pause(30ms);
        ASSERT_FALSE(paused) << "its owner may still be waiting for the answer";
        EXPECT_EQ(paused.error().code, ErrorCode::busy);
    }
    clock.advance(2s);
    EXPECT_TRUE(pause(30ms));
    clock.advance(-1h);
    EXPECT_TRUE(pause(30ms)) << "an end that lies further ahead than any lease was written under another clock";
}

// The answer is written while the pause is waited for: what the opener stores at its start comes too early for it.
TEST_F(RenewalPause, RF05_OA20_WhatWasSetAsideMeanwhileIsStoredFirst) {
    auto connection = connect_acme(define_acme());
    auto held = lease();
    ASSERT_TRUE(held);
    RefreshState open;
    open.generation = generation_of(connection);
    open.attempt = "full-disk";
    open.aside_key = random.secret_token(32);
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(open), 0, {"test", "acme/default"}));
    auto renewed = copy_of(connection).value();
    renewed.refresh_token = base::Secret("refresh-aside");
    {
        auto room = sys::ReservedFile::create(aside_file(home, "acme/default"), kRoomForAnswer).value();
        const AsideSeal seal{"local", "acme/default", "full-disk", open.aside_key};
        ASSERT_TRUE(set_aside(room, seal, serialize(renewed), random));
    }
    loop.spawn("release", release_later(loop, held));
    const auto paused = pause(30s);
    ASSERT_TRUE(paused) << paused.error().describe();
    EXPECT_EQ(text(stored().refresh_token), "refresh-aside");
}

}  // namespace
}  // namespace claviger::connection::testing
