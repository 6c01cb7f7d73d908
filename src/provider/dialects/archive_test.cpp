#include "provider/dialects/archive.hpp"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "provider/dialects/zip_forge.hpp"

namespace claviger::provider {
namespace {

using base::ErrorCode;
using test::Forge;
using test::Forged;

const std::string kManifest = R"({"name":"@acme/example","version":"1.0.0","type":"provider"})";

Forge good() {
    Forge forge;
    forge.entries.emplace_back("PROVIDER.md", "# Acme\n\nacme acme acme acme acme acme acme\n", true);
    forge.entries.emplace_back("manifest.json", kManifest);
    return forge;
}

TEST(Archive, reads_stored_deflated_and_streamed_entries) {
    Forge forge = good();
    forge.entries.emplace_back("a/b/c.txt", "streamed streamed streamed", true).with_descriptor(true);
    forge.entries.emplace_back("a/b/d.txt", "streamed streamed streamed", true).with_descriptor(false);
    forge.entries.emplace_back("a/", "").attributes = 0x10;
    forge.entries.emplace_back("empty", "", true);
    forge.entries.emplace_back("\xC3\xBC" "ber.md", "x").both([](test::Header& h) { h.flags |= 1 << 11; });
    forge.comment = "made somewhere";
    auto package = read_archive(forge.build());
    ASSERT_TRUE(package) << package.error().describe();
    EXPECT_EQ(package->files.size(), 6u);
    EXPECT_EQ(package->files.at("manifest.json"), kManifest);
    EXPECT_EQ(package->files.at("a/b/c.txt"), "streamed streamed streamed");
    EXPECT_EQ(package->files.at("a/b/d.txt"), "streamed streamed streamed");
    EXPECT_EQ(package->files.at("empty"), "");
    EXPECT_EQ(package->files.at("\xC3\xBC" "ber.md"), "x");
}

TEST(Archive, entries_may_stand_in_another_order_than_the_directory) {
    Forge forge = good();
    const std::string bytes = forge.build();
    const std::string local = bytes.substr(0, bytes.find("PK\x01\x02"));
    const auto second = static_cast<std::uint32_t>(local.find("PK\x03\x04", 4));
    std::swap(forge.entries[0].central, forge.entries[1].central);
    forge.entries[0].offset = second;
    forge.entries[1].offset = 0;
    auto package = read_archive(forge.build());
    ASSERT_TRUE(package) << package.error().describe();
    EXPECT_EQ(package->files.at("manifest.json"), kManifest);
}

TEST(Archive, strips_one_wrapping_folder_and_leaves_out_macosx) {
    Forge forge;
    forge.entries.emplace_back("acme/", "").attributes = 0x10 | 0040755u << 16;
    forge.entries.emplace_back("acme/manifest.json", kManifest);
    forge.entries.emplace_back("acme/docs/a.md", "a");
    forge.entries.emplace_back("__MACOSX/acme/._manifest.json", "resource fork");
    auto package = read_archive(forge.build());
    ASSERT_TRUE(package) << package.error().describe();
    EXPECT_EQ(package->files, (std::map<std::string, std::string>{{"docs/a.md", "a"}, {"manifest.json", kManifest}}));

    forge.entries.emplace_back("other/x", "x");
    EXPECT_TRUE(read_archive(forge.build())->files.contains("acme/manifest.json")) << "two folders: nothing is stripped";
    forge.entries.pop_back();
    forge.entries.emplace_back("__MACOSX/../x", "x");
    EXPECT_FALSE(read_archive(forge.build())) << "an unsafe name under __MACOSX is refused too";
}

struct Hostile {
    std::string what;
    std::function<void(Forge&)> change;
    std::string says;  // part of the message, so that each case fails for its own reason
    ErrorCode code = ErrorCode::invalid_input;
};

Hostile name_case(std::string name, std::string says, ErrorCode code = ErrorCode::invalid_input) {
    return {"name " + name,
            [name](Forge& f) {
                f.entries.emplace_back(name, "x").both([](test::Header& h) { h.flags |= 1 << 11; });
            },
            std::move(says), code};
}

Hostile mode_case(std::uint32_t mode, std::string says) {
    return {"mode " + std::to_string(mode), [mode](Forge& f) {
                f.entries[1].attributes = mode << 16;
                f.entries[1].made_by = 3 << 8;
            }, std::move(says)};
}

Hostile twins(std::string a, std::string b, std::string says = "is there twice") {
    return {"twins " + a, [a, b](Forge& f) {
                for (const auto& name : {a, b})
                    f.entries.emplace_back(name, "x").both([](test::Header& h) { h.flags |= 1 << 11; });
            }, std::move(says)};
}

std::vector<Hostile> hostile_names() {
    std::string deep;
    for (int i = 0; i < 17; ++i) deep += "d/";
    return {
        name_case("/etc/passwd", "absolute path"),
        name_case("../evil", "'.' or '..'"),
        name_case("a/../../evil", "'.' or '..'"),
        name_case("a/..", "'.' or '..'"),
        name_case("./a", "'.' or '..'"),
        name_case("..", "'.' or '..'"),
        name_case("a//b", "empty part"),
        name_case("//server/share", "absolute path"),
        name_case("..\\evil", "backslash"),
        name_case("a\\b", "backslash"),
        name_case("C:/evil", "colon"),
        name_case("C:evil", "colon"),
        name_case("manifest.json:stream", "colon"),
        name_case(std::string("a\0b", 3), "control character"),
        name_case("a\nb", "control character"),
        name_case("a\x7f", "control character"),
        name_case("a\xff", "UTF-8"),
        name_case("a\xc0\xaf" "b", "UTF-8"),
        name_case("a\xed\xa0\x80", "UTF-8"),
        name_case("", "no name"),
        name_case("a./b", "dot or a space"),
        name_case("a /b", "dot or a space"),
        name_case(std::string(256, 'n'), "longer than 255", ErrorCode::limit),
        name_case(deep + "x", "16 deep", ErrorCode::limit),
        {"not marked UTF-8", [](Forge& f) { f.entries.emplace_back("\xC3\xBC", "x"); }, "not marked as UTF-8"},
        twins("manifest.json", "x"),
        twins("A.txt", "a.TXT"),
        twins("\xC3\x84", "\xC3\xA4"),                           // capital and small a umlaut
        twins("\xC3\xA4", "a\xCC\x88"),                          // composed and decomposed
        twins("\xC3\x9F", "ss"),                                 // sharp s folds to ss
        twins("\xC5\xBF.txt", "s.txt"),                          // long s
        {"folder and file", [](Forge& f) { f.entries.emplace_back("dir/", ""); f.entries.emplace_back("DIR", ""); }, "is there twice"},
        twins("dir", "dir/x", "also a file"),
        twins("DIR", "dir/x", "also a file"),
    };
}

std::vector<Hostile> hostile_structure() {
    return {
        {"link", mode_case(0120777, "").change, "link or a device"},
        mode_case(0010644, "link or a device"),
        mode_case(0020644, "link or a device"),
        mode_case(0060644, "link or a device"),
        mode_case(0140644, "link or a device"),
        mode_case(0040755, "not by both"),
        {"reparse point", [](Forge& f) { f.entries[1].attributes = 0x400; }, "link or a device"},
        {"volume label", [](Forge& f) { f.entries[1].attributes = 8; }, "volume label"},
        {"folder with contents", [](Forge& f) { f.entries.emplace_back("d/", "x"); }, "folder with contents"},
        {"folder says file", [](Forge& f) { f.entries.emplace_back("d/", "").attributes = 0100644u << 16 | 0x10; }, "not by both"},
        {"prepended", [](Forge& f) { f.before = "#!/bin/sh\n"; }, "before the archive"},
        {"prepended, offsets shifted", [](Forge& f) {
             f.before = "#!/bin/sh\n";
             f.entries[0].offset = 0;
         }, "no header where"},
        {"prepended, all relative", [](Forge& f) {
             const std::string plain = good().build();
             f.before = "#!/bin/sh\n";
             f.entries[0].offset = 0;
             f.entries[1].offset = static_cast<std::uint32_t>(plain.find("PK\x03\x04", 4));
             f.directory_offset = static_cast<std::uint32_t>(plain.find("PK\x01\x02"));
         }, "not where its end record says"},
        {"trailing", [](Forge& f) { f.after = "x"; }, "after its end"},
        {"trailing newline", [](Forge& f) { f.after = "\n"; }, "after its end"},
        {"second archive behind", [](Forge& f) { f.after = good().build(); }, "not where its end record says"},
        {"end record in the comment", [](Forge& f) { f.comment = "PK\x05\x06" + std::string(18, '\0'); }, "not where"},
        {"end record in a longer comment", [](Forge& f) { f.comment = "PK\x05\x06" + std::string(30, 'x'); }, "after its end"},
        {"comment too short", [](Forge& f) { f.comment = "abc"; f.comment_size = 2; }, "after its end"},
        {"comment too long", [](Forge& f) { f.comment = "abc"; f.comment_size = 4; }, "after its end"},
        {"gap between entries", [](Forge& f) { f.entries[0].after = "hidden"; }, "belongs to no entry"},
        {"gap before directory", [](Forge& f) { f.between = "hidden"; }, "belongs to no entry"},
        {"local entry without record", [](Forge& f) { f.entries[0].write_central = false; }, "before the archive"},
        {"last entry without record", [](Forge& f) { f.entries[1].write_central = false; }, "belongs to no entry"},
        {"record without entry", [](Forge& f) { f.entries[1].write_local = false; }, "no header where"},
        {"two records of one entry", [](Forge& f) {
             f.entries.emplace_back("other", "x");
             f.entries[2].write_local = false;
             f.entries[2].offset = 0;
         }, "no header where"},
        {"overlap", [](Forge& f) {
             const std::string inner = good().build();
             const auto end = inner.find("PK\x01\x02");
             f.entries.clear();
             f.entries.emplace_back("outer", inner.substr(0, end));
             f.entries.emplace_back("PROVIDER.md", "# Acme\n\nacme acme acme acme acme acme acme\n", true);
             f.entries[1].write_local = false;
             f.entries[1].offset = 35;
         }, "overlaps"},
        {"offset outside", [](Forge& f) { f.entries[1].offset = 0x7fffffff; }, "outside the archive"},
        {"offset in the directory", [](Forge& f) { f.entries[1].offset = static_cast<std::uint32_t>(f.build().find("PK\x01\x02")) + 1; }, "outside the archive"},
        {"packed size too large", [](Forge& f) {
             f.entries[0].both([](auto& h) { h.packed = 0x7fffffff; });
         }, "overlaps"},
        {"local signature", [](Forge& f) { f.entries[1].local_signature = "PK\x03\x05"; }, "no header where"},
        {"central signature", [](Forge& f) { f.entries[1].central_signature = "PK\x01\x03"; }, "directory is broken"},
        {"names differ", [](Forge& f) { f.entries[1].local.name = "manifest.jso_"; }, "disagree"},
        {"names differ in length", [](Forge& f) { f.entries[1].local.name = "m"; }, "disagree"},
        {"crc differs", [](Forge& f) { f.entries[1].local.crc ^= 1; }, "disagree"},
        {"packed differs", [](Forge& f) { f.entries[0].local.packed ^= 1; }, "disagree"},
        {"unpacked differs", [](Forge& f) { f.entries[0].local.unpacked ^= 1; }, "disagree"},
        {"method differs", [](Forge& f) { f.entries[0].local.method = 0; }, "disagree"},
        {"flags differ", [](Forge& f) { f.entries[0].local.flags = 2; }, "disagree"},
        {"wrong crc in both", [](Forge& f) { f.entries[1].both([](auto& h) { h.crc ^= 1; }); }, "does not unpack"},
        {"wrong crc of deflated", [](Forge& f) { f.entries[0].both([](auto& h) { h.crc ^= 1; }); }, "does not unpack"},
        {"unpacks to more", [](Forge& f) { f.entries[0].both([](auto& h) { h.unpacked -= 1; }); }, "does not unpack"},
        {"unpacks to less", [](Forge& f) { f.entries[0].both([](auto& h) { h.unpacked += 1; }); }, "does not unpack"},
        {"broken deflate", [](Forge& f) { f.entries[0].data[0] = '\xff'; }, "does not unpack"},
        {"data behind the deflated stream", [](Forge& f) {
             f.entries[0].data += "hidden";
             f.entries[0].both([](auto& h) { h.packed += 6; });
         }, "does not unpack"},
        {"stored sizes differ", [](Forge& f) { f.entries[1].both([](auto& h) { h.unpacked += 1; }); }, "two sizes differ"},
        {"encrypted", [](Forge& f) { f.entries[0].both([](auto& h) { h.flags |= 1; }); }, "encrypted"},
        {"strong encryption", [](Forge& f) { f.entries[0].both([](auto& h) { h.flags |= 1 << 6 | 1; }); }, "encrypted"},
        {"masked headers", [](Forge& f) { f.entries[0].both([](auto& h) { h.flags |= 1 << 13; }); }, "encrypted"},
        {"AES extra", [](Forge& f) { f.entries[0].both([](auto& h) { h.extra = test::le(0x9901, 2) + test::le(0, 2); }); }, "encrypted"},
        {"patch data", [](Forge& f) { f.entries[0].both([](auto& h) { h.flags |= 1 << 5; }); }, "unknown feature"},
        {"second name", [](Forge& f) { f.entries[0].central.extra = test::le(0x7075, 2) + test::le(1, 2) + "\1"; }, "second name"},
        {"link extra", [](Forge& f) { f.entries[0].local.extra = test::le(0x000d, 2) + test::le(0, 2); }, "hold a link"},
        {"extra too short", [](Forge& f) { f.entries[0].local.extra = "abc"; }, "broken extra"},
        {"extra too long", [](Forge& f) { f.entries[0].central.extra = test::le(0x5455, 2) + test::le(9, 2) + "x"; }, "broken extra"},
        {"zip64 extra", [](Forge& f) { f.entries[0].both([](auto& h) { h.extra = test::le(1, 2) + test::le(8, 2) + test::le(1, 8); }); }, "ZIP64"},
        {"zip64 entries", [](Forge& f) { f.entries_here = f.entries_total = 0xffff; }, "ZIP64", ErrorCode::unsupported},
        {"zip64 offset", [](Forge& f) { f.directory_offset = 0xffffffff; }, "ZIP64", ErrorCode::unsupported},
        {"zip64 size", [](Forge& f) { f.directory_size = 0xffffffff; }, "ZIP64", ErrorCode::unsupported},
        {"disk", [](Forge& f) { f.disk = 1; }, "several disks"},
        {"directory's disk", [](Forge& f) { f.directory_disk = 1; }, "several disks"},
        {"entry's disk", [](Forge& f) { f.entries[0].disk = 1; }, "several disks"},
        {"entries differ", [](Forge& f) { f.entries_here = 1; }, "several disks"},
        {"fewer entries", [](Forge& f) { f.entries_here = f.entries_total = 1; }, "more entries"},
        {"more entries", [](Forge& f) { f.entries_here = f.entries_total = 3; }, "directory is broken"},
        {"directory size", [](Forge& f) { f.directory_size = 10; }, "not where"},
        {"directory offset", [](Forge& f) { f.directory_offset = 10; }, "not where"},
        {"directory offset outside", [](Forge& f) { f.directory_offset = 0x7fffffff; }, "not where"},
        {"stored, streamed", [](Forge& f) { f.entries[1].with_descriptor(); }, "after its data"},
        {"descriptor missing", [](Forge& f) { f.entries[0].with_descriptor(); f.entries[0].after.clear(); }, "descriptor"},
        {"descriptor differs", [](Forge& f) { f.entries[0].with_descriptor(); f.entries[0].after[5] ^= 1; }, "descriptor"},
        {"descriptor of zip64", [](Forge& f) {
             f.entries[0].with_descriptor();
             const auto& h = f.entries[0].central;
             f.entries[0].after = "PK\x07\x08" + test::le(h.crc, 4) + test::le(h.packed, 8) + test::le(h.unpacked, 8);
         }, "descriptor"},
        {"empty archive", [](Forge& f) { f.entries.clear(); }, "is empty"},
        {"only a folder", [](Forge& f) { f.entries.clear(); f.entries.emplace_back("d/", ""); }, "no files"},
    };
}

void expect_refused(const std::vector<Hostile>& cases) {
    ASSERT_TRUE(read_archive(good().build()));
    for (const auto& hostile : cases) {
        SCOPED_TRACE(hostile.what);
        Forge forge = good();
        hostile.change(forge);
        const auto package = read_archive(forge.build());
        ASSERT_FALSE(package);
        EXPECT_NE(package.error().message.find(hostile.says), std::string::npos) << package.error().message;
        EXPECT_EQ(package.error().code, hostile.code);
        EXPECT_EQ(package.error().message.find('\n'), std::string::npos);
    }
}

TEST(Archive, PK02_hostile_names_refuse_the_whole_archive) { expect_refused(hostile_names()); }

TEST(Archive, PK02_hostile_structure_refuses_the_whole_archive) {
    for (int method : {1, 6, 9, 12, 14, 93, 95, 98, 99}) {
        Forge forge = good();
        forge.entries[0].both([&](auto& h) { h.method = static_cast<std::uint16_t>(method); });
        const auto package = read_archive(forge.build());
        ASSERT_FALSE(package);
        EXPECT_NE(package.error().message.find("another method"), std::string::npos) << method;
    }
    expect_refused(hostile_structure());
}

}  // namespace
}  // namespace claviger::provider
