// Real packages of both AFPS eras: all read, and what they become is in tests/vectors/definitions, checked by eye.
// CLAVIGER_UPDATE_GOLDEN=1 writes those files anew.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "crypto/digest.hpp"
#include "provider/dialects/afps_v1.hpp"
#include "provider/dialects/flat.hpp"
#include "provider/dialects/package.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = CLAVIGER_SOURCE_DIR;
const fs::path kPeers = kSource / ".." / "shared" / "peers";
const fs::path kGolden = kSource / "tests/vectors/definitions";

std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// The files keep facts alone: sentences that other people wrote stand as their length and the start of their digest.
void abbreviate(std::string& text) {
    if (!text.empty()) text = std::to_string(text.size()) + " bytes, sha256 " + crypto::sha256_hex(text).substr(0, 16);
}

void abbreviate_descriptions(json::Value& value) {
    auto* object = value.if_object();
    if (!object) return;
    for (auto& member : *object) {
        if (member.key() == "description" && member.value().is_string()) {
            std::string text(member.value().get_string());
            abbreviate(text);
            member.value() = text;
        }
        abbreviate_descriptions(member.value());
    }
}

ProviderDefinition facts_of(ProviderDefinition definition) {
    abbreviate(definition.description);
    abbreviate(definition.setup_guide.callback_url_hint);
    for (auto& step : definition.setup_guide.steps) abbreviate(step.label);
    if (definition.oauth2) {
        for (auto& choice : definition.oauth2->available_scopes) {
            abbreviate(choice.label);
            abbreviate(choice.description);
        }
    }
    abbreviate_descriptions(definition.credentials.schema);
    return definition;
}

std::string native_text(const ProviderDefinition& definition) { return json::to_pretty_text(to_native_json(definition)); }

std::vector<fs::path> sorted_files(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(folder)) files.push_back(file.path());
    std::sort(files.begin(), files.end());
    return files;
}

void compare_with_golden(const std::string& era, const ProviderDefinition& original) {
    const ProviderDefinition definition = facts_of(original);
    const fs::path path = kGolden / era / (definition.name + ".json");
    if (const char* update = std::getenv("CLAVIGER_UPDATE_GOLDEN"); update && *update == '1') {
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << native_text(definition);
    }
    EXPECT_TRUE(slurp(path) == native_text(definition))
        << path << " differs: run with CLAVIGER_UPDATE_GOLDEN=1 and look at what changed";
}

class Peers : public testing::Test {
protected:
    // What real packages are warned of, and nothing else: a new code here is a change to look at.
    std::set<std::string> warnings;
    void note(const std::vector<Finding>& findings) {
        for (const Finding& finding : findings) warnings.insert(finding.code);
    }
    void SetUp() override {
        if (!fs::exists(kPeers)) GTEST_SKIP() << "no ../shared beside the source: the real packages are NOT tested";
    }
};

TEST_F(Peers, all_24_packages_of_afps_1_read_to_their_golden_forms) {
    const auto files = sorted_files(kPeers / "afps-v1");
    EXPECT_EQ(files.size(), 24u);
    for (const auto& file : files) {
        SCOPED_TRACE(file.filename());
        const ReadResult result = read_definition(slurp(file));
        ASSERT_TRUE(result.ok()) << format_findings(result.findings, "");
        ASSERT_EQ(result.definitions.size(), 1u);
        EXPECT_EQ(result.dialect, "afps-v1");
        note(result.findings);
        compare_with_golden("afps-v1", result.definitions[0]);
    }
    EXPECT_EQ(warnings, (std::set<std::string>{"allow_all_uris", "no_injection", "shared_domain"}));
}

TEST_F(Peers, all_22_packages_of_afps_2_read_to_their_golden_forms) {
    const auto files = sorted_files(kPeers / "afps-v2");
    EXPECT_EQ(files.size(), 22u);
    std::size_t definitions = 0;
    for (const auto& file : files) {
        SCOPED_TRACE(file.filename());
        const ReadResult result = read_definition(slurp(file));
        ASSERT_TRUE(result.ok()) << format_findings(result.findings, "");
        EXPECT_EQ(result.dialect, "afps-v2");
        note(result.findings);
        definitions += result.definitions.size();
        for (const auto& definition : result.definitions) compare_with_golden("afps-v2", definition);
    }
    EXPECT_EQ(warnings, (std::set<std::string>{"allow_all_uris", "not_a_provider", "shared_domain"}));
    EXPECT_EQ(definitions, 22u) << "21 integrations, one with two ways to authenticate; the MCP server has none";
}

TEST_F(Peers, what_is_written_as_afps_1_is_read_as_the_same_definition) {
    for (const auto& file : sorted_files(kPeers / "afps-v1")) {
        SCOPED_TRACE(file.filename());
        const ProviderDefinition first = read_definition(slurp(file)).definitions.at(0);
        EXPECT_TRUE(write_afps_v1(first).value().lost.empty());
        const auto packed = pack_definition(first, "# Notes\n");
        ASSERT_TRUE(packed) << packed.error().describe();
        EXPECT_EQ(*pack_definition(first, "# Notes\n"), *packed) << "packing is reproducible";
        const ReadResult again = read_definition(*packed);
        ASSERT_TRUE(again.ok()) << format_findings(again.findings, "");
        EXPECT_EQ(native_text(again.definitions.at(0)), native_text(first));
        // Also after the definition was stored in the native form.
        const ReadResult stored = read_definition(native_text(first));
        ASSERT_TRUE(stored.ok()) << format_findings(stored.findings, "");
        EXPECT_EQ(to_afps_v1_manifest(stored.definitions.at(0)), to_afps_v1_manifest(first));
    }
}

TEST_F(Peers, the_flat_payload_carries_all_but_the_setup_guide) {
    for (const auto& file : sorted_files(kPeers / "afps-v1")) {
        SCOPED_TRACE(file.filename());
        ProviderDefinition first = read_definition(slurp(file)).definitions.at(0);
        first.setup_guide = {};
        const ReadResult again = read_definition(to_flat_payload(first));
        ASSERT_TRUE(again.ok()) << format_findings(again.findings, "");
        EXPECT_EQ(again.dialect, "flat");
        EXPECT_TRUE(write_flat(first).value().lost.empty());
        EXPECT_EQ(security_digest(again.definitions.at(0)), security_digest(first));
    }
}

TEST(Golden, each_golden_form_is_a_native_definition_that_says_the_same) {
    int count = 0;
    for (const char* era : {"afps-v1", "afps-v2"}) {
        for (const auto& file : sorted_files(kGolden / era)) {
            SCOPED_TRACE(file.filename());
            const std::string text = slurp(file);
            const ReadResult result = read_definition(text);
            ASSERT_TRUE(result.ok()) << format_findings(result.findings, "");
            EXPECT_EQ(native_text(result.definitions.at(0)), text);
            ++count;
        }
    }
    EXPECT_EQ(count, 46);
}

}  // namespace
}  // namespace claviger::provider
