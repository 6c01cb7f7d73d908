#include "connection/standing.hpp"

#include <gtest/gtest.h>

namespace claviger::connection {
namespace {

const base::Instant kSince{std::chrono::milliseconds(1'800'000'000'000)};

TEST(StandingTest, each_case_says_what_is_wrong_and_what_mends_it) {
    struct Row { StandingFacts facts; Status status; const char* why; const char* command; };
    const Row rows[] = {
        {{"acme", "default", Status::connected, "", {}, true}, Status::connected, "", ""},
        {{"acme", "default", Status::expired, "", {}, true}, Status::connected, "", ""},
        {{"acme", "default", Status::expired, "", {}, false}, Status::expired, "nothing renews it", "claviger login acme"},
        {{"acme", "work", Status::expired, "", kSince, true}, Status::expired, "fails since 2027-01-15T08:00:00Z", ""},
        {{"acme", "work", Status::connected, "", kSince, true}, Status::connected, "fails since 2027-01-15T08:00:00Z", ""},
        {{"acme", "work", Status::needs_login, "invalid_grant", {}, true}, Status::needs_login, "(invalid_grant)", "claviger login acme --connection work"},
        {{"acme", "work", Status::needs_login, "interrupted_rotation", {}, true}, Status::needs_login, "cut off", "claviger login acme --connection work"},
        {{"acme", "work", Status::needs_login, "restored_backup", {}, true}, Status::needs_login, "restored backup", "claviger login acme --connection work"},
        {{"acme", "work", Status::needs_login, "imported_revoked", {}, true}, Status::needs_login, "it was revoked already where it was imported from", "claviger login acme --connection work"},
        {{"acme", "work", Status::needs_login, "imported_invalid", {}, true}, Status::needs_login, "of no use any more where it was imported from", "claviger login acme --connection work"},
        {{"acme", "work", Status::needs_login, "", {}, true}, Status::needs_login, "a new login", "claviger login acme --connection work"},
        {{"acme", "default", Status::connected, "insufficient_user_authentication", kSince, true}, Status::connected, "stronger login", "claviger login acme --force"},
        {{"acme", "default", Status::suspended, "invalid_grant", {}, true}, Status::suspended, "definition changed", "claviger confirm acme"},
    };
    for (const auto& row : rows) {
        const auto standing = standing_of(row.facts);
        EXPECT_EQ(standing.status, row.status) << row.why;
        EXPECT_NE(standing.why.find(row.why), std::string::npos) << standing.why;
        EXPECT_EQ(standing.why.empty(), *row.why == '\0') << standing.why;
        EXPECT_EQ(standing.command, row.command);
    }
}

}  // namespace
}  // namespace claviger::connection
