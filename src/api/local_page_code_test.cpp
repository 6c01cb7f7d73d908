#include "api/local_page_test_support.hpp"
#include "sys/qr_code.hpp"

namespace claviger::api::testing {
namespace {

using namespace std::chrono_literals;

class CodePage : public PageTest {
protected:
    void show(connection::DeviceCode code) {
        loop.run_until(page->show_device_code(std::move(code)));
    }
    static connection::DeviceCode code(const std::string& text, std::optional<net::Url> complete = std::nullopt) {
        return {text, net::Url::parse("https://acme.example/device").value(), std::move(complete), net::in(15min)};
    }
    [[nodiscard]] std::string path() const { return net::Url::parse(opened.back())->path(); }
};

TEST_F(CodePage, shows_code_link_and_qr_code_and_hears_of_the_end) {
    page->introduce("Acme <CRM>");
    show(code("WDJB-MJHT", net::Url::parse("https://acme.example/device?a=1&code=WDJB-MJHT").value()));
    ASSERT_EQ(opened.size(), 1U);
    EXPECT_TRUE(path().starts_with("/code/"));
    auto web = browser();
    const auto shown = web.get(path());
    EXPECT_EQ(shown.status, 200);
    EXPECT_NE(shown.body.find("value=\"WDJB-MJHT\""), std::string::npos);
    EXPECT_NE(shown.body.find("href=\"https://acme.example/device?a=1&amp;code=WDJB-MJHT\""), std::string::npos);
    EXPECT_NE(shown.body.find("Acme &lt;CRM&gt;"), std::string::npos);
    EXPECT_NE(shown.body.find("valid for 15 more minutes"), std::string::npos);
    // The picture is the code of that very link, module by module.
    const auto qr = sys::QrCode::of("https://acme.example/device?a=1&code=WDJB-MJHT").value();
    std::size_t squares = 0;
    for (auto at = shown.body.find("h1v1h-1z"); at != std::string::npos; at = shown.body.find("h1v1h-1z", at + 1)) ++squares;
    std::size_t dark = 0;
    for (int y = 0; y < qr.width(); ++y)
        for (int x = 0; x < qr.width(); ++x) {
            if (!qr.dark(x, y)) continue;
            ++dark;
            EXPECT_NE(shown.body.find(fmt::format("M{} {}h1v1h-1z", x, y)), std::string::npos);
        }
    EXPECT_EQ(squares, dark);
    // LB-07: no style attribute, no inline script, nothing from elsewhere.
    EXPECT_EQ(shown.body.find("style=\""), std::string::npos);
    EXPECT_EQ(shown.body.find("<img"), std::string::npos);
    EXPECT_NE(shown.header("content-security-policy").find("default-src 'none'"), std::string::npos);
    EXPECT_NE(shown.body.find("content=\"0;url=" + path() + "?next\""), std::string::npos);

    page->finished({});
    const auto next = web.get(path() + "?next");
    EXPECT_EQ(next.status, 303);
    EXPECT_NE(web.get(next.header("location")).body.find("is connected"), std::string::npos);
}

TEST_F(CodePage, a_tab_that_comes_from_a_form_is_led_to_the_code) {
    Asked asked;
    ask(asked);
    auto web = browser();
    const auto form = form_path();
    const auto posted = web.post(form, "api_key=good&csrf=" + csrf_of(web.get(form).body));
    show(code("AB12"));
    EXPECT_EQ(opened.size(), 2U);  // this tab was slow to come back
    const auto moved = web.get(posted.header("location"));
    EXPECT_EQ(moved.status, 303);
    EXPECT_TRUE(moved.header("location").starts_with("/code/"));
    EXPECT_NE(web.get(moved.header("location")).body.find("AB12"), std::string::npos);
}

TEST_F(CodePage, LB04_only_who_knows_the_link_sees_it_and_only_while_it_is_valid) {
    show(code("AB12"));
    auto web = browser();
    EXPECT_EQ(web.get("/code/").status, 404);
    EXPECT_EQ(web.get("/code/AAAAAAAAAAAAAAAAAAAAAA").status, 404);
    EXPECT_EQ(web.post(path(), "x=y").status, 405);
    page->finished(base::fail(base::ErrorCode::cancelled, "nobody"));
    EXPECT_EQ(web.get(path()).status, 303);
    EXPECT_NE(web.get(web.get(path()).header("location")).body.find("is not connected"), std::string::npos);
}

}  // namespace
}  // namespace claviger::api::testing
