// The strict reading of a ZIP file's structure (APPNOTE 6.3.9, the parts before ZIP64), before anything is
// inflated: every byte of the file belongs to exactly one local header, its data, the central directory or the end
// record; both headers of an entry agree. Thread rule: pure function; the result holds offsets, no pointers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace claviger::provider {

struct ZipEntry {
    std::string name;  // as in the file, checked: relative, UTF-8, no "..", at most 255 bytes
    std::uint16_t flags = 0, method = 0;
    std::uint32_t crc = 0, packed = 0, unpacked = 0;
    std::uint32_t local_offset = 0;
    std::size_t data_offset = 0;  // where its `packed` bytes begin
    [[nodiscard]] bool is_folder() const { return name.back() == '/'; }
};

// In the order of the central directory. All sizes are within ArchiveLimits and within the file.
base::Result<std::vector<ZipEntry>> scan_zip(std::string_view bytes);

}  // namespace claviger::provider
