#include "app/config.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace claviger::app {
namespace {

struct ConfigTest : testing::Test {
    std::filesystem::path home;
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "claviger-config-XXXXXX").string();
        home = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(home); }
};

TEST_F(ConfigTest, an_absent_file_gives_the_defaults) {
    const auto config = Config::load(home);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->get("run.unmatched"), "allow");
    EXPECT_FALSE(config->is_set("run.unmatched"));
}

TEST_F(ConfigTest, what_was_set_is_there_after_loading_again) {
    auto config = Config::load(home);
    ASSERT_TRUE(config->set("run.unmatched", "deny"));
    EXPECT_EQ(Config::load(home)->get("run.unmatched"), "deny");
    ASSERT_TRUE(config->unset("run.unmatched"));
    EXPECT_EQ(Config::load(home)->get("run.unmatched"), "allow");
}

TEST_F(ConfigTest, a_wrong_key_or_value_says_what_is_allowed) {
    auto config = Config::load(home);
    const auto key = config->set("run.unmatch", "deny");
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().hint, "did you mean run.unmatched?");
    const auto value = config->set("run.unmatched", "maybe");
    ASSERT_FALSE(value);
    EXPECT_NE(value.error().message.find("allow, deny"), std::string::npos);
}

TEST_F(ConfigTest, a_damaged_file_is_an_error_and_is_not_overwritten) {
    for (const auto* text : {"{", "[]", "{\"run.unmatched\": 1}", "{\"nonsense\": \"x\"}", "{\"run.unmatched\": \"x\"}"}) {
        std::ofstream(home / "config.json") << text;
        EXPECT_FALSE(Config::load(home)) << text;
    }
}

}  // namespace
}  // namespace claviger::app
