#include "api/approval_site.hpp"

#include <gtest/gtest.h>

#include "api/local_page_test_support.hpp"
#include "json/parse.hpp"

namespace claviger::api {
namespace {

using namespace std::chrono_literals;
using testing::Browser;
using testing::Reply;
using testing::Sent;

struct ApprovalSiteTest : ::testing::Test {
    net::Loop loop;
    base::SystemClock clock;
    base::SystemRandom random;
    base::Log log;
    policy::Approvals approvals{{loop, clock, "3f9a", std::chrono::hours(1), nullptr}};
    std::unique_ptr<ApprovalSite> site = *ApprovalSite::open(loop, approvals, {"3f9a000000000000", "agent"}, random, log);
    Browser browser{loop, site->port()};
    net::Cancellation gone;
    std::optional<policy::Approvals::Answered> answered;

    static net::Task<void> run(policy::Approvals& by, policy::AskedRequest request, net::Cancellation& gone, std::optional<policy::Approvals::Answered>& into) {
        into = co_await by.ask(std::move(request), gone);
    }
    void ask(std::string target = "/x") {
        policy::AskedRequest request{"acme", "default", "POST", "api.acme.com", std::move(target), "--ask write", false, false};
        loop.spawn("ask", run(approvals, std::move(request), gone, answered));
        turn();
    }
    void turn() {
        for (int i = 0; i < 3; ++i) loop.run_until(loop.sleep(0ms));
    }
    Reply machine(std::string method, std::string target, std::string body = "", std::optional<std::string> key = std::nullopt) {
        Sent sent;
        sent.method = std::move(method);
        sent.target = std::move(target);
        sent.body = std::move(body);
        sent.more = {"Authorization: Bearer " + key.value_or(std::string(site->key().reveal()))};
        return browser.send(sent);
    }
    std::string new_link() {
        const auto value = json::parse(machine("POST", "/link").body);
        return std::string(json::string_at(value->get_object(), "path").value_or(""));
    }
    // The one form of the page, sent by its own button.
    static std::string action_of(const std::string& page) {
        constexpr std::string_view kBefore = "action=\"";
        const auto at = page.find(kBefore);
        return at == std::string::npos ? "" : page.substr(at + kBefore.size(), page.find('"', at + kBefore.size()) - at - kBefore.size());
    }
};

TEST_F(ApprovalSiteTest, the_owners_command_lists_and_answers) {
    ask();
    const auto listed = machine("GET", "/waiting");
    ASSERT_EQ(listed.status, 200) << listed.body;
    const auto value = json::parse(listed.body);
    ASSERT_TRUE(value);
    EXPECT_EQ(json::string_at(value->get_object(), "program"), "agent");
    const auto& one = json::array_at(value->get_object(), "waiting")->at(0).get_object();
    EXPECT_EQ(json::string_at(one, "id"), "3f9a-1");
    EXPECT_EQ(json::string_at(one, "subject"), "POST api.acme.com/x");
    for (const auto* wrong : {"", "id=3f9a-1", "id=3f9a-1&answer=yes", "answer=once", "id=3f9a-1&answer=for", "id=3f9a-1&answer=for&seconds=0",
                              "id=3f9a-1&answer=for&seconds=-5", "id=3f9a-1&answer=for&seconds=9x", "id=3f9a-1&answer=for&seconds=90000",
                              "id=3f9a-1&id=3f9a-1&answer=once", "id=3f9a-1&answer=deny&answer=once"}) {
        EXPECT_EQ(machine("POST", "/answer", wrong).status, 400) << wrong;
    }
    EXPECT_EQ(machine("POST", "/answer", "id=3f9a-2&answer=once").status, 404);
    EXPECT_FALSE(answered);
    EXPECT_EQ(machine("POST", "/answer", "id=3f9a-1&answer=for&seconds=600").status, 200);
    turn();
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->lasting, 10min);
    EXPECT_EQ(machine("POST", "/answer", "id=3f9a-1&answer=once").status, 404) << "an answer counts once";
}

TEST_F(ApprovalSiteTest, T2_without_the_key_nothing_is_told_or_taken) {
    ask();
    const std::string key(site->key().reveal());
    for (const auto& wrong : {std::string(), std::string("x"), key.substr(1), key + "x", std::string(key.size(), 'A')}) {
        for (const auto& [method, path] : {std::pair{"GET", "/waiting"}, {"POST", "/answer"}, {"POST", "/link"}}) {
            const auto reply = machine(method, path, "id=3f9a-1&answer=once", wrong);
            EXPECT_EQ(reply.status, 403) << path;
            EXPECT_EQ(reply.body.find("acme"), std::string::npos);
        }
    }
    Sent twice;
    twice.target = "/waiting";
    twice.more = {"Authorization: Bearer " + key, "Authorization: Bearer " + key};
    EXPECT_EQ(browser.send(twice).status, 403);
    EXPECT_EQ(browser.get("/waiting").status, 403);
    EXPECT_EQ(browser.get("/approve/").status, 404);
    EXPECT_EQ(browser.get("/approve/" + key).status, 404) << "the key is no link";
    EXPECT_EQ(browser.get("/").status, 404);
    EXPECT_EQ(machine("POST", "/waiting").status, 405);
    EXPECT_EQ(machine("GET", "/answer").status, 405);
    EXPECT_FALSE(answered);
    EXPECT_EQ(approvals.waiting().size(), 1U);
}

TEST_F(ApprovalSiteTest, a_link_and_a_form_work_once_each) {
    ask();
    const auto link = new_link();
    const auto page = browser.get(link);
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.header("cache-control"), "no-store");
    EXPECT_NE(page.header("content-security-policy").find("frame-ancestors 'none'"), std::string::npos);
    EXPECT_EQ(page.body.find("http-equiv=\"refresh\""), std::string::npos) << "nothing moves under a hand";
    EXPECT_EQ(page.body.find(std::string(site->key().reveal())), std::string::npos);
    EXPECT_EQ(browser.get(link).status, 404);
    const auto action = action_of(page.body);
    ASSERT_NE(action, link);
    const auto done = browser.post(action, "id=3f9a-1&answer=once");
    EXPECT_EQ(done.status, 200);
    EXPECT_NE(done.body.find("was approved, this once"), std::string::npos) << done.body;
    EXPECT_EQ(browser.post(action, "id=3f9a-1&answer=once").status, 404);
    turn();
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->outcome, policy::Approvals::Outcome::once);
}

TEST_F(ApprovalSiteTest, LB03_another_sites_form_counts_for_nothing) {
    ask();
    const struct { std::optional<std::string> origin, fetch_site, host; std::string type; int status; } rows[] = {
        {"https://evil.example", "cross-site", std::nullopt, "application/x-www-form-urlencoded", 403},
        {"null", std::nullopt, std::nullopt, "application/x-www-form-urlencoded", 403},
        {std::nullopt, std::nullopt, std::nullopt, "application/x-www-form-urlencoded", 403},
        {std::nullopt, "same-site", std::nullopt, "application/x-www-form-urlencoded", 403},
        {fmt::format("http://127.0.0.1:{}", site->port()), "same-origin", "rebound.example", "application/x-www-form-urlencoded", 421},
        {fmt::format("http://127.0.0.1:{}", site->port()), "same-origin", std::nullopt, "text/plain", 415},
    };
    for (const auto& row : rows) {
        Sent sent;
        sent.method = "POST";
        sent.target = action_of(browser.get(new_link()).body);
        sent.body = "id=3f9a-1&answer=once";
        sent.origin = row.origin, sent.fetch_site = row.fetch_site, sent.host = row.host, sent.type = row.type;
        EXPECT_EQ(browser.send(sent).status, row.status) << row.origin.value_or("") << row.type;
    }
    EXPECT_FALSE(answered);
}

TEST_F(ApprovalSiteTest, LB06_what_a_program_wrote_is_text) {
    ask("/<script>alert(1)</script>\"'&\x1b[31m");
    const auto page = browser.get(new_link());
    EXPECT_EQ(page.body.find("<script>"), std::string::npos);
    EXPECT_EQ(page.body.find('\x1b'), std::string::npos);
    EXPECT_NE(page.body.find("&lt;script&gt;"), std::string::npos);
}

TEST_F(ApprovalSiteTest, links_that_nobody_followed_are_forgotten) {
    const auto first = new_link();
    for (int i = 0; i < 64; ++i) new_link();
    EXPECT_EQ(browser.get(first).status, 404);
}

TEST_F(ApprovalSiteTest, an_empty_page_hears_of_the_first_request) {
    const auto empty = browser.get(new_link());
    constexpr std::string_view kBefore = "content=\"0;url=";
    const auto at = empty.body.find(kBefore);
    ASSERT_NE(at, std::string::npos) << empty.body;
    const auto next = empty.body.substr(at + kBefore.size(), empty.body.find('"', at + kBefore.size()) - at - kBefore.size());
    loop.spawn("later", [](ApprovalSiteTest& self) -> net::Task<void> {
        co_await self.loop.sleep(50ms);
        policy::AskedRequest request{"acme", "default", "POST", "api.acme.com", "/x", "--ask write", false, false};
        self.loop.spawn("ask", run(self.approvals, std::move(request), self.gone, self.answered));
    }(*this));
    const auto page = browser.get(next);
    EXPECT_NE(page.body.find("1 approval wanted"), std::string::npos) << page.body;
}

}  // namespace
}  // namespace claviger::api
