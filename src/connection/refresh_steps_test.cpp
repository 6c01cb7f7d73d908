// Renewals of connections whose definition lists steps after the token.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "connection/refresh_test_support.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

class StepsTest : public RefreshTest {
protected:
    void SetUp() override {
        RefreshTest::SetUp();
        answer_step(200);
    }
    provider::ProviderDefinition with_session(const std::string& more = "") {
        return define_acme(fmt::format(R"(,"steps":[{{"name":"session","url":"{}/step","params":{{"by":"{{{{access_token}}}}"}}}}]{})", server.origin(), more));
    }
    // Logged in, with a session of ten minutes.
    Connection in_session(const provider::ProviderDefinition& definition, std::chrono::seconds life = 1h) {
        auto connection = connect_acme(definition, life);
        connection.fields.insert_or_assign("session", base::Secret("session-0"));
        connection.steps_at = clock.now();
        connection.steps_end = clock.now() + 10min;
        EXPECT_TRUE(connections->save(connection, std::nullopt));
        return connection;
    }
    void answer_step(int status, const std::string& more = R"(,"expires_in":600)") {
        server.on("/step", [this, status, more](const FakeServer::Seen&) {
            ++sessions;
            if (status != 200) return FakeServer::json(status, R"({"error":"invalid_token"})");
            return FakeServer::json(200, fmt::format(R"({{"access_token":"session-{}"{}}})", sessions, more));
        });
    }
    std::string by(std::size_t request) { return server.requests("/step").at(request).form.at("by"); }
    std::string session() { return text(stored().fields.at("session")); }
    int sessions = 0;
};

TEST_F(StepsTest, a_session_that_ends_spends_no_refresh_token) {
    in_session(with_session());
    EXPECT_EQ(fresh().value().how, Refreshed::not_due);
    clock.advance(11min);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(asked(), 0U);
    EXPECT_EQ(by(0), "access-0");
    EXPECT_EQ(session(), "session-1");
    EXPECT_EQ(stored().end(), clock.now() + 10min);
    EXPECT_EQ(text(stored().refresh_token), "refresh-0");
    clock.advance(50min);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(asked(), 1U) << "the token's own end";
    EXPECT_EQ(by(1), "access-1") << "its steps follow";
    EXPECT_EQ(session(), "session-2");
}

TEST_F(StepsTest, without_a_refresh_token_a_session_is_made_anew_as_long_as_the_token_lives) {
    auto connection = in_session(with_session());
    connection.refresh_token = base::Secret();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    clock.advance(11min);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(session(), "session-1");
    ASSERT_TRUE(fresh(Need::replaced, "access-0")) << "refused by the API: a new session may do";
    EXPECT_EQ(session(), "session-2");
    EXPECT_EQ(fresh(Need::replaced, "access-0")->how, Refreshed::failed) << "but once (RF-10)";
    EXPECT_EQ(sessions, 2);
    clock.advance(1h);
    EXPECT_EQ(fresh().error().code, ErrorCode::needs_login);
    EXPECT_EQ(sessions, 2);
}

TEST_F(StepsTest, what_never_came_is_asked_for_again_and_nothing_goes_out_without_it) {
    connect_acme(with_session());
    answer_step(503);
    const auto refused = fresh();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().describe().find("the step session after the token failed"), std::string::npos) << refused.error().describe();
    EXPECT_FALSE(fresh()) << "waits";
    EXPECT_EQ(sessions, 1);
    answer_step(200);
    clock.advance(10s);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(session(), "session-2");
    EXPECT_EQ(stored().refresh_failures, 0U);
    EXPECT_EQ(asked(), 0U);
}

TEST_F(StepsTest, an_old_session_is_used_while_a_new_one_fails_but_not_one_that_was_refused) {
    const auto definition = with_session();
    auto connection = in_session(definition);
    connection.expires_at = clock.now() + 5min;
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    answer_step(503);
    clock.advance(6min);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->how, Refreshed::failed);
    EXPECT_EQ(text(got->connection.access_token), "access-1");
    EXPECT_EQ(text(got->connection.fields.at("session")), "session-0") << "ten minutes are not over";
    clock.advance(10s);
    EXPECT_FALSE(fresh(Need::replaced, "access-1")) << "the new token came, the refused session stays away";
    EXPECT_EQ(text(stored().access_token), "access-2");
    EXPECT_EQ(stored().status(clock.now(), stored().definition_digest), Status::expired);
}

TEST_F(StepsTest, failed_steps_do_not_take_the_end_from_a_token_that_names_none_later) {
    in_session(with_session());
    answer_step(503);
    clock.advance(2h);
    EXPECT_FALSE(fresh());
    EXPECT_EQ(asked(), 1U);
    server.on("/token", 200, R"({"access_token":"access-silent","refresh_token":"refresh-silent","token_type":"Bearer"})");
    answer_step(200, "");
    clock.advance(2h);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(stored().end(), clock.now() + 1h) << "as the one before";
}

TEST_F(StepsTest, a_step_that_refuses_the_token_has_it_renewed_the_next_time_but_not_again_and_again) {
    in_session(with_session());
    answer_step(401);
    clock.advance(11min);
    EXPECT_FALSE(fresh());
    EXPECT_EQ(asked(), 0U);
    server.on("/token", 200, R"({"access_token":"access-silent","refresh_token":"refresh-silent","token_type":"Bearer"})");
    for (const std::size_t renewals : {1U, 1U, 1U}) {
        clock.advance(5min);
        EXPECT_FALSE(fresh());
        EXPECT_EQ(asked(), renewals);
    }
    EXPECT_EQ(by(1), "access-silent");
    EXPECT_EQ(*stored().expires_at - stored().obtained_at, 1h) << "what a step refuses says nothing of a token's life";
    answer_step(200);
    clock.advance(6min);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(asked(), 1U);
}

TEST_F(StepsTest, a_step_that_refuses_a_token_without_a_refresh_token_does_not_end_it) {
    auto connection = in_session(with_session());
    connection.refresh_token = base::Secret();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    answer_step(401);
    clock.advance(11min);
    EXPECT_FALSE(fresh());
    answer_step(200);
    clock.advance(5min);
    EXPECT_TRUE(fresh());
    EXPECT_EQ(session(), "session-2");
}

TEST_F(StepsTest, what_a_confirmed_change_brings_or_takes_away_is_heeded) {
    auto connection = connect_acme(define_acme());
    const auto changed = with_session();
    ASSERT_TRUE(connections->confirm_definition(connection, changed));
    ASSERT_TRUE(fresh());
    EXPECT_EQ(session(), "session-1") << "a step that is new";
    connection = stored();
    ASSERT_TRUE(connections->confirm_definition(connection, define_acme()));
    clock.advance(11min);
    EXPECT_EQ(stored().end(), stored().expires_at) << "a session that nobody uses any more ends nothing";
    EXPECT_EQ(fresh().value().how, Refreshed::not_due);
}

// The record of renewals may be of an earlier login.
TEST_F(StepsTest, what_an_earlier_login_left_is_void) {
    RefreshState earlier;
    earlier.generation = "of other tokens";
    earlier.refused_in_row = 5;
    earlier.doubtful = true;
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(earlier), 0, {"test", "acme/default"}));
    connect_acme(with_session());
    ASSERT_TRUE(fresh());
    EXPECT_EQ(session(), "session-1");
    EXPECT_EQ(state().refused_in_row, 0U);
    EXPECT_FALSE(state().doubtful);
}

TEST_F(StepsTest, a_secret_that_one_step_captured_is_not_in_the_failure_of_the_next) {
    const int file = ::memfd_create("log", 0);
    log = base::Log(file, base::LogLevel::trace);
    connect_acme(define_acme(fmt::format(R"(,"steps":[{{"name":"one","url":"{0}/one","response":{{"capture":[{{"name":"place","pointer":"/place"}}]}}}},
                                                     {{"name":"two","url":"{0}/{{place}}/two"}}])", server.origin()), R"("vars":{"place":{"secret":true,"pattern":"[a-z0-9]+"}},)"));
    server.on("/one", 200, R"({"access_token":"o","place":"hidden77needle"})");
    server.on("/hidden77needle/two", 503, R"({"error":"hidden77needle"})");
    const auto failed = fresh();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().describe().find("hidden77needle"), std::string::npos) << failed.error().describe();
    std::string logged(64 * 1024, '\0');
    logged.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(file, logged.data(), logged.size(), 0))));
    EXPECT_NE(logged.find("refresh.step_failed"), std::string::npos) << logged;
    EXPECT_EQ(logged.find("hidden77needle"), std::string::npos) << logged;
    log = base::Log();
    ::close(file);
}

TEST_F(StepsTest, a_confirmed_change_does_not_bring_an_ended_session_back) {
    auto connection = in_session(with_session());
    clock.advance(11min);
    answer_step(503);
    ASSERT_TRUE(connections->confirm_definition(connection, with_session(R"(,"revoke_url":"https://acme.example/revoke")")));
    with_session(R"(,"revoke_url":"https://acme.example/revoke")");
    EXPECT_FALSE(fresh()) << "ended before, and no new one came";
    EXPECT_EQ(sessions, 1);
}

TEST_F(StepsTest, a_confirmed_change_while_a_step_is_under_way_is_asked_for_anew) {
    const auto before = with_session();
    auto connection = in_session(before);
    clock.advance(11min);
    server.on("/step", [&](const FakeServer::Seen&) {
        auto now = stored();
        EXPECT_TRUE(connections->confirm_definition(now, define_acme()));
        return FakeServer::json(200, R"({"access_token":"late","expires_in":600})");
    });
    ASSERT_TRUE(fresh()) << "no step is wanted any more";
    EXPECT_FALSE(stored().steps_at);
    EXPECT_FALSE(stored().steps_end);
}

TEST_F(StepsTest, steps_that_fail_hold_no_renewal_up_and_a_renewal_that_fails_holds_no_steps_up) {
    auto connection = in_session(with_session());
    connection.steps_end.reset();
    connection.steps_at.reset();  // as after a renewal: wanted, and the old one is used meanwhile
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    server.on("/step", [&](const FakeServer::Seen&) {
        auto answer = FakeServer::json(503, "{}");
        answer.fields.set("Retry-After", "86400");
        return answer;
    });
    EXPECT_EQ(fresh()->how, Refreshed::failed);
    clock.advance(58min);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(text(stored().access_token), "access-1") << "the token's server is well";

    answer_step(200);
    clock.advance(25h);
    server.on("/token", 503, "{}");
    EXPECT_FALSE(fresh());
    auto lives = stored();
    lives.expires_at = clock.now() + 2min;  // due, but not over
    ASSERT_TRUE(connections->save(lives, std::nullopt));
    EXPECT_EQ(fresh()->how, Refreshed::failed);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(session(), "session-1") << "asked for with the token that lives";
}

TEST_F(StepsTest, a_session_without_a_known_end_is_made_anew_each_time_it_is_refused_but_ever_more_rarely) {
    least_pause = 0ms;
    auto connection = in_session(with_session(), 1000h);
    connection.refresh_token = base::Secret();
    connection.steps_end.reset();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    answer_step(200, "");
    for (int day = 1; day <= 8; ++day) {
        clock.advance(24h);
        ASSERT_TRUE(fresh(Need::replaced, "access-0"));
        EXPECT_EQ(sessions, day);
        EXPECT_EQ(fresh(Need::replaced, "access-0")->how, Refreshed::failed) << "at once again";
        EXPECT_EQ(sessions, day);
    }
    const auto before = sessions;
    for (int minute = 0; minute < 300; ++minute) {
        clock.advance(1min);
        fresh(Need::replaced, "access-0");
    }
    EXPECT_GE(sessions - before, 5);
    EXPECT_LE(sessions - before, 9) << "an API that refuses them all";
}

TEST_F(StepsTest, a_step_that_refuses_the_token_after_another_failure_has_it_renewed_too) {
    in_session(with_session());
    answer_step(503);
    clock.advance(11min);
    EXPECT_FALSE(fresh());
    answer_step(401);
    clock.advance(1min);
    EXPECT_FALSE(fresh());
    EXPECT_EQ(asked(), 0U);
    answer_step(200);
    clock.advance(15min);
    ASSERT_TRUE(fresh());
    EXPECT_EQ(asked(), 1U);
    EXPECT_EQ(by(2), "access-1");
}

TEST_F(StepsTest, ST10_a_session_made_under_a_clock_that_was_put_back_is_made_anew) {
    auto connection = in_session(with_session(), 100h);
    connection.steps_at = clock.now() + 24h;
    connection.steps_end = clock.now() + 25h;
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    ASSERT_TRUE(fresh());
    EXPECT_EQ(session(), "session-1");
    EXPECT_EQ(fresh()->how, Refreshed::not_due);
}

// The vault cannot take the new tokens, the room that was reserved can; then a step answers and there is room again, before
// they are stored. The old tokens must not have been touched, or the new ones would no longer find their place.
TEST_F(StepsTest, RF05_nothing_touches_the_old_tokens_while_new_ones_are_only_set_aside) {
    connect_acme(with_session());
    for (int i = 0; i < 40; ++i)  // so that the log of the database has outgrown the limit below
        ASSERT_TRUE(vault->put({"local", "setting", "filler"}, base::Secret(std::string(20'000, 'x')), std::nullopt, {"test", "filler"}));
    clock.advance(2h);
    std::optional<FullDisk> full;
    server.on("/token", [&](const FakeServer::Seen&) {
        full.emplace(kRoomForAnswer);
        return token_answer();
    });
    server.on("/step", [&](const FakeServer::Seen&) {
        full.reset();
        return FakeServer::json(200, R"({"access_token":"session-1","expires_in":600})");
    });
    const auto got = fresh();
    EXPECT_TRUE(full) << "no step was asked";
    EXPECT_EQ(list_aside(home).value().size(), 1U) << "set aside";
    full.reset();
    loop.run_until(loop.sleep(1500ms));
    EXPECT_EQ(text(stored().refresh_token), "refresh-1");
    EXPECT_EQ(asked(), 1U);
}

}  // namespace
}  // namespace claviger::connection::testing
