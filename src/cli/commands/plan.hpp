// What a definition would do, as sentences for the person who is asked to agree to it (CL-10). Thread rule: pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "provider/definition.hpp"

namespace claviger::cli {

// The first line names the provider, the others are indented. Printable whatever the definition holds (CL-09).
std::vector<std::string> plan_of(const provider::ProviderDefinition& definition);
// "  - /api_url: old", "  + /api_url: new" for every security field that differs.
std::vector<std::string> difference(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after);

}  // namespace claviger::cli
