#include "base/number.hpp"

#include <gtest/gtest.h>

namespace claviger::base {
namespace {

TEST(WholeNumber, is_digits_and_nothing_else) {
    struct Row { std::string_view text; std::optional<std::int64_t> number; };
    const Row rows[] = {{"0", 0}, {"7998", 7998}, {"007", 7}, {"9223372036854775807", INT64_MAX}, {"9223372036854775808", {}}, {"", {}}, {"-1", {}},
                        {"+1", {}}, {" 1", {}}, {"1 ", {}}, {"1.5", {}}, {"0x1", {}}, {"one", {}}};
    for (const auto& row : rows) EXPECT_EQ(whole_number(row.text), row.number) << row.text;
    EXPECT_EQ(whole_number<std::uint8_t>("255"), std::uint8_t{255});
    EXPECT_EQ(whole_number<std::uint8_t>("256"), std::nullopt);
    EXPECT_EQ(whole_number<std::uint64_t>("18446744073709551615"), UINT64_MAX);
}

}  // namespace
}  // namespace claviger::base
