// A line of the log as JSON, and as text for a terminal. Thread rule: values.
#pragma once

#include <string>

#include "audit/chain.hpp"
#include "audit/entry.hpp"
#include "cli/commands/log_filter.hpp"
#include "cli/terminal_style.hpp"

namespace claviger::cli {

// Prints lines as they come, so the columns have fixed widths.
class LogPrinter {
public:
    // Lines are cut to the terminal's width, where stdout is one. `now`: a year is shown only where it is another.
    LogPrinter(const Output& out, base::Instant now);
    void print(const audit::SegmentName& segment, std::uint64_t number, const audit::Entry& entry);
    void print(const vault::Vault::AuditLine& line);

private:
    struct Row {
        base::Instant at;
        std::string session = "-", status = "-", milliseconds = "-", bytes = "-", what{};
        Colour colour = Colour::none;
    };
    void row(const Row& row);
    const Output& out_;
    std::string year_;
    std::size_t width_;
    bool headed_ = false;
};

json::Object log_json(const audit::SegmentName& segment, std::uint64_t number, const audit::Entry& entry);
json::Object log_json(const vault::Vault::AuditLine& line);

}  // namespace claviger::cli
