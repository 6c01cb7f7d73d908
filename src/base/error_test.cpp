#include "base/error.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace claviger::base {
namespace {

TEST(Error, every_code_has_its_own_name) {
    std::set<std::string_view> names;
    int count = 0;
    for (int i = 0; i <= static_cast<int>(ErrorCode::changed); ++i, ++count) names.insert(to_string(static_cast<ErrorCode>(i)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(to_string(ErrorCode::address_refused), "address_refused");
    EXPECT_EQ(to_string(static_cast<ErrorCode>(999)), "internal");
}

TEST(Error, within_keeps_code_hint_and_cause) {
    Error inner = Error::make(ErrorCode::storage, "disk full", "free some space");
    inner.cause = std::make_shared<const Error>(Error::make(ErrorCode::internal, "no room"));
    const Error outer = inner.within("write the vault");
    EXPECT_EQ(outer.code, ErrorCode::storage);
    EXPECT_EQ(outer.message, "write the vault: disk full");
    EXPECT_EQ(outer.hint, "free some space");
    EXPECT_EQ(outer.describe(), "write the vault: disk full: no room");
    EXPECT_EQ(inner.message, "disk full");
}

TEST(Error, describe_follows_every_cause) {
    Error error = Error::make(ErrorCode::network, "a");
    Error middle = Error::make(ErrorCode::timeout, "b");
    middle.cause = std::make_shared<const Error>(Error::make(ErrorCode::tls, "c"));
    error.cause = std::make_shared<const Error>(middle);
    EXPECT_EQ(error.describe(), "a: b: c");
}

struct MoveOnly {
    explicit MoveOnly(int v) : value(v) {}
    MoveOnly(MoveOnly&&) = default;
    MoveOnly& operator=(MoveOnly&&) = default;
    int value;
};

Result<MoveOnly> make(bool ok) {
    if (!ok) return fail(ErrorCode::not_found, "no such thing", "look elsewhere");
    return MoveOnly(7);
}
Result<> check(bool ok) {
    if (!ok) return fail(ErrorCode::denied, "no");
    return {};
}
Result<int> both(bool first, bool second, int& reached) {
    TRY(made, make(first));
    reached = 1;
    TRY_VOID(check(second));
    reached = 2;
    return made.value;
}

TEST(Try, passes_values_on_and_returns_the_first_error) {
    int reached = 0;
    EXPECT_EQ(both(true, true, reached).value(), 7);
    EXPECT_EQ(reached, 2);
    reached = 0;
    const auto first = both(false, true, reached);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, ErrorCode::not_found);
    EXPECT_EQ(first.error().hint, "look elsewhere");
    EXPECT_EQ(reached, 0);
    const auto second = both(true, false, reached);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::denied);
    EXPECT_EQ(reached, 1);
}

}  // namespace
}  // namespace claviger::base
