#include "provider/dialects/zip_names.hpp"

#include <cstdlib>
#include <memory>
#include <set>

#include <unicase.h>
#include <uninorm.h>

#include "base/text.hpp"
#include "provider/dialects/archive.hpp"

namespace claviger::provider {
namespace {

tl::unexpected<base::Error> bad_name(std::string_view name, std::string_view why) {
    std::string shown = base::printable(name, 80);
    return base::fail(base::ErrorCode::invalid_input, "the archive's entry '" + shown + "' " + std::string(why),
                      "pack the folder again with an ordinary zip tool");
}

base::Result<void> check_part(std::string_view name, std::string_view part) {
    if (part.empty()) return bad_name(name, "has an empty part in its path");
    if (part == "." || part == "..") return bad_name(name, "has '.' or '..' in its path");
    // Some file systems drop these, so that two names would be one.
    if (part.back() == '.' || part.back() == ' ') return bad_name(name, "has a part that ends with a dot or a space");
    return {};
}

// Case folding with NFC before and after; ASCII takes the short way. Empty result: not possible.
std::string fold(std::string_view name) {
    bool ascii = true;
    for (char c : name) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    if (ascii) return base::to_lower(name);
    std::size_t length = 0;
    const auto* text = reinterpret_cast<const std::uint8_t*>(name.data());
    std::unique_ptr<std::uint8_t, decltype(&std::free)> folded(
        u8_casefold(text, name.size(), nullptr, UNINORM_NFC, nullptr, &length), &std::free);
    if (!folded) return {};
    return {reinterpret_cast<const char*>(folded.get()), length};
}

std::string_view without_slash(std::string_view name) {
    return !name.empty() && name.back() == '/' ? name.substr(0, name.size() - 1) : name;
}

}  // namespace

base::Result<void> check_entry_name(std::string_view name) {
    if (name.empty()) return bad_name(name, "has no name");
    if (name.size() > ArchiveLimits::kNameBytes)
        return base::fail(base::ErrorCode::limit, "an entry's name in the archive is longer than 255 bytes");
    if (name.front() == '/') return bad_name(name, "has an absolute path");
    if (!base::valid_utf8(name)) return bad_name(name, "is not valid UTF-8");
    for (char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) return bad_name(name, "has a control character in its name");
        if (c == '\\') return bad_name(name, "has a backslash in its path");
        if (c == ':') return bad_name(name, "has a colon in its path, as a drive letter would");
    }
    const auto parts = base::split(without_slash(name), '/');
    if (parts.size() > ArchiveLimits::kDepth)
        return base::fail(base::ErrorCode::limit, "the archive has folders more than 16 deep");
    for (const auto& part : parts) {
        TRY_VOID(check_part(name, part));
    }
    return {};
}

base::Result<void> check_distinct_names(const std::vector<std::string_view>& names) {
    std::set<std::string, std::less<>> all, files;
    for (std::string_view name : names) {
        std::string folded = fold(without_slash(name));
        if (folded.empty()) return bad_name(name, "has a name that cannot be compared");
        if (name.back() != '/') files.insert(folded);
        if (!all.insert(std::move(folded)).second) return bad_name(name, "is there twice");
    }
    for (std::string_view name : names) {
        const std::string folded = fold(without_slash(name));
        for (std::size_t at = folded.find('/'); at != std::string::npos; at = folded.find('/', at + 1))
            if (files.contains(std::string_view(folded).substr(0, at)))
                return bad_name(name, "lies in a folder that is also a file");
    }
    return {};
}

}  // namespace claviger::provider
