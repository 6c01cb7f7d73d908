// BackgroundRefresh: keeps the connections of a long-lived process fresh before anybody waits for it: those in use before
// their access token ends, the others only as often as their refresh token needs it so as not to die of disuse. When to
// look is RefreshQueue's, whether and how to ask is the Refresher's. Never for a connection that the Refresher would rather
// leave alone (RF-11). Thread rule: on the Loop's thread; one per process; outlives the loop's tasks.
#pragma once

#include <memory>
#include <set>

#include "connection/refresh.hpp"
#include "connection/refresh_queue.hpp"

namespace claviger::connection {

class BackgroundRefresh {
public:
    struct Surroundings {
        net::Loop& loop;
        Refresher& refresher;
        Connections& connections;
        const provider::Registry& registry;
        const base::Clock& clock;
        base::Random& random;
        base::Log& log;
    };
    explicit BackgroundRefresh(Surroundings with, RefreshQueue::Limits limits = {});
    BackgroundRefresh(const BackgroundRefresh&) = delete;
    BackgroundRefresh& operator=(const BackgroundRefresh&) = delete;

    // Its refresh token is to stay alive.
    void keep_alive(const Connection& connection, const provider::ProviderDefinition& definition);
    // Its access token is being used, as it is stored now: it is to be renewed before its end from now on.
    void in_use(const Connection& connection, const provider::ProviderDefinition& definition);

    // Looks at the clock now instead of when a timer says so.
    void look();
    // Begins nothing more.
    void stop();
    [[nodiscard]] std::size_t under_way() const { return queue_.under_way(); }

private:
    static net::Task<void> run(BackgroundRefresh& self);
    static net::Task<void> look_at(BackgroundRefresh& self, RefreshQueue::Key key);
    [[nodiscard]] std::optional<base::Instant> due(const Connection& connection, const provider::ProviderDefinition& definition) const;
    void put(const Connection& connection, const provider::ProviderDefinition& definition);
    void begin_what_is_due();
    void notice_jump();

    Surroundings with_;
    RefreshQueue queue_;
    std::set<RefreshQueue::Key> used_;
    std::shared_ptr<net::Event> wake_;
    base::Instant wall_;  // when the clocks were compared last
    std::chrono::steady_clock::time_point steady_;
    bool running_ = false, stopped_ = false;
};

}  // namespace claviger::connection
