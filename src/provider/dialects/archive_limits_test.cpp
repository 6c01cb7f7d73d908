#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "provider/dialects/archive.hpp"
#include "provider/dialects/pack.hpp"
#include "provider/dialects/zip_forge.hpp"

namespace claviger::provider {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::Forge;
using test::Forged;

const fs::path kShared = fs::path(CLAVIGER_SOURCE_DIR) / ".." / "shared";

std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// Text that deflate cannot shrink much: so that sizes, not the ratio, decide.
std::string noise(std::size_t size, std::uint32_t seed = 1) {
    std::string out(size, '\0');
    for (char& c : out) {
        seed = seed * 1664525 + 1013904223;
        c = static_cast<char>(seed >> 24);
    }
    return out;
}

// "VmRSS" or "VmHWM" (the peak) of this process, in KiB.
long memory_kib(const std::string& which) {
    std::istringstream status(slurp("/proc/self/status"));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(which + ":")) return std::stol(line.substr(which.size() + 1));
    return 0;
}

// Makes the peak start anew from what is held now.
bool reset_peak() {
    std::ofstream out("/proc/self/clear_refs");
    out << "5" << std::flush;
    return out.good();
}

ErrorCode code_of(const Forge& forge) {
    auto package = read_archive(forge.build());
    return package ? ErrorCode::internal : package.error().code;
}

TEST(ArchiveLimits, PK01_each_limit_holds_on_both_sides) {
    Forge entries;
    for (int i = 0; i < 1000; ++i) entries.entries.emplace_back("f" + std::to_string(i), "x");
    EXPECT_EQ(read_archive(entries.build())->files.size(), 1000u);
    entries.entries.emplace_back("one-more", "x");
    EXPECT_EQ(code_of(entries), ErrorCode::limit);

    Forge ratio;
    // Deflate turns each of these into the same number of bytes.
    const std::uint32_t packed = Forged("a", std::string(1100, 'a'), true).central.packed;
    ratio.entries.emplace_back("a", std::string(packed * 100, 'a'), true);
    ASSERT_EQ(ratio.entries[0].central.packed, packed);
    EXPECT_TRUE(read_archive(ratio.build()));
    ratio.entries[0] = Forged("a", std::string(packed * 100 + 1, 'a'), true);
    ASSERT_EQ(ratio.entries[0].central.packed, packed);
    EXPECT_EQ(code_of(ratio), ErrorCode::limit);

    Forge name;
    name.entries.emplace_back(std::string(255, 'n'), "x");
    std::string deep;
    for (int i = 0; i < 15; ++i) deep += "d/";
    name.entries.emplace_back(deep + "x", "x");
    EXPECT_TRUE(read_archive(name.build()));

    Forge size;
    size.entries.emplace_back("a", noise((std::size_t{10} << 20) - 150));
    EXPECT_TRUE(read_archive(size.build()));
    size.entries[0] = Forged("a", noise(std::size_t{10} << 20));
    EXPECT_EQ(code_of(size), ErrorCode::limit);
}

TEST(ArchiveLimits, PK01_unpacked_total_is_counted_over_all_entries) {
    // Two parts of noise in a hundred: half of the allowed ratio.
    std::string part;
    for (std::uint32_t seed = 1; part.size() < (std::size_t{5} << 20) + 100'000; ++seed)
        part += noise(600, seed * 7919) + std::string(29'400, 'z');
    Forge forge;
    for (int i = 0; i < 9; ++i) forge.entries.emplace_back("f" + std::to_string(i), part, true);
    ASSERT_LE(part.size(), std::size_t{forge.entries[0].central.packed} * 100);
    EXPECT_TRUE(read_archive(forge.build()));
    forge.entries.emplace_back("f9", part, true);
    EXPECT_EQ(code_of(forge), ErrorCode::limit);
}

// Each as bytes, built in a scope of its own so that the building's memory is given back.
std::vector<std::string> bombs() {
    Forge plain;
    plain.entries.emplace_back("zeros", std::string(std::size_t{40} << 20, '\0'), true);
    Forge lying = plain;  // says that it is small
    lying.entries[0].both([](auto& h) { h.unpacked = 1000; });
    // One kernel of data, quoted by many entries that overlap (42 kB -> 5 GB).
    Forge overlapped;
    overlapped.entries.emplace_back("kernel", std::string(1 << 20, '\0'), true);
    for (int i = 0; i < 900; ++i) {
        Forged again = overlapped.entries[0];
        again.central.name += std::to_string(i);
        again.write_local = false;
        again.offset = 0;
        overlapped.entries.push_back(again);
    }
    return {plain.build(), lying.build(), overlapped.build()};
}

TEST(ArchiveLimits, PK01_a_bomb_costs_no_memory_and_no_time) {
    const auto all = bombs();
    Forge nested;
    nested.entries.emplace_back("inner.zip", all[0]);
    const std::string outer = nested.build();
    const bool measured = reset_peak();
    const long before = memory_kib("VmRSS");
    const std::clock_t start = std::clock();
    for (const auto& bomb : all) EXPECT_FALSE(read_archive(bomb));
    const auto package = read_archive(outer);
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    ASSERT_TRUE(package) << "an archive within an archive is bytes, never opened";
    EXPECT_EQ(package->files.at("inner.zip"), all[0]);
    EXPECT_LT(seconds, 1.0) << "of processor time";
    if (measured) EXPECT_LE(memory_kib("VmHWM") - before, 64 * 1024);
}

TEST(ArchiveLimits, every_truncation_and_every_flipped_bit_fails_or_reads_the_same) {
    Forge forge;
    forge.entries.emplace_back("PROVIDER.md", "# Acme\n\nacme acme acme acme acme\n", true);
    forge.entries.emplace_back("manifest.json", R"({"name":"@acme/example"})").both([](auto& h) {
        h.extra = test::le(0x5455, 2) + test::le(5, 2) + std::string("\1abcd");
    });
    forge.entries.emplace_back("x/y", "streamed streamed streamed", true).with_descriptor();
    const std::string bytes = forge.build();
    const auto expected = read_archive(bytes);
    ASSERT_TRUE(expected);
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(read_archive(bytes.substr(0, size))) << size;
    int same = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
        const auto package = read_archive(flipped);
        if (!package) continue;
        EXPECT_EQ(*package, *expected) << bit;
        ++same;
    }
    // Times, versions and the like may change; two thirds of all bits may not.
    EXPECT_LT(same, static_cast<int>(bytes.size() * 8 / 3));
}

TEST(ArchiveLimits, PK02_the_collected_bad_archives_are_refused) {
    const fs::path folder = kShared / "peers/corpora/zip";
    if (!fs::exists(kShared)) GTEST_SKIP() << "no ../shared beside the source: the collected archives are NOT tested";
    int count = 0;
    for (const auto& file : fs::directory_iterator(folder)) {
        ++count;
        const auto package = read_archive(slurp(file.path()));
        EXPECT_FALSE(package) << file.path().filename();
        if (!package) EXPECT_NE(package.error().code, ErrorCode::internal);
    }
    EXPECT_EQ(count, 24);
}

TEST(ArchiveLimits, real_packages_read) {
    if (!fs::exists(kShared)) GTEST_SKIP() << "no ../shared beside the source: the real packages are NOT tested";
    int count = 0;
    for (const char* era : {"afps-v1", "afps-v2"}) {
        for (const auto& file : fs::directory_iterator(kShared / "peers" / era)) {
            ++count;
            const auto package = read_archive(slurp(file.path()));
            ASSERT_TRUE(package) << file.path().filename() << package.error().describe();
            EXPECT_TRUE(package->files.contains("manifest.json"));
            const auto packed = write_archive(*package);
            ASSERT_TRUE(packed);
            EXPECT_EQ(*read_archive(*packed), *package);
        }
    }
    EXPECT_EQ(count, 46);
}

}  // namespace
}  // namespace claviger::provider
