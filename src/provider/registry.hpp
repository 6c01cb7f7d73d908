// Registry: bundled catalogue (embedded, indexed at build time, parsed only when asked for by name) and custom
// files in <home>/providers/. A custom definition wins over a bundled one of the same name. A broken custom file
// is reported and hides nothing else. Thread rule: one per thread; reads the directory at each call, so a dropped
// file works at once.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "provider/read.hpp"

namespace claviger::provider {

enum class Source { bundled, custom };

struct Entry {
    std::string name, display_name;
    AuthType auth_type = AuthType::api_key;
    Flow flow = Flow::api_key;
    bool type_known = true, flow_known = true;  // false for broken files that do not say it
    Source source = Source::bundled;
    bool overrides_bundled = false;
    std::optional<std::string> problem;  // one line, when the file does not read
};

class Registry {
public:
    explicit Registry(std::filesystem::path custom_directory);

    // Sorted by name. Does not parse bundled definitions; parses custom ones.
    [[nodiscard]] base::Result<std::vector<Entry>> list() const;
    // ErrorCode::not_found with "did you mean" in the hint; invalid_input when the custom file does not read.
    [[nodiscard]] base::Result<ProviderDefinition> load(std::string_view name) const;
    [[nodiscard]] base::Result<Source> source_of(std::string_view name) const;
    [[nodiscard]] std::optional<ProviderDefinition> bundled(std::string_view name) const;

    // Changes when the custom file of that name appears, changes or goes: inode, size and time of change. Microseconds.
    [[nodiscard]] std::string stamp(std::string_view name) const;

    // Writes <directory>/<name>.json atomically, 0600. already_exists unless `replace`.
    base::Result<void> store(const ProviderDefinition& definition, bool replace) const;
    // ErrorCode::not_found when there is no custom file of that name.
    base::Result<void> remove(std::string_view name) const;

private:
    std::filesystem::path directory_;
};

}  // namespace claviger::provider
