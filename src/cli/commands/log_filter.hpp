// Which lines of the log are wanted: the options of `claviger log`. Thread rule: a value.
#pragma once

#include <optional>
#include <string>

#include "audit/chain.hpp"
#include "audit/entry.hpp"
#include "cli/command.hpp"

namespace claviger::cli {

struct LogFilter {
    std::string provider, connection, session, host;  // session: the first digits; host: the name, or *.name
    std::optional<std::pair<int, int>> status;        // from, to
    std::optional<base::Instant> since, until;
    bool denied = false, changes = false;
    std::size_t limit = 100;                          // 0: no limit

    [[nodiscard]] bool wants_requests() const { return !changes; }
    [[nodiscard]] bool wants_changes() const { return !denied && !status && host.empty() && (session.empty() || changes); }
    [[nodiscard]] bool takes(const audit::SegmentName& segment, const audit::Entry& entry) const;
    [[nodiscard]] bool takes(const vault::Vault::AuditLine& line) const;
};

// Of an entry in the journal: "acme/default" gives both, "acme" the provider alone; neither of what concerns no provider.
struct Concerned {
    std::string provider, connection;
};
Concerned concerned_by(const vault::Vault::AuditLine& line);

// ErrorCode::usage says what is allowed.
base::Result<LogFilter> log_filter(const Invocation& invocation, base::Instant now);

}  // namespace claviger::cli
