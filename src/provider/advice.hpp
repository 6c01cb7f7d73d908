// Advice on a definition beyond its validity: what an author would want to know before others rely on it. Never repeats a
// value that may be secret. Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "json/value.hpp"
#include "provider/definition.hpp"

namespace claviger::provider {

struct Advice {
    bool grave = false;  // lint fails
    std::string code, pointer, message, hint;
};

// `root`: the document as it was written. `definition`: what was read from it, nullptr when it has errors.
std::vector<Advice> advise(const json::Value& root, const ProviderDefinition* definition);

}  // namespace claviger::provider
