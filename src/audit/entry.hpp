// Entry: one line of a session's segment, and its text. Format: docs/formats/audit.md. Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace claviger::audit {

// Whoever makes one sees to it that nothing in it is secret; the text escapes what a terminal would obey.
struct Entry {
    enum class Kind { request, tunnel, lost };  // lost: `count` entries could not be written here, the disk was full
    Kind kind = Kind::request;
    base::Instant at{};                // when the request came
    std::int64_t milliseconds = 0;
    std::string provider, connection;  // whose credential was put in, or would have been
    std::string method, host, path;
    int status = 0;
    std::string reason;                // why the proxy answered itself; docs/refusals.md
    std::string why{};                 // more of it than the program was told; cut to kLongestWhy
    std::string rule{};                // of the session's rules and limits the one that decided
    std::string approval{};            // how the owner approved it: "once", "10m", "earlier"
    std::uint64_t sent = 0, received = 0;
    std::uint64_t scrubbed = 0;        // times that the answer showed the credential and it was overwritten
    std::uint64_t count = 0;           // of lost: how many; of a request without host: how many more such came since the last one

    friend bool operator==(const Entry&, const Entry&) = default;
    static constexpr std::size_t kLongestWhy = 500;
    // Refused by the proxy, or by a client that would not speak to it.
    [[nodiscard]] bool denied() const { return !reason.empty() && reason != "abandoned" && reason != "interrupted"; }
};

std::string_view to_string(Entry::Kind kind);

// `{"n":1,...` without the closing brace, appended to `out`. Empty members are left out.
void append_entry(std::string& out, std::uint64_t number, const Entry& entry);
// Of a whole line whose MAC was right. corrupt when it is not what append_entry writes.
base::Result<Entry> read_entry(std::string_view line, std::uint64_t number);

}  // namespace claviger::audit
