#include "http/date.hpp"

#include <gtest/gtest.h>

namespace claviger::http {
namespace {

TEST(Date, the_three_forms_of_RFC_9110_section_5_6_7) {
    const auto expected = base::from_rfc3339("1994-11-06T08:49:37Z").value();
    for (const auto* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
        EXPECT_EQ(read_date(text), expected) << text;
}

TEST(Date, what_is_no_date_is_nothing) {
    for (const auto* text : {"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
                             "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
                             "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT"})
        EXPECT_FALSE(read_date(text)) << text;
}

}  // namespace
}  // namespace claviger::http
