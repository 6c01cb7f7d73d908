#include "provider/dialects/zip_scan.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/text.hpp"
#include "provider/dialects/archive.hpp"
#include "provider/dialects/zip_names.hpp"

namespace claviger::provider {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50,
                        kDescriptorSignature = 0x08074b50;
constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22;
constexpr std::uint16_t kEncrypted = 1, kHasDescriptor = 1 << 3, kUtf8 = 1 << 11;
constexpr std::uint16_t kAllowedFlags = kHasDescriptor | kUtf8 | 0b110;  // bits 1 and 2: how hard deflate tried

tl::unexpected<base::Error> bad(std::string message) {
    return base::fail(ErrorCode::invalid_input, std::move(message), "pack the folder again with an ordinary zip tool");
}
tl::unexpected<base::Error> bad_entry(const ZipEntry& entry, std::string_view why) {
    return bad("the archive's entry '" + base::printable(entry.name, 80) + "' " + std::string(why));
}

// Little-endian reads; the caller has checked the range.
std::uint16_t u16(std::string_view bytes, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[at + i])); };
    return static_cast<std::uint16_t>(byte(0) | byte(1) << 8);
}
std::uint32_t u32(std::string_view bytes, std::size_t at) {
    return u16(bytes, at) | static_cast<std::uint32_t>(u16(bytes, at + 2)) << 16;
}
bool fits(std::string_view bytes, std::size_t at, std::size_t length) {
    return at <= bytes.size() && length <= bytes.size() - at;
}

struct EndRecord { std::size_t at = 0, entries = 0, directory = 0; };

Result<EndRecord> read_end(std::string_view bytes) {
    if (bytes.size() < kEndSize) return bad("this is not a ZIP archive, or its end is missing");
    const std::size_t at = bytes.rfind("PK\x05\x06", bytes.size() - kEndSize);
    if (at == std::string_view::npos) return bad("this is not a ZIP archive, or its end is missing");
    // A comment that looks like another end record makes readers disagree; so does anything after the comment.
    if (at + kEndSize + u16(bytes, at + 20) != bytes.size() ||
        bytes.find("PK\x05\x06", at + 4) != std::string_view::npos)
        return bad("the archive has data after its end");
    if (u16(bytes, at + 4) != 0 || u16(bytes, at + 6) != 0 || u16(bytes, at + 8) != u16(bytes, at + 10))
        return bad("the archive is split over several disks");
    const EndRecord end{at, u16(bytes, at + 10), u32(bytes, at + 16)};
    const std::size_t size = u32(bytes, at + 12);
    if (end.entries == 0xffff || end.directory == 0xffffffff || size == 0xffffffff)
        return base::fail(ErrorCode::unsupported, "the archive uses ZIP64, which a package of 10 MiB never needs");
    if (end.entries > ArchiveLimits::kEntries)
        return base::fail(ErrorCode::limit, "the archive has more than 1000 entries");
    if (end.directory > at || size != at - end.directory)
        return bad("the archive's directory is not where its end record says, or data was put before the archive");
    if (end.entries == 0) return bad("the archive is empty");
    return end;
}

// Extra fields: well-formed, and none that changes the name, the size or the encryption.
Result<void> check_extra(const ZipEntry& entry, std::string_view extra) {
    for (std::size_t at = 0; at < extra.size();) {
        if (!fits(extra, at, 4)) return bad_entry(entry, "has a broken extra field");
        const std::uint16_t id = u16(extra, at), length = u16(extra, at + 2);
        if (!fits(extra, at + 4, length)) return bad_entry(entry, "has a broken extra field");
        if (id == 0x0001) return bad_entry(entry, "uses ZIP64, which a package of 10 MiB never needs");
        if (id == 0x7075) return bad_entry(entry, "has a second name in an extra field");
        if (id == 0x9901 || id == 0x0017) return bad_entry(entry, "is encrypted");
        if (id == 0x000d) return bad_entry(entry, "has an extra field that can hold a link");
        at += 4u + length;
    }
    return {};
}

// Only plain files and folders: the upper half of the attributes is a Unix mode, the lower half DOS attributes.
Result<void> check_kind(const ZipEntry& entry, std::uint32_t attributes) {
    const std::uint32_t kind = attributes >> 16 & 0170000;
    const bool says_folder = kind == 0040000 || (attributes & 0x10) != 0;
    if (kind != 0 && kind != 0100000 && kind != 0040000)
        return bad_entry(entry, "is a link or a device, not a plain file");
    if ((attributes & 0x440) != 0) return bad_entry(entry, "is a link or a device, not a plain file");  // of Windows
    if ((attributes & 0x08) != 0) return bad_entry(entry, "is a volume label, not a plain file");
    if ((says_folder || entry.is_folder()) && (kind == 0100000 || !entry.is_folder()))
        return bad_entry(entry, "is a folder by its attributes or its name, but not by both");
    if (entry.is_folder() && entry.unpacked != 0) return bad_entry(entry, "is a folder with contents");
    return {};
}

Result<void> check_sizes(const ZipEntry& entry) {
    if (entry.method == 0 && entry.packed != entry.unpacked)
        return bad_entry(entry, "is stored, but its two sizes differ");
    if (entry.unpacked > ArchiveLimits::kUnpackedBytes)
        return base::fail(ErrorCode::limit, "the archive unpacks to more than 50 MiB");
    if (entry.unpacked > std::uint64_t{entry.packed} * ArchiveLimits::kRatio)
        return base::fail(ErrorCode::limit, "an entry of the archive unpacks to more than 100 times its size");
    return {};
}

Result<void> check_coding(const ZipEntry& entry) {
    if ((entry.flags & (kEncrypted | 1 << 6 | 1 << 13)) != 0) return bad_entry(entry, "is encrypted");
    if ((entry.flags & ~kAllowedFlags) != 0) return bad_entry(entry, "uses an unknown feature of ZIP");
    if (entry.method != 0 && entry.method != 8) return bad_entry(entry, "is compressed by another method than deflate");
    if ((entry.flags & kHasDescriptor) != 0 && entry.method == 0 && entry.packed != 0)
        return bad_entry(entry, "is stored, but its size comes after its data");
    if ((entry.flags & kUtf8) == 0 && !std::all_of(entry.name.begin(), entry.name.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x80;
        }))
        return bad_entry(entry, "has a name that is not marked as UTF-8");
    return {};
}

// One record of the central directory at `at`; moves `at` behind it.
Result<ZipEntry> read_central(std::string_view bytes, std::size_t end, std::size_t& at) {
    const std::string_view directory = bytes.substr(0, end);
    if (!fits(directory, at, kCentralSize) || u32(bytes, at) != kCentralSignature)
        return bad("the archive's directory is broken");
    const std::size_t name_size = u16(bytes, at + 28), extra_size = u16(bytes, at + 30),
                      comment_size = u16(bytes, at + 32);
    if (!fits(directory, at + kCentralSize, name_size + extra_size + comment_size))
        return bad("the archive's directory is broken");
    ZipEntry entry;
    entry.name = bytes.substr(at + kCentralSize, name_size);
    entry.flags = u16(bytes, at + 8);
    entry.method = u16(bytes, at + 10);
    entry.crc = u32(bytes, at + 16);
    entry.packed = u32(bytes, at + 20);
    entry.unpacked = u32(bytes, at + 24);
    entry.local_offset = u32(bytes, at + 42);
    TRY_VOID(check_entry_name(entry.name));
    if (u16(bytes, at + 34) != 0) return bad("the archive is split over several disks");
    TRY_VOID(check_coding(entry));
    TRY_VOID(check_extra(entry, bytes.substr(at + kCentralSize + name_size, extra_size)));
    TRY_VOID(check_kind(entry, u32(bytes, at + 38)));
    TRY_VOID(check_sizes(entry));
    at += kCentralSize + name_size + extra_size + comment_size;
    return entry;
}

// The length of the data descriptor at `at`, when it repeats the directory's figures and ends where `next` is.
Result<std::size_t> descriptor_size(std::string_view bytes, const ZipEntry& entry, std::size_t at, std::size_t next) {
    const auto agrees = [&](std::size_t from) {
        return u32(bytes, from) == entry.crc && u32(bytes, from + 4) == entry.packed &&
               u32(bytes, from + 8) == entry.unpacked;
    };
    if (next == at + 12 && agrees(at)) return std::size_t{12};
    if (next == at + 16 && u32(bytes, at) == kDescriptorSignature && agrees(at + 4)) return std::size_t{16};
    return bad_entry(entry, "has a data descriptor that does not fit");
}

// The local header, data and descriptor of an entry: must fill the file from the entry's offset up to `next`.
Result<void> check_local(std::string_view bytes, ZipEntry& entry, std::size_t next) {
    const std::size_t at = entry.local_offset;
    const std::string_view region = bytes.substr(0, next);
    if (!fits(region, at, kLocalSize) || u32(bytes, at) != kLocalSignature)
        return bad_entry(entry, "has no header where the directory says");
    const std::size_t name_size = u16(bytes, at + 26), extra_size = u16(bytes, at + 28);
    if (!fits(region, at + kLocalSize, name_size + extra_size)) return bad_entry(entry, "overlaps another entry");
    const bool descriptor = (entry.flags & kHasDescriptor) != 0;
    const auto differs = [&](std::size_t offset, std::uint32_t expected) {
        const std::uint32_t found = u32(bytes, at + offset);
        return found != expected && !(descriptor && found == 0);
    };
    if (bytes.substr(at + kLocalSize, name_size) != entry.name || u16(bytes, at + 6) != entry.flags ||
        u16(bytes, at + 8) != entry.method || differs(14, entry.crc) || differs(18, entry.packed) ||
        differs(22, entry.unpacked))
        return bad_entry(entry, "has two headers that disagree");
    TRY_VOID(check_extra(entry, bytes.substr(at + kLocalSize + name_size, extra_size)));
    entry.data_offset = at + kLocalSize + name_size + extra_size;
    if (!fits(region, entry.data_offset, entry.packed)) return bad_entry(entry, "overlaps another entry or the directory");
    std::size_t after = entry.data_offset + entry.packed;
    if (descriptor) {
        TRY(size, descriptor_size(bytes, entry, after, next));
        after += size;
    }
    if (after != next) return bad_entry(entry, "is followed by data that belongs to no entry");
    return {};
}

// The entries, in the order of their offsets, tile the file from its first byte to the directory.
Result<void> check_tiling(std::string_view bytes, std::vector<ZipEntry>& entries, std::size_t directory) {
    std::vector<std::size_t> order(entries.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return entries[a].local_offset < entries[b].local_offset;
    });
    if (entries[order.front()].local_offset != 0) return bad("data was put before the archive");
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::size_t next = i + 1 < order.size() ? entries[order[i + 1]].local_offset : directory;
        if (next > directory) return bad_entry(entries[order[i + 1]], "lies outside the archive");
        TRY_VOID(check_local(bytes, entries[order[i]], next));
    }
    return {};
}

}  // namespace

Result<std::vector<ZipEntry>> scan_zip(std::string_view bytes) {
    if (bytes.size() > ArchiveLimits::kBytes)
        return base::fail(ErrorCode::limit, "the archive is larger than 10 MiB");
    TRY(end, read_end(bytes));
    std::vector<ZipEntry> entries;
    std::size_t at = end.directory;
    std::uint64_t unpacked = 0;
    for (std::size_t i = 0; i < end.entries; ++i) {
        TRY(entry, read_central(bytes, end.at, at));
        unpacked += entry.unpacked;
        entries.push_back(std::move(entry));
    }
    if (at != end.at) return bad("the archive's directory has more entries than its end record says");
    if (unpacked > ArchiveLimits::kUnpackedBytes)
        return base::fail(ErrorCode::limit, "the archive unpacks to more than 50 MiB");
    TRY_VOID(check_tiling(bytes, entries, end.directory));
    std::vector<std::string_view> names;
    for (const auto& entry : entries) names.emplace_back(entry.name);
    TRY_VOID(check_distinct_names(names));
    return entries;
}

}  // namespace claviger::provider
