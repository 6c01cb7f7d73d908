// The registry: custom files beside the embedded catalogue, and the catalogue itself held against every rule.
#include "provider/registry.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "provider/catalogue.hpp"

namespace claviger::provider {
namespace {

namespace fs = std::filesystem;

class RegistryTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = fs::temp_directory_path() / "claviger-registry-XXXXXX";
        ASSERT_TRUE(mkdtemp(pattern.data()));
        home = pattern;
    }
    void TearDown() override { fs::remove_all(home); }
    void write(const std::string& file, std::string_view text) const {
        fs::create_directories(home / "providers");
        fs::permissions(home / "providers", fs::perms::owner_all);
        std::ofstream(home / "providers" / file, std::ios::binary) << text;
    }
    [[nodiscard]] Registry registry() const { return Registry(home / "providers"); }
    fs::path home;
};

std::string definition(std::string_view name) {
    return R"({"name":")" + std::string(name) +
           R"(","display_name":"A custom one","auth_type":"api_key","flow":"api_key","api_url":"api.acme.example","api_key":{}})";
}

const Entry* entry_of(const std::vector<Entry>& entries, std::string_view name) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.name == name; });
    return found == entries.end() ? nullptr : &*found;
}

TEST_F(RegistryTest, lists_the_catalogue_when_there_is_no_directory) {
    const auto entries = registry().list().value();
    EXPECT_EQ(entries.size(), catalogue().size());
    EXPECT_TRUE(std::is_sorted(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
    EXPECT_EQ(registry().load("nosuch").error().code, base::ErrorCode::not_found);
}

TEST_F(RegistryTest, a_dropped_file_works_at_once_and_wins) {
    const Registry reader = registry();
    ASSERT_FALSE(catalogue().empty());
    const std::string taken(catalogue().front().name);
    EXPECT_EQ(reader.source_of(taken).value(), Source::bundled);
    write(taken + ".json", definition(taken));
    write("acme.jsonc", "// mine\n" + definition("acme"));
    EXPECT_EQ(reader.load(taken).value().display_name, "A custom one");
    EXPECT_EQ(reader.load("acme").value().name, "acme");
    EXPECT_EQ(reader.source_of(taken).value(), Source::custom);
    const auto entries = reader.list().value();
    EXPECT_TRUE(entry_of(entries, taken)->overrides_bundled);
    EXPECT_EQ(entry_of(entries, taken)->source, Source::custom);
    EXPECT_FALSE(entry_of(entries, "acme")->overrides_bundled);
    EXPECT_EQ(entries.size(), catalogue().size() + 1) << "an overridden one is listed once";
    EXPECT_TRUE(reader.bundled(taken)) << "still there beneath";
}

TEST_F(RegistryTest, a_broken_file_is_reported_and_hides_nothing) {
    write("broken.json", "{\n  \"name\": ");
    write("wrong.json", R"({"name":"wrong"})");
    write("other.json", definition("acme"));
    write("Bad Name.json", definition("acme"));
    write("notes.txt", "not a definition");
    write(".hidden.json", "x");
    write("acme.json", definition("acme"));
    const auto entries = registry().list().value();
    EXPECT_EQ(entries.size(), catalogue().size() + 5);
    EXPECT_NE(entry_of(entries, "broken")->problem.value_or("").find("broken.json: error: (line "), std::string::npos)
        << entry_of(entries, "broken")->problem.value_or("");
    EXPECT_NE(entry_of(entries, "wrong")->problem.value_or("").find("required"), std::string::npos);
    EXPECT_NE(entry_of(entries, "other")->problem.value_or("").find("named \"acme\" inside"), std::string::npos);
    EXPECT_TRUE(entry_of(entries, "Bad Name")->problem);
    EXPECT_FALSE(entry_of(entries, "acme")->problem);
    EXPECT_EQ(registry().load("broken").error().code, base::ErrorCode::invalid_input);
    EXPECT_EQ(registry().load("other").error().code, base::ErrorCode::invalid_input);
}

TEST_F(RegistryTest, PK06_a_broken_override_never_falls_back_to_the_bundled_one) {
    const std::string taken(catalogue().front().name);
    write(taken + ".json", "{}");
    EXPECT_EQ(registry().load(taken).error().code, base::ErrorCode::invalid_input);
}

TEST_F(RegistryTest, two_files_of_one_name) {
    write("acme.jsonc", definition("acme"));
    write("acme.json", definition("acme"));
    const auto entries = registry().list().value();
    EXPECT_NE(entry_of(entries, "acme")->problem.value_or("").find("acme.jsonc"), std::string::npos);
    EXPECT_TRUE(registry().load("acme"));
}

TEST_F(RegistryTest, CL06_stores_privately_and_removes) {
    const ProviderDefinition acme = read_definition(definition("acme")).definitions.at(0);
    ASSERT_TRUE(registry().store(acme, false)) << registry().store(acme, false).error().describe();
    struct stat status {};
    ASSERT_EQ(stat((home / "providers/acme.json").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(json::to_text(to_native_json(registry().load("acme").value())), json::to_text(to_native_json(acme)));
    EXPECT_EQ(registry().store(acme, false).error().code, base::ErrorCode::already_exists);
    EXPECT_TRUE(registry().store(acme, true));
    EXPECT_TRUE(registry().remove("acme"));
    EXPECT_EQ(registry().remove("acme").error().code, base::ErrorCode::not_found);
    write("acme.jsonc", definition("acme"));
    EXPECT_EQ(registry().store(acme, false).error().code, base::ErrorCode::already_exists);
    ASSERT_TRUE(registry().store(acme, true));
    EXPECT_FALSE(fs::exists(home / "providers/acme.jsonc")) << "or there would be two of one name";
}

TEST_F(RegistryTest, CL08_names_are_never_paths) {
    write("acme.json", definition("acme"));
    for (const std::string_view name : {"../providers/acme", "./acme", "/etc/passwd", "", "..", "acme/", "ACME"}) {
        EXPECT_EQ(registry().load(name).error().code, base::ErrorCode::not_found) << name;
        EXPECT_FALSE(registry().remove(name)) << name;
    }
    ProviderDefinition evil = read_definition(definition("acme")).definitions.at(0);
    evil.name = "../evil";
    EXPECT_EQ(registry().store(evil, true).error().code, base::ErrorCode::invalid_input);
}

TEST_F(RegistryTest, CL07_refuses_a_directory_that_others_may_write) {
    write("acme.json", definition("acme"));
    fs::permissions(home / "providers", fs::perms::owner_all | fs::perms::group_write);
    EXPECT_EQ(registry().load("acme").error().code, base::ErrorCode::denied);
    EXPECT_EQ(registry().list().error().code, base::ErrorCode::denied);
}

TEST_F(RegistryTest, suggests_a_name) {
    write("acmecrm.json", definition("acmecrm"));
    EXPECT_NE(registry().load("acmecrn").error().hint.find("acmecrm"), std::string::npos);
}

TEST(Catalogue, every_bundled_definition_keeps_every_rule) {
    ASSERT_FALSE(catalogue().empty());
    EXPECT_TRUE(std::is_sorted(catalogue().begin(), catalogue().end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
    ReadOptions strict;
    strict.allow_loopback_http = false;
    strict.bundled = true;
    for (const CatalogueEntry& entry : catalogue()) {
        const ReadResult read = read_definition(entry.json, strict);
        EXPECT_TRUE(read.ok()) << entry.name << "\n" << format_findings(read.findings, "");
        if (!read.ok()) continue;
        const ProviderDefinition& d = read.definitions.at(0);
        EXPECT_EQ(d.name, entry.name);
        EXPECT_EQ(d.display_name, entry.display_name);
        EXPECT_EQ(d.auth_type, entry.auth_type);
        EXPECT_EQ(d.flow, entry.flow);
        // inspect > file registers again to the same value
        const std::string text = json::to_pretty_text(to_native_json(d));
        const ReadResult again = read_definition(text, strict);
        ASSERT_TRUE(again.ok()) << entry.name << format_findings(again.findings, "");
        EXPECT_EQ(json::to_pretty_text(to_native_json(again.definitions.at(0))), text);
        EXPECT_EQ(security_digest(again.definitions.at(0)), security_digest(d));
    }
}

TEST(Catalogue, is_found_by_name) {
    for (const CatalogueEntry& entry : catalogue()) EXPECT_EQ(catalogue_entry(entry.name), &entry);
    EXPECT_EQ(catalogue_entry(""), nullptr);
    EXPECT_EQ(catalogue_entry("zzzz"), nullptr);
}

}  // namespace
}  // namespace claviger::provider
