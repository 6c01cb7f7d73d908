// docs/provider-definition.md lists every code that a finding can have.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <re2/re2.h>

namespace claviger::provider {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

TEST(FindingCodes, all_are_documented) {
    const fs::path source = CLAVIGER_SOURCE_DIR;
    const std::string page = slurp(source / "docs/provider-definition.md");
    // add(severity, code, ...), error(pointer, code, ...), error(code, ...): the first plain word after the call.
    const RE2 call(R"re((?:\berror|\bwarning|\brefused|Severity::error,|Severity::warning,)\(?(?:[^;"]|"[^"]*/[^"]*"|"[a-zA-Z]+", ")*?"([a-z]+_[a-z_]+|required|conflict|unused|unsupported|misplaced|disagrees)",)re");
    ASSERT_TRUE(call.ok()) << call.error();
    std::set<std::string> codes;
    for (const auto& file : fs::recursive_directory_iterator(source / "src/provider")) {
        const std::string name = file.path().filename();
        if (!name.ends_with(".cpp") || name.ends_with("_test.cpp")) continue;
        const std::string text = slurp(file.path());
        re2::StringPiece rest(text);
        std::string code;
        while (RE2::FindAndConsume(&rest, call, &code)) codes.insert(code);
    }
    for (const std::string member : {"allow_server_override", "error_when"}) codes.erase(member);  // members, not codes
    EXPECT_GT(codes.size(), 40u) << "the pattern no longer finds the calls";
    for (const std::string& code : codes) EXPECT_NE(page.find("`" + code + "`"), std::string::npos) << code;
}

}  // namespace
}  // namespace claviger::provider
