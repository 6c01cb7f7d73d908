#include "provider/dialects/archive.hpp"

#include <array>
#include <memory>
#include <vector>

#include <zip.h>
#include <zlib.h>

#include "base/text.hpp"
#include "provider/dialects/zip_scan.hpp"

namespace claviger::provider {
namespace {

using base::ErrorCode;
using base::Result;

struct ZipCloser { void operator()(zip_t* archive) const { zip_discard(archive); } };
struct FileCloser { void operator()(zip_file_t* file) const { zip_fclose(file); } };
using ZipHandle = std::unique_ptr<zip_t, ZipCloser>;
using FileHandle = std::unique_ptr<zip_file_t, FileCloser>;

tl::unexpected<base::Error> bad(std::string message) {
    return base::fail(ErrorCode::invalid_input, std::move(message), "pack the folder again with `claviger pack`");
}

Result<ZipHandle> open_zip(std::string_view bytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    ZipHandle archive(source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
    if (!archive && source != nullptr) zip_source_free(source);
    zip_error_fini(&error);
    if (!archive) return bad("the archive is not consistent");
    return archive;
}

// Our scan decides; the library must see the very same entry under the same index.
bool agrees(zip_t* archive, std::uint64_t index, const ZipEntry& entry) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(archive, index, ZIP_FL_ENC_RAW, &stat) != 0) return false;
    return entry.name == stat.name && stat.size == entry.unpacked && stat.comp_size == entry.packed &&
           stat.crc == entry.crc && stat.comp_method == entry.method && stat.encryption_method == ZIP_EM_NONE;
}

// libzip does not look behind the end of a deflated stream: nothing may hide there, nor come out of it that the
// entry does not announce. Keeps nothing of what it unpacks.
bool deflated_exactly(std::string_view packed, std::size_t unpacked) {
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> cleanup(&stream, &inflateEnd);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // zlib only reads it
    stream.avail_in = static_cast<uInt>(packed.size());
    std::array<Bytef, 32768> scratch;
    int status = Z_OK;
    while (status == Z_OK && stream.total_out <= unpacked) {
        stream.next_out = scratch.data();
        stream.avail_out = static_cast<uInt>(scratch.size());
        status = inflate(&stream, Z_NO_FLUSH);
    }
    return status == Z_STREAM_END && stream.avail_in == 0 && stream.total_out == unpacked;
}

// Never holds more than the entry's own figure, which the scan has bounded; the library checks the CRC at the end.
Result<std::string> unpack(std::string_view bytes, zip_t* archive, std::uint64_t index, const ZipEntry& entry) {
    const auto broken = [&] {
        return bad("the archive's entry '" + base::printable(entry.name, 80) + "' does not unpack to what it says");
    };
    if (entry.method == 8 && !deflated_exactly(bytes.substr(entry.data_offset, entry.packed), entry.unpacked))
        return broken();
    FileHandle file(zip_fopen_index(archive, index, 0));
    if (!file) return broken();
    std::string content(entry.unpacked, '\0');
    std::size_t filled = 0;
    while (filled < content.size()) {
        const zip_int64_t got = zip_fread(file.get(), content.data() + filled, content.size() - filled);
        if (got <= 0) return broken();
        filled += static_cast<std::size_t>(got);
    }
    char more = 0;
    if (zip_fread(file.get(), &more, 1) != 0) return broken();
    return content;
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
    TRY(archive, open_zip(bytes));
    if (zip_get_num_entries(archive.get(), 0) != static_cast<zip_int64_t>(entries.size()))
        return bad("the archive is not consistent");
    PackageFiles package;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const ZipEntry& entry = entries[i];
        if (!agrees(archive.get(), i, entry)) return bad("the archive is not consistent");
        TRY(content, unpack(bytes, archive.get(), i, entry));
        if (entry.is_folder() || starts_with(entry.name, "__MACOSX/")) continue;
        package.files.emplace(entry.name, std::move(content));
    }
    if (package.files.empty()) return bad("the archive has no files");
    strip_wrapping_folder(package);
    return package;
}

}  // namespace claviger::provider
