#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "connection/record.hpp"
#include "connection/refresh_flight.hpp"
#include "connection/standing.hpp"
#include "connection/steps.hpp"

namespace claviger::connection {

using base::ErrorCode;

namespace {

constexpr int kBurst = 6;

std::string which(const Connection& connection) {
    return fmt::format("the connection {} of {}", connection.name, connection.provider);
}

base::Error unusable(const Connection& connection, Status status) {
    const auto standing = standing_of({connection.provider, connection.name, status, connection.login_reason, std::nullopt, false});
    const bool suspended = status == Status::suspended;
    return base::Error::make(suspended ? ErrorCode::suspended : ErrorCode::needs_login, which(connection) + " cannot be used: " + standing.why,
                             (suspended ? "see the difference and accept it with: " : "run: ") + standing.command);
}

// A second use of what is sent can do harm: only then is a restored vault's copy dangerous.
bool spends_a_token(const Connection& connection, const provider::ProviderDefinition& definition) {
    return connection.flow != provider::Flow::client_credentials && definition.oauth2 &&
           definition.oauth2->refresh.mode == "refresh" && rotating(definition);
}

bool token_wanted(const Look& look, const Wish& wish, base::Instant now) {
    const auto end = due_at(look.connection, look.definition);
    const auto alive = keep_alive_at(look.connection, look.definition);
    return look.forced || !token_lives(look.connection, now) || (end && *end <= now) || end_unknown(look.connection, now) ||
           (wish.need == Need::kept && alive && *alive <= now);
}

// `token_again`: what the API refuses is mended by a new token; else a new session may do.
bool steps_wanted(const Look& look, bool token_again, base::Instant now) {
    const auto due = steps_due_at(look.connection, look.definition);
    const auto& oauth = look.definition.oauth2;
    if (!oauth || oauth->steps.empty()) return false;
    // Made under a clock that was put back since: what they say of their end says nothing (ST-10).
    const bool ahead = look.connection.steps_at && now + kClockDoubt < *look.connection.steps_at;
    return token_lives(look.connection, now) && (ahead || (due && *due <= now) || (look.forced && !token_again));
}

}  // namespace

base::Error login_needed_error(const Connection& connection) { return unusable(connection, Status::needs_login); }

base::Result<bool> RefreshCore::suspect(const Connection& connection, const provider::ProviderDefinition& definition) {
    if (!spends_a_token(connection, definition)) return false;
    TRY(restored, store_.restored_at());
    return restored && connection.obtained_at < *restored;
}

std::optional<base::Instant> RefreshCore::due(const Connection& connection, const provider::ProviderDefinition& definition) {
    if (connection.login_needed) return std::nullopt;
    if (connection.definition_digest != provider::security_digest(definition)) return std::nullopt;
    const auto doubted = suspect(connection, definition);
    if (!doubted || *doubted) return std::nullopt;
    if (!mendable(connection, definition, with_.clock.now())) return std::nullopt;
    const bool alone = !renewable(connection, definition);
    auto token = alone ? std::nullopt : earlier(due_at(connection, definition), keep_alive_at(connection, definition));
    auto steps = token_lives(connection, with_.clock.now()) ? steps_due_at(connection, definition) : std::nullopt;
    const auto state = store_.state(connection_id(connection.provider, connection.name));
    if (state && state->generation == generation_of(connection)) {
        if (token && state->token.not_before) token = std::max(*token, *state->token.not_before);
        if (steps && state->steps.not_before) steps = std::max(*steps, *state->steps.not_before);
    }
    return earlier(token, steps);
}

base::Result<Look> RefreshCore::look(const Wish& wish) {
    const auto id = connection_id(wish.provider, wish.name);
    if (unsaved_.contains(id)) {
        if (auto saved = save_unsaved(id); !saved && !unsaved_.at(id).durable) return base::fail(saved.error());
    }
    Look look;
    TRY(definition, with_.registry.load(wish.provider));
    look.definition = std::move(definition);
    TRY(connection, with_.connections.load(wish.provider, wish.name));
    look.connection = std::move(connection);
    const auto unsaved = unsaved_.find(id);
    if (unsaved != unsaved_.end() && generation_of(look.connection) == unsaved->second.sent) {
        TRY(renewed, copy_of(unsaved->second.renewed));
        look.connection = std::move(renewed);
    }
    if (look.connection.definition_digest != provider::security_digest(look.definition)) return base::fail(unusable(look.connection, Status::suspended));
    if (look.connection.login_needed) return base::fail(login_needed_error(look.connection));
    look.valid = usable_at(look.connection, with_.clock.now()) && !lacks_step(look.connection, look.definition);
    TRY_VOID(judge(look, wish, id));
    return look;
}

base::Result<void> RefreshCore::judge(Look& look, const Wish& wish, const std::string& id) {
    const auto now = with_.clock.now();
    look.forced = wish.need == Need::replaced && (wish.refused.empty() || look.connection.access_token.equals(wish.refused));
    const bool again = renewable(look.connection, look.definition);
    const bool steps = steps_wanted(look, again, now);
    bool token = again && token_wanted(look, wish, now);
    if (!token && !steps) return look.valid ? base::Result<void>() : base::fail(unusable(look.connection, Status::expired));
    if (!token && unsaved_.contains(id)) {  // a renewal that waits to be stored: its steps wait too
        if (look.valid) return {};
        return base::fail(ErrorCode::storage, "the renewed token of " + which(look.connection) + " waits to be stored, and what follows it with it", "free some disk space");
    }
    TRY(state, store_.state(id));
    look.state = std::move(state);
    look.state.hold_against(generation_of(look.connection));
    look.state.doubtful |= look.state.unreadable;  // it may have hidden an open attempt
    token = token || (again && look.state.refused_by_step);
    if (token && !look.forced && look.valid) {
        // One lazy attempt when it is needed, never in the background (RF-11).
        TRY(doubted, suspect(look.connection, look.definition));
        token = !doubted;
        if (!token && !steps) return {};
    }
    look.steps_only = !token;
    look.verdict = Look::Verdict::due;
    look.why = hold(look, id, now);
    if (look.why && token && steps && !look.state.refused_by_step) {  // the token lives: what follows it need not wait too
        look.steps_only = true;
        look.why = hold(look, id, now);
    }
    if (look.why) look.verdict = Look::Verdict::held;
    return {};
}

std::optional<base::Error> RefreshCore::hold(const Look& look, const std::string& id, base::Instant now) const {
    const auto& state = look.state;
    const auto later = [&](base::Instant until) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(until - now).count();
        return fmt::format("the next use asks again, but not within {} seconds", seconds);
    };
    if (look.forced) {
        // While that renewal has no outcome yet, its outcome is what is wanted.
        if (state.attempt.empty() && token_hash(look.connection.access_token) == state.refused_token) {
            return base::Error::make(ErrorCode::denied, "the API refuses a token that was renewed for it already",
                                     "look at what the API says; a new login may be needed");
        }
        const auto renewed_at = std::max(state.renewed_at.value_or(base::Instant()), look.connection.steps_at.value_or(base::Instant()));
        const auto until = renewed_at + refusal_back_off(state.refused_in_row);
        if (state.refused_in_row > 0 && within_reach(until, now))
            return base::Error::make(ErrorCode::denied, "the API refuses every new token", later(until));
    }
    const auto& failed = look.steps_only ? state.steps : state.token;
    if (failed.not_before && within_reach(*failed.not_before, now)) {
        const bool corrected = failed.by_configuration && failed.configuration != configuration(look);
        if (!corrected) {
            auto why = failed.last_error.value_or(base::Error::make(ErrorCode::network, "the last attempt to renew the token failed"));
            if (!why.hint.empty()) why.hint += "; ";
            why.hint += failed.by_configuration ? "once that is corrected the next use asks again" : later(*failed.not_before);
            return why;
        }
    }
    const auto interval = least_interval(look.connection, look.definition);
    const bool just_renewed = state.renewed_at && *state.renewed_at <= now && now - *state.renewed_at < interval;
    if (!too_often(id, interval) && (look.forced || look.steps_only || !just_renewed)) return std::nullopt;
    return base::Error::make(ErrorCode::limit, "the token was renewed a moment ago",
                             "look at the computer's clock and at the lifetime that the service gives its tokens");
}

// Whatever the wall clock says: a few attempts at once, then one an interval of real time.
bool RefreshCore::too_often(const std::string& id, base::Duration interval) const {
    const auto sent = sent_.find(id);
    if (sent == sent_.end()) return false;
    const auto passed = std::chrono::steady_clock::now() - sent->second.last;
    return sent->second.burst >= kBurst && passed < std::min(interval, with_.least_pause);
}

void RefreshCore::count_attempt(const std::string& id) {
    auto& sent = sent_[id];
    const auto now = std::chrono::steady_clock::now();
    const auto passed = now - std::exchange(sent.last, now);
    const auto forgiven = with_.least_pause.count() > 0 ? passed / with_.least_pause : std::int64_t{kBurst};
    sent.burst = static_cast<int>(std::max<std::int64_t>(0, sent.burst - forgiven)) + 1;
}

}  // namespace claviger::connection
