#include "connection/background_refresh.hpp"

#include <algorithm>

#include "connection/refresh_schedule.hpp"
#include "net/url.hpp"

namespace claviger::connection {
namespace {

// Timers do not run while the machine sleeps, nor follow a clock that is set: how late either is noticed at most.
constexpr std::chrono::seconds kLongestSleep{30};
constexpr std::chrono::seconds kJump{10};

// The limit is one server's. Where the token endpoint is not known, connections of one provider share it.
std::string server_of(const Connection& connection) {
    const auto url = net::Url::parse(connection.token_endpoint);
    return url ? url->origin() : connection.provider;
}

// Only a human can mend it, and that shows as a new version of the connection when it is used again.
bool hopeless(base::ErrorCode code) {
    return code == base::ErrorCode::needs_login || code == base::ErrorCode::suspended || code == base::ErrorCode::not_connected;
}

}  // namespace

BackgroundRefresh::BackgroundRefresh(Surroundings with, RefreshQueue::Limits limits)
    : with_(with), queue_(limits), wall_(with.clock.now()), steady_(std::chrono::steady_clock::now()) {}

std::optional<base::Instant> BackgroundRefresh::due(const Connection& connection, const provider::ProviderDefinition& definition) const {
    const auto next = with_.refresher.due(connection, definition);
    if (!next || used_.contains({connection.provider, connection.name})) return next;
    return keep_alive_at(connection, definition);
}

void BackgroundRefresh::keep_alive(const Connection& connection, const provider::ProviderDefinition& definition) { put(connection, definition); }

void BackgroundRefresh::in_use(const Connection& connection, const provider::ProviderDefinition& definition) {
    used_.insert({connection.provider, connection.name});
    put(connection, definition);
}

void BackgroundRefresh::put(const Connection& connection, const provider::ProviderDefinition& definition) {
    if (stopped_) return;
    queue_.put({connection.provider, connection.name}, server_of(connection), due(connection, definition));
    look();
    if (std::exchange(running_, true)) return;
    with_.loop.spawn("background refresh", run(*this));
}

void BackgroundRefresh::look() {
    if (wake_) wake_->set();
}

void BackgroundRefresh::stop() {
    stopped_ = true;
    look();
}

void BackgroundRefresh::notice_jump() {
    const auto wall = with_.clock.now();
    const auto steady = std::chrono::steady_clock::now();
    const auto apart = (wall - wall_) - std::chrono::duration_cast<base::Duration>(steady - steady_);
    wall_ = wall;
    steady_ = steady;
    if (apart < kJump && apart > -kJump) return;
    with_.log.info("refresh.clock_jumped", {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(apart).count()}});
    queue_.clock_jumped(wall, with_.random);
}

void BackgroundRefresh::begin_what_is_due() {
    notice_jump();
    for (auto& key : queue_.take(with_.clock.now())) with_.loop.spawn("background renewal", look_at(*this, std::move(key)));
}

net::Task<void> BackgroundRefresh::run(BackgroundRefresh& self) {
    while (!self.stopped_) {
        self.begin_what_is_due();
        const auto now = self.with_.clock.now();
        const auto next = self.queue_.next(now);
        const base::Duration wait = next ? std::clamp<base::Duration>(*next - now, std::chrono::milliseconds(1), kLongestSleep) : kLongestSleep;
        const auto wake = std::make_shared<net::Event>(self.with_.loop);
        self.wake_ = wake;
        const net::Deadline deadline = net::in(wait);
        auto woken = co_await wake->wait(deadline);
        (void)woken;
    }
    self.wake_.reset();
}

net::Task<void> BackgroundRefresh::look_at(BackgroundRefresh& self, RefreshQueue::Key key) {
    const auto& [provider, name] = key;
    const auto& clock = self.with_.clock;
    const auto end = [&self, &key, &clock](bool failed, std::optional<base::Instant> due) {
        self.queue_.ended(key, failed, due, clock.now(), self.with_.random);
        self.look();
    };
    auto definition = self.with_.registry.load(provider);
    auto stored = self.with_.connections.load(provider, name);
    if (!definition || !stored) {
        end(false, std::nullopt);
        co_return;
    }
    const auto now = clock.now();
    if (const auto due = self.due(*stored, *definition); !due || *due > now) {  // somebody else was here
        end(false, due);
        co_return;
    }
    const auto keep = keep_alive_at(*stored, *definition);
    const Need need = self.used_.contains(key) && (!keep || *keep > now) ? Need::usable : Need::kept;
    auto fresh = co_await self.with_.refresher.fresh(provider, name, need);
    if (!fresh && hopeless(fresh.error().code)) {
        end(false, std::nullopt);
        co_return;
    }
    const Connection& seen = fresh ? fresh->connection : *stored;
    const auto due = self.due(seen, *definition);
    // Still due is as good as failed: the same question at once would get the same answer.
    const bool failed = !fresh || fresh->how == Refreshed::failed || (due && *due <= clock.now());
    if (failed) self.with_.log.info("refresh.background_failed", {{"provider", provider}, {"connection", name}});
    end(failed, due);
}

}  // namespace claviger::connection
