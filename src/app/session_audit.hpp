// SessionAudit: what a session's proxy serves goes through this into the audit log, a few times a second and never in the
// way of a request. Ownership: outlives the loop it is attached to, since what is under way when that dies is recorded too.
// Thread rule: main thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/config.hpp"
#include "audit/recorder.hpp"
#include "net/loop.hpp"
#include "proxy/served.hpp"

namespace claviger::app {

audit::Limits audit_limits(const Config& config);

class SessionAudit {
public:
    SessionAudit(std::unique_ptr<audit::Recorder> recorder, std::function<void(std::string_view)> say)
        : recorder_(std::move(recorder)), say_(std::move(say)) {}

    // Writes on this loop for as long as the result lives, which must die before the loop does.
    class Attachment {
    public:
        explicit Attachment(SessionAudit& audit) : audit_(audit) {}
        ~Attachment() { audit_.loop_ = nullptr; }
        Attachment(const Attachment&) = delete;
        Attachment& operator=(const Attachment&) = delete;

    private:
        SessionAudit& audit_;
    };
    [[nodiscard]] Attachment attach(net::Loop& loop);

    void record(const proxy::Served& served);
    [[nodiscard]] base::Result<void> may_release() const { return recorder_->may_release(); }
    // Everything durable and its end in the journal; a failure is said. After the loop's death.
    void close();
    [[nodiscard]] const std::string& session() const { return recorder_->session(); }

private:
    static net::Task<void> flush_while_waiting(SessionAudit& self);
    void flush();
    std::unique_ptr<audit::Recorder> recorder_;
    std::function<void(std::string_view)> say_;
    net::Loop* loop_ = nullptr;
    bool flushing_ = false, troubled_ = false;
};

}  // namespace claviger::app
