#include "vault/replace_file.hpp"

#include <cerrno>

#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "store/database.hpp"
#include "sys/files.hpp"

namespace claviger::vault {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

namespace {
constexpr std::chrono::seconds kWait{5};
}

Result<void> rename_durably(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        return fail(ErrorCode::storage, fmt::format("cannot rename {} to {}", from.native(), to.native()));
    }
    return sys::sync_directory(to.parent_path());
}

void remove_with_log(const fs::path& file) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((file.native() + suffix).c_str());
}

fs::path name_beside(const fs::path& home, std::string_view suffix, const base::Clock& clock, base::Random& random) {
    std::string when = base::to_rfc3339(clock.now());
    std::erase_if(when, [](char c) { return c == '-' || c == ':'; });
    const std::string tag = random.token(3);
    return home / fmt::format("vault.db.{}-{}.{}", when, tag, suffix);
}

Result<void> keep_beside(const fs::path& file, const fs::path& aside) {
    const auto close_log = [&]() -> Result<void> {
        TRY(old, store::Database::open(file, {store::Access::read_write, kWait}));
        return old.leave_write_ahead_log();
    };
    const auto closed = close_log();
    if (!closed && closed.error().code == ErrorCode::busy) {
        return fail(ErrorCode::busy, "another process uses the vault", "stop the other claviger commands and try again");
    }
    // ENOENT: only a log is there, whose file is lost.
    if (::link(file.c_str(), aside.c_str()) != 0 && errno != ENOENT) {
        return fail(ErrorCode::storage, fmt::format("cannot keep the old vault as {}", aside.native()));
    }
    // A log that could not be emptied belongs to a damaged vault: it goes aside with it, or the new one would read it.
    for (const char* suffix : {"-wal", "-journal"}) {
        const fs::path log(file.native() + suffix);
        if (std::error_code ignored; fs::exists(log, ignored)) {
            TRY_VOID(rename_durably(log, aside.native() + suffix));
        }
    }
    ::unlink((file.native() + "-shm").c_str());
    return sys::sync_directory(file.parent_path());
}

}  // namespace claviger::vault
