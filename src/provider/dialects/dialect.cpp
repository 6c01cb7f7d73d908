#include "provider/dialects/dialect.hpp"

namespace claviger::provider {

void PointerMap::add(std::string native_prefix, std::string source_prefix) {
    prefixes_.emplace_back(std::move(native_prefix), std::move(source_prefix));
}

std::string PointerMap::to_source(std::string_view native_pointer) const {
    const std::pair<std::string, std::string>* best = nullptr;
    for (const auto& entry : prefixes_) {
        const std::string& prefix = entry.first;
        if (!native_pointer.starts_with(prefix)) continue;
        const bool whole_token = native_pointer.size() == prefix.size() || native_pointer[prefix.size()] == '/';
        if (whole_token && (!best || best->first.size() <= prefix.size())) best = &entry;
    }
    if (!best) return std::string(native_pointer);
    return best->second + std::string(native_pointer.substr(best->first.size()));
}

}  // namespace claviger::provider
