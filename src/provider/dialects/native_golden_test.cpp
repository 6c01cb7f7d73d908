// Real definitions of the native format's ancestor: all read, and what they become is in
// tests/vectors/definitions/authsome. CLAVIGER_UPDATE_GOLDEN=1 writes those files anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "provider/read.hpp"

namespace claviger::provider {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = CLAVIGER_SOURCE_DIR;
const fs::path kPeers = kSource / ".." / "shared" / "peers" / "authsome";
const fs::path kGolden = kSource / "tests/vectors/definitions/authsome";

std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

TEST(NativePeers, all_18_files_read_to_their_golden_forms_and_round_trip) {
    if (!fs::exists(kSource / ".." / "shared")) GTEST_SKIP() << "no ../shared beside the source: the real files are NOT tested";
    const char* update = std::getenv("CLAVIGER_UPDATE_GOLDEN");
    std::set<std::string> warnings;
    int files = 0;
    for (const auto& file : fs::directory_iterator(kPeers)) {
        ++files;
        const ReadResult read = read_definition(slurp(file.path()));
        ASSERT_TRUE(read.ok()) << file.path() << "\n" << format_findings(read.findings, "");
        EXPECT_EQ(read.dialect, "native");
        for (const Finding& finding : read.findings) warnings.insert(finding.code);
        const ProviderDefinition& d = read.definitions.at(0);
        const std::string text = json::to_pretty_text(to_native_json(d));
        const fs::path golden = kGolden / file.path().filename();
        if (update && *update == '1') {
            fs::create_directories(kGolden);
            std::ofstream(golden, std::ios::binary) << text;
        }
        EXPECT_EQ(slurp(golden), text) << golden;
        const ReadResult again = read_definition(text);
        ASSERT_TRUE(again.ok()) << format_findings(again.findings, "");
        EXPECT_EQ(json::to_pretty_text(to_native_json(again.definitions.at(0))), text);
        EXPECT_EQ(security_digest(again.definitions.at(0)), security_digest(d));
    }
    EXPECT_EQ(files, 18);
    EXPECT_EQ(warnings, (std::set<std::string>{"not_exported", "regex_too_wide"}));
}

}  // namespace
}  // namespace claviger::provider
