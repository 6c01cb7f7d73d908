#include "provider/dialects/pack.hpp"

#include <cstdint>
#include <vector>

#include <zlib.h>

#include "provider/dialects/zip_names.hpp"

namespace claviger::provider {
namespace {

using base::ErrorCode;
using base::Result;

void put16(std::string& out, std::size_t value) {
    out.push_back(static_cast<char>(value & 0xff));
    out.push_back(static_cast<char>(value >> 8 & 0xff));
}
void put32(std::string& out, std::size_t value) {
    put16(out, value & 0xffff);
    put16(out, value >> 16 & 0xffff);
}

// The part that local header and directory share: from "version needed" to the length of the extra field.
void put_common(std::string& out, const std::string& name, const std::string& content) {
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    put16(out, 10);          // version needed: 1.0
    put16(out, 1 << 11);     // names are UTF-8
    put16(out, 0);           // stored
    put16(out, 0);           // 00:00
    put16(out, 1 << 5 | 1);  // 1980-01-01
    put32(out, crc);
    put32(out, content.size());
    put32(out, content.size());
    put16(out, name.size());
    put16(out, 0);  // extra field
}

Result<void> check_writable(const PackageFiles& package) {
    if (package.files.empty()) return base::fail(ErrorCode::invalid_input, "a package without files cannot be packed");
    if (package.files.size() > ArchiveLimits::kEntries)
        return base::fail(ErrorCode::limit, "a package may have at most 1000 files");
    std::vector<std::string_view> names;
    std::size_t total = 0;
    for (const auto& [name, content] : package.files) {
        TRY_VOID(check_entry_name(name));
        if (name.back() == '/') return base::fail(ErrorCode::invalid_input, "a package holds files, not empty folders");
        names.emplace_back(name);
        // Beside the contents, an entry takes its name twice and two headers.
        total += content.size() + 2 * name.size() + 76;
        if (total + 22 > ArchiveLimits::kBytes)
            return base::fail(ErrorCode::limit, "the package would be larger than 10 MiB");
    }
    return check_distinct_names(names);
}

}  // namespace

Result<std::string> write_archive(const PackageFiles& package) {
    TRY_VOID(check_writable(package));
    std::string out, directory;
    for (const auto& [name, content] : package.files) {
        put32(directory, 0x02014b50);
        put16(directory, 10);  // made by: MS-DOS, 1.0; so that attributes mean nothing else anywhere
        put_common(directory, name, content);
        put16(directory, 0);  // comment
        put16(directory, 0);  // disk
        put16(directory, 0);  // internal attributes
        put32(directory, 0);  // external attributes
        put32(directory, out.size());
        directory += name;
        put32(out, 0x04034b50);
        put_common(out, name, content);
        out += name;
        out += content;
    }
    const std::size_t start = out.size();
    out += directory;
    put32(out, 0x06054b50);
    put32(out, 0);  // disks
    put16(out, package.files.size());
    put16(out, package.files.size());
    put32(out, directory.size());
    put32(out, start);
    put16(out, 0);  // comment
    return out;
}

}  // namespace claviger::provider
