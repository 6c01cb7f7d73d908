// For the tests of this folder: a vault, a session's recorder, its files, and words for what somebody does to them.
#pragma once

#include <fstream>

#include "audit/recorder.hpp"
#include "audit/verify.hpp"
#include "vault/test_vault.hpp"

namespace claviger::audit::testing {

class AuditTest : public vault::testing::VaultTest {
protected:
    void SetUp() override { vault_.emplace(open()); }

    std::unique_ptr<Recorder> session(Limits limits = {}) {
        auto made = Recorder::make({*vault_, home(), clock_, random_, limits, "agent"});
        EXPECT_TRUE(made);
        return std::move(*made);
    }
    Entry entry(int number = 1) {
        clock_.advance(std::chrono::milliseconds(5));
        Entry entry;
        entry.at = clock_.now();
        entry.milliseconds = 31;
        entry.provider = "acme", entry.connection = "default";
        entry.method = "GET", entry.host = "api.acme.com", entry.path = "/items/" + std::to_string(number);
        entry.status = 200;
        entry.received = 1024;
        return entry;
    }
    // A session that recorded `entries` and ended; gives its segment's name.
    SegmentName finished(int entries, Limits limits = {}) {
        auto recorder = session(limits);
        for (int i = 1; i <= entries; ++i) recorder->record(entry(i));
        const auto closed = recorder->close();
        EXPECT_TRUE(closed) << closed.error().describe();
        return {recorder->session(), 1};
    }

    std::filesystem::path path(const SegmentName& name) { return path_of(home(), name); }
    std::string bytes_of(const SegmentName& name) { return sys::read_file(path(name), 1 << 24).value(); }
    void replace(const SegmentName& name, std::string_view bytes) { std::ofstream(path(name), std::ios::binary | std::ios::trunc) << bytes; }
    std::vector<std::string> files() {
        std::vector<std::string> names;
        const auto found = segment_files(home());
        EXPECT_TRUE(found);
        for (const auto& file : *found) names.push_back(file.name.text());
        return names;
    }

    Verification check() {
        auto result = verify(*vault_, home());
        EXPECT_TRUE(result) << result.error().describe();
        return result ? std::move(*result) : Verification{};
    }
    // "where: what", of faults or notes.
    static std::vector<std::string> lines(const std::vector<Finding>& findings) {
        std::vector<std::string> texts;
        for (const auto& finding : findings) texts.push_back(finding.where + ": " + finding.what);
        return texts;
    }
    std::vector<std::string> events() {
        std::vector<std::string> names;
        const auto journal = vault_->audit_tail(1000);
        EXPECT_TRUE(journal);
        for (const auto& line : *journal) names.push_back(line.event);
        return names;
    }

    std::optional<vault::Vault> vault_;
};

}  // namespace claviger::audit::testing
