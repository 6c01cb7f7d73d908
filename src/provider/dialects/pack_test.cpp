#include "provider/dialects/pack.hpp"

#include <random>

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::provider {
namespace {

TEST(Pack, the_bytes_are_fixed) {
    // Checked once with other ZIP readers; a change here changes every package's hash.
    const auto packed = write_archive({{{"a", "x"}}});
    ASSERT_TRUE(packed);
    EXPECT_EQ(base::hex_encode(*packed),
              "504b03040a0000080000000021008316dc8c0100000001000000010000006178"
              "504b01020a000a0000080000000021008316dc8c010000000100000001000000000000000000000000000000000061"
              "504b050600000000010001002f000000200000000000");
}

TEST(Pack, what_is_written_is_read_and_twice_is_the_same) {
    std::mt19937 random(7);
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
    for (int round = 0; round < 300; ++round) {
        PackageFiles package;
        for (unsigned i = 0; i <= below(8); ++i) {
            std::string name;
            for (unsigned d = 0; d < below(4); ++d) name += "d" + std::to_string(d) + "/";
            std::string content(below(400), '\0');
            for (char& c : content) c = static_cast<char>(below(256));
            package.files[name + "f" + std::to_string(below(50))] = std::move(content);
        }
        const auto packed = write_archive(package);
        ASSERT_TRUE(packed);
        EXPECT_EQ(*write_archive(package), *packed);
        const auto again = read_archive(*packed);
        ASSERT_TRUE(again) << again.error().describe();
        EXPECT_EQ(*again, package);
    }
}

TEST(Pack, refuses_what_would_not_be_read) {
    for (const char* name : {"", "/a", "../a", "a\\b", "a/", "c:x", "a\nb", "\xff"})
        EXPECT_FALSE(write_archive({{{name, "x"}}})) << name;
    EXPECT_FALSE(write_archive({}));
    EXPECT_FALSE(write_archive({{{"a", "x"}, {"A", "x"}}}));
    EXPECT_FALSE(write_archive({{{"a", "x"}, {"a/b", "x"}}}));
    EXPECT_EQ(write_archive({{{"a", std::string(std::size_t{10} << 20, 'x')}}}).error().code, base::ErrorCode::limit);
}

}  // namespace
}  // namespace claviger::provider
