#include "api/local_page.hpp"

#include <fstream>

#include "api/local_page_test_support.hpp"

namespace claviger::api::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

class Page : public PageTest {};

std::string value_of(const connection::AuthorizationResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.parameters)
        if (key == name) return value;
    return {};
}

TEST_F(Page, LB01_listens_on_loopback_alone) {
    std::ifstream table("/proc/net/tcp");
    const auto wanted = fmt::format("0100007F:{:04X}", page->port());
    const auto any = fmt::format("00000000:{:04X} 00000000:0000 0A", page->port());
    std::string line;
    bool found = false;
    while (std::getline(table, line)) {
        found = found || line.find(wanted) != std::string::npos;
        EXPECT_EQ(line.find(any), std::string::npos);
    }
    EXPECT_TRUE(found);
}

TEST_F(Page, LB04_the_form_is_answered_once_with_token_and_csrf) {
    Asked asked;
    ask(asked);
    ASSERT_EQ(opened.size(), 1U);
    ASSERT_FALSE(said.empty());
    EXPECT_NE(said.back().find(opened.back()), std::string::npos);
    const auto path = form_path();
    EXPECT_GE(path.size() - std::string_view("/connect/").size(), 22U);  // 128 bits
    auto web = browser();
    const auto form = web.get(path);
    EXPECT_EQ(form.status, 200);
    const auto csrf = csrf_of(form.body);
    EXPECT_GE(csrf.size(), 22U);

    EXPECT_EQ(web.post("/connect/AAAAAAAAAAAAAAAAAAAAAA", "api_key=good&csrf=" + csrf).status, 404);
    EXPECT_EQ(web.post("/connect/", "api_key=good&csrf=" + csrf).status, 404);
    EXPECT_EQ(web.post(path, "api_key=good").status, 403);
    EXPECT_EQ(web.post(path, "api_key=good&csrf=").status, 403);
    EXPECT_EQ(web.post(path, "api_key=good&csrf=x" + csrf).status, 403);
    EXPECT_EQ(web.post(path, "api_key=good&csrf=" + csrf + "&csrf=" + csrf).status, 403);
    EXPECT_EQ(web.post(path, "api_key=good&api_key=good&csrf=" + csrf).status, 400);
    EXPECT_EQ(web.post(path, "api_key=%zz&csrf=" + csrf).status, 400);
    EXPECT_FALSE(asked.result);

    const auto done = web.post(path, "api_key=good+one%26&ignored=x&csrf=" + csrf);
    EXPECT_EQ(done.status, 303);
    ASSERT_TRUE(asked.result && asked.result->has_value());
    EXPECT_TRUE((*asked.result)->at("api_key").equals("good one&"));
    EXPECT_EQ((*asked.result)->size(), 1U);
    // A second click goes where the first one went and does nothing; the link shows no form any more.
    EXPECT_EQ(web.post(path, "api_key=good-two&csrf=" + csrf).header("location"), done.header("location"));
    EXPECT_EQ(web.get(path).status, 404);
}

TEST_F(Page, a_wrong_answer_shows_the_form_again_with_its_message_and_without_what_was_typed) {
    Asked asked;
    ask(asked);
    auto web = browser();
    const auto path = form_path();
    const auto csrf = csrf_of(web.get(path).body);
    const auto reply = web.post(path, "api_key=wrong-typed-value&csrf=" + csrf);
    EXPECT_EQ(reply.status, 303);
    EXPECT_EQ(reply.header("location"), path);
    const auto again = web.get(path);
    EXPECT_EQ(again.status, 200);
    EXPECT_NE(again.body.find("must begin with good"), std::string::npos);
    EXPECT_NE(again.body.find("aria-invalid=\"true\""), std::string::npos);
    EXPECT_EQ(again.body.find("wrong-typed-value"), std::string::npos);
    EXPECT_FALSE(asked.result);
}

TEST_F(Page, LB05_limits) {
    Asked asked;
    ask(asked);
    auto web = browser();
    const auto path = form_path();
    EXPECT_EQ(web.raw(fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 10000000000\r\n\r\n", path, web.port())).status,
              413);
    EXPECT_EQ(web.post(path, "api_key=good" + std::string(65 * 1024, 'x')).status, 413);
    EXPECT_EQ(web.raw(fmt::format("GET / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX: {}\r\n\r\n", web.port(), std::string(17 * 1024, 'x'))).status,
              431);
    EXPECT_EQ(web.post(path, "csrf=" + std::string(70, '&')).status, 403);
    std::string many;
    for (int i = 0; i < 65; ++i) many += "a=b&";
    EXPECT_EQ(web.post(path, many).status, 400);
    Sent json{"POST", path, "{}", "application/json"};
    json.fetch_site = "same-origin";
    EXPECT_EQ(web.send(json).status, 415);
    EXPECT_FALSE(asked.result);
}

TEST_F(Page, OA03_LB12_a_thousand_stray_callbacks_then_the_right_one) {
    Authorized authorized;
    authorize(authorized, "right-state-0123456789");
    ASSERT_EQ(opened.size(), 1U);
    EXPECT_EQ(opened.front(), "https://as.example/authorize");
    auto web = browser();
    const std::string right = std::string(kCallback) + "?code=the-code&state=right-state-0123456789";
    for (int i = 0; i < 1000; ++i) {
        Reply reply;
        switch (i % 10) {
            case 0: reply = web.get(std::string(kCallback) + "?code=x&state=wrong" + std::to_string(i)); break;
            case 1: reply = web.get(std::string(kCallback) + "?code=x"); break;
            case 2: reply = web.get(kCallback); break;
            case 3: reply = web.get(right + "&state=right-state-0123456789"); break;
            case 4: reply = web.get(std::string(kCallback) + "?error=access_denied&state="); break;
            case 5: reply = web.send(Sent{"HEAD", right}); break;
            case 6: reply = web.get("/auth/callback/oauth/?code=c&state=right-state-0123456789"); break;
            case 7: reply = web.get("/favicon.ico"); break;
            case 8: reply = web.post(kCallback, "code=c&state=right-state-0123456789"); break;
            default: reply = web.get(std::string(kCallback) + "?code=x&state=right-state-012345678"); break;
        }
        ASSERT_GE(reply.status, 400) << i;
        ASSERT_LT(reply.status, 500) << i;
        ASSERT_FALSE(authorized.result) << i;
    }
    for (const auto* target : {"/AUTH/callback/oauth?state=right-state-0123456789", "//auth/callback/oauth?state=right-state-0123456789",
                               "/%61uth/callback/oauth?state=right-state-0123456789", "/x/../auth/callback/oauth?state=right-state-0123456789"})
        EXPECT_GE(web.get(target).status, 400) << target;
    ASSERT_FALSE(authorized.result);
    const auto reply = web.get(right);
    EXPECT_EQ(reply.status, 303);
    EXPECT_EQ(reply.header("location").find("code"), std::string::npos);  // LB-08
    EXPECT_EQ(reply.header("location").find("state"), std::string::npos);
    EXPECT_EQ(reply.body, "");
    ASSERT_TRUE(authorized.result && authorized.result->has_value());
    EXPECT_EQ(value_of(**authorized.result, "code"), "the-code");
    EXPECT_EQ(web.get(right).status, 400);  // single use
}

TEST_F(Page, LB12_form_post_is_taken_only_where_it_was_asked_for) {
    Authorized authorized;
    authorize(authorized, "right-state", "?response_mode=form_post");
    auto web = browser();
    Sent sent{"POST", kCallback, "code=c&state=right-state"};
    sent.origin = "https://as.example";
    sent.fetch_site = "cross-site";
    Sent wrong = sent;
    wrong.body = "code=c&state=wrong";
    EXPECT_EQ(web.send(wrong).status, 400);
    EXPECT_FALSE(authorized.result);
    EXPECT_EQ(web.send(sent).status, 303);
    EXPECT_TRUE(authorized.result);
    EXPECT_EQ(web.send(sent).status, 403);  // nobody expects one any more
}

TEST_F(Page, LB14_success_is_shown_only_after_the_flow_has_finished) {
    Authorized authorized;
    authorize(authorized, "s1");
    auto web = browser();
    page->introduce("Acme CRM");
    const auto follow = web.get(std::string(kCallback) + "?code=c&state=s1").header("location");
    const auto waiting = web.get(follow);  // held, then told to ask again
    EXPECT_EQ(waiting.status, 200);
    EXPECT_NE(waiting.body.find("http-equiv=\"refresh\""), std::string::npos);
    EXPECT_EQ(waiting.body.find("is connected"), std::string::npos);
    page->finished(base::fail(ErrorCode::authorization_failed, "the token endpoint refused"));
    const auto failed = web.get(follow);
    EXPECT_NE(failed.body.find("Acme CRM is not connected"), std::string::npos);
    EXPECT_EQ(failed.body.find("http-equiv"), std::string::npos);
    page->finished({});
    EXPECT_NE(web.get(follow).body.find("Acme CRM is connected"), std::string::npos);
    EXPECT_EQ(web.get("/flow/AAAAAAAAAAAAAAAAAAAAAA").status, 404);
}

TEST_F(Page, after_the_form_the_same_tab_is_sent_on_to_the_provider) {
    Asked asked;
    ask(asked);
    auto web = browser();
    const auto follow = web.post(form_path(), "api_key=good&csrf=" + csrf_of(web.get(form_path()).body)).header("location");
    std::optional<Reply> on;
    const auto fetch = [](net::Loop& loop_, std::uint16_t port, std::string target, std::optional<Reply>& into) -> net::Task<void> {
        Sent sent;
        sent.target = std::move(target);
        into = co_await exchange(loop_, port, sent.text(port));
    };
    loop.spawn("test.tab", fetch(loop, page->port(), follow, on));
    Authorized authorized;
    authorize(authorized, "s2");
    while (!on) settle();
    EXPECT_EQ(on->status, 200);
    const auto at = on->body.find("url=/go/");
    ASSERT_NE(at, std::string::npos) << on->body;
    const auto go = on->body.substr(at + 4, on->body.find('"', at) - at - 4);
    EXPECT_EQ(on->body.find("as.example"), std::string::npos);
    const auto reply = web.get(go);
    EXPECT_EQ(reply.status, 303);
    EXPECT_EQ(reply.header("location"), "https://as.example/authorize");
    EXPECT_EQ(opened.size(), 1U);  // no second window
    web.get(std::string(kCallback) + "?code=c&state=s2");
    EXPECT_TRUE(authorized.result);
    EXPECT_EQ(web.get(go).status, 404);
}

TEST_F(Page, LB13_thirty_two_flows_share_nothing) {
    std::vector<std::unique_ptr<LocalPage>> pages;
    for (std::size_t i = 1; i < LocalPage::kMaxFlows; ++i) {
        auto another = page->another();
        ASSERT_TRUE(another) << i;
        pages.push_back(std::move(*another));
    }
    const auto beyond = page->another();
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code, ErrorCode::limit);
    std::vector<Authorized> results(pages.size());
    for (std::size_t i = 0; i < pages.size(); ++i) authorize(*pages[i], results[i], fmt::format("state-{}-xyz", i));
    auto web = browser();
    std::vector<std::string> follow(pages.size());
    for (std::size_t n = 0; n < pages.size(); ++n) {
        const auto i = (n * 7 + 3) % pages.size();  // in another order than they began
        follow[i] = web.get(fmt::format("{}?code=code-{}&state=state-{}-xyz", kCallback, i, i)).header("location");
        ASSERT_TRUE(results[i].result) << i;
    }
    for (std::size_t i = 0; i < pages.size(); ++i) {
        EXPECT_EQ(value_of(**results[i].result, "code"), fmt::format("code-{}", i));
        pages[i]->introduce(fmt::format("Service-{}.", i));
        pages[i]->finished({});
    }
    for (std::size_t i = 0; i < pages.size(); ++i)
        EXPECT_NE(web.get(follow[i]).body.find(fmt::format("Service-{}. is connected", i)), std::string::npos) << i;
}

TEST_F(Page, LB13_a_flow_nobody_answers_ends_at_its_deadline) {
    Asked asked;
    loop.run_until(run_ask(*page, simple_form(), net::in(5ms), asked));
    ASSERT_TRUE(asked.result);
    EXPECT_EQ(asked.result->error().code, ErrorCode::cancelled);
    EXPECT_EQ(browser().get(form_path()).status, 404);
    Authorized authorized;
    loop.run_until(run_authorize(*page, "late", "", net::in(5ms), authorized));
    ASSERT_TRUE(authorized.result);
    EXPECT_EQ(authorized.result->error().code, ErrorCode::cancelled);
    EXPECT_EQ(browser().get(std::string(kCallback) + "?code=c&state=late").status, 400);
}

TEST_F(Page, LB15_no_listener_after_the_last_flow) {
    auto web = browser();
    auto other = page->another();
    ASSERT_TRUE(other);
    EXPECT_EQ(web.get("/").status, 404);
    page.reset();
    EXPECT_EQ(web.get("/").status, 404);  // the other flow still waits
    (*other)->finished({});
    loop.run_until((*other)->farewell(net::in(1s)));
    settle();
    EXPECT_EQ(web.get("/").status, 0);
    EXPECT_EQ((*other)->another().error().code, ErrorCode::cancelled);
}

TEST_F(Page, LB09_a_taken_port_is_an_error_that_says_what_to_do) {
    LocalPageOptions options;
    options.port = page->port();
    const auto second = LocalPage::open(loop, std::move(options), random, log);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::busy);
    EXPECT_NE(second.error().message.find(std::to_string(page->port())), std::string::npos) << second.error().message;
    EXPECT_NE(second.error().hint, "");
}

TEST_F(Page, OA15_a_redirect_uri_that_nobody_registered_yet_may_have_any_port) {
    LocalPageOptions options;
    options.port = page->port();
    options.another_port = true;
    std::vector<std::string> lines;
    options.say = [&](std::string_view line) { lines.emplace_back(line); };
    const auto second = LocalPage::open(loop, std::move(options), random, log);
    ASSERT_TRUE(second) << second.error().describe();
    EXPECT_NE((*second)->port(), page->port());
    EXPECT_EQ((*second)->redirect_uri().value(), fmt::format("http://127.0.0.1:{}/auth/callback/oauth", (*second)->port()));
    EXPECT_EQ(lines, std::vector<std::string>{fmt::format("Port {} is taken: this login uses port {}.", page->port(), (*second)->port())});
}

TEST_F(Page, the_redirect_uri_names_the_port_and_the_path) {
    EXPECT_EQ(page->redirect_uri().value(), fmt::format("http://127.0.0.1:{}/auth/callback/oauth", page->port()));
    EXPECT_EQ(LocalPageOptions{}.port, 7998);
}

}  // namespace
}  // namespace claviger::api::testing
