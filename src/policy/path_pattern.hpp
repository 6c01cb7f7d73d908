// The path part of a session rule: '*' is one segment, '**' any depth, and "/x/**" means /x itself too. A server may read
// a path otherwise than it is written (decoded, "//" as "/", without case), so whatever withholds holds for any reading,
// and whatever lets through must hold for every one (PX-05, PX-32). Thread rule: values.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <re2/re2.h>

#include "base/error.hpp"
#include "net/url.hpp"

namespace claviger::policy {

class PathPattern {
public:
    // ErrorCode::invalid_input.
    static base::Result<PathPattern> parse(std::string_view text);

    [[nodiscard]] bool matches_some_reading(const net::Url& url) const;
    [[nodiscard]] bool matches_every_reading(const net::Url& url) const;
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    struct Compiled {
        std::unique_ptr<const re2::RE2> exact, folded;  // of the canonical path; the same without case
        std::unique_ptr<const re2::RE2> forgiving;      // of forgiving_path()
    };
    std::string text_;
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace claviger::policy
