// docs/formats/audit.md by a second implementation: tests/vectors/audit/generate.py.
#include <gtest/gtest.h>

#include "audit/chain.hpp"
#include "audit/entry.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"
#include "sys/files.hpp"

namespace claviger::audit {
namespace {

struct AuditVectors : testing::Test {
    json::Value file = json::parse(sys::read_file(CLAVIGER_SOURCE_DIR "/tests/vectors/audit/segment.json", 1 << 20).value()).value();
    [[nodiscard]] std::string text(const char* name) const { return std::string(file.at(name).as_string()); }
    [[nodiscard]] std::string line(std::size_t i) const { return std::string(file.at("lines").as_array().at(i).as_string()); }
    [[nodiscard]] base::Secret key() const { return base::Secret(*base::hex_decode(text("audit_key"))); }
    [[nodiscard]] SegmentName name() const { return {text("session"), static_cast<std::uint32_t>(file.at("segment").as_int64())}; }
};

TEST_F(AuditVectors, they_are_accepted_and_read) {
    Chain chain(key(), name());
    const auto lines = file.at("lines").as_array().size();
    const auto& entries = file.at("entries").as_array();
    for (std::size_t i = 0; i < lines; ++i) {
        ASSERT_TRUE(chain.accepts(line(i))) << i;
        if (i == 0) {
            EXPECT_EQ(read_head(line(0), name())->time_since_epoch().count(), 1800000000000);
            continue;
        }
        const auto entry = read_entry(line(i), i);
        ASSERT_TRUE(entry) << i;
        const auto& expected = entries.at(i - 1).as_object();
        EXPECT_EQ(entry->at.time_since_epoch().count(), json::int_at(expected, "at"));
        EXPECT_EQ(to_string(entry->kind), json::string_at(expected, "kind"));
        EXPECT_EQ(entry->path, json::string_at(expected, "path").value_or(""));
        EXPECT_EQ(entry->status, json::int_at(expected, "status").value_or(0));
        EXPECT_EQ(entry->sent, static_cast<std::uint64_t>(json::int_at(expected, "sent").value_or(0)));
        EXPECT_EQ(entry->count, static_cast<std::uint64_t>(json::int_at(expected, "count").value_or(0)));
    }
    EXPECT_EQ(chain.mac(), text("last_mac"));
}

TEST_F(AuditVectors, the_same_entries_give_the_same_bytes) {
    Chain chain(key(), name());
    EXPECT_EQ(head_line(name(), base::Instant(base::Duration(1800000000000)), chain), line(0) + "\n");
    for (std::size_t i = 1; i < file.at("lines").as_array().size(); ++i) {
        const auto entry = read_entry(line(i), i);
        ASSERT_TRUE(entry);
        std::string written;
        append_entry(written, i, *entry);
        chain.seal(written, 0);
        EXPECT_EQ(written, line(i) + "\n");
    }
}

TEST(SegmentNames, there_is_one_spelling) {
    EXPECT_EQ(SegmentName::parse("0123456789abcdef-12"), (SegmentName{"0123456789abcdef", 12}));
    for (const char* text : {"", "0123456789abcdef", "0123456789abcdef-", "0123456789abcdef-0", "0123456789abcdef-01", "0123456789abcdef-1x", "0123456789abcdef--1",
                             "0123456789abcdeF-1", "0123456789abcde-11", "../../../../../../x-1", "0123456789abcdef-4294967296", "0123456789abcdef-+1"}) {
        EXPECT_FALSE(SegmentName::parse(text)) << text;
    }
}

}  // namespace
}  // namespace claviger::audit
