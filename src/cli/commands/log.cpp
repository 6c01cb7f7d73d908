// log: what was asked with which credential, and what was changed.
#include <algorithm>
#include <functional>
#include <tuple>
#include <variant>

#include <fmt/format.h>

#include "audit/log_reader.hpp"
#include "audit/segments.hpp"
#include "base/text.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/log_filter.hpp"
#include "cli/commands/log_lines.hpp"
#include "cli/exit_code.hpp"
#include "cli/interruptible.hpp"
#include "net/loop.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
using Change = vault::Vault::AuditLine;

struct Request {
    audit::SegmentName segment;
    std::uint64_t number = 0;
    audit::Entry entry;
};
struct Line {
    base::Instant at;
    std::size_t place;  // among those of the same moment
    std::variant<Change, Request> what;
    friend bool operator<(const Line& a, const Line& b) { return std::tie(a.at, a.place) < std::tie(b.at, b.place); }
    friend bool operator>(const Line& a, const Line& b) { return b < a; }
};

// What was wanted of one reading, in the order of time, the newest `limit` of it.
class Selection {
public:
    explicit Selection(const LogFilter& filter) : filter_(filter) {}

    void take(const Change& line) {
        if (filter_.wants_changes() && filter_.takes(line)) add({line.at, ++count_, line});
    }
    void take(const audit::SegmentName& segment, std::uint64_t number, audit::Entry entry) {
        if (filter_.takes(segment, entry)) {
            const auto at = entry.at;
            add({at, ++count_, Request{segment, number, std::move(entry)}});
        }
    }
    [[nodiscard]] bool looks_into(base::Instant end) const {
        if (filter_.since && end < *filter_.since) return false;
        return filter_.limit == 0 || lines_.size() < filter_.limit || end >= lines_.front().at;
    }
    std::vector<Line> lines() && {
        std::sort(lines_.begin(), lines_.end());
        return std::move(lines_);
    }
    [[nodiscard]] bool left_out() const { return left_out_; }

private:
    void add(Line line) {
        lines_.push_back(std::move(line));
        if (filter_.limit == 0) return;
        std::push_heap(lines_.begin(), lines_.end(), std::greater<>());  // the earliest in front
        if (lines_.size() <= filter_.limit) return;
        std::pop_heap(lines_.begin(), lines_.end(), std::greater<>());
        lines_.pop_back();
        left_out_ = true;
    }

    const LogFilter& filter_;
    std::vector<Line> lines_;
    std::size_t count_ = 0;
    bool left_out_ = false;
};

class LogCommand {
public:
    LogCommand(Context& context, vault::Vault& vault, LogFilter filter)
        : context_(context), filter_(std::move(filter)), reader_(vault, context.home()), printer_(context.out(), context.clock().now()) {}

    // What is new since the last time.
    Result<void> print_new() {
        Selection selection(filter_);
        audit::LogReader::Takes takes;
        takes.change = [&](const Change& line) { selection.take(line); };
        if (filter_.wants_requests()) {
            takes.request = [&](const audit::SegmentName& segment, std::uint64_t number, audit::Entry entry) { selection.take(segment, number, std::move(entry)); };
        }
        takes.looks_into = [&](base::Instant end) { return selection.looks_into(end); };
        takes.fault = [&](const audit::Finding& finding) {
            faulty_ = true;
            context_.out().warn(base::printable(finding.where + ": " + finding.what, 600) + "; see: claviger log --verify");
        };
        TRY_VOID(reader_.read(takes));
        const bool left_out = selection.left_out();
        for (const auto& line : std::move(selection).lines()) {
            if (const auto* change = std::get_if<Change>(&line.what)) printer_.print(*change);
            if (const auto* request = std::get_if<Request>(&line.what)) printer_.print(request->segment, request->number, request->entry);
        }
        if (left_out) context_.out().talk(fmt::format("these are the newest {}; --limit 0 shows all", filter_.limit));
        filter_.limit = 0;  // of what comes from now on nothing is left out
        return {};
    }

    net::Task<Result<void>> follow(net::Loop& loop) {
        constexpr std::chrono::milliseconds kLookEvery{200};
        while (!context_.out().reader_is_gone()) {
            co_await loop.sleep(kLookEvery);
            auto printed = print_new();
            if (!printed) co_return printed;
        }
        co_return Result<void>();
    }

    [[nodiscard]] bool faulty() const { return faulty_; }

private:
    Context& context_;
    LogFilter filter_;
    audit::LogReader reader_;
    LogPrinter printer_;
    bool faulty_ = false;
};

json::Array findings_json(const std::vector<audit::Finding>& findings) {
    json::Array array;
    for (const auto& finding : findings) array.emplace_back(json::Object{{"where", finding.where}, {"what", finding.what}});
    return array;
}

Outcome verify_log(Context& context, vault::Vault& vault) {
    TRY(result, audit::verify(vault, context.home()));
    const auto& out = context.out();
    if (out.json()) {
        out.data(json::to_text(json::Object{{"kind", "verification"}, {"whole", result.whole()}, {"changes", result.changes}, {"requests", result.entries},
                                            {"segments", result.segments}, {"faults", findings_json(result.faults)}, {"notes", findings_json(result.notes)}}) + "\n");
    } else {
        const auto counts = fmt::format("{} changes, {} requests in {} files", result.changes, result.entries, result.segments);
        out.data(result.whole() ? "The audit log is whole: " + counts + ".\n" : "The audit log is damaged: " + counts + " could be read.\n");
        for (const auto& finding : result.faults) out.data(base::printable(finding.where + ": " + finding.what, 600) + "\n");
        for (const auto& finding : result.notes) out.talk("note: " + base::printable(finding.where + ": " + finding.what, 600));
    }
    return result.whole() ? 0 : kExitFault;
}

Result<void> check_alone(const Invocation& invocation) {
    if (!invocation.has("--verify")) return {};
    for (const auto& option : invocation.command->options) {
        if (option.name == "--verify" || !invocation.has(option.name)) continue;
        return base::fail(ErrorCode::usage, "--verify checks everything, so it does not go with " + std::string(option.name), "leave one of them out");
    }
    return {};
}

}  // namespace

Outcome show_log(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("reading the audit log"));
    TRY_VOID(check_alone(invocation));
    TRY(filter, log_filter(invocation, context.clock().now()));
    // A program that reads takes what it gets for all there is.
    if (context.out().json() && !invocation.has("--limit") && !invocation.has("--follow")) filter.limit = 0;
    TRY(vault, context.vault_if_any());
    if (vault == nullptr) {
        return base::fail(ErrorCode::not_found, "there is no vault in " + context.home().string() + " yet, so nothing was recorded", "the first login makes one");
    }
    if (invocation.has("--verify")) return verify_log(context, *vault);
    LogCommand command(context, *vault, std::move(filter));
    TRY_VOID(command.print_new());
    if (invocation.has("--follow")) {
        net::Loop loop;
        const auto followed = run_until_interrupted(loop, command.follow(loop));
        if (followed && !*followed) return base::fail(followed->error());  // none: Ctrl-C, which is how it ends
    }
    return command.faulty() ? kExitFault : 0;
}

}  // namespace claviger::cli
