// Requests that wait until the owner says yes, and what was approved for a while. Who answers reaches this by the approval
// site alone, whose key lies where a session's program cannot read it (docs/policy.md). Ownership: the session's; what asks
// shares its state, so a loop that dies with questions open leaves nothing dangling. Thread rule: on the Loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/cancellation.hpp"
#include "net/loop.hpp"
#include "net/url.hpp"
#include "policy/limits.hpp"

namespace claviger::policy {

struct AskedRequest {
    std::string provider, connection;  // empty: it gets no credential
    std::string method, host;          // host: with its port unless that is the scheme's
    std::string target;                // as people may see it: no secrets, no values of the query; of a tunnel empty
    std::string rule;                  // the one that asks
    bool tunnel = false, websocket = false;  // all that goes through it is approved with it
};

// The path without what looks like a secret, and the names in the query without their values: "/x?to=...&sum=...".
std::string shown_target(const net::Url& url);

struct WaitingRequest {
    std::string id;  // never that of another one, also when this one has gone: "3f9a-7"
    AskedRequest request;
    base::Instant since, until;
};

struct Answer {
    enum class Kind { deny, deny_like, once, for_a_time } kind = Kind::deny;
    base::Duration lasting{};  // of for_a_time; deny_like holds while the session lives
};

class Approvals {
public:
    static constexpr std::size_t kMostWaiting = 16;
    static constexpr std::size_t kMostGrants = 256;  // and as many refusals; who comes later asks again
    static constexpr Rate kMostQuestions{60, std::chrono::minutes(1)};
    static constexpr base::Duration kLongest = std::chrono::hours(24);  // of for_a_time

    struct Surroundings {
        net::Loop& loop;
        const base::Clock& clock;
        std::string prefix;        // of ids: tells the sessions apart
        base::Duration patience = std::chrono::minutes(2);
        // Before the first moment of waiting; when it fails nobody can be asked. Must not throw.
        std::function<base::Result<void>(const WaitingRequest&)> on_waiting;
    };
    explicit Approvals(Surroundings with);

    enum class Outcome { once, for_a_time, earlier, denied, denied_earlier, timed_out, too_many, too_often, unavailable, gone };
    struct Answered {
        Outcome outcome = Outcome::denied;
        base::Duration lasting{};  // of for_a_time
        std::string why;           // of unavailable
        [[nodiscard]] bool approved() const { return outcome == Outcome::once || outcome == Outcome::for_a_time || outcome == Outcome::earlier; }
    };
    // Waits for `patience` at most. What an approval for a time, or a refusal of its like, covers does not wait ("earlier"): the same method of the same
    // host with the same connection, asked about by the same rule; HEAD counts as GET,
    // and a WebSocket as something of its own.
    net::Task<Answered> ask(AskedRequest request, net::Cancellation& gone);

    [[nodiscard]] std::vector<WaitingRequest> waiting() const;  // the one that waits longest first
    // not_found: it waits no more. An approval for a time, and a refusal of its like, answers all others that it covers.
    base::Result<void> answer(const std::string& id, const Answer& answer);
    // Until something begins or ends to wait, or the deadline.
    net::Task<void> changed(net::Deadline deadline);

private:
    struct State;
    static net::Task<Answered> ask_in(std::shared_ptr<State> state, AskedRequest request, net::Cancellation& gone);
    static net::Task<void> changed_in(std::shared_ptr<State> state, net::Deadline deadline);
    std::shared_ptr<State> state_;
};

}  // namespace claviger::policy
