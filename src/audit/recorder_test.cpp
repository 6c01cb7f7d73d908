#include "audit/recorder.hpp"

#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>

#include "audit/anchors.hpp"
#include "audit/reader.hpp"
#include "audit/test_session.hpp"
#include "base/text.hpp"

namespace claviger::audit {
namespace {

using Events = std::vector<std::string>;
using Texts = std::vector<std::string>;

class RecorderTest : public testing::AuditTest {
protected:
    std::vector<Entry> read(const SegmentName& name) {
        const auto key = audit_key_if_any(*vault_);
        EXPECT_TRUE(key && *key);
        auto reader = SegmentReader::open(home(), name, **key);
        EXPECT_TRUE(reader) << reader.error().describe();
        std::vector<Entry> entries;
        EXPECT_TRUE(reader->read([&](Entry entry, std::uint64_t number) {
            EXPECT_EQ(number, entries.size() + 1);
            entries.push_back(std::move(entry));
        }));
        EXPECT_FALSE(reader->fault()) << *reader->fault();
        return entries;
    }
};

TEST_F(RecorderTest, what_is_recorded_is_read_back) {
    auto recorder = session();
    std::vector<Entry> given{entry(1), entry(2), entry(3), entry(4)};
    given[1].kind = Entry::Kind::tunnel, given[1].method = "CONNECT", given[1].provider = given[1].connection = given[1].path = "";
    given[2].status = 403, given[2].reason = "not_allowed", given[2].why = "address 10.1.2.3 is refused", given[2].sent = 7;
    given[3].path = "/\"\\\n\x1b[31m/\xc3\xa9", given[3].milliseconds = 0;
    for (const auto& one : given) recorder->record(one);
    ASSERT_TRUE(recorder->close());
    EXPECT_EQ(read({recorder->session(), 1}), given);
    EXPECT_EQ(events(), (Events{"audit.opened", "audit.closed"}));
    EXPECT_TRUE(check().whole());
    EXPECT_EQ(check().entries, 4u);
    EXPECT_EQ(lines(check().notes), Texts{});
}

TEST_F(RecorderTest, LG04_a_line_is_one_line_of_harmless_text) {
    auto recorder = session();
    auto nasty = entry();
    nasty.host = "a\nb\x1b]0;title\x07", nasty.method = "GET\"},{", nasty.reason = std::string("nul\0", 4);
    recorder->record(nasty);
    ASSERT_TRUE(recorder->close());
    const auto text = bytes_of({recorder->session(), 1});
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
    EXPECT_EQ(text.find_first_of(std::string("\x1b\x07\0", 3)), std::string::npos);
    EXPECT_EQ(read({recorder->session(), 1}), std::vector<Entry>{nasty});
}

TEST_F(RecorderTest, a_session_without_entries_leaves_nothing) {
    auto recorder = session();
    EXPECT_FALSE(recorder->waiting());
    ASSERT_TRUE(recorder->flush());
    ASSERT_TRUE(recorder->close());
    EXPECT_EQ(files(), Texts{});
    EXPECT_EQ(events(), Events{});
    EXPECT_FALSE(std::filesystem::exists(directory_of(home())));
}

TEST_F(RecorderTest, LG06_files_are_private) {
    const auto name = finished(1);
    struct stat file {}, directory {};
    ASSERT_EQ(::stat(path(name).c_str(), &file), 0);
    ASSERT_EQ(::stat(directory_of(home()).c_str(), &directory), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600u);
    EXPECT_EQ(directory.st_mode & 0777, 0700u);
}

TEST_F(RecorderTest, nothing_is_written_before_it_is_flushed_or_64_KiB_wait) {
    auto recorder = session();
    recorder->record(entry());
    EXPECT_TRUE(recorder->waiting());
    EXPECT_EQ(files(), Texts{});
    ASSERT_TRUE(recorder->flush());
    EXPECT_FALSE(recorder->waiting());
    const SegmentName name{recorder->session(), 1};
    const auto before = bytes_of(name).size();
    int written_after = 0;
    while (bytes_of(name).size() == before && written_after < 10'000) recorder->record(entry(++written_after));
    EXPECT_GT(written_after, 200);
    EXPECT_LT(written_after, 600);
    ASSERT_TRUE(recorder->close());
    EXPECT_TRUE(check().whole());
}

TEST_F(RecorderTest, two_sessions_have_segments_of_their_own) {
    auto one = session(), other = session();
    EXPECT_NE(one->session(), other->session());
    for (int i = 0; i < 3; ++i) {
        one->record(entry(i));
        other->record(entry(10 + i));
        ASSERT_TRUE(one->flush());
        ASSERT_TRUE(other->flush());
    }
    EXPECT_EQ(check().notes.size(), 2u) << "both are being written";
    EXPECT_TRUE(check().whole());
    ASSERT_TRUE(one->close());
    ASSERT_TRUE(other->close());
    EXPECT_EQ(read({one->session(), 1}).size(), 3u);
    EXPECT_EQ(check().notes.size(), 0u);
}

TEST_F(RecorderTest, LG06_a_segment_ends_at_its_size_and_at_its_age) {
    Limits limits;
    limits.segment_bytes = 2000;
    auto recorder = session(limits);
    for (int i = 1; i <= 30; ++i) {
        recorder->record(entry(i));
        ASSERT_TRUE(recorder->flush());
    }
    ASSERT_TRUE(recorder->close());
    const auto by_size = files().size();
    EXPECT_GE(by_size, 3u);
    std::vector<Entry> all;
    for (std::uint32_t number = 1; number <= by_size; ++number) {
        for (auto& one : read({recorder->session(), number})) all.push_back(std::move(one));
    }
    ASSERT_EQ(all.size(), 30u);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].path, "/items/" + std::to_string(i + 1));
    EXPECT_TRUE(check().whole());

    limits = {};
    limits.segment_age = std::chrono::hours(1);
    auto slow = session(limits);
    slow->record(entry());
    ASSERT_TRUE(slow->flush());
    clock_.advance(std::chrono::hours(2));
    slow->record(entry());
    ASSERT_TRUE(slow->flush());
    slow->record(entry());
    ASSERT_TRUE(slow->close());
    EXPECT_EQ(read({slow->session(), 1}).size(), 2u);
    EXPECT_EQ(read({slow->session(), 2}).size(), 1u);
    EXPECT_TRUE(check().whole());
}

TEST_F(RecorderTest, LG06_the_oldest_are_removed_by_size_and_the_journal_says_so) {
    std::vector<SegmentName> sessions;
    for (int i = 0; i < 5; ++i) {
        sessions.push_back(finished(4));
        clock_.advance(std::chrono::minutes(1));
    }
    Limits limits;
    limits.kept_bytes = 3 * bytes_of(sessions[0]).size();
    sessions.push_back(finished(1, limits));  // one begins: it is swept then
    EXPECT_EQ(files().size(), 3u);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(std::filesystem::exists(path(sessions[static_cast<std::size_t>(i)]))) << i;
    const auto anchors = anchors_in(*whole_journal(*vault_));
    EXPECT_TRUE(anchors.at(sessions[0].text()).removed);
    EXPECT_FALSE(anchors.at(sessions[4].text()).removed);
    EXPECT_TRUE(check().whole());
    EXPECT_EQ(lines(check().notes), Texts{});
}

TEST_F(RecorderTest, LG06_those_of_a_certain_age_are_removed_whatever_their_file_says_of_its_time) {
    const auto old = finished(1);
    clock_.advance(std::chrono::hours(24 * 91));
    const auto fresh = finished(1);
    EXPECT_FALSE(std::filesystem::exists(path(old)));
    std::filesystem::last_write_time(path(fresh), std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 365 * 10));
    finished(1);
    EXPECT_TRUE(std::filesystem::exists(path(fresh))) << "when it ended is in the journal: a time that was set back removes nothing";
    EXPECT_TRUE(check().whole());
}

TEST_F(RecorderTest, one_that_is_being_written_is_not_removed) {
    auto live = session();
    live->record(entry());
    ASSERT_TRUE(live->flush());
    clock_.advance(std::chrono::hours(24 * 100));
    Limits limits;
    limits.kept_bytes = 1;
    finished(1, limits);
    EXPECT_TRUE(std::filesystem::exists(path({live->session(), 1})));
    ASSERT_TRUE(live->close());
    EXPECT_TRUE(check().whole());
}

// Every process of this machine can ask the proxy without a credential.
TEST_F(RecorderTest, who_has_no_credential_cannot_fill_the_log) {
    auto recorder = session();
    Entry stranger;
    stranger.status = 407, stranger.reason = "proxy_authentication_required";
    for (int i = 0; i < 5000; ++i) {
        stranger.at = clock_.now();
        recorder->record(stranger);
        clock_.advance(std::chrono::milliseconds(1));
    }
    recorder->record(entry());
    ASSERT_TRUE(recorder->close());
    const auto entries = read({recorder->session(), 1});
    EXPECT_LE(entries.size(), 8u);
    std::uint64_t counted = 0;
    for (const auto& one : entries) counted += one.reason.empty() ? 0 : 1 + one.count;
    EXPECT_EQ(counted, 5000u);
}

TEST_F(RecorderTest, what_is_counted_is_counted_by_its_reason) {
    auto recorder = session();
    Entry stranger, closed;
    stranger.status = 407, stranger.reason = "proxy_authentication_required";
    closed.reason = "no_room";
    for (int i = 0; i < 3000; ++i) {
        auto& one = i % 3 == 0 ? closed : stranger;
        one.at = clock_.now();
        recorder->record(one);
        clock_.advance(std::chrono::milliseconds(1));
    }
    ASSERT_TRUE(recorder->close());
    std::map<std::string, std::uint64_t> counted, lines;
    for (const auto& one : read({recorder->session(), 1})) counted[one.reason] += 1 + one.count, ++lines[one.reason];
    EXPECT_EQ(counted, (std::map<std::string, std::uint64_t>{{"no_room", 1000}, {"proxy_authentication_required", 2000}}));
    EXPECT_LE(lines["no_room"], 4u) << "a line a second, and the rest at the end";
}

TEST_F(RecorderTest, what_was_counted_is_written_although_nothing_of_its_kind_follows) {
    auto recorder = session();
    Entry closed;
    closed.reason = "no_room";
    for (int i = 0; i < 1000; ++i) {
        closed.at = clock_.now();
        recorder->record(closed);
    }
    ASSERT_TRUE(recorder->flush());
    EXPECT_EQ(read({recorder->session(), 1}).size(), 1u);
    EXPECT_TRUE(recorder->waiting()) << "so it is flushed again";
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(recorder->flush());
    const auto entries = read({recorder->session(), 1});
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[1].count, 998u);
    EXPECT_FALSE(recorder->waiting());
}

// A file that may not grow is what a full disk is.
class SmallFiles {
public:
    explicit SmallFiles(std::uint64_t bytes) {
        old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &old_);
        const rlimit small{bytes, old_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~SmallFiles() {
        ::setrlimit(RLIMIT_FSIZE, &old_);
        std::signal(SIGXFSZ, old_handler_);
    }

private:
    rlimit old_{};
    void (*old_handler_)(int) = nullptr;
};

TEST_F(RecorderTest, LG05_no_credential_is_handed_out_while_nothing_can_be_written) {
    auto recorder = session();
    recorder->record(entry(1));
    ASSERT_TRUE(recorder->flush());
    EXPECT_TRUE(recorder->may_release());
    const SegmentName name{recorder->session(), 1};
    const auto before = bytes_of(name);
    {
        const SmallFiles full(before.size() + 100);  // the next line begins to fit
        recorder->record(entry(2));
        EXPECT_FALSE(recorder->flush());
        const auto may = recorder->may_release();
        ASSERT_FALSE(may);
        EXPECT_EQ(may.error().code, base::ErrorCode::storage);
        EXPECT_EQ(bytes_of(name), before) << "no half of a line stays";
        EXPECT_TRUE(recorder->waiting());
        EXPECT_TRUE(check().whole());
    }
    ASSERT_TRUE(recorder->flush());
    EXPECT_TRUE(recorder->may_release());
    ASSERT_TRUE(recorder->close());
    EXPECT_EQ(read(name).size(), 2u) << "what waited is not lost";
    EXPECT_TRUE(check().whole());
}

TEST_F(RecorderTest, LG05_what_is_too_much_to_wait_is_counted) {
    auto recorder = session();
    recorder->record(entry(1));
    ASSERT_TRUE(recorder->flush());
    std::uint64_t given = 0;
    {
        const SmallFiles full(1);
        for (; given < 20'000; ++given) recorder->record(entry(2));
        EXPECT_FALSE(recorder->flush());
    }
    while (recorder->waiting()) ASSERT_TRUE(recorder->flush());
    ASSERT_TRUE(recorder->close());
    const auto entries = read({recorder->session(), 1});
    ASSERT_FALSE(entries.empty());
    EXPECT_EQ(entries.back().kind, Entry::Kind::lost);
    EXPECT_GT(entries.back().count, 0u);
    EXPECT_EQ(entries.size() - 2 + entries.back().count, given);
    EXPECT_TRUE(check().whole());
}

TEST_F(RecorderTest, a_segment_that_cannot_be_begun_leaves_no_file_and_is_tried_again) {
    auto recorder = session();
    recorder->record(entry(1));
    {
        const SmallFiles full(10);
        EXPECT_FALSE(recorder->flush());
        EXPECT_FALSE(recorder->may_release());
    }
    EXPECT_EQ(files(), Texts{});
    ASSERT_TRUE(recorder->close());
    EXPECT_EQ(read({recorder->session(), 1}).size(), 1u);
    EXPECT_TRUE(check().whole());
}

TEST_F(RecorderTest, the_key_outlives_rotation_of_the_vault_and_is_one_for_all) {
    const auto name = finished(2);
    ASSERT_TRUE(vault_->rotate(std::nullopt, {}));
    EXPECT_EQ(read(name).size(), 2u);
    finished(1);
    EXPECT_TRUE(check().whole());
    EXPECT_EQ(check().segments, 2u);
}

}  // namespace
}  // namespace claviger::audit
