#include "policy/approvals.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace claviger::policy {
namespace {

using namespace std::chrono_literals;
using Kind = Answer::Kind;
using Outcome = Approvals::Outcome;

struct ApprovalsTest : testing::Test {
    net::Loop loop;
    base::FakeClock clock;
    std::vector<WaitingRequest> announced;
    bool can_ask = true;
    Approvals approvals{surroundings(std::chrono::hours(1))};

    Approvals::Surroundings surroundings(base::Duration patience) {
        return {loop, clock, "3f9a", patience, [this](const WaitingRequest& what) -> base::Result<void> {
                    if (!can_ask) return base::fail(base::ErrorCode::storage, "disk full");
                    announced.push_back(what);
                    return {};
                }};
    }

    static AskedRequest request(std::string method = "POST", std::string target = "/x", std::string rule = "ask write") {
        return {"acme", "default", std::move(method), "api.acme.com", std::move(target), std::move(rule), false, false};
    }

    struct Asked {
        net::Cancellation gone;
        std::optional<Approvals::Answered> answered;
        [[nodiscard]] std::optional<Outcome> outcome() const { return answered ? std::optional(answered->outcome) : std::nullopt; }
    };
    static net::Task<void> run(Approvals& by, AskedRequest request, Asked& asked) { asked.answered = co_await by.ask(std::move(request), asked.gone); }
    void start(Approvals& by, AskedRequest request, Asked& asked) {
        loop.spawn("ask", run(by, std::move(request), asked));
        turn();
    }
    void start(AskedRequest request, Asked& asked) { start(approvals, std::move(request), asked); }
    void turn() {
        for (int i = 0; i < 3; ++i) loop.run_until(loop.sleep(0ms));
    }
};

TEST_F(ApprovalsTest, a_request_waits_for_its_answer_which_counts_once) {
    Asked yes, no;
    start(request(), yes);
    start(request("DELETE"), no);
    ASSERT_EQ(approvals.waiting().size(), 2U);
    ASSERT_EQ(announced.size(), 2U);
    EXPECT_EQ(announced[0].id, "3f9a-1");
    EXPECT_EQ(announced[1].id, "3f9a-2");
    EXPECT_FALSE(yes.outcome());
    ASSERT_TRUE(approvals.answer("3f9a-1", {Kind::once}));
    ASSERT_TRUE(approvals.answer("3f9a-2", {Kind::deny}));
    EXPECT_EQ(approvals.answer("3f9a-1", {Kind::once}).error().code, base::ErrorCode::not_found);
    turn();
    EXPECT_EQ(yes.outcome(), Outcome::once);
    EXPECT_EQ(no.outcome(), Outcome::denied);
    Asked again;
    start(request(), again);
    ASSERT_EQ(approvals.waiting().size(), 1U) << "once is once";
    EXPECT_EQ(approvals.waiting()[0].id, "3f9a-3") << "an answer to the first one can never meet this one";
    again.gone.cancel();
    turn();
}

TEST_F(ApprovalsTest, for_a_time_covers_the_same_kind_of_request_alone) {
    auto other_host = request(), other_connection = request(), tunnel = request(), websocket = request();
    other_host.host = "upload.acme.com";
    other_connection.connection = "work";
    tunnel.tunnel = true;
    websocket.websocket = true;
    const struct { AskedRequest first, other; bool covered; } rows[] = {
        {request(), request(), true}, {request(), request("POST", "/y"), true}, {request("GET"), request("HEAD"), true},
        {request(), request("DELETE"), false}, {request(), request("GET"), false}, {request(), request("POST", "/x", "ask POST"), false},
        {request(), other_host, false}, {request(), other_connection, false}, {request(), tunnel, false}, {request(), websocket, false}, {websocket, request(), false},
    };
    for (const auto& row : rows) {
        Approvals fresh(surroundings(std::chrono::hours(1)));
        Asked first, other;
        start(fresh, row.first, first);
        start(fresh, row.other, other);
        ASSERT_TRUE(fresh.answer(fresh.waiting().front().id, {Kind::for_a_time, 10min}));
        turn();
        EXPECT_EQ(first.outcome(), Outcome::for_a_time);
        EXPECT_EQ(first.answered->lasting, 10min);
        EXPECT_EQ(other.outcome(), row.covered ? std::optional(Outcome::earlier) : std::nullopt) << row.other.method << row.other.target << " " << row.other.rule;
        other.gone.cancel();
        clock.advance(10min - 1ms);
        Asked in_time, late;
        start(fresh, row.first, in_time);
        EXPECT_EQ(in_time.outcome(), Outcome::earlier);
        clock.advance(1ms);
        start(fresh, row.first, late);
        EXPECT_FALSE(late.outcome()) << "its time is up";
        late.gone.cancel();
        turn();
    }
}

TEST_F(ApprovalsTest, who_hangs_up_frees_its_place_and_what_nobody_answers_is_refused) {
    Asked gone, before;
    start(request(), gone);
    gone.gone.cancel();
    turn();
    EXPECT_EQ(gone.outcome(), Outcome::gone);
    EXPECT_TRUE(approvals.waiting().empty());
    EXPECT_EQ(approvals.answer(announced[0].id, {Kind::once}).error().code, base::ErrorCode::not_found);
    before.gone.cancel();
    start(request(), before);
    EXPECT_EQ(before.outcome(), Outcome::gone);
    EXPECT_EQ(announced.size(), 1U) << "nobody was asked for who had left";
    Approvals impatient(surroundings(1ms));
    Asked late;
    loop.run_until(run(impatient, request(), late));
    EXPECT_EQ(late.outcome(), Outcome::timed_out);
    EXPECT_TRUE(impatient.waiting().empty());
}

TEST_F(ApprovalsTest, so_many_wait_and_no_more) {
    std::vector<std::unique_ptr<Asked>> many;
    for (std::size_t i = 0; i < Approvals::kMostWaiting + 1; ++i) {
        many.push_back(std::make_unique<Asked>());
        start(request("POST", "/" + std::to_string(i)), *many.back());
    }
    EXPECT_EQ(many.back()->outcome(), Outcome::too_many);
    EXPECT_EQ(approvals.waiting().size(), Approvals::kMostWaiting);
    many.front()->gone.cancel();
    Asked next;
    start(request(), next);
    EXPECT_FALSE(next.outcome()) << "the place of who left is free";
    for (const auto& waiting : approvals.waiting()) ASSERT_TRUE(approvals.answer(waiting.id, {Kind::once}));
    turn();
    EXPECT_EQ(next.outcome(), Outcome::once);
    for (std::size_t i = 1; i < Approvals::kMostWaiting; ++i) EXPECT_EQ(many[i]->outcome(), Outcome::once) << i;
}

TEST_F(ApprovalsTest, a_refusal_of_its_like_holds_for_the_session) {
    Asked first, like, other;
    start(request(), first);
    start(request("POST", "/y"), like);
    start(request("DELETE"), other);
    ASSERT_TRUE(approvals.answer("3f9a-1", {Kind::deny_like}));
    turn();
    EXPECT_EQ(first.outcome(), Outcome::denied);
    EXPECT_EQ(like.outcome(), Outcome::denied_earlier);
    EXPECT_FALSE(other.outcome());
    clock.advance(100h);
    Asked later, other_rule;
    start(request("POST", "/z"), later);
    EXPECT_EQ(later.outcome(), Outcome::denied_earlier);
    EXPECT_EQ(announced.size(), 3U) << "nobody is asked";
    start(request("POST", "/x", "ask POST"), other_rule);
    EXPECT_FALSE(other_rule.outcome()) << "another rule asks";
    other.gone.cancel();
    other_rule.gone.cancel();
    turn();
}

TEST_F(ApprovalsTest, so_many_questions_a_minute) {
    const auto count = static_cast<std::size_t>(Approvals::kMostQuestions.count);
    for (std::size_t i = 0; i < count; ++i) {
        Asked asked;
        start(request(), asked);
        ASSERT_TRUE(approvals.answer(announced.back().id, {Kind::deny})) << i;
        turn();
    }
    Asked often, later;
    start(request(), often);
    EXPECT_EQ(often.outcome(), Outcome::too_often);
    EXPECT_EQ(announced.size(), count) << "not asked";
    clock.advance(2s);
    start(request(), later);
    EXPECT_FALSE(later.outcome());
    later.gone.cancel();
    turn();
}

TEST_F(ApprovalsTest, what_nobody_can_be_asked_about_does_not_wait) {
    can_ask = false;
    Asked asked;
    start(request(), asked);
    EXPECT_EQ(asked.outcome(), Outcome::unavailable);
    EXPECT_EQ(asked.answered->why, "disk full");
    EXPECT_TRUE(approvals.waiting().empty());
}

TEST_F(ApprovalsTest, an_approval_has_an_end) {
    Asked asked;
    start(request(), asked);
    for (const base::Duration lasting : {base::Duration(0), base::Duration(-1min), base::Duration(Approvals::kLongest + 1ms)}) {
        EXPECT_EQ(approvals.answer("3f9a-1", {Kind::for_a_time, lasting}).error().code, base::ErrorCode::usage);
    }
    EXPECT_EQ(approvals.waiting().size(), 1U);
    asked.gone.cancel();
    turn();
}

TEST_F(ApprovalsTest, a_session_may_end_with_questions_open) {
    Asked asked;
    auto short_lived = std::make_unique<net::Loop>();
    auto with = surroundings(std::chrono::hours(1));
    auto by = std::make_unique<Approvals>(Approvals::Surroundings{*short_lived, clock, "3f9a", with.patience, nullptr});
    short_lived->spawn("ask", run(*by, request(), asked));
    short_lived->run_until(short_lived->sleep(1ms));
    ASSERT_EQ(by->waiting().size(), 1U);
    by.reset();
    short_lived.reset();
    EXPECT_FALSE(asked.answered);
}

TEST(ShownTarget, names_what_is_asked_without_its_secrets) {
    const struct { std::string_view url, shown; } rows[] = {
        {"https://api.acme.com/users/7", "/users/7"},
        {"https://api.acme.com/", "/"},
        {"https://api.acme.com/pay?to=someone&sum=7", "/pay?to=...&sum=..."},
        {"https://api.acme.com/pay?c2VjcmV0LXZhbHVl", "/pay?..."},
        {"https://api.acme.com/t/Zk3vQ9xLp2Wm8Rt5Yb1N/x", "/t/***/x"},
        {"https://api.acme.com/x?Zk3vQ9xLp2Wm8Rt5Yb1N=1", "/x?***=..."},
    };
    for (const auto& row : rows) {
        const auto url = net::Url::parse(row.url);
        ASSERT_TRUE(url) << row.url;
        EXPECT_EQ(shown_target(*url), row.shown);
    }
    std::string many = "https://api.acme.com/x?a=";
    for (int i = 0; i < 500; ++i) many += "&a=1";
    EXPECT_LT(shown_target(*net::Url::parse(many)).size(), 200U);
}

}  // namespace
}  // namespace claviger::policy
