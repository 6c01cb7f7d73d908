#include "sys/qr_code.hpp"

#include <gtest/gtest.h>

namespace claviger::sys {
namespace {

TEST(QrCode, has_the_finder_patterns_and_a_light_surround) {
    const auto code = QrCode::of("https://acme.example/device?user_code=WDJB-MJHT");
    ASSERT_TRUE(code) << code.error().describe();
    const int last = code->width() - 1;
    EXPECT_EQ((code->width() - 17) % 4, 0);  // 17 + 4 * version
    for (const auto& [left, top] : {std::pair{0, 0}, std::pair{last - 6, 0}, std::pair{0, last - 6}}) {
        for (int y = 0; y < 7; ++y) {
            for (int x = 0; x < 7; ++x) {
                const bool frame = x == 0 || x == 6 || y == 0 || y == 6;
                const bool heart = x >= 2 && x <= 4 && y >= 2 && y <= 4;
                EXPECT_EQ(code->dark(left + x, top + y), frame || heart) << x << ' ' << y;
            }
        }
    }
    EXPECT_FALSE(code->dark(-1, 0));
    EXPECT_FALSE(code->dark(0, last + 1));
}

TEST(QrCode, a_text_that_no_code_can_hold_is_said_to_be_too_long) {
    const auto code = QrCode::of(std::string(3000, 'a'));
    ASSERT_FALSE(code);
    EXPECT_EQ(code.error().code, base::ErrorCode::limit);
}

}  // namespace
}  // namespace claviger::sys
