#include "provider/catalogue.hpp"

#include <algorithm>

namespace claviger::provider {

const CatalogueEntry* catalogue_entry(std::string_view name) {
    const auto entries = catalogue();
    const auto found = std::lower_bound(entries.begin(), entries.end(), name,
                                        [](const CatalogueEntry& entry, std::string_view key) { return entry.name < key; });
    return found != entries.end() && found->name == name ? &*found : nullptr;
}

}  // namespace claviger::provider
