#include <utility>

#include <fmt/format.h>

#include "connection/client_of.hpp"
#include "connection/introspected_end.hpp"
#include "connection/jwt_claims.hpp"
#include "connection/mint.hpp"
#include "connection/record.hpp"
#include "connection/refresh_flight.hpp"
#include "connection/secret_variables.hpp"
#include "connection/steps.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using oauth::TokenFailure;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kSlotWait{30};
constexpr std::chrono::hours kRefusedInRow{2};  // longer than the longest refusal_back_off()

bool mints(const Look& look) {
    return look.connection.flow == provider::Flow::client_credentials || look.definition.oauth2->refresh.mode == "remint";
}

// Whether sending it twice may cost the grant.
bool spends(const Look& look) {
    return !mints(look) && look.definition.oauth2->refresh.mode == "refresh" && rotating(look.definition);
}

// Waiting alone changes nothing; what somebody corrects ends the wait.
bool mended_by_hand(FailureClass kind) { return kind == FailureClass::configuration || kind == FailureClass::policy; }

bool may_have_arrived(TokenFailure::Kind kind) { return kind == TokenFailure::Kind::in_doubt || kind == TokenFailure::Kind::broken; }

// A word of ours: foreign text does not become a reason.
std::string reason_of(const RefreshState& state, bool suspect, const TokenFailure& failure) {
    if (state.doubtful) return "interrupted_rotation";
    if (suspect) return "restored_backup";
    static constexpr std::string_view kKnown[] = {"invalid_grant", "invalid_token", "access_denied", "unauthorized_client",
                                                  "invalid_client", "expired_token"};
    for (const auto word : kKnown)
        if (failure.error == word) return std::string(word);
    return "refused";
}

}  // namespace

std::uint64_t RefreshCore::client_version_of(const Look& look) const {
    const auto client = with_.connections.client_of(look.connection);
    return client && *client ? (*client)->version : 0;
}

std::string RefreshCore::configuration(const Look& look) const {
    return configuration_of(look.definition, client_version_of(look), with_.allow_private);
}

// The request, with the client that the tokens were given to: with any other one a server may end the grant (OA-27).
base::Result<void> RefreshCore::prepare(Attempt& at) {
    const auto& connection = at.look.connection;
    TRY(endpoint, net::Url::parse(connection.token_endpoint));
    TRY(stored, with_.connections.client_of(connection));
    oauth::Client client;  // a grant that speaks for itself needs none
    if (!stored && !connection.client_id.empty()) {
        return base::fail(ErrorCode::needs_login, fmt::format("the OAuth client for {} that the connection {} of {} was made with is no longer stored, so nothing was sent",
                                                              endpoint.origin(), connection.name, connection.provider),
                          fmt::format("run: claviger login {} --connection {} --force", connection.provider, connection.name));
    }
    if (stored) {
        TRY(known, client_of(*stored, at.look.definition, connection));
        client = std::move(known);
    }
    at.endpoint = endpoint;
    if (mints(at.look)) {
        at.client = std::move(client);
        return {};
    }
    TRY(request, renewal_request(at.look.definition, connection, std::move(client)));
    request.signing = {&with_.clock, &with_.random};
    at.endpoint = request.endpoint;
    at.request = std::move(request);
    return {};
}

// RF-03: room for the answer, then the intent, and only then may anything be sent.
base::Result<void> RefreshCore::begin(Attempt& at) {
    if (spends(at.look)) {
        TRY(room, sys::ReservedFile::create(aside_file(with_.home, at.id), kRoomForAnswer));
        at.room = std::move(room);
    }
    auto& state = at.look.state;
    const auto now = with_.clock.now();
    state.attempt = with_.random.token(12);
    state.owner = owner_;
    state.lock_file = at.lease.file_identity();
    state.begun_at = now;
    state.lease_end = now + kLeaseTime;
    state.aside_key = with_.random.secret_token(32);
    if (at.look.forced) state.refused_token = token_hash(at.look.connection.access_token);
    auto begun = store_.begin(at.id, state);
    if (begun) return {};
    if (at.room) at.room->remove();
    return base::fail(begun.error().within("the renewal was not begun, and nothing was sent"));
}

net::Task<oauth::TokenOutcome> RefreshCore::ask(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at) {
    at->left = steady_clock::now();
    self->count_attempt(at->id);
    if (at->request) {
        auto request = std::move(*at->request);
        at->request.reset();
        auto outcome = co_await oauth::ask_token(self->http_, std::move(request));
        co_return outcome;
    }
    MintParts parts{self->http_, self->with_.clock, self->with_.random};
    auto client = at->client.duplicate();
    auto endpoint = *at->endpoint;
    auto outcome = co_await mint_token(parts, at->look.definition, at->look.connection, std::move(client), std::move(endpoint));
    co_return outcome;
}

net::Task<base::Result<Refreshed>> RefreshCore::attempt(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at) {
    if (at->look.steps_only) {
        self->count_attempt(at->id);
        auto completed = co_await complete(self, at);
        co_return completed;
    }
    for (;;) {
        if (auto prepared = self->prepare(*at); !prepared) co_return self->note_refusal_to_ask(*at, std::move(prepared).error());
        const auto origin = at->endpoint->origin();
        const auto until = net::in(kSlotWait);
        auto slot = co_await take_slot(self, origin, until);
        if (!slot) co_return base::fail(std::move(slot).error());
        CO_TRY(quiet, self->store_.quiet_until(origin));
        const auto now = self->with_.clock.now();
        if (quiet && within_reach(*quiet, now)) {
            const auto seconds = std::chrono::ceil<std::chrono::seconds>(*quiet - now).count();
            co_return base::fail(ErrorCode::network, fmt::format("{} asked to be left alone", origin),
                                 fmt::format("the next use asks again, but not within {} seconds", seconds));
        }
        CO_TRY(renewed, copy_of(at->look.connection));
        CO_TRY_VOID(self->begin(*at));
        auto outcome = co_await ask(self, at);
        // From here to the commit nothing else happens (RF-04).
        if (outcome) {
            const bool endless = wants_introspection(at->look.definition, *outcome, self->with_.clock.now());
            auto landed = self->land(*at, std::move(*outcome), std::move(renewed));
            if (!landed || *landed != Refreshed::renewed) co_return landed;
            // Only set aside: what lies in the vault are the old tokens, and must stay as they are until these take their place.
            if (self->unsaved_.contains(at->id)) co_return landed;
            if (endless) co_await learn_end(self, at);
            if (at->look.definition.oauth2->steps.empty()) co_return landed;
            auto completed = co_await complete(self, at);
            co_return completed;
        }
        const bool again = outcome.error().kind == TokenFailure::Kind::in_doubt && !at->further && !self->closing &&
                           steady_clock::now() - at->left < further_within(at->look.definition);
        if (!again) co_return self->note_failure(*at, outcome.error());
        // RF-06, RF-12: exactly one further attempt with the same token.
        self->with_.log.warn("refresh.answer_lost", {{"connection", at->id}, {"attempt", at->look.state.attempt}});
        at->further = true;
        at->look.state.doubtful = true;
        at->look.state.end_attempt();
        at->room.reset();
    }
}

BackOff RefreshCore::failed_again(const Look& look, const BackOff& before, FailureClass kind, base::Error why,
                                  std::optional<std::chrono::seconds> retry_after) {
    BackOff after;
    after.failures = before.failures + 1;
    after.last_error = std::move(why);
    after.not_before = with_.clock.now() + back_off(kind, after.failures, retry_after, with_.random);
    after.by_configuration = mended_by_hand(kind);
    if (after.by_configuration) after.configuration = configuration(look);
    return after;
}

void RefreshCore::note_steps(const Attempt& at, Connection& connection, RefreshState& state) {
    state.steps = BackOff();
    state.refused_by_step = state.renewed_for_step = false;
    connection.refresh_failures = state.token.failures;
    if (state.token.failures == 0) connection.last_refresh_failure.reset();
    if (!at.look.steps_only) return;
    // For each refusal of the API, but ever more rarely where it refuses them all (RF-10).
    const auto& before = at.look.connection.steps_at;
    const bool in_row = before && with_.clock.now() - *before < kRefusedInRow;
    if (at.look.forced)
        state.refused_in_row = in_row ? state.refused_in_row + 1 : 1;
    else if (!renewable(connection, at.look.definition))
        state.refused_in_row = 0;
}

void RefreshCore::note_failed_steps(const Attempt& at, const TokenFailure& failure, Connection& connection, RefreshState& state) {
    const auto now = with_.clock.now();
    state.steps = failed_again(at.look, at.look.state.steps, classify(at.look.definition, failure), failure.shown, failure.retry_after);
    if (!connection.last_refresh_failure) connection.last_refresh_failure = now;
    connection.refresh_failures = state.steps.failures;
    // Once: a step that refuses every token would have each retry spend a refresh token.
    state.refused_by_step = at.look.steps_only && failure.status == 401 && !state.renewed_for_step;
    with_.log.warn("refresh.step_failed", {{"connection", at.id}, {"status", failure.status}, {"error", failure.error}});
}

// The steps after a token, which is durable by now.
net::Task<base::Result<Refreshed>> RefreshCore::complete(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at) {
    auto& with = self->with_;
    const auto& definition = at->look.definition;
    CO_TRY(stored, with.connections.find(at->look.connection.provider, at->look.connection.name));
    if (!stored || stored->definition_digest != at->look.connection.definition_digest) co_return Refreshed::by_another;
    auto& connection = *stored;
    const auto sent = generation_of(connection);
    CO_TRY(state, self->store_.state(at->id));
    state.hold_against(sent);
    CO_TRY(record, with.connections.client_of(connection));
    oauth::Client client;
    if (record) {
        CO_TRY(known, client_of(*record, definition, connection));
        client = std::move(known);
    }
    const MintParts parts{self->http_, with.clock, with.random};
    auto done = co_await ask_steps(parts, definition, connection, client);
    if (!done) {
        self->note_failed_steps(*at, done.error(), connection, state);
        CO_TRY_VOID(self->store_.fail(sent, connection, state, done.error().shown));
        co_return base::fail(done.error().shown);
    }
    self->note_steps(*at, connection, state);
    CO_TRY(amended, self->store_.amend(sent, connection, state));
    co_return amended == RefreshStore::Stored::stored ? Refreshed::renewed : Refreshed::by_another;
}

net::Task<void> RefreshCore::learn_end(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at) {
    auto& with = self->with_;
    auto stored = with.connections.find(at->look.connection.provider, at->look.connection.name);
    if (!stored || !*stored) co_return;
    auto& connection = **stored;
    const auto sent = generation_of(connection);
    auto state = self->store_.state(at->id);
    auto record = with.connections.client_of(connection);
    if (!state || !record) co_return;
    auto client = *record ? client_of(**record, at->look.definition, connection) : base::Result<oauth::Client>(oauth::Client());
    if (!client) co_return;
    const MintParts parts{self->http_, with.clock, with.random};
    auto learnt = co_await introspected_end(parts, at->look.definition, connection, *client);
    if (!learnt.warning.empty()) with.log.warn("refresh.end_unknown", {{"connection", at->id}, {"why", learnt.warning}});
    if (!learnt.end) co_return;
    connection.expires_at = learnt.end;
    const auto amended = self->store_.amend(sent, connection, *state);
    if (!amended) with.log.warn("refresh.not_noted", {{"connection", at->id}});
}

base::Result<Refreshed> RefreshCore::land(Attempt& at, oauth::TokenResponse token, Connection renewed) {
    const auto now = with_.clock.now();
    auto taken = take_renewal(at.look.definition, std::move(token), renewed, now);
    if (!taken) {
        TokenFailure failure;
        failure.kind = TokenFailure::Kind::broken;
        failure.status = 200;
        failure.shown = std::move(taken).error();
        return note_failure(at, failure);
    }
    // Until the steps are through, what they brought before is used as long as it lives; not when it may be what was refused.
    renewed.steps_at.reset();
    if (at.look.definition.oauth2->steps.empty()) renewed.steps_end.reset();
    else if (at.look.forced) renewed.steps_end = now;
    renewed.login_needed = false;
    renewed.login_reason.clear();
    renewed.last_refresh_failure.reset();
    renewed.refresh_failures = 0;
    RefreshState state;
    state.fence = at.look.state.fence;
    state.version = at.look.state.version;
    state.refused_token = at.look.state.refused_token;
    state.refused_in_row = at.look.forced ? at.look.state.refused_in_row + 1 : 0;
    state.renewed_at = now;
    state.renewed_for_step = at.look.state.refused_by_step;
    auto stored = store_.succeed(at.sent, renewed, state);
    if (!stored) {
        const auto why = stored.error();
        keep_aside(at, std::move(renewed), std::move(state), why);
        if (const auto kept = unsaved_.find(at.id); kept != unsaved_.end() && kept->second.durable) return Refreshed::renewed;
        return base::fail(why.within(unsaved_.contains(at.id) ? "the token was renewed, but cannot be stored; it is kept in memory"
                                                              : "a new token was got, but cannot be stored; the next use gets another"));
    }
    if (at.room) at.room->remove();
    if (*stored == RefreshStore::Stored::superseded) {
        with_.log.warn("refresh.superseded", {{"connection", at.id}});
        return Refreshed::by_another;
    }
    if (const auto other = other_audience(at.look.definition, renewed))  // OA-21
        with_.log.warn("refresh.other_audience", {{"connection", at.id}, {"why", *other}});
    with_.log.info("refresh.renewed", {{"connection", at.id}, {"fence", at.look.state.fence}});
    return Refreshed::renewed;
}

base::Result<Refreshed> RefreshCore::note_failure(Attempt& at, const TokenFailure& failure) {
    const auto now = with_.clock.now();
    auto& state = at.look.state;
    const auto hidden = secret_variables(at.look.definition, at.look.connection);
    const auto shown = hidden.masked(failure.shown);
    const auto kind = classify(at.look.definition, failure);
    // An answer that is of no use otherwise may have brought the only refresh token that still works.
    const bool rotated = !failure.refresh_token.empty() && !mints(at.look);
    if (may_have_arrived(failure.kind) && spends(at.look)) state.doubtful = !rotated;
    auto open = RefreshState();  // what an answer set aside is sealed for
    open.attempt = state.attempt;
    open.aside_key = state.aside_key.duplicate();
    state.end_attempt();
    state.token = failed_again(at.look, state.token, kind, shown, failure.retry_after);
    TRY(failed, copy_of(at.look.connection));
    if (rotated) failed.refresh_token = failure.refresh_token.duplicate();
    if (!failed.last_refresh_failure) failed.last_refresh_failure = now;
    failed.refresh_failures = state.token.failures;
    if (kind == FailureClass::terminal) {
        const auto doubted = suspect(failed, at.look.definition);
        failed.login_needed = true;
        failed.login_reason = reason_of(state, doubted && *doubted, failure);
    }
    const auto stored = store_.fail(at.sent, failed, state, shown);
    if (rotated && !stored) {
        auto after = std::exchange(state, std::move(open));
        keep_aside(at, std::move(failed), std::move(after), stored.error());
        return base::fail(shown);
    }
    if (at.room) at.room->remove();
    with_.log.warn("refresh.failed", {{"connection", at.id}, {"status", failure.status}, {"error", hidden.masked(failure.error)},
                                      {"login_needed", failed.login_needed}, {"stored", stored.has_value()}});
    // RF-07: what was refused is not what lies in the vault any more.
    if (stored && *stored == RefreshStore::Stored::superseded) return Refreshed::by_another;
    if (stored && failure.retry_after && failure.kind == TokenFailure::Kind::unavailable && at.endpoint) {
        const auto noted = store_.keep_quiet(at.endpoint->origin(), *state.token.not_before);
        if (!noted) with_.log.warn("refresh.not_noted", {{"connection", at.id}});
    }
    if (failed.login_needed) return base::fail(login_needed_error(failed));
    return base::fail(shown);
}

// The definition or the client does not allow a request: it is a matter for a human, and nothing was sent.
base::Result<Refreshed> RefreshCore::note_refusal_to_ask(Attempt& at, base::Error why) {
    const bool about_disk = why.code == ErrorCode::storage || why.code == ErrorCode::busy || why.code == ErrorCode::key_missing;
    if (about_disk) return base::fail(std::move(why));
    why = secret_variables(at.look.definition, at.look.connection).masked(why);
    auto& state = at.look.state;
    state.token = failed_again(at.look, state.token, FailureClass::configuration, why, std::nullopt);
    TRY(failed, copy_of(at.look.connection));
    if (!failed.last_refresh_failure) failed.last_refresh_failure = with_.clock.now();
    failed.refresh_failures = state.token.failures;
    if (const auto noted = store_.fail(at.sent, failed, state, why); !noted) with_.log.warn("refresh.not_noted", {{"connection", at.id}});
    return base::fail(std::move(why));
}

}  // namespace claviger::connection
