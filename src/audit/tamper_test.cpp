// RS-15: whatever is done to what was recorded is noticed, and said where.
#include "audit/reader.hpp"
#include "audit/test_session.hpp"
#include "base/text.hpp"

namespace claviger::audit {
namespace {

using Texts = std::vector<std::string>;

class TamperTest : public testing::AuditTest {
protected:
    // The one fault there is.
    std::string fault() {
        const auto result = check();
        EXPECT_EQ(result.faults.size(), 1u) << base::join(lines(result.faults), "\n");
        return result.faults.empty() ? "none" : lines(result.faults).front();
    }
    static std::string place(const SegmentName& name, int line = 0) {
        return "audit/" + name.text() + ".jsonl" + (line > 0 ? ", line " + std::to_string(line) : "");
    }
    static Texts cut(const std::string& bytes) {
        auto all = base::split(bytes, '\n');
        all.pop_back();
        return all;
    }
    static std::string joined(const Texts& all) { return base::join(all, "\n") + "\n"; }
};

TEST_F(TamperTest, RS15_every_byte_flipped_is_noticed) {
    const auto name = finished(3);
    const auto whole = bytes_of(name);
    ASSERT_TRUE(check().whole());
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const int bits : {0x01, 0x20, 0x80}) {
            auto changed = whole;
            changed[at] = static_cast<char>(changed[at] ^ bits);
            replace(name, changed);
            const auto result = check();
            ASSERT_FALSE(result.whole()) << "byte " << at << " bits " << bits;
            // Without its line feed the last line is none.
            const auto line = at + 1 == whole.size() ? 3 : std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
            ASSERT_EQ(result.faults[0].where, place(name, static_cast<int>(line))) << "byte " << at << " bits " << bits;
        }
    }
    replace(name, whole);
    EXPECT_TRUE(check().whole());
}

TEST_F(TamperTest, RS15_every_truncation_of_an_ended_segment_is_noticed) {
    const auto name = finished(2);
    const auto whole = bytes_of(name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        replace(name, whole.substr(0, size));
        ASSERT_FALSE(check().whole()) << size;
    }
    const auto all = cut(whole);
    replace(name, joined({all[0], all[1]}));
    EXPECT_EQ(fault(), place(name, 2) + ": the 1 lines after it are missing");
}

TEST_F(TamperTest, RS15_lines_taken_out_put_in_twice_or_in_another_order) {
    const auto name = finished(4);
    const auto l = cut(bytes_of(name));
    const std::pair<Texts, int> rows[] = {
        {{l[0], l[2], l[3], l[4]}, 2},
        {{l[0], l[1], l[2], l[2], l[3], l[4]}, 4},
        {{l[0], l[2], l[1], l[3], l[4]}, 2},
        {{l[1], l[0], l[2], l[3], l[4]}, 1},
        {{l[1], l[2], l[3], l[4]}, 1},
        {{l[0], "", l[1], l[2], l[3], l[4]}, 2},
        {{l[0], l[1], "{}", l[2], l[3], l[4]}, 3},
        {{l[0], l[1], l[2], l[3], l[4], l[4]}, 6},
    };
    for (const auto& [content, line] : rows) {
        replace(name, joined(content));
        EXPECT_TRUE(fault().starts_with(place(name, line))) << line << " " << fault();
    }
    replace(name, joined(l) + "half of a li");
    EXPECT_EQ(fault(), place(name, 5) + ": something was added after its end, which was line 5");
}

TEST_F(TamperTest, RS15_a_segment_taken_away) {
    const auto name = finished(1), other = finished(1);
    std::filesystem::remove(path(name));
    EXPECT_EQ(fault(), place(name) + ": it is missing");
    std::filesystem::remove(path(other));
    EXPECT_EQ(check().faults.size(), 2u);
    std::filesystem::remove_all(directory_of(home()));
    EXPECT_EQ(check().faults.size(), 2u);
}

TEST_F(TamperTest, RS15_one_segment_in_the_place_of_another) {
    const auto name = finished(2), other = finished(2);
    const auto bytes = bytes_of(other);
    replace(name, bytes);
    EXPECT_TRUE(fault().starts_with(place(name, 1)));
}

TEST_F(TamperTest, RS15_an_earlier_state_of_a_segment_replayed) {
    auto recorder = session();
    recorder->record(entry(1));
    ASSERT_TRUE(recorder->flush());
    const SegmentName name{recorder->session(), 1};
    const auto earlier = bytes_of(name);
    recorder->record(entry(2));
    ASSERT_TRUE(recorder->close());
    replace(name, earlier);
    EXPECT_EQ(fault(), place(name, 2) + ": the 1 lines after it are missing");
}

TEST_F(TamperTest, RS15_a_removed_segment_put_back) {
    const auto name = finished(2);
    const auto bytes = bytes_of(name);
    clock_.advance(std::chrono::minutes(1));
    Limits limits;
    limits.kept_bytes = 1;
    finished(1, limits);
    ASSERT_TRUE(check().whole());
    ASSERT_FALSE(std::filesystem::exists(path(name)));
    replace(name, bytes);
    EXPECT_TRUE(fault().ends_with("is there again"));
}

TEST_F(TamperTest, RS15_a_segment_of_another_vault_or_one_made_up) {
    finished(1);
    const SegmentName foreign{"00112233445566aa", 1};
    replace(foreign, R"({"format":"claviger-audit","version":1,"session":"00112233445566aa","segment":1,"at":1,"mac":"00000000000000000000000000000000"})" "\n");
    EXPECT_EQ(fault(), place(foreign) + ": the journal does not know it");
    const auto real = finished(1);
    replace({real.session, 2}, bytes_of(real));
    EXPECT_EQ(check().faults.size(), 2u);
}

TEST_F(TamperTest, RS15_the_journal_is_part_of_it) {
    const auto name = finished(1);
    finished(1);
    tamper("UPDATE audit SET detail = '{}' WHERE sequence = 2");
    const auto result = check();
    ASSERT_FALSE(result.whole());
    EXPECT_EQ(result.faults[0].where, "journal, line 2");
    tamper("DELETE FROM audit WHERE sequence > 2");
    EXPECT_GE(check().faults.size(), 2u) << "its other segment has no line now";
}

TEST_F(TamperTest, RS15_a_key_of_ones_own_does_not_help) {
    const auto name = finished(1);
    tamper("DELETE FROM records WHERE id = 'audit_key'");
    vault_.reset();
    vault_.emplace(open());
    const auto result = verify(*vault_, home());
    // Either nothing can be proved any more, and that is said, or the segment fails against the new key.
    if (!result) EXPECT_EQ(result.error().code, base::ErrorCode::corrupt) << result.error().describe();
    else EXPECT_FALSE(result->whole());
    ASSERT_TRUE(std::filesystem::exists(path(name))) << "the segment was there to be judged";
}

// A crash is no attack.

TEST_F(TamperTest, a_session_that_was_killed_is_said_and_is_no_fault) {
    SegmentName name;
    {
        auto recorder = session();
        recorder->record(entry(1));
        ASSERT_TRUE(recorder->flush());
        recorder->record(entry(2));  // never flushed
        name = {recorder->session(), 1};
        EXPECT_EQ(lines(check().notes), Texts{place(name, 2) + ": a session is writing it"});
    }
    EXPECT_TRUE(check().whole());
    EXPECT_EQ(lines(check().notes), Texts{place(name, 2) + ": its session was cut off; whether lines after this one are missing cannot be told"});
    const auto whole = bytes_of(name);
    replace(name, whole + "{\"n\":2,");
    EXPECT_TRUE(check().whole());
    EXPECT_EQ(lines(check().notes), Texts{place(name, 2) + ": its session was cut off while it wrote the line after this one"});
    auto changed = whole;
    changed[whole.size() / 2] = static_cast<char>(changed[whole.size() / 2] ^ 1);
    replace(name, changed);
    EXPECT_FALSE(check().whole()) << "what it had written is proved all the same";
    replace(name, "");
    EXPECT_EQ(fault(), place(name) + ": it is empty");
}

TEST_F(TamperTest, a_session_that_was_killed_between_file_and_journal_is_no_fault) {
    finished(1);
    const SegmentName name{"00112233445566aa", 1};
    const auto key = audit_key_if_any(*vault_);
    ASSERT_TRUE(key && *key);
    Chain chain(**key, name);
    const auto head = head_line(name, clock_.now(), chain);
    for (const auto& bytes : {head, head.substr(0, 20), std::string()}) {
        replace(name, bytes);
        EXPECT_TRUE(check().whole());
        EXPECT_EQ(lines(check().notes), Texts{place(name) + ": a session was cut off before it recorded anything in it"});
    }
}

TEST_F(TamperTest, a_live_segment_that_somebody_shortens_is_noticed_when_it_goes_on) {
    auto recorder = session();
    recorder->record(entry(1));
    recorder->record(entry(2));
    ASSERT_TRUE(recorder->flush());
    const SegmentName name{recorder->session(), 1};
    std::filesystem::resize_file(path(name), bytes_of(name).size() - 10);
    recorder->record(entry(3));
    ASSERT_TRUE(recorder->close());
    EXPECT_TRUE(fault().starts_with(place(name, 3)));
}

}  // namespace
}  // namespace claviger::audit
