#include "base/text.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace claviger::base {
namespace {

struct Pair {
    std::string_view in, out;
};

TEST(Text, case_is_ascii_only) {
    EXPECT_EQ(to_lower("AZaz09@[`{É"), "azaz09@[`{É");
    EXPECT_EQ(to_upper("AZaz09@[`{é"), "AZAZ09@[`{é");
    EXPECT_TRUE(equal_ignoring_case("Authorization", "aUTHORIZATION"));
    EXPECT_FALSE(equal_ignoring_case("É", "é"));
    EXPECT_FALSE(equal_ignoring_case("ab", "abc"));
    EXPECT_FALSE(equal_ignoring_case("[", "{"));
    EXPECT_TRUE(equal_ignoring_case("", ""));
}

TEST(Text, trim_split_join) {
    EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
    EXPECT_EQ(trim(" \t"), "");
    EXPECT_EQ(trim("\vx\v"), "\vx\v");
    EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string>{"a", "", "b", ""}));
    EXPECT_EQ(split("", ','), std::vector<std::string>{""});
    EXPECT_EQ(join({"a", "", "b"}, ", "), "a, , b");
    EXPECT_EQ(join({}, ","), "");
}

// RFC 4648 section 10.
TEST(Base64, the_vectors_of_the_rfc) {
    for (const auto& [in, out] : {Pair{"", ""}, Pair{"f", "Zg=="}, Pair{"fo", "Zm8="}, Pair{"foo", "Zm9v"},
                                  Pair{"foob", "Zm9vYg=="}, Pair{"fooba", "Zm9vYmE="}, Pair{"foobar", "Zm9vYmFy"}}) {
        EXPECT_EQ(base64_encode(in), out);
        EXPECT_EQ(base64_decode(out), in);
        const auto bare = out.substr(0, out.find('='));
        EXPECT_EQ(base64url_encode(in), bare);
        EXPECT_EQ(base64url_decode(bare), in);
    }
    EXPECT_EQ(base64_encode("\xfb\xff\xfe"), "+//+");
    EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
}

TEST(Base64, is_strict) {
    for (const auto* text : {"Z", "Zg", "Zg=", "Zg===", "====", "=", "Z===", "Zh==", "Zm9=", "Zm9v=", "Zm9v====", "Zm 9",
                             "Zm9v\n", "Zg==Zg==", "Z=g=", "-__-", "Zm9\xc3"}) {
        EXPECT_FALSE(base64_decode(text)) << text;
    }
    for (const auto* text : {"Z", "Zh", "Zm9", "Zg==", "+//+", "Zm9v\n", "Zm9vY"}) EXPECT_FALSE(base64url_decode(text)) << text;
}

TEST(Hex, encodes_lower_decodes_both) {
    EXPECT_EQ(hex_encode(std::string_view("\0\x1f\xff", 3)), "001fff");
    EXPECT_EQ(hex_decode("001FfF"), std::string("\0\x1f\xff", 3));
    for (const auto* text : {"0", "0g", "+1", " 1", "0x"}) EXPECT_FALSE(hex_decode(text)) << text;
}

TEST(Percent, encodes_all_but_unreserved) {
    EXPECT_EQ(percent_encode("aZ09-._~ /?#[]@!$&'()*+,;=%\"é"),
              "aZ09-._~%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%22%C3%A9");
    EXPECT_EQ(percent_decode("a%20b+%2b%2B%00"), std::string("a b+++\0", 7));
    EXPECT_EQ(form_encode("a b+c~*-._&=é"), "a+b%2Bc%7E*-._%26%3D%C3%A9");
    EXPECT_EQ(form_decode("a+b%2Bc"), "a b+c");
    for (const auto* text : {"%", "a%2", "%zz", "%+1", "%2", "%%20"}) {
        EXPECT_FALSE(percent_decode(text)) << text;
        EXPECT_FALSE(form_decode(text)) << text;
    }
}

RC_GTEST_PROP(Text, every_encoding_round_trips, (const std::string& bytes)) {
    RC_ASSERT(base64_decode(base64_encode(bytes)) == bytes);
    RC_ASSERT(base64url_decode(base64url_encode(bytes)) == bytes);
    RC_ASSERT(hex_decode(hex_encode(bytes)) == bytes);
    RC_ASSERT(percent_decode(percent_encode(bytes)) == bytes);
    RC_ASSERT(form_decode(form_encode(bytes)) == bytes);
}

TEST(Utf8, validity) {
    for (const auto* text : {"", "a", "é", "€", "🔑", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xc2\x80"}) {
        EXPECT_TRUE(valid_utf8(text)) << text;
    }
    EXPECT_TRUE(valid_utf8(std::string_view("\0", 1)));
    for (const auto* text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
                             "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xc3", "\xe2\x82", "\xf0\x9f\x94",
                             "\xc3\x28", "\xe2\x28\xa1", "a\x80", "\xf8\x88\x80\x80\x80"}) {
        EXPECT_FALSE(valid_utf8(text));
    }
}

TEST(Printable, CL09_makes_controls_visible) {
    for (const auto& [in, out] :
         {Pair{"plain é 🔑", "plain é 🔑"}, Pair{"\x1b[31mred", "\\u{1b}[31mred"}, Pair{"a\r\nb\tc", "a\\u{d}\\u{a}b\\u{9}c"},
          Pair{"\x7f\xc2\x9b", "\\u{7f}\\u{9b}"}, Pair{"\xe2\x80\xae" "abc", "\\u{202e}abc"}, Pair{"\xe2\x81\xa6", "\\u{2066}"},
          Pair{"\xd8\x9c", "\\u{61c}"}, Pair{"\xe2\x80\xa8", "\\u{2028}"}, Pair{"\xff\xc3", "\\xff\\xc3"},
          Pair{"\xef\xbb\xbfx", "\\u{feff}x"}}) {
        EXPECT_EQ(printable(in), out);
    }
    EXPECT_EQ(printable(std::string_view("\0", 1)), "\\u{0}");
}

TEST(Printable, OA32_is_bounded_without_cutting_a_character) {
    EXPECT_EQ(printable(std::string(200, 'x')), std::string(200, 'x'));
    EXPECT_EQ(printable(std::string(201, 'x')), std::string(200, 'x') + "...");
    EXPECT_EQ(printable("ééé", 5), "éé...");
    EXPECT_EQ(printable("a\x1b", 3), "a...");
    EXPECT_EQ(printable("abc", 0), "...");
    EXPECT_EQ(printable("", 0), "");
}

bool harmless_on_a_terminal(const std::string& text) {
    return valid_utf8(text) && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }) &&
           text.find("\xc2\x80") == std::string::npos && text.find("\xc2\x9b") == std::string::npos &&
           text.find("\xe2\x80\xae") == std::string::npos;
}

RC_GTEST_PROP(Printable, CL09_any_bytes, (const std::string& bytes)) {
    RC_ASSERT(harmless_on_a_terminal(printable(bytes)));
    RC_ASSERT(printable(bytes).size() <= 203u);
}

TEST(Printable, CL09_big_list_of_naughty_strings) {
    const auto path = std::filesystem::path(CLAVIGER_SOURCE_DIR) / "../shared/peers/corpora/blns.json";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "the list is not here: " << path;
    std::ifstream in(path, std::ios::binary);
    std::size_t count = 0;
    for (std::string line; std::getline(in, line); ++count) {
        EXPECT_TRUE(harmless_on_a_terminal(printable(line, 100'000))) << "line " << count;
    }
    EXPECT_GT(count, 400u);
}

TEST(DidYouMean, finds_likely_typos_only) {
    const std::vector<std::string_view> words{"login", "logout", "list", "run", "export", "authorization_url"};
    EXPECT_EQ(did_you_mean("lgoin", words), "login");
    EXPECT_EQ(did_you_mean("LIST", words), "list");
    EXPECT_EQ(did_you_mean("exprot", words), "export");
    EXPECT_EQ(did_you_mean("runn", words), "run");
    EXPECT_EQ(did_you_mean("authorisation_uri", words), "authorization_url");
    EXPECT_EQ(did_you_mean("frobnicate", words), std::nullopt);
    EXPECT_EQ(did_you_mean("xyz", words), std::nullopt);
    EXPECT_EQ(did_you_mean("", words), std::nullopt);
    EXPECT_EQ(did_you_mean("run", {}), std::nullopt);
    EXPECT_EQ(did_you_mean(std::string(10'000'000, 'x'), words), std::nullopt);  // and at once
}

TEST(Escape, html) { EXPECT_EQ(html_escape("<a href=\"x\">&'é"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;é"); }

TEST(Escape, shell) {
    EXPECT_EQ(shell_quote(""), "''");
    EXPECT_EQ(shell_quote("a b"), "'a b'");
    EXPECT_EQ(shell_quote("it's $(x) `y` \\ \"z\"\n"), "'it'\\''s $(x) `y` \\ \"z\"\n'");
}

TEST(ValidName, CL08_takes_names) {
    for (const auto* name : {"a", "0", "acme", "acme-eu", "a.b_c-d", "9lives"}) EXPECT_TRUE(valid_name(name)) << name;
    EXPECT_TRUE(valid_name(std::string(64, 'a')));
}

TEST(ValidName, CL08_sixty_hostile_names_are_refused) {
    const std::vector<std::string> kNames{
        "", ".", "..", "../", "../x", "../../etc/passwd", "..\\x", "a/..", "a/../b", "a..b", "a..", "..a", "/", "/etc/passwd",
        "a/b", "a\\b", "C:\\x", "c:x", "~", "~root", "-rf", "--help", "_a", ".hidden", "-", "_", "a b", " a", "a ", "a\tb", "a\nb",
        "a\r", "a\x1b[m", "a%2fb", "%2e%2e", "a%00", "a:b", "a*", "a?", "a|b", "a;b", "a&b", "$HOME", "`id`", "$(id)", "a'b", "a\"b",
        "a<b", "a>b", "a#b", "a@b", "a=b", "a,b", "a+b", "A", "aCme", "é", "\xc3\xa9", "\xd0\xb0" "cme", "a\xe2\x80\xae", "a\xff",
        "\xe2\x80\xa5/x", std::string("a\0b", 3), std::string(65, 'a'), std::string(100'000, 'a'),
    };
    EXPECT_GE(kNames.size(), 60u);
    for (const auto& name : kNames) EXPECT_FALSE(valid_name(name)) << printable(name);
}

}  // namespace
}  // namespace claviger::base
