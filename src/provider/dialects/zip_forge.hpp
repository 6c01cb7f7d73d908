// For tests only: a ZIP writer that lies on demand. Each field of each record can be set to anything; what is not
// set is written right. Thread rule: values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace claviger::provider::test {

inline std::string le(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    return out;
}

inline std::string raw_deflate(std::string_view text) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

// One of the two headers of an entry.
struct Header {
    std::uint16_t flags = 0, method = 0;
    std::uint32_t crc = 0, packed = 0, unpacked = 0;
    std::string name, extra;
};

struct Forged {
    Forged(std::string name, std::string content, bool deflated = false) {
        local.name = std::move(name);
        local.method = deflated ? 8 : 0;
        local.crc = static_cast<std::uint32_t>(
            crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
        local.unpacked = static_cast<std::uint32_t>(content.size());
        data = deflated ? raw_deflate(content) : std::move(content);
        local.packed = static_cast<std::uint32_t>(data.size());
        central = local;
    }
    // Both headers at once.
    Forged& both(const std::function<void(Header&)>& change) {
        change(local);
        change(central);
        return *this;
    }
    // As a streaming writer does it: figures after the data, with the signature or without.
    Forged& with_descriptor(bool signature = true) {
        both([](Header& header) { header.flags |= 8; });
        after = (signature ? "PK\x07\x08" : "") + le(central.crc, 4) + le(central.packed, 4) + le(central.unpacked, 4);
        local.crc = local.packed = local.unpacked = 0;
        return *this;
    }

    Header local, central;
    std::string data, after;  // after: descriptor, or a gap
    std::string comment;
    std::uint16_t made_by = 0, disk = 0;
    std::uint32_t attributes = 0;
    std::optional<std::uint32_t> offset;  // what the directory says
    bool write_local = true, write_central = true;
    std::string local_signature = "PK\x03\x04", central_signature = "PK\x01\x02";
};

struct Forge {
    std::vector<Forged> entries;
    std::string before, between, comment, after;  // between: local part and directory
    std::uint16_t disk = 0, directory_disk = 0;
    std::optional<std::uint16_t> entries_here, entries_total, comment_size;
    std::optional<std::uint32_t> directory_size, directory_offset;

    static std::string fields(const Header& header) {
        return le(20, 2) + le(header.flags, 2) + le(header.method, 2) + le(0, 2) + le(33, 2) + le(header.crc, 4) +
               le(header.packed, 4) + le(header.unpacked, 4) + le(header.name.size(), 2) + le(header.extra.size(), 2);
    }

    [[nodiscard]] std::string build() const {
        std::string out = before, directory;
        std::size_t count = 0;
        for (const Forged& entry : entries) {
            const std::uint32_t offset = entry.offset.value_or(static_cast<std::uint32_t>(out.size()));
            if (entry.write_local) {
                out += entry.local_signature + fields(entry.local) + entry.local.name + entry.local.extra + entry.data +
                       entry.after;
            }
            if (!entry.write_central) continue;
            ++count;
            directory += entry.central_signature + le(entry.made_by, 2) + fields(entry.central) +
                         le(entry.comment.size(), 2) + le(entry.disk, 2) + le(0, 2) + le(entry.attributes, 4) +
                         le(offset, 4) + entry.central.name + entry.central.extra + entry.comment;
        }
        out += between;
        const std::size_t start = out.size();
        out += directory;
        out += "PK\x05\x06" + le(disk, 2) + le(directory_disk, 2) + le(entries_here.value_or(static_cast<std::uint16_t>(count)), 2) +
               le(entries_total.value_or(static_cast<std::uint16_t>(count)), 2) +
               le(directory_size.value_or(static_cast<std::uint32_t>(directory.size())), 4) +
               le(directory_offset.value_or(static_cast<std::uint32_t>(start)), 4) +
               le(comment_size.value_or(static_cast<std::uint16_t>(comment.size())), 2) + comment + after;
        return out;
    }
};

}  // namespace claviger::provider::test
