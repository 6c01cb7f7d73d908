// Where the owner answers what a session asks: a listener on 127.0.0.1 for `claviger approve`, which shows the site's key, and
// a page for the browser. A program of the session can connect to it as well, and must not get anywhere. So the key is in no
// link, argument or environment: a link holds a token that is good for one request, and each page holds its own next ones;
// what a browser's history keeps has been used. Thread rule: on the Loop's thread.
#pragma once

#include <memory>
#include <string>

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "net/loop.hpp"
#include "policy/approvals.hpp"

namespace claviger::api {

class ApprovalSite {
public:
    struct About {
        std::string session;  // digits, as `claviger log` shows them
        std::string program;  // its name alone
    };
    // Binds a free port. `approvals` outlives the site; what runs of it when the loop dies touches neither.
    static base::Result<std::unique_ptr<ApprovalSite>> open(net::Loop& loop, policy::Approvals& approvals, About about, base::Random& random,
                                                            base::Log& log);
    ~ApprovalSite();
    ApprovalSite(const ApprovalSite&) = delete;
    ApprovalSite& operator=(const ApprovalSite&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] const base::Secret& key() const;

    struct State;

private:
    explicit ApprovalSite(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

// The paths; all but kPagePath want "Authorization: Bearer KEY".
inline constexpr std::string_view kWaitingPath = "/waiting";  // GET: JSON
inline constexpr std::string_view kAnswerPath = "/answer";    // POST of a form: id, answer=once|for|deny|deny_like, seconds
inline constexpr std::string_view kLinkPath = "/link";        // POST: {"path": ...} of a page, for one look
inline constexpr std::string_view kPagePath = "/approve/";

}  // namespace claviger::api
