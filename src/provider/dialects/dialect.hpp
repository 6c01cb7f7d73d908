// What every dialect gives back, and how the model validator's findings are led back to the file that was read.
// A dialect turns a parsed document into definitions and reports what is wrong with the *form* (types, unknown and
// missing members); the rules of the model are checked once for all dialects by provider/validate.hpp.
// Thread rule: values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/parse.hpp"
#include "provider/read.hpp"

namespace claviger::provider {

// Leads a pointer into native JSON ("/oauth/token_url") to the place in the file ("/definition/oauth2/tokenUrl").
// The longest prefix wins and only whole tokens match; "" -> "/definition" makes a base for all the rest.
// Without a matching prefix the pointer stays as it is.
class PointerMap {
public:
    void add(std::string native_prefix, std::string source_prefix);
    [[nodiscard]] std::string to_source(std::string_view native_pointer) const;

private:
    std::vector<std::pair<std::string, std::string>> prefixes_;
};

struct DialectRead {
    std::vector<ProviderDefinition> definitions;
    std::vector<Finding> findings;
    std::vector<PointerMap> pointers;  // for definitions[i]; may be shorter: then the identity
};

}  // namespace claviger::provider
