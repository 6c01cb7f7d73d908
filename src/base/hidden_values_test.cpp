#include "base/hidden_values.hpp"

#include <gtest/gtest.h>

namespace claviger::base {
namespace {

TEST(HiddenValues, LG03_each_spelling_goes_and_short_values_leave_words_whole) {
    HiddenValues hidden;
    EXPECT_TRUE(hidden.empty());
    EXPECT_EQ(hidden.masked("https://a.example/x"), "https://a.example/x");
    hidden.add("Top Secret/7");
    hidden.add("Top Secret");  // the beginning of the other
    hidden.add("abc");
    hidden.add("");
    struct Row { const char *text, *shown; };
    const Row rows[] = {
        {"https://a.example/t/Top%20Secret%2F7/token answered", "https://a.example/t/***/token answered"},
        {"x=Top+Secret%2F7&y=Top+Secret&z", "x=***&y=***&z"},
        {"Top Secret/7Top Secret/7", "******"},
        {"top secret/7.example", "***.example"},
        {"an abcess at /abc/token, abc", "an abcess at /***/token, ***"},
        {"abc", "***"},
        {"", ""},
    };
    for (const auto& row : rows) EXPECT_EQ(hidden.masked(row.text), row.shown);
}

TEST(HiddenValues, an_error_keeps_its_code_and_loses_the_value_in_causes_and_hint) {
    HiddenValues hidden;
    hidden.add("canary-1");
    const auto shown = hidden.masked(Error::make(ErrorCode::network, "at /canary-1/x", "look at /canary-1").within("while asking canary-1"));
    EXPECT_EQ(shown.code, ErrorCode::network);
    EXPECT_EQ(shown.describe(), "while asking ***: at /***/x");
    EXPECT_EQ(shown.hint, "look at /***");
}

}  // namespace
}  // namespace claviger::base
