#include "scrub/unescape.hpp"

#include <gtest/gtest.h>

#include <string>

namespace claviger::scrub {
namespace {

using namespace std::string_literals;

std::string unescaped(std::string_view text, Escapes kinds = kAllEscapes) {
    base::WipedString out;
    unescape(text, out, kinds);
    return {out.begin(), out.end()};
}

const std::string kLine(40, 'Q');  // long enough to be a line of base64

struct Row {
    std::string text, means;
};

TEST(Unescape, escapes_of_every_kind) {
    for (const auto& row : {
             Row{"", ""}, Row{"plain text", "plain text"},
             // percent-encoding
             Row{"%41", "A"}, Row{"%7e%7E", "~~"}, Row{"a%2Fb", "a/b"}, Row{"%c3%a9", "\xc3\xa9"}, Row{"%00", "\0"s}, Row{"%u0041%u00e9", "A\xc3\xa9"},
             Row{"%", "%"}, Row{"%4", "%4"}, Row{"%4g", "%4g"}, Row{"%u004", "%u004"}, Row{"%%41", "%A"}, Row{"%2541", "%41"}, Row{"100%", "100%"},
             // backslashes
             Row{"\\u0041", "A"}, Row{"\\u00E9", "\xc3\xa9"}, Row{"\\ud83d\\ude00", "\xf0\x9f\x98\x80"}, Row{"\\U00000041", "A"}, Row{"\\x41\\x7A", "Az"},
             Row{"\\101\\60", "A0"}, Row{"\\n\\r\\t\\b\\f", "\n\r\t\b\f"}, Row{"\\/\\\"\\\\\\'", "/\"\\'"}, Row{"\\\\u0041", "\\u0041"}, Row{"\\", "\\"},
             Row{"\\u004", "\\u004"}, Row{"\\u004g", "\\u004g"}, Row{"\\xg", "\\xg"}, Row{"C:\\dir", "C:\\dir"}, Row{"\\400", "\\400"}, Row{"\\8", "\\8"},
             Row{"\\U7fffffff", "\\U7fffffff"}, Row{"\\-", "-"},
             // references
             Row{"&#65;", "A"}, Row{"&#065;&#0000000065;", "AA"}, Row{"&#x41;&#X41;&#x0041;", "AAA"}, Row{"&#65 &#x41z", "A Az"}, Row{"&#233;", "\xc3\xa9"},
             Row{"&#128512;", "\xf0\x9f\x98\x80"}, Row{"&amp;&lt;&gt;&quot;&apos;", "&<>\"'"}, Row{"&sol;&plus;&equals;&period;&colon;&lowbar;", "/+=.:_"},
             Row{"&amp;#65;", "&#65;"}, Row{"&", "&"}, Row{"&;", "&;"}, Row{"&#;", "&#;"}, Row{"&#x;", "&#x;"}, Row{"&amp", "&amp"}, Row{"&Amp;", "&Amp;"},
             Row{"&copy;", "&copy;"}, Row{"a&b;c", "a&b;c"}, Row{"&#99999999;", "&#99999999;"}, Row{"&DiacriticalGrave;", "`"},
             // an escape within an escape: the outer one first
             Row{"&#6\\u0035;", "&#65;"}, Row{"&#6%35", "&#65"}, Row{"&#65\\u003b", "&#65;"}, Row{"\\10%31", "\\101"}, Row{"\\%75", "\\u"}, Row{"%\\u0034\\u0031", "%41"},
             Row{"&#65%2fx", "A/x"}, Row{"&#65&#66", "AB"}, Row{"\\1%2f", "\1/"}, Row{"\\%zz", "%zz"},
             // lines of base64
             Row{kLine + "\nQQ", kLine + "QQ"}, Row{kLine + "\r\nQQ", kLine + "QQ"}, Row{kLine + "\rQQ", kLine + "\rQQ"}, Row{kLine + "\n\nQQ", kLine + "\n\nQQ"},
             Row{kLine + "\n", kLine + "\n"}, Row{kLine + "\n QQ", kLine + "\n QQ"}, Row{"short\nQQ", "short\nQQ"},
             Row{kLine + " " + std::string(kShortestLine - 1, 'Q') + "\nQQ", kLine + " " + std::string(kShortestLine - 1, 'Q') + "\nQQ"}}) {
        EXPECT_EQ(unescaped(row.text), row.means) << row.text;
    }
}

TEST(Unescape, kinds_can_be_chosen) {
    EXPECT_EQ(unescaped("%41\\u0041&#65;", kPercent), "A\\u0041&#65;");
    EXPECT_EQ(unescaped("%41\\u0041&#65;", kBackslash), "%41A&#65;");
    EXPECT_EQ(unescaped("%41\\u0041&#65;", kReference), "%41\\u0041A");
    EXPECT_EQ(unescaped(kLine + "\nQ%51", kLineBreak), kLine + "Q%51");
}

// What a range of the unescaped text is spelt by.
std::string spelt(std::string_view text, std::size_t begin, std::size_t end) {
    std::vector<Range> ranges{{begin, end}};
    spell_out(text, ranges);
    return std::string(text.substr(ranges[0].begin, ranges[0].end - ranges[0].begin));
}

TEST(Unescape, ranges_are_spelt_out) {
    const std::string text = "ab%41\\u0042&amp;c\\n" + kLine + "\r\nQQ";
    const std::string means = "abAB&c\n" + kLine + "QQ";
    ASSERT_EQ(unescaped(text), means);
    EXPECT_EQ(spelt(text, 0, 1), "a");
    EXPECT_EQ(spelt(text, 1, 3), "b%41");
    EXPECT_EQ(spelt(text, 2, 5), "%41\\u0042&amp;");
    EXPECT_EQ(spelt(text, 3, 4), "\\u0042");
    EXPECT_EQ(spelt(text, 5, 7), "c\\n");
    EXPECT_EQ(spelt(text, 46, 48), "Q\r\nQ");
    EXPECT_EQ(spelt(text, 47, 49), "QQ") << "a line break before it does not belong to it";
    EXPECT_EQ(spelt(text, 0, means.size()), text);
    std::vector<Range> ranges{{0, 1}, {2, 3}, {4, 5}, {47, 48}};
    spell_out(text, ranges);
    EXPECT_EQ(text.substr(ranges[1].begin, ranges[1].end - ranges[1].begin), "%41");
    EXPECT_EQ(text.substr(ranges[2].begin, ranges[2].end - ranges[2].begin), "&amp;");
    EXPECT_EQ(ranges[3].begin, text.size() - 2);
}

// Several bytes of one escape belong together.
TEST(Unescape, a_part_of_a_character_is_all_of_its_escape) {
    EXPECT_EQ(spelt("x\\u00e9y", 1, 2), "\\u00e9");
    EXPECT_EQ(spelt("x\\u00e9y", 2, 3), "\\u00e9");
    EXPECT_EQ(spelt("x\\u00e9y", 2, 4), "\\u00e9y");
}

TEST(Unescape, introducers_are_found_at_every_place) {
    for (std::size_t size = 0; size < 200; ++size) {
        std::string text(size, 'a');
        EXPECT_EQ(next_introducer(text, 0), size);
        for (std::size_t at = 0; at < size; at += 7) {
            text[at] = '%';
            EXPECT_EQ(next_introducer(text, 0), at);
            EXPECT_EQ(next_introducer(text, at), at);
            EXPECT_EQ(next_introducer(text, at + 1), size);
            text[at] = 'a';
        }
    }
}

}  // namespace
}  // namespace claviger::scrub
