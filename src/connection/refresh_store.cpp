#include "connection/refresh_store.hpp"

#include "connection/client_records.hpp"
#include "connection/record.hpp"
#include "connection/record_fields.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

constexpr std::string_view kServerKind = "authorization_server";

bool damaged(const base::Error& error) { return error.code == ErrorCode::corrupt; }

std::string failure_detail(const Connection& failed, const base::Error& why) {
    json::Object detail;
    if (failed.login_needed) detail["reason"] = failed.login_reason;
    detail["error"] = base::to_string(why.code);
    return json::to_text(detail);
}

}  // namespace

base::Result<RefreshState> RefreshStore::state(const std::string& id) {
    auto record = vault_.get(key(kRefreshKind, id));
    if (record && !*record) return RefreshState();
    auto state = record ? deserialize_refresh(**record) : base::Result<RefreshState>(base::fail(record.error()));
    if (state || !damaged(state.error())) return state;
    RefreshState unknown;
    unknown.unreadable = true;
    return unknown;
}

base::Result<void> RefreshStore::begin(const std::string& id, RefreshState& state) {
    ++state.fence;
    return note(id, state);
}

base::Result<void> RefreshStore::note(const std::string& id, RefreshState& state) {
    std::uint64_t version = 0;
    TRY_VOID(vault_.transact([&](vault::Transaction& transaction) -> base::Result<void> {
        TRY(written, transaction.put(key(kRefreshKind, id), serialize(state), state.expected()));
        version = written;
        return {};
    }));
    state.version = version;
    state.unreadable = false;
    return {};
}

base::Result<RefreshStore::Stored> RefreshStore::replace(const std::string& sent, Connection& with, RefreshState& state,
                                                         std::string_view event, const std::string& detail) {
    const auto id = connection_id(with.provider, with.name);
    auto outcome = Stored::superseded;
    std::uint64_t state_version = 0, connection_version = 0;
    std::optional<Connection> merged;
    const auto work = [&](vault::Transaction& transaction) -> base::Result<void> {
        TRY(record, transaction.get(key(kConnectionKind, id)));
        if (!record) return {};  // logged out meanwhile: nothing comes back to life
        TRY(current, deserialize(*record));
        if (generation_of(current) != sent) return {};
        carry_renewal(with, current);
        TRY(written, transaction.put(key(kConnectionKind, id), serialize(current), current.version));
        connection_version = written;
        state.generation = generation_of(current);
        // The lease's fence: when somebody else has begun an attempt since, its record is not ours to write.
        auto put = transaction.put(key(kRefreshKind, id), serialize(state), state.expected());
        if (!put && put.error().code != ErrorCode::changed) return base::fail(std::move(put).error());
        state_version = put.value_or(0);
        merged = std::move(current);
        outcome = Stored::stored;
        if (event.empty()) return {};
        return transaction.audit({std::string(event), id, detail, tenant_});
    };
    TRY_VOID(vault_.transact(work));
    if (outcome == Stored::superseded) return outcome;
    state.version = state_version;
    with = std::move(*merged);
    with.version = connection_version;
    return outcome;
}

base::Result<RefreshStore::Stored> RefreshStore::succeed(const std::string& sent, Connection& renewed, RefreshState& state) {
    json::Object detail;
    detail["token_endpoint"] = origin_of(renewed.token_endpoint);
    return replace(sent, renewed, state, "connection.refreshed", json::to_text(detail));
}

base::Result<RefreshStore::Stored> RefreshStore::fail(const std::string& sent, Connection& failed, RefreshState& state, const base::Error& why) {
    // A week of failures is one line, not thousands.
    const bool worth_a_line = failed.login_needed || failed.refresh_failures == 1;
    const auto event = failed.login_needed ? "connection.login_needed" : "connection.refresh_failed";
    return replace(sent, failed, state, worth_a_line ? event : "", failure_detail(failed, why));
}

base::Result<std::optional<base::Instant>> RefreshStore::restored_at() {
    TRY(record, vault_.get(key("setting", "restored_at")));
    if (!record) return std::optional<base::Instant>();
    TRY(value, json::parse(record->payload.reveal()));
    if (!value.is_object()) return std::optional<base::Instant>(record->updated_at);
    const auto at = json::int_at(value.get_object(), "at");
    return std::optional<base::Instant>(at ? base::Instant(base::Duration(*at)) : record->updated_at);
}

base::Result<bool> RefreshStore::recognise(const std::string& mark, base::Instant now) {
    const auto place = key("setting", "refresh_home");
    TRY(record, vault_.get(place));
    std::string before;
    if (record) {
        TRY(in, RecordReader::open(*record, "setting refresh_home"));
        before = in.text("mark");
        TRY_VOID(in.finish());
        if (before == mark) return true;
    }
    RecordWriter out;
    out.text("mark", mark);
    const auto payload = out.finish();
    json::Object copied;
    copied["at"] = now.time_since_epoch().count();
    const auto restored = json::to_secret_text(json::Value(copied));
    auto done = vault_.transact([&](vault::Transaction& transaction) -> base::Result<void> {
        TRY_VOID(transaction.put(place, payload, record ? record->version : 0));
        if (before.empty()) return {};
        TRY_VOID(transaction.put(key("setting", "restored_at"), restored, std::nullopt));
        return transaction.audit({"vault.copied", "vault", "{}", tenant_});
    });
    if (!done && done.error().code == ErrorCode::changed) return true;  // another process was first
    if (!done) return base::fail(std::move(done).error());
    return before.empty();
}

base::Result<std::optional<base::Instant>> RefreshStore::quiet_until(const std::string& origin) {
    TRY(record, vault_.get(key(kServerKind, origin)));
    if (!record) return std::optional<base::Instant>();
    TRY(in, RecordReader::open(*record, "record of an authorization server"));
    const auto until = in.instant("quiet_until");
    TRY_VOID(in.finish());
    return until;
}

base::Result<void> RefreshStore::keep_quiet(const std::string& origin, base::Instant until) {
    RecordWriter out;
    out.instant("quiet_until", until);
    const auto payload = out.finish();
    return vault_.transact([&](vault::Transaction& transaction) -> base::Result<void> {
        TRY_VOID(transaction.put(key(kServerKind, origin), payload, std::nullopt));
        return {};
    });
}

}  // namespace claviger::connection
