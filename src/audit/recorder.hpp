// Recorder: the segments of one `run` session. An entry is sealed in memory at once and written with others: by flush(),
// which the owner calls at least every kFlushEvery while waiting(), or when 64 KiB wait. So a request costs no system call.
// Nothing is on the disk before the first entry. When it cannot be written, may_release() says so until it can: then no
// credential may be handed out (LG-05). Thread rule: as the Vault.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <map>
#include <optional>
#include <string>

#include "audit/entry.hpp"
#include "audit/segments.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "sys/append_file.hpp"

namespace claviger::audit {

inline constexpr std::chrono::milliseconds kFlushEvery{100};

class Recorder {
public:
    struct Surroundings {
        vault::Vault& vault;
        std::filesystem::path home;
        const base::Clock& clock;
        base::Random& random;
        Limits limits{};
        std::string program{};  // what the session runs, for the journal; no arguments, no path
    };
    static base::Result<std::unique_ptr<Recorder>> make(Surroundings with);

    void record(Entry entry);
    [[nodiscard]] bool waiting() const;
    // Handed to the kernel, not to the disk: what a killed process had flushed is there, what a power failure takes is not.
    base::Result<void> flush();
    // flush(), then durable, and its end in the journal. Call it last.
    base::Result<void> close();
    [[nodiscard]] base::Result<void> may_release() const;
    [[nodiscard]] const std::string& session() const { return name_.session; }

private:
    Recorder(Surroundings with, base::Secret key, std::string session);
    bool fold(Entry& entry);
    void append(const Entry& entry);
    void append_folded(base::Duration after);
    base::Result<void> write_out();
    base::Result<void> open();
    base::Result<void> rotate();
    [[nodiscard]] bool full() const;
    base::Result<sys::AppendFile> create_file(const SegmentName& name, std::string_view head) const;

    Surroundings with_;
    base::Secret key_;
    SegmentName name_;
    std::optional<Chain> chain_;  // of the segment that lines_ belong to
    std::string head_, lines_;    // sealed, not written yet
    std::uint64_t entries_ = 0;   // of the segment
    base::Instant begun_{}, rotate_after_{};
    std::optional<sys::AppendFile> file_;
    std::optional<base::Error> trouble_;
    std::uint64_t lost_ = 0;
    struct Folded {
        std::optional<Entry> last;  // that was not written on its own
        base::Instant written{};
    };
    std::map<std::string, Folded> folded_;  // by reason, of which there are few
};

}  // namespace claviger::audit
