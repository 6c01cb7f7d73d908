#include "provider/dialects/archive.hpp"

#include <memory>
#include <vector>

#include <zlib.h>

#include "base/text.hpp"
#include "provider/dialects/zip_scan.hpp"

namespace claviger::provider {
namespace {

using base::ErrorCode;
using base::Result;

tl::unexpected<base::Error> bad(std::string message) {
    return base::fail(ErrorCode::invalid_input, std::move(message), "pack the folder again with an ordinary zip tool");
}

// Exactly the entry's packed bytes give exactly its unpacked bytes: nothing may hide behind the end of the deflated
// stream, nor come out of it that the entry does not announce (PK-01: bounded while inflating).
bool inflate_exactly(std::string_view packed, std::string& into) {
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> cleanup(&stream, &inflateEnd);
    char none = 0;  // zlib wants a place to write even where nothing is to come
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // zlib only reads it
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(into.empty() ? &none : into.data());
    stream.avail_out = static_cast<uInt>(into.size());
    const int status = inflate(&stream, Z_FINISH);
    return status == Z_STREAM_END && stream.avail_in == 0 && stream.total_out == into.size();
}

// Never holds more than the entry's own figure, which the scan has bounded.
Result<std::string> unpack(std::string_view bytes, const ZipEntry& entry) {
    const auto packed = bytes.substr(entry.data_offset, entry.packed);
    std::string content(entry.unpacked, '\0');
    bool good = entry.method == 8 ? inflate_exactly(packed, content) : packed.size() == content.size();
    if (good && entry.method != 8) content = packed;
    good = good && crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(content.data()), content.size()) == entry.crc;
    if (good) return content;
    return bad("the archive's entry '" + base::printable(entry.name, 80) + "' does not unpack to what it says");
}

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// "acme/manifest.json", "acme/x" -> "manifest.json", "x": only when everything lies in that folder.
void strip_wrapping_folder(PackageFiles& package) {
    if (package.files.empty()) return;
    const std::string& first = package.files.begin()->first;
    const std::size_t slash = first.find('/');
    if (slash == std::string::npos) return;
    const std::string folder = first.substr(0, slash + 1);
    if (!package.files.contains(folder + "manifest.json")) return;
    for (const auto& [name, content] : package.files)
        if (!starts_with(name, folder)) return;
    std::map<std::string, std::string> stripped;
    for (auto& [name, content] : package.files) stripped.emplace(name.substr(folder.size()), std::move(content));
    package.files = std::move(stripped);
}

}  // namespace

bool looks_like_archive(std::string_view bytes) noexcept {
    return starts_with(bytes, "PK\x03\x04") || starts_with(bytes, "PK\x05\x06");
}

Result<PackageFiles> read_archive(std::string_view bytes) {
    TRY(entries, scan_zip(bytes));
    PackageFiles package;
    for (const ZipEntry& entry : entries) {
        TRY(content, unpack(bytes, entry));
        if (entry.is_folder() || starts_with(entry.name, "__MACOSX/")) continue;
        package.files.emplace(entry.name, std::move(content));
    }
    if (package.files.empty()) return bad("the archive has no files");
    strip_wrapping_folder(package);
    return package;
}

}  // namespace claviger::provider
