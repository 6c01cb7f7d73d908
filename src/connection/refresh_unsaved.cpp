// Answers that the vault could not take (RF-05): kept in locked memory and in the file set aside, stored as soon as it can.
#include <fmt/format.h>

#include "connection/record.hpp"
#include "connection/refresh_flight.hpp"

namespace claviger::connection {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenTries{1'000};

// A renewal that failed and brought a new refresh token all the same is set aside too; only a good one ends all failures.
bool has_failed(const Connection& renewed) { return renewed.refresh_failures > 0; }

base::Result<RefreshStore::Stored> store_outcome(RefreshStore& store, const std::string& sent, Connection& renewed, RefreshState& state) {
    if (!has_failed(renewed)) return store.succeed(sent, renewed, state);
    const auto lost = base::Error::make(base::ErrorCode::network, "the attempt to renew the token failed");  // of an earlier process
    return store.fail(sent, renewed, state, state.token.last_error.value_or(lost));
}

}  // namespace

void RefreshCore::keep_aside(Attempt& at, Connection renewed, RefreshState state, const base::Error& why) {
    const AsideSeal seal{store_.tenant(), at.id, at.look.state.attempt, at.look.state.aside_key};
    const auto answer = serialize(renewed);
    base::Result<void> kept = base::fail(why);
    if (at.room) kept = set_aside(*at.room, seal, answer, with_.random);
    with_.log.error("refresh.not_stored", {{"connection", at.id}, {"error", base::to_string(why.code)}, {"set_aside", kept.has_value()}});
    if (!at.room) return;  // what was minted is minted again
    auto& open = at.look.state;
    keep(at.id, Unsaved{std::move(at.lease), std::move(at.room), std::move(renewed), std::move(state), at.sent, open.attempt,
                        std::move(open.aside_key), kept.has_value(), steady_clock::now()});
}

void RefreshCore::keep(const std::string& id, Unsaved unsaved) {
    unsaved_.insert_or_assign(id, std::move(unsaved));
    if (std::exchange(saving_, true)) return;
    with_.loop.spawn("keep saving", keep_saving(shared_from_this()));
}

bool RefreshCore::hanging(const std::string& id) const {
    const auto unsaved = unsaved_.find(id);
    return unsaved != unsaved_.end() && !unsaved->second.durable;
}

base::Result<void> RefreshCore::save_unsaved(const std::string& id) {
    auto& unsaved = unsaved_.at(id);
    const auto now = steady_clock::now();
    if (now - unsaved.tried < kBetweenTries) {
        return base::fail(base::ErrorCode::storage, "the token was renewed, but cannot be stored",
                          "free some disk space; Claviger keeps the token in memory and tries again");
    }
    unsaved.tried = now;
    auto stored = store_outcome(store_, unsaved.sent, unsaved.renewed, unsaved.state);
    if (!stored) {
        if (!unsaved.durable) {
            const AsideSeal seal{store_.tenant(), id, unsaved.attempt, unsaved.aside_key};
            unsaved.durable = unsaved.room && set_aside(*unsaved.room, seal, serialize(unsaved.renewed), with_.random).has_value();
        }
        return base::fail(stored.error().within("the token was renewed, but cannot be stored; it is kept in memory"));
    }
    with_.log.info("refresh.stored_late", {{"connection", id}, {"superseded", *stored == RefreshStore::Stored::superseded}});
    remove_aside_file(aside_file(with_.home, id));
    unsaved_.erase(id);
    return {};
}

net::Task<void> RefreshCore::keep_saving(std::shared_ptr<RefreshCore> self) {
    while (!self->unsaved_.empty() && !self->closing) {
        co_await self->with_.loop.sleep(kBetweenTries);
        std::vector<std::string> ids;
        for (const auto& [id, unsaved] : self->unsaved_) ids.push_back(id);
        for (const auto& id : ids) {
            if (self->closing) break;
            if (const auto saved = self->save_unsaved(id); !saved) self->with_.log.debug("refresh.still_not_stored", {{"connection", id}});
        }
    }
    self->saving_ = false;
}

namespace {

base::Result<std::optional<Connection>> answer_of(const std::filesystem::path& home, const AsideSeal& seal) {
    TRY(answer, read_aside(home, seal));
    if (!answer) return std::optional<Connection>();
    vault::Record record;
    record.key.id = seal.id;
    record.payload = std::move(*answer);
    TRY(renewed, deserialize(record));
    return std::optional<Connection>(std::move(renewed));
}

// Of the failure only its number came along: the next attempt waits as after any such.
RefreshState state_after(const RefreshState& open, const Connection& renewed, base::Instant now, base::Random& random) {
    RefreshState after;
    after.fence = open.fence;
    after.version = open.version;
    after.refused_token = open.refused_token;
    if (has_failed(renewed)) {
        after.token.failures = renewed.refresh_failures;
        after.token.not_before = now + back_off(FailureClass::configuration, after.token.failures, std::nullopt, random);
    } else {
        after.renewed_at = renewed.obtained_at;
    }
    return after;
}

}  // namespace

// True: there was an answer, and it is in the vault now, or is void because other tokens are there.
base::Result<bool> RefreshCore::absorb(const std::string& id, RefreshState& state) {
    const AsideSeal seal{store_.tenant(), id, state.attempt, state.aside_key};
    TRY(renewed, answer_of(with_.home, seal));
    if (!renewed) return false;
    auto after = state_after(state, *renewed, with_.clock.now(), with_.random);
    const auto sent = state.generation;
    TRY(stored, store_outcome(store_, sent, *renewed, after));
    with_.log.info("refresh.answer_absorbed", {{"connection", id}, {"superseded", stored == RefreshStore::Stored::superseded}});
    remove_aside_file(aside_file(with_.home, id));
    return true;
}

base::Result<bool> RefreshCore::take_over(const std::string& id, sys::FileLock& lease, RefreshState& state) {
    auto absorbed = absorb(id, state);
    if (absorbed || absorbed.error().code != base::ErrorCode::storage) return absorbed;
    const AsideSeal seal{store_.tenant(), id, state.attempt, state.aside_key};
    TRY(renewed, answer_of(with_.home, seal));
    if (!renewed) return base::fail(std::move(absorbed).error());
    auto after = state_after(state, *renewed, with_.clock.now(), with_.random);
    keep(id, Unsaved{std::move(lease), std::nullopt, std::move(*renewed), std::move(after), state.generation, state.attempt,
                     std::move(state.aside_key), true, steady_clock::now()});
    return true;
}

// Every file whose attempt is nobody's any more: its answer is stored, or it goes.
base::Result<void> RefreshCore::absorb_all() {
    TRY(files, list_aside(with_.home));
    for (const auto& file : files) {
        TRY(lease, sys::FileLock::try_byte(lock_file(), lease_place(file.name)));
        if (!lease) continue;  // its owner lives
        if (!file.id) {
            remove_aside_file(file.path);
            continue;
        }
        TRY(state, store_.state(*file.id));
        const auto absorbed = absorb(*file.id, state);
        // A disk that is still full: the answer stays where it is, and is found again.
        if (!absorbed) with_.log.error("refresh.not_stored", {{"connection", *file.id}, {"set_aside", true}});
        else if (!*absorbed) remove_aside_file(file.path);
    }
    return {};
}

}  // namespace claviger::connection
