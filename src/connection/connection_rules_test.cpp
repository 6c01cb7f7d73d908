#include "connection/connection_rules.hpp"

#include "connection/connect_test_support.hpp"
#include "store/database.hpp"
#include "vault/test_vault.hpp"

namespace claviger::connection::testing {
namespace {

using policy::Action;

class RulesTest : public vault::testing::VaultTest {
protected:
    static ConnectionRules rules() {
        ConnectionRules rules;
        rules.provider = "acme";
        rules.connection = "work";
        for (const auto& [action, text] : {std::pair{Action::allow, "GET:api.acme.com/**"}, {Action::deny, "DELETE"}, {Action::ask, "write"}, {Action::deny, "DELETE:*"}}) {
            rules.add(*policy::Rule::parse(action, text));
        }
        rules.rate = *policy::Rate::parse("60/m");
        rules.until = base::Instant(std::chrono::milliseconds(1'900'000'000'000));
        return rules;
    }
};

TEST_F(RulesTest, they_survive_and_are_counted_as_people_see_them) {
    auto vault = open();
    ASSERT_TRUE(save_rules(vault, rules()));
    auto read = load_rules(vault, "acme", "work");
    ASSERT_TRUE(read) << read.error().describe();
    const std::vector<std::string> lines{"deny DELETE", "ask write", "allow GET:api.acme.com", "at most 60/m", "until 2030-03-17T17:46:40Z"};
    EXPECT_EQ(read->lines(), lines);
    EXPECT_EQ(read->version, 1U);
    EXPECT_FALSE(read->remove(0));
    EXPECT_FALSE(read->remove(6));
    EXPECT_TRUE(read->remove(4));
    EXPECT_TRUE(read->remove(4));
    EXPECT_TRUE(read->remove(1));
    EXPECT_EQ(read->lines(), (std::vector<std::string>{"ask write", "allow GET:api.acme.com"}));
    ASSERT_TRUE(save_rules(vault, *read));
    EXPECT_EQ(save_rules(vault, *read).error().code, base::ErrorCode::changed) << "somebody was faster";
    const auto listed = list_rules(vault);
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->size(), 1U);
    EXPECT_EQ(listed->front().lines().size(), 2U);

    ConnectionRules none;
    none.provider = "acme";
    none.connection = "work";
    ASSERT_TRUE(save_rules(vault, none));
    EXPECT_TRUE(load_rules(vault, "acme", "work")->empty());
    const auto journal = vault.audit_tail(10);
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->size(), 3U) << "each change is written down";
    EXPECT_EQ(journal->front().event, "rules.changed");
    EXPECT_EQ(journal->front().subject, "acme/work");
    EXPECT_NE(journal->front().detail.find("deny DELETE"), std::string::npos);
}

TEST_F(RulesTest, a_layer_is_about_its_connection_alone) {
    const auto layer = rules().layer();
    EXPECT_EQ(layer.name, "acme (work)");
    for (const auto& rule : layer.rules) {
        EXPECT_TRUE(rule.is_about("acme", "work"));
        EXPECT_FALSE(rule.is_about("acme", "default"));
        EXPECT_TRUE(rule.name.starts_with("acme (work): ")) << rule.name;
    }
}

TEST_F(RulesTest, what_cannot_be_read_is_an_error) {
    auto vault = open();
    const vault::RecordKey key{"local", "rules", "acme/work"};
    for (const std::string_view text : {R"({"format":1,"provider":"acme","connection":"work","deny":["*.com"]})", R"({"format":1,"provider":"acme","connection":"work","rate":"x"})",
                                        R"({"format":1,"provider":"acme","connection":"other"})", R"({"format":1,"provider":"acme","connection":"work","deny":"x"})", R"({"format":2})"}) {
        put(vault, key, text);
        EXPECT_FALSE(load_rules(vault, "acme", "work")) << text;
        EXPECT_FALSE(list_rules(vault)) << text;
    }
    ASSERT_TRUE(save_rules(vault, [] { ConnectionRules none; none.provider = "acme"; none.connection = "work"; return none; }()));
    EXPECT_TRUE(load_rules(vault, "acme", "work"));
}

}  // namespace
}  // namespace claviger::connection::testing
