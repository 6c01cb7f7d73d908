#include "app/session_audit.hpp"

#include "base/text.hpp"

namespace claviger::app {

audit::Limits audit_limits(const Config& config) {
    audit::Limits limits;
    limits.segment_bytes = static_cast<std::uint64_t>(config.number("audit.segment_mib")) << 20;
    limits.segment_age = std::chrono::hours(config.number("audit.segment_hours"));
    limits.kept_bytes = static_cast<std::uint64_t>(config.number("audit.keep_mib")) << 20;
    limits.kept_age = std::chrono::hours(24 * config.number("audit.keep_days"));
    return limits;
}

SessionAudit::Attachment SessionAudit::attach(net::Loop& loop) {
    loop_ = &loop;
    return Attachment(*this);
}

void SessionAudit::record(const proxy::Served& served) {
    audit::Entry entry;
    entry.kind = served.kind == proxy::Served::Kind::tunnel ? audit::Entry::Kind::tunnel : audit::Entry::Kind::request;
    entry.at = served.at;
    entry.milliseconds = served.milliseconds;
    entry.provider = served.provider, entry.connection = served.connection;
    entry.method = served.method, entry.host = served.host, entry.path = served.path;
    entry.status = served.status, entry.reason = served.reason;
    entry.why = base::printable(served.why, audit::Entry::kLongestWhy);
    entry.rule = served.rule, entry.approval = served.approval, entry.scrubbed = served.scrubbed;
    entry.sent = served.request_bytes, entry.received = served.response_bytes;
    recorder_->record(std::move(entry));
    if (loop_ == nullptr || flushing_ || !recorder_->waiting()) return;
    flushing_ = true;
    loop_->spawn("audit log", flush_while_waiting(*this));
}

net::Task<void> SessionAudit::flush_while_waiting(SessionAudit& self) {
    while (self.recorder_->waiting()) {
        co_await self.loop_->sleep(audit::kFlushEvery);
        self.flush();
    }
    self.flushing_ = false;
}

void SessionAudit::flush() {
    const auto written = recorder_->flush();
    if (!written && !troubled_ && say_) {
        say_("note: the audit log cannot be written, so no request gets a credential until it can: " + base::printable(written.error().describe(), 500));
    }
    troubled_ = !written;
}

void SessionAudit::close() {
    const auto closed = recorder_->close();
    if (!closed && say_) say_("note: the end of this session could not be written to the audit log: " + base::printable(closed.error().describe(), 500));
}

}  // namespace claviger::app
