#include "net/url.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "json/parse.hpp"

namespace claviger::net {
namespace {

std::optional<json::Array> read_rows(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::ostringstream text;
    text << file.rdbuf();
    auto parsed = json::parse(text.str());
    if (!parsed || !parsed->is_array()) return std::nullopt;
    return parsed->as_array();
}

Url parsed(std::string_view text) {
    auto url = Url::parse(text);
    EXPECT_TRUE(url) << text << ": " << (url ? "" : url.error().message);
    return url ? *url : Url{};
}

bool ours(std::string_view href) {
    for (const std::string_view scheme : {"http:", "https:", "ws:", "wss:"}) {
        if (href.starts_with(scheme)) return true;
    }
    return false;
}

// A row's input against its base. A base of another scheme is no Url here; then the input must stand alone.
base::Result<Url> evaluate(std::string_view input, std::optional<std::string_view> base) {
    if (!base) return Url::parse(input);
    const auto parsed_base = Url::parse(*base);
    return parsed_base ? parsed_base->resolve(input) : Url::parse(input);
}

struct Tally { int agreed = 0, refused = 0, other_scheme = 0, disagreed = 0; };

Tally check(const json::Array& rows) {
    Tally tally;
    for (const auto& value : rows) {
        if (!value.is_object()) continue;  // a comment
        const auto& row = value.as_object();
        const std::string input(*json::string_at(row, "input"));
        const auto expected = json::string_at(row, "href");
        const auto got = evaluate(input, json::string_at(row, "base"));
        const bool want = expected && ours(*expected);
        const bool agrees = want ? got && got->text() == *expected : !got;
        EXPECT_TRUE(agrees) << input << " expected " << (want ? *expected : "failure") << " got "
                            << (got ? got->text() : got.error().message);
        if (!agrees) ++tally.disagreed;
        else if (want) ++tally.agreed;
        else if (expected) ++tally.other_scheme;
        else ++tally.refused;
        if (!got) continue;
        const auto again = Url::parse(got->text());
        EXPECT_TRUE(again && *again == *got) << "not stable: " << got->text();
    }
    return tally;
}

// The whole WHATWG test data: 270 URLs of our schemes, 267 failures, and 354 of other schemes (file, data, blob,
// non-special ...), which must fail here because no credential ever goes there.
TEST(Url, PX03_agrees_with_the_whatwg_test_data) {
    const auto shared = std::filesystem::path(CLAVIGER_SOURCE_DIR) / "../shared";
    if (!std::filesystem::exists(shared)) GTEST_SKIP() << "NO ../shared: the WHATWG test data was not checked";
    const auto rows = read_rows(shared / "peers/corpora/urltestdata.json");
    ASSERT_TRUE(rows);
    const auto tally = check(*rows);
    EXPECT_EQ(tally.disagreed, 0);
    EXPECT_EQ(tally.agreed, 270);
    EXPECT_EQ(tally.refused, 267);
    EXPECT_EQ(tally.other_scheme, 354);
}

TEST(Url, PX03_agrees_with_own_vectors) {
    const auto rows = read_rows(std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/url/urls.json");
    ASSERT_TRUE(rows);
    const auto tally = check(*rows);
    EXPECT_EQ(tally.disagreed, 0);
    EXPECT_EQ(tally.agreed, 222);
    EXPECT_EQ(tally.refused, 91);
}

TEST(Url, parts_of_one_url) {
    const auto url = parsed("https://us%40er:p%3Aw@API.acme.com:8443/a/../b?x=1&y=%20#frag");
    EXPECT_EQ(url.scheme(), "https");
    EXPECT_EQ(url.username(), "us%40er");
    EXPECT_EQ(url.password(), "p%3Aw");
    EXPECT_TRUE(url.has_userinfo());
    EXPECT_EQ(url.host(), "api.acme.com");
    EXPECT_EQ(url.port(), 8443);
    EXPECT_FALSE(url.has_default_port());
    EXPECT_EQ(url.path(), "/b");
    EXPECT_EQ(url.query(), "x=1&y=%20");
    EXPECT_EQ(url.fragment(), "frag");
    EXPECT_EQ(url.authority(), "api.acme.com:8443");
    EXPECT_EQ(url.origin(), "https://api.acme.com:8443");
    EXPECT_EQ(url.request_target(), "/b?x=1&y=%20");
    EXPECT_EQ(url.text(), "https://us%40er:p%3Aw@api.acme.com:8443/b?x=1&y=%20#frag");
}

TEST(Url, LG03_redacted_holds_no_query_fragment_or_userinfo) {
    EXPECT_EQ(parsed("https://u:p@acme.com:444/x?token=s#t").redacted(), "https://acme.com:444/x");
}

TEST(Url, errors_do_not_repeat_the_url) {
    for (const std::string_view text : {"canary", "ftp://canary/", "https://can ary/", "https://h:canary/", "https://[canary]/"}) {
        const auto url = Url::parse(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, base::ErrorCode::invalid_input);
        EXPECT_EQ(url.error().describe().find("canary"), std::string::npos) << url.error().describe();
    }
}

TEST(Url, default_ports) {
    struct Row { std::string_view text; std::uint16_t port; bool is_default; };
    for (const auto& row : {Row{"http://a/", 80, true}, Row{"https://a/", 443, true}, Row{"ws://a/", 80, true},
                            Row{"wss://a/", 443, true}, Row{"http://a:443/", 443, false}, Row{"https://a:0/", 0, false}}) {
        EXPECT_EQ(parsed(row.text).port(), row.port) << row.text;
        EXPECT_EQ(parsed(row.text).has_default_port(), row.is_default) << row.text;
    }
}

TEST(Url, what_kind_of_host) {
    struct Row { std::string_view host; bool ip, loopback; std::string_view dial; };
    for (const auto& row : {
             Row{"127.0.0.1", true, true, "127.0.0.1"}, Row{"127.1", true, true, "127.0.0.1"},
             Row{"2130706433", true, true, "127.0.0.1"}, Row{"[::1]", true, true, "::1"},
             Row{"[0:0:0:0:0:0:0:1]", true, true, "::1"}, Row{"localhost", false, true, "localhost"},
             Row{"LOCALHOST.", false, true, "localhost."}, Row{"a.localhost", false, true, "a.localhost"},
             Row{"127.0.0.1.nip.io", false, false, "127.0.0.1.nip.io"}, Row{"128.0.0.1", true, false, "128.0.0.1"},
             Row{"[::ffff:127.0.0.1]", true, false, "::ffff:7f00:1"}, Row{"notlocalhost", false, false, "notlocalhost"},
             Row{"localhost.evil.com", false, false, "localhost.evil.com"}, Row{"0.0.0.0", true, false, "0.0.0.0"},
             Row{"1.2.3.4.", true, false, "1.2.3.4"}, Row{"127.acme.com", false, false, "127.acme.com"}}) {
        const auto url = parsed("http://" + std::string(row.host) + "/");
        EXPECT_EQ(url.host_is_ip(), row.ip) << row.host;
        EXPECT_EQ(url.host_is_loopback(), row.loopback) << row.host;
        EXPECT_EQ(url.dial_host(), row.dial) << row.host;
    }
}

TEST(Url, with_query_appends_encoded_pairs) {
    const std::vector<std::pair<std::string, std::string>> two{{"a b", "1&2"}, {"\xc3\xa9", "x=y#z"}};
    EXPECT_EQ(parsed("https://acme.com/p").with_query(two).text(), "https://acme.com/p?a+b=1%262&%C3%A9=x%3Dy%23z");
    EXPECT_EQ(parsed("https://acme.com/p?k=v#f").with_query(two).text(),
              "https://acme.com/p?k=v&a+b=1%262&%C3%A9=x%3Dy%23z#f");
    EXPECT_EQ(parsed("https://acme.com/p?").with_query({{"a", ""}}).text(), "https://acme.com/p?a=");
    EXPECT_EQ(parsed("https://acme.com/p?k&").with_query({{"a", "b"}}).text(), "https://acme.com/p?k&a=b");
    EXPECT_EQ(parsed("https://acme.com/p").with_query({}).text(), "https://acme.com/p");
}

TEST(Url, too_long_or_not_utf8_is_refused) {
    EXPECT_FALSE(Url::parse("https://acme.com/" + std::string(300 * 1024, 'a')));
    EXPECT_TRUE(Url::parse("https://acme.com/" + std::string(64 * 1024, 'a')));
    for (const std::string_view text : {"https://acme.com/\xff", "https://acme.com/?\xc0\x80", "https://\xed\xa0\x80/"}) {
        EXPECT_FALSE(Url::parse(text));
    }
}

TEST(Url, canonical_host_alone) {
    struct Row { std::string_view text, host; };  // empty = refused
    for (const auto& row : {
             Row{"API.Acme.com", "api.acme.com"}, Row{"::1", "[::1]"}, Row{"[::1]", "[::1]"}, Row{"0x7f.1", "127.0.0.1"},
             Row{"b\xc3\xbc" "cher.example", "xn--bcher-kva.example"}, Row{"acme.com.", "acme.com."}, Row{"", ""},
             Row{"acme.com:443", ""}, Row{"a%63me.com", ""}, Row{"user@acme.com", ""}, Row{"acme.com/x", ""},
             Row{"acme com", ""}, Row{"acme\\com", ""}, Row{"acme.com?x", ""}, Row{"[::1", ""}, Row{"::1]", ""},
             Row{"fe80::1%lo", ""}, Row{"ac\tme.com", ""}, Row{"acme.com#", ""}, Row{"[::1]:443", ""}}) {
        const auto host = canonical_host(row.text);
        EXPECT_EQ(host.value_or(""), row.host) << row.text;
    }
    EXPECT_FALSE(canonical_host(std::string_view("acme\0.com", 9)));
}

TEST(Url, PX04_public_suffixes) {
    for (const std::string_view yes : {"com", "co.uk", "uk", "github.io", "CO.UK", "co.uk.", "unknowntld", ""}) {
        EXPECT_TRUE(is_public_suffix(yes)) << yes;
    }
    for (const std::string_view no : {"acme.com", "acme.co.uk", "zendesk.com", "acme.github.io"}) {
        EXPECT_FALSE(is_public_suffix(no)) << no;
    }
}

}  // namespace
}  // namespace claviger::net
