#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "connection/flow_choice.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;

TEST(Arguments, a_command_with_options_and_a_program) {
    const auto parsed = parse_arguments({"run", "--use", "a=b", "--use", "c", "--unmatched", "deny", "--", "prog", "--json", "--", "x"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_TRUE(parsed->invocation);
    EXPECT_EQ(parsed->invocation->values("--use"), (std::vector<std::string>{"a=b", "c"}));
    EXPECT_EQ(parsed->invocation->program, (std::vector<std::string>{"prog", "--json", "--", "x"}));
    EXPECT_FALSE(parsed->invocation->has("--json"));
}

TEST(Arguments, two_word_commands) {
    const auto parsed = parse_arguments({"vault", "restore", "--check", "file"});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->invocation->command->name, "vault restore");
    EXPECT_TRUE(parsed->invocation->has("--check"));
    EXPECT_EQ(parsed->invocation->argument(0), "file");
}

// Whatever flow a definition may have can be asked for, and is completed.
TEST(Arguments, login_offers_every_flow) {
    const auto parsed = parse_arguments({"login", "a", "--flow", "pkce"});
    ASSERT_TRUE(parsed);
    std::set<provider::Flow> offered;
    for (const auto& option : parsed->invocation->command->options) {
        if (option.name != "--flow") continue;
        for (const auto& word : base::split(option.choices, '|')) offered.insert(provider::flow_from(word).value());
    }
    provider::ProviderDefinition definition;
    definition.oauth2.emplace();
    for (const auto type : {"oauth2", "oauth1", "api_key", "basic", "custom"}) {
        definition.auth_type = provider::auth_type_from(type).value();
        for (const auto word : {"pkce", "dcr_pkce", "device_code", "client_credentials", "oauth1", "api_key", "basic", "custom"}) {
            definition.flow = provider::flow_from(word).value();
            if (!provider::flow_fits(definition.auth_type, definition.flow)) continue;
            for (const auto flow : connection::flows_of(definition)) EXPECT_TRUE(offered.contains(flow)) << provider::to_string(flow);
        }
    }
    EXPECT_EQ(offered.size(), 8U);
}

TEST(Arguments, mistakes_are_usage_errors_with_a_hint) {
    const std::vector<std::vector<std::string>> rows{{"logn"}, {"login"}, {"login", "a", "b"}, {"vault"}, {"login", "a", "--flow", "magic"},
                                                     {"run"}, {"run", "curl"}, {"get", "a", "--nope"}, {"login", "a", "--connection"},
                                                     {"login", "a", "--connection", "x", "--connection", "y"}, {"--", "x"}};
    for (const auto& row : rows) {
        const auto parsed = parse_arguments(row);
        ASSERT_FALSE(parsed) << base::join(row, " ");
        EXPECT_EQ(parsed.error().code, ErrorCode::usage);
        EXPECT_FALSE(parsed.error().message.empty() || (parsed.error().hint.empty())) << base::join(row, " ");
    }
}

TEST(Arguments, a_typo_is_recognised) {
    EXPECT_EQ(parse_arguments({"logn"}).error().hint, "did you mean 'claviger login'?");
}

TEST(Arguments, common_options_before_the_command) {
    for (const auto& words : std::vector<std::vector<std::string>>{{"--json", "list"}, {"--key-fd", "3", "--json", "list"}, {"--key-fd=3", "--json", "list"}}) {
        const auto parsed = parse_arguments(words);
        ASSERT_TRUE(parsed) << parsed.error().message;
        EXPECT_TRUE(parsed->invocation->has("--json"));
        EXPECT_EQ(parsed->invocation->command->name, "list");
    }
    for (const auto& words : std::vector<std::vector<std::string>>{{"--json"}, {"--connected", "list"}, {"--key-fd"}, {"--json", "--", "x"}, {"--json=x", "list"}, {"--key-fd", "3", "list", "--key-fd", "4"}}) {
        const auto parsed = parse_arguments(words);
        ASSERT_FALSE(parsed) << base::join(words, " ");
        EXPECT_EQ(parsed.error().code, ErrorCode::usage);
    }
}

TEST(Arguments, an_option_with_a_value_is_a_flag_nowhere) {  // completion relies on it
    std::map<std::string_view, bool> takes_value;
    for (const auto& command : commands()) {
        for (const auto& option : command.options) {
            const auto [known, first] = takes_value.emplace(option.name, !option.value.empty());
            EXPECT_EQ(known->second, !option.value.empty()) << option.name;
        }
    }
}

TEST(Arguments, help_is_always_there) {
    for (const auto& command : commands()) {
        auto words = base::split(command.name, ' ');
        words.push_back("--help");
        const auto parsed = parse_arguments(words);
        ASSERT_TRUE(parsed) << command.name;
        EXPECT_NE(parsed->text.find(command.summary.substr(0, 20)), std::string::npos) << command.name;
    }
}

TEST(Arguments, CL01_no_option_is_named_for_a_secret_value) {
    const auto check = [](const OptionSpec& option) {
        for (const auto* word : {"PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "KEY"}) {
            EXPECT_EQ(option.value.find(word), std::string_view::npos) << option.name;
        }
    };
    for (const auto& command : commands()) {
        for (const auto& option : command.options) check(option);
    }
    for (const auto& option : common_options()) check(option);
}

TEST(ExitCode, CL11_every_error_code_has_a_documented_exit_code) {
    std::set<int> documented;
    for (const auto& code : exit_codes()) EXPECT_TRUE(documented.insert(code.code).second) << code.code;
    for (int code = 0; code <= static_cast<int>(ErrorCode::changed); ++code) {
        const int exit_code = exit_code_of(static_cast<ErrorCode>(code));
        EXPECT_TRUE(documented.contains(exit_code)) << to_string(static_cast<ErrorCode>(code));
        const auto row = std::find_if(exit_codes().begin(), exit_codes().end(), [&](const auto& known) { return known.code == exit_code; });
        const std::string names = ", " + std::string(row->name) + ",";  // the word of JSON is that of the help
        EXPECT_NE(names.find(", " + std::string(to_string(static_cast<ErrorCode>(code))) + ","), std::string::npos) << to_string(static_cast<ErrorCode>(code));
        EXPECT_NE(exit_code, 0);
    }
}

}  // namespace
}  // namespace claviger::cli
