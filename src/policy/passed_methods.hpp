// PassedMethods: which request methods a session passes on (PX-21): those that are registered with IANA, some that are not
// and that APIs ask for, and what its owner adds. Compared with case (RFC 9110 section 9.1): "get" is another method than
// GET. What servers answer with the request itself, or by a tunnel, is never among them. Thread rule: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace claviger::policy {

class PassedMethods {
public:
    static constexpr std::size_t kMostAdded = 32, kLongest = 40;

    // A token of RFC 9110 section 5.6.2. One that passes already is no error. ErrorCode::invalid_input: no method, or one
    // that never passes, in any letter case since lax servers take it so.
    base::Result<void> add(std::string_view method);

    [[nodiscard]] bool pass(std::string_view method) const;
    // Whether it could be added.
    [[nodiscard]] static bool may_pass(std::string_view method);
    // Why it does not pass, one sentence for people.
    [[nodiscard]] std::string why_not(std::string_view method) const;
    [[nodiscard]] const std::vector<std::string>& added() const { return added_; }
    // The value of an Allow field (RFC 9110 section 10.2.1).
    [[nodiscard]] std::string allow_field() const;

private:
    std::vector<std::string> added_;
};

}  // namespace claviger::policy
