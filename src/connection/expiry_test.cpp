#include "connection/expiry.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::connection {
namespace {

using namespace std::chrono_literals;

const base::Instant kNow{std::chrono::milliseconds(1'800'000'000'000)};

oauth::TokenResponse answer(std::string_view access, std::string_view refresh = "") {
    oauth::TokenResponse token;
    token.access_token = base::Secret(access);
    token.refresh_token = base::Secret(refresh);
    token.token_type = "Bearer";
    return token;
}

TEST(Expiry, every_unit_kind_and_spelling) {
    struct Row { const char *unit, *kind; std::optional<std::int64_t> number; const char* text; const char* expected; };
    // kNow is 2027-01-15T08:00:00Z
    const Row rows[] = {
        {"seconds", "relative", 3600, "", "2027-01-15T09:00:00Z"},
        {"milliseconds", "relative", 3'600'000, "", "2027-01-15T09:00:00Z"},
        {"minutes", "relative", 60, "", "2027-01-15T09:00:00Z"},
        {"seconds", "absolute", 1'800'003'600, "", "2027-01-15T09:00:00Z"},
        {"milliseconds", "absolute", 1'800'003'600'000, "", "2027-01-15T09:00:00Z"},
        {"seconds", "absolute", 1'800'003'600'000, "", "2027-01-15T09:00:00Z"},
        {"seconds", "absolute", {}, "2027-01-15T09:00:00.000Z", "2027-01-15T09:00:00Z"},
        {"seconds", "relative", {}, "2027-01-15T10:00:00+01:00", "2027-01-15T09:00:00Z"},
        {"seconds", "relative", {}, "2027-01-15T07:00:00.5-0200", "2027-01-15T09:00:00Z"},
        {"seconds", "relative", {}, "2027-01-15 09:00:00", "2027-01-15T09:00:00Z"},
        {"seconds", "relative", {}, "Fri, 15 Jan 2027 09:00:00 GMT", "2027-01-15T09:00:00Z"},
        {"seconds", "relative", {}, "01:00:00", "2027-01-15T09:00:00Z"},
        {"days", "relative", {}, "1:01:30", "2027-01-16T09:30:00Z"},
        {"seconds", "relative", {}, "1:01:00:00", "2027-01-16T09:00:00Z"},
        {"seconds", "relative", {}, "soon", nullptr},
        {"seconds", "relative", {}, "0:00:00", nullptr},
        {"seconds", "relative", {}, "2027-01-15T09:00:00+99:00", nullptr},
        {"seconds", "relative", 9'000'000'000'000, "", nullptr},
    };
    for (const auto& row : rows) {
        auto token = answer("t");
        token.expires_in = row.number;
        token.expires_text = row.text;
        const auto end = expiry_of(token, {row.unit, row.kind, {}, {}}, kNow);
        const auto expected = row.expected ? std::optional(base::from_rfc3339(row.expected).value()) : std::nullopt;
        EXPECT_EQ(end ? base::to_rfc3339(*end) : "never", expected ? base::to_rfc3339(*expected) : "never") << row.unit << row.text;
    }
}

// The server's clock is `skew` ahead of ours; what it says is of its clock, and how long a token lives is the same by both.
TEST(Expiry, G17_a_date_counts_by_the_clock_of_the_server) {
    const auto jwt_until = [](std::int64_t exp) { return "e30." + base::base64url_encode("{\"exp\":" + std::to_string(exp) + "}") + ".c2ln"; };
    for (const base::Duration skew : {base::Duration(10min), base::Duration(-10min), base::Duration(0)}) {
        const auto end = kNow + skew + 5min;
        const auto seconds = std::chrono::floor<std::chrono::seconds>(end).time_since_epoch().count();
        const auto ends = [&](oauth::TokenResponse token, const char* kind) {
            token.clock_skew = skew;
            return expiry_of(token, {"seconds", kind, {}, {}}, kNow);
        };
        auto number = answer("t"), in = answer("t"), date = answer("t"), text = answer("t");
        number.expires_in = seconds;
        in.expires_in = 300;
        date.expires_at = end;
        text.expires_text = base::to_rfc3339(end).substr(0, 19) + ".000Z";
        EXPECT_EQ(ends(std::move(number), "absolute"), kNow + 5min);
        EXPECT_EQ(ends(answer(jwt_until(seconds)), "jwt_exp"), kNow + 5min);
        EXPECT_EQ(ends(std::move(date), "relative"), kNow + 5min);
        EXPECT_EQ(ends(std::move(text), "relative"), kNow + 5min);
        EXPECT_EQ(ends(std::move(in), "relative"), kNow + 5min) << "what counts from now needs no clock";
        auto refresh = answer("t", "r");
        refresh.refresh_expires_at = end;
        refresh.clock_skew = skew;
        EXPECT_EQ(refresh_expiry_of(refresh, {}, kNow), kNow + 5min);
    }
}

TEST(Expiry, dates_beyond_2038_and_2106_are_dates) {
    for (const std::int64_t seconds : {std::int64_t{2'147'483'648}, std::int64_t{4'294'967'296}}) {
        auto token = answer("t");
        token.expires_in = seconds;
        token.clock_skew = 10min;
        EXPECT_EQ(expiry_of(token, {"seconds", "absolute", {}, {}}, kNow), base::Instant(std::chrono::seconds(seconds)) - 10min);
        token.expires_in = seconds * 1000;
        EXPECT_EQ(expiry_of(token, {"seconds", "absolute", {}, {}}, kNow), base::Instant(std::chrono::seconds(seconds)) - 10min);
    }
}

TEST(Expiry, max_bounds_what_the_answer_says_and_what_it_does_not) {
    const provider::ExpiryQuirk quirk{"seconds", "relative", 7200, 3600};
    auto token = answer("t");
    EXPECT_EQ(expiry_of(token, quirk, kNow), kNow + 1h);
    EXPECT_EQ(expiry_of(token, {"seconds", "relative", {}, 3600}, kNow), kNow + 1h);
    EXPECT_FALSE(names_end(token, quirk, kNow)) << "an introspection may know better";
    token.expires_in = 100;
    EXPECT_EQ(expiry_of(token, quirk, kNow), kNow + 100s);
    token.expires_in = 100'000;
    EXPECT_EQ(expiry_of(token, quirk, kNow), kNow + 1h);
}

TEST(Expiry, a_jwt_says_its_own_end_and_anything_else_falls_back) {
    const auto jwt = [](std::string_view claims) {
        return "e30." + base::base64url_encode(claims) + ".c2ln";
    };
    const provider::ExpiryQuirk quirk{"seconds", "jwt_exp", 60, {}};
    EXPECT_EQ(expiry_of(answer(jwt(R"({"exp":1800003600})")), quirk, kNow), kNow + 1h);
    for (const auto& odd : {std::string("opaque"), std::string("a.b.c"), jwt("[]"), jwt(R"({"exp":"x"})"), jwt(R"({"exp":-1})"), jwt("{}")})
        EXPECT_EQ(expiry_of(answer(odd), quirk, kNow), kNow + 1min) << odd;
    auto told = answer("opaque");
    told.expires_in = 120;
    EXPECT_EQ(expiry_of(told, quirk, kNow), kNow + 2min);
}

}  // namespace
}  // namespace claviger::connection
