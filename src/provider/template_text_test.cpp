#include "provider/template_text.hpp"

#include <gtest/gtest.h>

namespace claviger::provider {
namespace {

std::string rendered(std::string_view text) {
    const auto out = render_text(text, "acme", [](std::string_view name) -> std::optional<std::string_view> {
        if (name == "a") return "1";
        if (name == "nested") return "{{a}}";
        return std::nullopt;
    });
    return out ? std::string(out->reveal()) : "error: " + out.error().message;
}

TEST(TemplateText, PX24_one_pass_and_names_only) {
    struct Row { const char *text, *expected; };
    const Row rows[] = {{"", ""}, {"x", "x"}, {"{{a}}:{{ a }}", "1:1"}, {"{{nested}}", "{{a}}"}, {"{{{a}}}", "{1}"},
                        {"{a}", "{a}"}, {"{{a", "{{a"}, {"a}}", "a}}"}, {"{{a}}{{", "1{{"}};
    for (const auto& row : rows) EXPECT_EQ(rendered(row.text), row.expected) << row.text;
    for (const auto* bad : {"{{b}}", "{{}}", "{{a b}}", "{{a|upper}}"}) EXPECT_TRUE(rendered(bad).starts_with("error: ")) << bad;
    EXPECT_EQ(fields_in("{{a}} {{ b }} {{c"), (std::vector<std::string>{"a", "b"}));
}

TEST(TemplateText, hostile_texts_cost_little) {
    // Quadratic work on these would take minutes.
    EXPECT_TRUE(fields_in(std::string(1 << 20, '{')).empty());
    std::string text;
    for (int i = 0; i < 300'000; ++i) text += "{{a";
    EXPECT_TRUE(fields_in(text).empty());
}

}  // namespace
}  // namespace claviger::provider
