#include "provider/dialects/package.hpp"

#include "provider/dialects/afps_v1.hpp"
#include "provider/dialects/pack.hpp"

namespace claviger::provider {

base::Result<std::string_view> manifest_of(const PackageFiles& package) {
    const auto manifest = package.files.find("manifest.json");
    if (manifest != package.files.end()) return std::string_view(manifest->second);
    return base::fail(base::ErrorCode::invalid_input, "the archive has no manifest.json at its top",
                      "pack the folder that holds manifest.json itself, with nothing beside it");
}

base::Result<std::string> pack_definition(const ProviderDefinition& definition, std::string_view notes) {
    TRY(manifest, write_afps_v1(definition));
    PackageFiles package;
    package.files.emplace("manifest.json", std::move(manifest.text));
    if (!notes.empty()) package.files.emplace("PROVIDER.md", notes);
    return write_archive(package);
}

}  // namespace claviger::provider
