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

TEST_F(ConfigTest, a_number_has_its_bounds) {
    auto config = Config::load(home);
    EXPECT_EQ(config->number("audit.keep_days"), 90);
    for (const char* value : {"", "0", "-1", "1.5", "x", "36501", "99999999999999999999", "1 "}) {
        const auto set = config->set("audit.keep_days", value);
        ASSERT_FALSE(set) << value;
        EXPECT_NE(set.error().message.find("from 1 to 36500"), std::string::npos);
    }
    ASSERT_TRUE(config->set("audit.keep_days", "7"));
    EXPECT_EQ(Config::load(home)->number("audit.keep_days"), 7);
}

TEST_F(ConfigTest, an_authority_that_cannot_be_used_is_refused_and_not_stored) {
    auto config = Config::load(home);
    std::ofstream(home / "empty.pem") << "";
    std::ofstream(home / "other.pem") << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (const auto& file : {home / "nothing.pem", home, home / "empty.pem", home / "other.pem"}) {
        const auto set = config->set("network.ca_file", file.string());
        ASSERT_FALSE(set) << file;
        EXPECT_NE(set.error().message.find(file.string()), std::string::npos) << set.error().message;
        EXPECT_FALSE(Config::load(home)->is_set("network.ca_file")) << file;
    }
    EXPECT_FALSE(config->set("network.ca_file", ""));
}

TEST_F(ConfigTest, an_authority_that_is_gone_later_is_an_error_not_less_trust) {
    std::ofstream(home / "config.json") << "{\"network.ca_file\": \"" << (home / "gone.pem").string() << "\"}";
    const auto config = Config::load(home);
    ASSERT_TRUE(config);
    const auto text = config->extra_authority();
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, base::ErrorCode::invalid_input);
    EXPECT_NE(text.error().message.find("network.ca_file"), std::string::npos);
    EXPECT_NE(text.error().hint.find("config set"), std::string::npos);
}

TEST_F(ConfigTest, a_damaged_file_is_an_error_and_is_not_overwritten) {
    for (const auto* text : {"{", "[]", "{\"run.unmatched\": 1}", "{\"nonsense\": \"x\"}", "{\"run.unmatched\": \"x\"}"}) {
        std::ofstream(home / "config.json") << text;
        EXPECT_FALSE(Config::load(home)) << text;
    }
}

}  // namespace
}  // namespace claviger::app
