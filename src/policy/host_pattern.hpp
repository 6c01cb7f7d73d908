// The host part of a rule: exact, with '*' inside single labels, "**." before a fixed domain, or a regular
// expression. Matched label by label against canonical hosts (PX-04). Thread rule: immutable values.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <re2/re2.h>

#include "base/error.hpp"

namespace claviger::policy {

class HostPattern {
public:
    enum class Kind { regex, any_depth, labels, exact };  // from least to most specific

    // `host` as Url gives it for the pattern: lower case, '*' kept. `any_depth_allowed`: "**." may begin it.
    // A '*' needs two fixed labels after it that are no public suffix. ErrorCode::invalid_input.
    static base::Result<HostPattern> parse(std::string_view host, bool any_depth_allowed);
    // RE2, case-insensitive, over the whole host.
    static base::Result<HostPattern> parse_regex(std::string_view pattern);

    [[nodiscard]] bool matches(std::string_view canonical_host) const;
    // Whether some host may match both; true when in doubt.
    [[nodiscard]] bool may_meet(const HostPattern& other) const;
    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] std::size_t fixed_labels() const { return fixed_labels_; }
    // For name constraints: "api.acme.com", ".acme.com", or "" for a regular expression.
    [[nodiscard]] std::string constraint() const;

private:
    Kind kind_ = Kind::exact;
    std::string host_;                 // exact: the host; any_depth: the fixed domain
    std::vector<std::string> labels_;  // labels: each may hold '*'
    std::size_t fixed_labels_ = 0;     // at the end
    std::shared_ptr<const re2::RE2> regex_;
};

}  // namespace claviger::policy
