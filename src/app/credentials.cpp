#include "app/credentials.hpp"

#include "connection/refresh_schedule.hpp"
#include "connection/steps.hpp"
#include "inject/reflection.hpp"

namespace claviger::app {

using base::ErrorCode;
using base::Result;
using connection::Need;
using proxy::CredentialPtr;

// One renewal and those who wait for it.
struct LiveCredentials::Renewal {
    bool done = false;
    Result<CredentialPtr> outcome{CredentialPtr()};
    std::vector<std::shared_ptr<net::Event>> waiting{};
};

namespace {

bool wants_a_human(ErrorCode code) {
    return code == ErrorCode::needs_login || code == ErrorCode::suspended || code == ErrorCode::not_connected;
}

}  // namespace

Result<CredentialPtr> LiveCredentials::at_hand(const Key& key) {
    const auto now = std::chrono::steady_clock::now();
    if (const auto known = made_.find(key); known != made_.end() && now - known->second.looked < kMoment) {
        if (usable(known->second)) return known->second.credential;
    }
    // A local SQLite read of microseconds: cheaper than handing it to another thread.
    TRY(change, with_.vault.change_counter());
    if (change != seen_change_) {
        made_.clear();
        seen_change_ = change;
    }
    std::string stamp = with_.registry.stamp(key.first);  // before the file is read: a later change is seen next time
    if (const auto known = made_.find(key); known != made_.end()) {
        if (known->second.definition_stamp == stamp && usable(known->second)) {
            known->second.looked = now;
            return known->second.credential;
        }
        made_.erase(known);
    }
    Made made{nullptr, std::move(stamp), now, std::nullopt};
    TRY_VOID(make(key, made));
    if (made.credential) made_.insert_or_assign(key, made);
    return made.credential;
}

bool LiveCredentials::usable(Made& made) {
    const auto now = with_.clock.now();
    const auto until = made.credential->injection.valid_until();
    if (until && now >= *until) return false;
    if (made.due && now >= *made.due) {
        made.due.reset();
        with_.background.look();  // its timer may not know of a clock that was set, or of a sleep
    }
    return true;
}

Result<void> LiveCredentials::make(const Key& key, Made& made) {
    TRY(definition, with_.registry.load(key.first));
    TRY(stored, with_.connections.load(key.first, key.second));
    TRY(credential, credential_of(definition, stored));
    if (!credential) return {};
    with_.background.in_use(stored, definition);
    made.credential = std::move(credential);
    made.due = with_.refresher.due(stored, definition);
    return {};
}

Result<CredentialPtr> LiveCredentials::credential_of(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    const auto now = with_.clock.now();
    const bool mendable = connection::mendable(connection, definition, now);
    const auto status = connection.status(now, provider::security_digest(definition));
    const bool incomplete = status == connection::Status::connected && connection::lacks_step(connection, definition);
    if (mendable && (incomplete || status == connection::Status::expired)) return CredentialPtr();
    std::optional<connection::ClientRecord> client;  // what signs with the connection
    if (definition.auth_type == provider::AuthType::oauth1) {
        TRY(stored, with_.connections.client_of(connection));
        client = std::move(stored);
    }
    TRY(injection, inject::Injection::make(definition, connection, now, client ? &*client : nullptr));
    base::Secret token = mendable ? connection.access_token.duplicate() : base::Secret();
    auto reflections = inject::reflections_of(definition, connection, client ? &*client : nullptr, with_.random);
    return std::make_shared<const proxy::Credential>(proxy::Credential{std::move(injection), std::move(token), std::move(reflections), connection.steps_at});
}

net::Task<Result<CredentialPtr>> LiveCredentials::credential(std::string provider, std::string connection, net::Cancellation& gone) {
    const Key key(std::move(provider), std::move(connection));
    auto found = at_hand(key);
    if (!found || *found) co_return found;
    auto outcome = co_await renewed(key, Need::usable, base::Secret(), gone);
    if (!outcome) co_return base::fail(std::move(outcome).error());
    found = at_hand(key);
    if (!found || *found) co_return found;
    if (*outcome) co_return outcome;
    co_return base::fail(ErrorCode::protocol, "the new token of " + key.first + " (" + key.second + ") had expired when it came",
                         "check this machine's clock, then try again");
}

net::Task<Result<CredentialPtr>> LiveCredentials::replacement(std::string provider, std::string connection, CredentialPtr refused,
                                                              net::Cancellation& gone) {
    const Key key(std::move(provider), std::move(connection));
    const auto other_than_refused = [&refused](const Result<CredentialPtr>& found) {
        return found && *found && !(*found)->access_token.empty() &&
               (!(*found)->access_token.equals(refused->access_token) || (*found)->steps_at != refused->steps_at);
    };
    Result<CredentialPtr> brought{CredentialPtr()};
    // A renewal that was under way for another reason may have brought what is wanted.
    for (const Need need : {Need::usable, Need::replaced}) {
        auto found = at_hand(key);
        if (other_than_refused(found)) co_return found;
        if (!found && wants_a_human(found.error().code)) co_return found;
        if (need == Need::usable && !renewals_.contains(key)) continue;
        base::Secret token = refused->access_token.duplicate();
        auto outcome = co_await renewed(key, need, std::move(token), gone);
        if (!outcome && wants_a_human(outcome.error().code)) co_return base::fail(std::move(outcome).error());
        brought = std::move(outcome);
    }
    auto found = at_hand(key);
    if (other_than_refused(found)) co_return found;
    if (!found && wants_a_human(found.error().code)) co_return found;
    if (other_than_refused(brought)) co_return brought;
    co_return CredentialPtr();
}

net::Task<Result<CredentialPtr>> LiveCredentials::renewed(Key key, Need need, base::Secret refused, net::Cancellation& gone) {
    auto& slot = renewals_[key];
    if (!slot) {
        slot = std::make_shared<Renewal>();
        with_.loop.spawn("renewal for a request", renew(*this, key, slot, need, std::move(refused)));
    }
    const auto renewal = slot;
    const auto woken = std::make_shared<net::Event>(with_.loop);
    renewal->waiting.push_back(woken);
    gone.on_cancel([woken] { woken->set(); });
    const net::Deadline deadline = net::in(with_.patience);
    auto waited = co_await woken->wait(deadline);
    gone.on_cancel(nullptr);
    if (renewal->done) co_return renewal->outcome;
    if (gone.cancelled()) co_return base::fail(ErrorCode::cancelled, "nobody waits for the renewal any more");
    co_return base::fail(ErrorCode::timeout, "the token of " + key.first + " (" + key.second + ") has expired, and renewing it takes long",
                         "try again in a moment");
}

net::Task<void> LiveCredentials::renew(LiveCredentials& self, Key key, std::shared_ptr<Renewal> renewal, Need need, base::Secret refused) {
    auto fresh = co_await self.with_.refresher.fresh(key.first, key.second, need, std::move(refused));
    if (fresh) {
        auto definition = self.with_.registry.load(key.first);
        if (definition) renewal->outcome = self.credential_of(*definition, fresh->connection);
        else renewal->outcome = base::fail(std::move(definition).error());
    } else {
        renewal->outcome = base::fail(fresh.error());
        self.with_.log.warn("refresh.failed", {{"provider", key.first}, {"connection", key.second}, {"why", fresh.error().message}});
    }
    renewal->done = true;
    self.renewals_.erase(key);
    for (const auto& event : renewal->waiting) event->set();
}

bool LiveCredentials::stands(const std::string& provider, const std::string& connection) {
    const auto found = at_hand({provider, connection});
    return found || (found.error().code != ErrorCode::not_connected && found.error().code != ErrorCode::suspended);
}

void LiveCredentials::wants_stronger_login(const std::string& provider, const std::string& connection) {
    const auto flagged = flag({provider, connection}, "insufficient_user_authentication");
    if (!flagged) with_.log.warn("connection.not_flagged", {{"provider", provider}, {"connection", connection}, {"why", flagged.error().message}});
}

Result<void> LiveCredentials::flag(const Key& key, std::string_view reason) {
    constexpr int kTries = 3;  // somebody else may be writing
    for (int i = 0;; ++i) {
        TRY(stored, with_.connections.load(key.first, key.second));
        if (stored.login_reason == reason) return {};
        stored.login_reason = reason;
        const auto saved = with_.connections.save(stored, stored.version);
        if (saved || saved.error().code != ErrorCode::changed || i + 1 == kTries) return saved;
    }
}

}  // namespace claviger::app
