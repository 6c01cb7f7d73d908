// The bundled definitions as the build embedded them (tools/embed_catalogue.cpp, from providers/*.json): constant data
// sorted by name, so that starting costs nothing and a lookup is a binary search. Thread rule: constants.
#pragma once

#include <span>
#include <string_view>

#include "provider/definition.hpp"

namespace claviger::provider {

struct CatalogueEntry {
    std::string_view name, display_name;
    AuthType auth_type;
    Flow flow;
    std::string_view json;  // compact native JSON
};

// All entries, sorted by name. Defined in the generated file.
std::span<const CatalogueEntry> catalogue();
// nullptr when there is none of that name.
const CatalogueEntry* catalogue_entry(std::string_view name);

}  // namespace claviger::provider
