#include "policy/project_file.hpp"

#include <gtest/gtest.h>

#include "json/schema.hpp"

namespace claviger::policy {
namespace {

TEST(ProjectFile, everything_that_it_may_say) {
    const auto read = read_project_file(R"({
  // comments are fine
  "$schema": "project.schema.json",
  "use": {"acmehq": "work", "acme": "default"}, "only": true, "unmatched": "deny", "read_only": true, "rate": "60/m", "for": "8h",
  "methods": ["FETCH", "get", "POST"],
  "rules": [
    {"action": "deny", "methods": "DELETE", "comment": "never"},
    {"action": "ask", "methods": ["POST", "PUT"], "hosts": ["api.acme.com", "*.acme.com:8443"], "paths": ["/a/**", "/b"], "connection": "acme/default"},
    {"action": "allow", "methods": "read", "connection": "acmehq"},
  ],
})");
    ASSERT_TRUE(read.ok()) << provider::format_findings(read.findings, "x");
    const auto& file = read.file;
    EXPECT_EQ(file.use, (std::map<std::string, std::string>{{"acme", "default"}, {"acmehq", "work"}}));
    EXPECT_TRUE(file.only);
    EXPECT_EQ(file.unmatched_allowed, false);
    EXPECT_EQ(file.rate->text(), "60/m");
    EXPECT_EQ(duration_text(*file.lasting), "8h");
    EXPECT_EQ(file.methods.added(), (std::vector<std::string>{"FETCH", "get"})) << "PX-21";
    ASSERT_EQ(file.rules.size(), 4U);
    EXPECT_EQ(file.rules[0].name, ".claviger.json: rule 1 (deny DELETE)");
    EXPECT_EQ(file.rules[1].name, ".claviger.json: rule 2 (ask POST,PUT:api.acme.com/a/** and more)");
    EXPECT_EQ(file.rules[1].provider, "acme");
    EXPECT_EQ(file.rules[1].connection, "default");
    EXPECT_EQ(file.rules[2].provider, "acmehq");
    EXPECT_EQ(file.rules[2].connection, "");
    EXPECT_EQ(file.rules[3].name, ".claviger.json: read_only");
    EXPECT_TRUE(read_project_file("{}").ok());
}

TEST(ProjectFile, all_mistakes_at_once_each_with_its_place) {
    const auto read = read_project_file(R"({
  "uses": {"acmehq": "work"},
  "only": 1,
  "unmatched": "alow",
  "rate": "60",
  "for": "soon",
  "methods": ["FETCH", "Trace", "A B"], "rules": [
    {"acton": "deny"},
    {"action": "denny", "methods": "GE T", "hosts": "*.com"},
    {"action": "deny", "hosts": [], "paths": ["x"], "connection": "a b"},
    "deny"
  ],
  "rate": "1/s"
})");
    const struct { std::string_view pointer, code; unsigned line; std::string_view part; } rows[] = {
        {"/uses", "unknown_key", 2, "did you mean \"use\"?"}, {"/only", "wrong_type", 3, "true or false"}, {"/unmatched", "bad_value", 4, "did you mean \"allow\"?"},
        {"/for", "bad_value", 6, "90s, 30m"}, {"/methods/1", "bad_value", 7, "never passes"}, {"/methods/2", "bad_value", 7, "no method"},
        {"/rules/0", "required", 8, "\"action\""}, {"/rules/0/acton", "unknown_key", 8, "did you mean \"action\"?"},
        {"/rules/1/action", "bad_value", 9, "did you mean \"deny\"?"}, {"/rules/1/methods", "bad_value", 9, "no method"}, {"/rules/1/hosts", "bad_value", 9, "two fixed labels"},
        {"/rules/2/hosts", "wrong_type", 10, "not empty"}, {"/rules/2/paths/0", "bad_value", 10, "does not begin with '/'"},
        {"/rules/2/connection", "bad_value", 10, "acme/work"}, {"/rules/3", "wrong_type", 11, "must be an object"}, {"/rate", "duplicate_key", 13, "twice"},
    };
    for (const auto& row : rows) {
        const auto found = std::find_if(read.findings.begin(), read.findings.end(), [&](const auto& finding) { return finding.pointer == row.pointer && finding.code == row.code; });
        ASSERT_NE(found, read.findings.end()) << row.pointer << "\n" << provider::format_findings(read.findings, "x");
        EXPECT_EQ(found->place.line, row.line) << row.pointer;
        EXPECT_NE(found->message.find(row.part), std::string::npos) << row.pointer << ": " << found->message;
    }
    EXPECT_EQ(read.findings.size(), std::size(rows)) << provider::format_findings(read.findings, "x");
}

TEST(ProjectFile, hostile_texts) {
    for (const std::string& text : {std::string(""), std::string("[]"), std::string("nonsense"), std::string("{"), "{\"use\": " + std::string(100, '['), std::string("{\"only\": true}"),
                                    "{\"$schema\": \"" + std::string(kMostProjectBytes, 'x') + "\"}", std::string("{\"use\": {\"../x\": \"y\"}}"), std::string("{\"use\": {\"x\": \"../y\"}}")}) {
        EXPECT_FALSE(read_project_file(text).ok()) << text.substr(0, 50);
    }
}

// What an editor says by the schema and what the reader says agree.
TEST(ProjectFile, the_published_schema_agrees) {
    const auto schema_value = json::parse(project_schema_text());
    ASSERT_TRUE(schema_value);
    const auto schema = json::Schema::compile(*schema_value);
    ASSERT_TRUE(schema) << schema.error().describe();
    const struct { std::string_view text; bool valid; } rows[] = {
        {R"({})", true}, {R"({"use": {"a": "b"}, "only": true})", true}, {R"({"use": {"A B": "b"}})", false}, {R"({"use": []})", false}, {R"({"unmatched": "no"})", false},
        {R"({"rate": "60/m"})", true}, {R"({"rate": "60"})", false}, {R"({"for": "1h30m"})", true}, {R"({"for": "x"})", false}, {R"({"read_only": "yes"})", false},
        {R"({"rules": [{"action": "deny"}]})", true}, {R"({"rules": [{}]})", false}, {R"({"rules": [{"action": "x"}]})", false},
        {R"({"rules": [{"action": "ask", "methods": ["POST"], "hosts": "api.acme.com", "paths": ["/x"], "connection": "a/b", "comment": 1}]})", true},
        {R"({"rules": [{"action": "ask", "hosts": []}]})", false}, {R"({"rules": [{"action": "ask", "host": "x.example"}]})", false}, {R"({"other": 1})", false},
        {R"({"use": null, "rules": null, "rate": null})", true},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(schema->validate(*json::parse(row.text)).empty(), row.valid) << "the schema: " << row.text;
        const auto read = read_project_file(row.text);
        EXPECT_EQ(read.ok(), row.valid) << "the reader: " << row.text << "\n" << provider::format_findings(read.findings, "x");
    }
}

}  // namespace
}  // namespace claviger::policy
