#include "connection/refresh_flight.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "connection/home_mark.hpp"
#include "connection/record.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kCallersWait{30'000};   // RF-09
constexpr milliseconds kOwnersWait{100'000};   // for its own attempt, which has deadlines of its own
constexpr milliseconds kRequestTime{30'000};   // OA-10
constexpr milliseconds kHopeForTheDisk{20'000};
constexpr milliseconds kShortestPause{4}, kLongestPause{50};
constexpr int kLooks = 4;                      // of one caller; each is after an attempt of somebody
constexpr std::uint64_t kAtOnce = 8;           // requests to one authorization server, in all processes (RF-08)

// Connections and servers have different halves of the lock file.
constexpr std::uint64_t kServers = std::uint64_t{1} << 61U;

milliseconds longer(milliseconds pause) { return std::min(pause * 2, kLongestPause); }

base::Error busy(const Wish& wish) {
    return base::Error::make(ErrorCode::busy, fmt::format("another process is renewing the token of {} ({}) and has not finished", wish.provider, wish.name),
                             "try again in a moment; a stopped claviger process may hold it");
}

// Whoever has several connections wants to know of which it is said; what wants a human, and busy, say it themselves.
base::Error named(const Wish& wish, base::Error why) {
    if (why.code == ErrorCode::needs_login || why.code == ErrorCode::busy) return why;
    return why.within(fmt::format("renewing the token of {} ({})", wish.provider, wish.name));
}

Fresh fresh_of(Look look, Refreshed how, std::optional<base::Error> why = {}) {
    return Fresh{std::move(look.connection), how, std::move(why)};
}

}  // namespace

std::uint64_t lease_place(std::string_view hash) {
    std::uint64_t bits = 0;
    std::from_chars(hash.data(), hash.data() + std::min<std::size_t>(hash.size(), 16), bits, 16);
    return bits >> 3U;
}

RefreshCore::RefreshCore(Refresher::Surroundings with, http::Client http)
    : with_(std::move(with)), http_(std::move(http)), store_(with_.vault, with_.connections.tenant()), owner_(with_.random.token(12)) {}

base::Result<std::shared_ptr<RefreshCore>> RefreshCore::make(Refresher::Surroundings with) {
    TRY_VOID(sys::ensure_private_directory(refresh_directory(with.home)));
    http::Client::Options options;
    options.addresses.allow_loopback = true;
    options.addresses.allow_private = with.allow_private;
    options.extra_ca_pem = with.extra_ca_pem;
    options.proxies = with.proxies;
    options.total_time = kRequestTime;
    TRY(http, http::Client::make(with.loop, std::move(options)));
    auto core = std::make_shared<RefreshCore>(std::move(with), std::move(http));
    TRY_VOID(core->absorb_all());
    TRY_VOID(core->recognise_home());
    return core;
}

base::Result<void> RefreshCore::recognise_home() {
    return connection::recognise_home(with_.vault, with_.connections.tenant(), with_.home, with_.clock.now(), with_.log);
}

std::filesystem::path RefreshCore::lock_file() const { return refresh_directory(with_.home) / "lock"; }

net::Task<base::Result<Fresh>> RefreshCore::fresh(std::shared_ptr<RefreshCore> self, Wish wish) {
    const auto id = connection_id(wish.provider, wish.name);
    const auto deadline = net::in(kCallersWait);
    bool asked_for_another = false;
    for (int looks = 0; looks < kLooks; ++looks) {
        CO_TRY(look, self->look(wish));
        if (look.verdict == Look::Verdict::good) {
            const bool another = looks > 0 || (wish.need == Need::replaced && !look.forced);
            co_return fresh_of(std::move(look), another ? Refreshed::by_another : Refreshed::not_due);
        }
        if (look.verdict == Look::Verdict::held) {
            auto why = look.why;
            if (!look.valid) co_return base::fail(named(wish, std::move(*why)));
            co_return fresh_of(std::move(look), Refreshed::failed, std::move(why));
        }
        auto& known = self->flights_[id];
        const bool mine = known == nullptr;
        if (mine) {
            known = std::make_shared<Flight>(self->with_.loop);
            self->with_.loop.spawn("renewal", fly(self, known, id, wish.copy()));
        }
        const auto flight = known;
        const bool may_go_on = look.valid && wish.need == Need::usable;
        if (may_go_on && (!mine || self->with_.renew_behind)) co_return fresh_of(std::move(look), Refreshed::not_due);
        const auto until = mine && !self->with_.renew_behind ? net::in(kOwnersWait) : deadline;
        auto landed = co_await flight->landed.wait(until);
        base::Error why = landed ? flight->error.value_or(base::Error()) : busy(wish);
        const bool ended_well = landed && !flight->error;
        if (ended_well && !mine && !asked_for_another) {
            asked_for_another = true;
            continue;  // what was renewed may not be what this caller wants
        }
        CO_TRY(after, self->look(wish));
        if (after.verdict == Look::Verdict::good && ended_well) co_return fresh_of(std::move(after), flight->how);
        if (after.valid && ended_well) co_return fresh_of(std::move(after), flight->how, after.why);
        if (after.valid) co_return fresh_of(std::move(after), Refreshed::failed, std::move(why));
        if (ended_well) {
            const auto expired = base::Error::make(ErrorCode::protocol, "the new token has expired already",
                                                   "look at the computer's clock, and at the lifetime that the service gives its tokens");
            why = after.why ? *after.why : after.state.token.last_error.value_or(expired);  // a failure that brought a new refresh token
        }
        co_return base::fail(named(wish, std::move(why)));
    }
    co_return base::fail(busy(wish));
}

net::Task<bool> RefreshCore::settle(std::shared_ptr<RefreshCore> self, std::chrono::milliseconds at_most) {
    const auto deadline = net::in(at_most);
    while (!self->flights_.empty()) {
        const auto flight = self->flights_.begin()->second;
        const auto landed = co_await flight->landed.wait(deadline);
        if (!landed) co_return false;
    }
    co_return self->unsaved_.empty();
}

net::Task<void> RefreshCore::fly(std::shared_ptr<RefreshCore> self, std::shared_ptr<Flight> flight, std::string id, Wish wish) {
    auto outcome = co_await renew(self, id, std::move(wish));
    // A process that ends now would take the answer with it: it stays while there is hope.
    const bool hung = self->hanging(id);
    const auto hope = net::in(kHopeForTheDisk);
    while (self->hanging(id) && net::Deadline::clock::now() < hope && !self->closing) co_await self->with_.loop.sleep(kLongestPause);
    if (!outcome && hung && !self->hanging(id)) outcome = Refreshed::renewed;
    if (outcome)
        flight->how = *outcome;
    else
        flight->error = std::move(outcome).error();
    self->flights_.erase(id);
    flight->landed.set();
}

base::Result<std::optional<sys::FileLock>> RefreshCore::try_lease(const std::string& id) {
    TRY(lock, sys::FileLock::try_byte(lock_file(), lease_place(hash_of_id(id))));
    if (!lock) return std::optional<sys::FileLock>();
    // Someone may have taken the lock's file away and locks another one now: its lease then runs out by time.
    TRY(state, store_.state(id));
    const auto now = with_.clock.now();
    const bool elsewhere = !state.attempt.empty() && state.lock_file != lock->file_identity() && state.lease_end &&
                           now < *state.lease_end && *state.lease_end - now < kLeaseTime;
    if (elsewhere) return std::optional<sys::FileLock>();
    return std::move(lock);
}

net::Task<base::Result<sys::FileLock>> RefreshCore::pause(std::shared_ptr<RefreshCore> self, std::string provider, std::string name,
                                                          milliseconds at_most) {
    const auto id = connection_id(provider, name);
    const auto deadline = net::in(at_most);
    for (auto pause = kShortestPause;; pause = longer(pause)) {
        CO_TRY(lock, self->try_lease(id));
        if (lock) {
            CO_TRY(state, self->store_.state(id));
            if (!state.attempt.empty()) CO_TRY_VOID(self->absorb(id, state));
            co_return std::move(*lock);
        }
        if (net::Deadline::clock::now() >= deadline)
            co_return base::fail(ErrorCode::busy, fmt::format("a renewal of {} ({}) is under way and has not finished", provider, name),
                                 fmt::format("{} ({}) is as it was: try again in a moment; a stopped claviger process may hold it", provider, name));
        co_await self->with_.loop.sleep(pause);
    }
}

// The lease, or nothing when somebody else has renewed while this one waited for it. There is no way past it: a stopped
// owner keeps its lock, and the kernel gives back that of a dead one (RF-02).
net::Task<base::Result<std::optional<sys::FileLock>>> RefreshCore::take_lease(std::shared_ptr<RefreshCore> self, std::string id, Wish wish) {
    const auto deadline = net::in(kCallersWait);
    CO_TRY(seen, self->with_.vault.change_counter());
    for (auto pause = kShortestPause;; pause = longer(pause)) {
        CO_TRY(lock, self->try_lease(id));
        if (lock) co_return std::move(lock);
        if (net::Deadline::clock::now() >= deadline) co_return base::fail(busy(wish));
        co_await self->with_.loop.sleep(pause);
        CO_TRY(counter, self->with_.vault.change_counter());
        if (counter == seen) continue;
        seen = counter;
        CO_TRY(look, self->look(wish));
        if (look.verdict != Look::Verdict::due) co_return std::optional<sys::FileLock>();
    }
}

net::Task<base::Result<sys::FileLock>> RefreshCore::take_slot(std::shared_ptr<RefreshCore> self, std::string origin, net::Deadline deadline) {
    const auto first = kServers + lease_place(hash_of_id(origin)) / 2 / kAtOnce * kAtOnce;
    for (auto pause = kShortestPause;; pause = longer(pause)) {
        for (std::uint64_t slot = 0; slot < kAtOnce; ++slot) {
            CO_TRY(lock, sys::FileLock::try_byte(self->lock_file(), first + slot));
            if (lock) co_return std::move(*lock);
        }
        if (net::Deadline::clock::now() >= deadline)
            co_return base::fail(ErrorCode::busy, fmt::format("too many renewals at {} at once", origin), "try again in a moment");
        co_await self->with_.loop.sleep(pause);
    }
}

net::Task<base::Result<Refreshed>> RefreshCore::renew(std::shared_ptr<RefreshCore> self, std::string id, Wish wish) {
    auto lease = co_await take_lease(self, id, wish.copy());
    if (!lease) co_return base::fail(std::move(lease).error());
    if (!*lease) co_return Refreshed::by_another;
    // Between the first look and the lease somebody else may have done it.
    CO_TRY(look, self->look(wish));
    if (look.verdict == Look::Verdict::good) co_return Refreshed::by_another;
    if (look.verdict == Look::Verdict::held) co_return base::fail(*look.why);
    if (!look.state.attempt.empty()) {
        CO_TRY(taken, self->take_over(id, **lease, look.state));
        if (taken) co_return Refreshed::by_another;
        // Its owner is dead, or the lease would not be ours: what was sent may have been received.
        self->with_.log.warn("refresh.interrupted", {{"connection", id}, {"attempt", look.state.attempt}});
        look.state.doubtful = true;
        look.state.end_attempt();
    }
    auto at = std::make_shared<Attempt>(Attempt{std::move(**lease), std::move(look), id, {}});
    at->sent = generation_of(at->look.connection);
    auto done = co_await attempt(self, std::move(at));
    co_return done;
}

}  // namespace claviger::connection
