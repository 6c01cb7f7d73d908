// Which request methods a rule is about. Compared without case: "delete" is DELETE to some servers. Thread rule: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace claviger::policy {

// What the preset `read-only` lets through: the safe methods of RFC 9110 section 9.2.1 but TRACE.
bool is_read_method(std::string_view method);

class Methods {
public:
    // "*", "read", "write", or methods separated by commas. GET stands for HEAD too (RFC 9110 section 9.3.2).
    static base::Result<Methods> parse(std::string_view text);

    [[nodiscard]] bool match(std::string_view method) const;
    // Whether it matches whatever `other` does.
    [[nodiscard]] bool cover(const Methods& other) const;
    [[nodiscard]] bool limited() const { return kind_ != Kind::all; }
    [[nodiscard]] std::string text() const;

private:
    enum class Kind { all, read, write, listed };
    Kind kind_ = Kind::all;
    std::vector<std::string> listed_;  // in upper case
};

// The methods that a server may take the request for, beside its own: parameters of the query like "_method=DELETE",
// which frameworks obey (PX-32). In upper case.
std::vector<std::string> methods_in_query(std::string_view query);
// Whether a header field of this name makes servers take another method or another path than the request line's.
bool overrides_request_line(std::string_view field_name);
bool overrides_path(std::string_view field_name);  // the path alone

}  // namespace claviger::policy
