// Wildcards under a shared domain ("*.shops.example", where anybody can have a host): they stand for the connection's own
// host alone (PX-04). Internal to policy/. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "provider/definition.hpp"

namespace claviger::policy {

// The host of a rule's text when its '*' stands before a public suffix that is no registry's; otherwise empty.
std::string shared_wildcard_host(std::string_view rule_text);

// `rule_text` once for each own host that its wildcard covers, exact now. `own`: variables and fields by name.
std::vector<std::string> with_own_hosts(std::string_view rule_text, const provider::VariableValues& own);

}  // namespace claviger::policy
