// What stands in the pages, the headers and the log, and what never does.
#include <filesystem>
#include <fstream>

#include "api/local_page_test_support.hpp"
#include "json/parse.hpp"

namespace claviger::api::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

class Content : public PageTest {};

TEST_F(Content, LB06_nothing_of_a_request_is_in_any_page) {
    const auto file = std::filesystem::path(CLAVIGER_SOURCE_DIR) / "../shared/peers/corpora/blns.json";
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "NOT TESTED: the corpus of naughty strings is not there";
    std::ifstream in(file);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    json::ParseOptions options;
    options.refuse_duplicate_keys = false;
    const auto strings = json::parse(text, options);
    ASSERT_TRUE(strings) << strings.error().message;
    ASSERT_GE(strings->get_array().size(), 500U);

    Asked asked;
    ask(asked);
    auto other = page->another();
    ASSERT_TRUE(other);
    Authorized authorized;
    authorize(**other, authorized, "the-right-state");
    auto web = browser();
    std::string form;
    for (const auto& link : opened)
        if (link.find("/connect/") != std::string::npos) form = net::Url::parse(link)->path();
    const auto csrf = csrf_of(web.get(form).body);
    const auto callback_page = web.get(std::string(kCallback) + "?state=wrong").body;
    const auto missing_page = web.get("/nothing").body;
    const auto csrf_page = web.post(form, "csrf=wrong").body;
    web.post(form, "api_key=wrong&csrf=" + csrf);
    const auto wrong_page = web.get(form).body;
    int tried = 0;
    for (const auto& item : strings->get_array()) {
        const std::string naughty(std::string_view(item.get_string()));
        if (naughty.size() > 3000) continue;
        const auto encoded = base::form_encode(naughty);
        for (const auto* name : {"state", "code", "error", "error_description", "iss", "error_uri"}) {
            const auto reply = web.get(fmt::format("{}?{}={}", kCallback, name, encoded));
            ASSERT_EQ(reply.status, 400) << naughty;
            ASSERT_EQ(reply.body, callback_page) << naughty;
        }
        ASSERT_EQ(web.get(fmt::format("{}?{}=1", kCallback, encoded)).body, callback_page);
        ASSERT_EQ(web.get("/" + base::percent_encode(naughty) + "x").body, missing_page);
        ASSERT_EQ(web.post(form, "csrf=" + encoded + "!").body, csrf_page);
        ASSERT_EQ(web.post(form, "api_key=bad" + encoded + "&csrf=" + csrf).status, 303);
        ASSERT_EQ(web.get(form).body, wrong_page) << naughty;
        ++tried;
    }
    EXPECT_GE(tried, 490);
    EXPECT_FALSE(asked.result);
    EXPECT_FALSE(authorized.result);
    // And with the right state: the words of the provider are not shown either.
    const auto reply = web.get(std::string(kCallback) + "?error=%3Cscript%3E&error_description=%3Cimg%20src%3Dx%3E&state=the-right-state");
    (*other)->finished(base::fail(ErrorCode::authorization_failed, "<script> <img src=x>"));
    const auto failed = web.get(reply.header("location"));
    EXPECT_EQ(failed.status, 200);
    EXPECT_EQ(failed.body.find("<script>"), std::string::npos);
    EXPECT_EQ(failed.body.find("img src"), std::string::npos);
}

TEST_F(Content, LB06_what_comes_from_a_definition_is_escaped_and_links_are_web_links) {
    auto form = simple_form();
    const std::string evil = "<script>alert(1)</script>\"'><img src=x onerror=y>";
    form.title = form.intro = form.error = evil;
    form.docs_url = "javascript:alert(1)";
    form.redirect_uri = evil;
    form.guide.callback_url_hint = evil;
    form.guide.steps = {{evil, "javascript:alert(1)"}, {"ok", "https://as.example/\"><script>"}, {evil, ""}};
    auto& field = form.fields.front();
    field.label = field.help = field.pattern_hint = field.placeholder = evil;
    field.secret = false;
    field.default_value = evil;
    connection::FormField choice;
    choice.name = evil;
    choice.label = evil;
    choice.choices = {evil, "b"};
    form.fields.push_back(choice);
    Asked asked;
    loop.spawn("test.ask", run_ask(*page, std::move(form), net::in(1min), asked));
    settle();
    auto web = browser();
    page->introduce(evil);
    const auto html = web.get(form_path()).body;
    EXPECT_EQ(html.find("<script>alert"), std::string::npos);
    EXPECT_EQ(html.find("<img"), std::string::npos);
    EXPECT_EQ(html.find("javascript:"), std::string::npos);
    EXPECT_NE(html.find("href=\"https://as.example/"), std::string::npos);
    page->finished({});
    const auto shown = web.post(form_path(), "csrf=" + csrf_of(html));
    EXPECT_EQ(web.get(shown.header("location")).body.find("<script>"), std::string::npos);
}

TEST_F(Content, LB07_headers_of_every_route) {
    Asked asked;
    ask(asked);
    auto web = browser();
    const auto csrf = csrf_of(web.get(form_path()).body);
    std::vector<Reply> replies;
    for (const auto& path : {form_path(), std::string("/"), std::string("/copy.js"), std::string(kCallback)})
        replies.push_back(web.get(path));
    replies.push_back(web.post(form_path(), "api_key=good&csrf=" + csrf));
    page->finished({});
    replies.push_back(web.get(replies.back().header("location")));
    EXPECT_EQ(replies.back().status, 200);
    Sent foreign;
    foreign.host = "evil.example";
    replies.push_back(web.send(foreign));
    Sent preflight;
    preflight.method = "OPTIONS";
    preflight.origin = "https://evil.example";
    preflight.more = {"Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true"};
    replies.push_back(web.send(preflight));
    EXPECT_EQ(replies.back().status, 403);
    for (const auto& reply : replies) {
        const auto policy = reply.header("content-security-policy");
        EXPECT_TRUE(policy.starts_with("default-src 'none'")) << policy;
        EXPECT_EQ(policy.find("unsafe"), std::string::npos);
        if (reply.header("content-type").starts_with("text/html")) {
            EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
            EXPECT_NE(policy.find("base-uri 'none'"), std::string::npos);
        }
        EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
        EXPECT_EQ(reply.header("referrer-policy"), "no-referrer");
        EXPECT_EQ(reply.header("cache-control"), "no-store");
        EXPECT_EQ(reply.header("cross-origin-opener-policy"), "same-origin");
        EXPECT_EQ(reply.header("cross-origin-resource-policy"), "same-origin");
        for (const auto& [name, value] : reply.headers) EXPECT_FALSE(name.starts_with("access-control-")) << name;
        EXPECT_EQ(reply.headers.count("set-cookie"), 0U);
    }
}

TEST_F(Content, LB08_neither_code_nor_state_nor_tokens_are_in_the_log) {
    const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / fmt::format("page-log-{}", page->port());
    std::FILE* file = std::fopen(path.c_str(), "w+");
    ASSERT_NE(file, nullptr);
    base::Log loud(fileno(file), base::LogLevel::trace);
    LocalPageOptions options;
    options.port = 0;
    auto made = LocalPage::open(loop, std::move(options), random, loud);
    ASSERT_TRUE(made);
    Authorized authorized;
    authorize(**made, authorized, "canary-state");
    Browser web(loop, (*made)->port());
    web.get(std::string(kCallback) + "?code=canary-code&state=wrong");
    const auto follow = web.get(std::string(kCallback) + "?code=canary-code&state=canary-state").header("location");
    std::fclose(file);
    std::ifstream in(path);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    EXPECT_NE(text.find("local_page.request"), std::string::npos);
    EXPECT_EQ(text.find("canary"), std::string::npos);
    EXPECT_EQ(text.find(follow.substr(6)), std::string::npos);
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace claviger::api::testing
