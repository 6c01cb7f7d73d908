#include "connection/refresh_state.hpp"

#include <utility>

#include <fmt/format.h>

#include "connection/record.hpp"
#include "connection/record_fields.hpp"
#include "crypto/digest.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

ErrorCode code_from(std::string_view word) {
    for (int i = 0; i <= static_cast<int>(ErrorCode::changed); ++i)
        if (base::to_string(static_cast<ErrorCode>(i)) == word) return static_cast<ErrorCode>(i);
    return ErrorCode::network;  // a word of a newer Claviger
}

void write(RecordWriter& out, const std::string& prefix, const BackOff& back_off) {
    out.number(prefix + "failures", back_off.failures);
    out.instant(prefix + "not_before", back_off.not_before);
    if (back_off.last_error) {
        out.text(prefix + "error", base::to_string(back_off.last_error->code));
        out.text(prefix + "error_message", back_off.last_error->describe());
        out.text(prefix + "error_hint", back_off.last_error->hint);
    }
    out.flag(prefix + "by_configuration", back_off.by_configuration);
    out.text(prefix + "configuration", back_off.configuration);
}

BackOff read_back_off(RecordReader& in, const std::string& prefix) {
    BackOff back_off;
    back_off.failures = in.number(prefix + "failures");
    back_off.not_before = in.instant(prefix + "not_before");
    if (const auto word = in.text(prefix + "error"); !word.empty())
        back_off.last_error = base::Error::make(code_from(word), in.text(prefix + "error_message"), in.text(prefix + "error_hint"));
    back_off.by_configuration = in.flag(prefix + "by_configuration");
    back_off.configuration = in.text(prefix + "configuration");
    return back_off;
}

void append_length_and(base::WipedString& out, std::string_view bytes) {
    out.append(fmt::format("{}:", bytes.size()));
    out.append(bytes);
}

}  // namespace

void RefreshState::end_attempt() {
    attempt.clear();
    owner.clear();
    lock_file.clear();
    begun_at.reset();
    lease_end.reset();
    aside_key = base::Secret();
    refused_token.clear();
}

void RefreshState::hold_against(const std::string& generation_now) {
    if (generation == generation_now) return;
    RefreshState anew;
    anew.fence = fence;
    anew.version = version;
    anew.unreadable = unreadable;
    anew.generation = generation_now;
    *this = std::move(anew);
}

std::string generation_of(const Connection& connection) {
    base::WipedString all;
    all.reserve(512 + connection.access_token.size() + connection.refresh_token.size());
    append_length_and(all, connection.access_token.reveal());
    append_length_and(all, connection.refresh_token.reveal());
    append_length_and(all, fmt::format("{}", connection.obtained_at.time_since_epoch().count()));
    const auto end = connection.expires_at ? connection.expires_at->time_since_epoch().count() : -1;
    append_length_and(all, fmt::format("{}", end));
    return crypto::sha256_hex({all.data(), all.size()});
}

std::string token_hash(const base::Secret& token) { return crypto::sha256_hex(token.reveal()); }

base::Secret serialize(const RefreshState& state) {
    RecordWriter out;
    out.number("fence", state.fence);
    out.text("generation", state.generation);
    out.text("attempt", state.attempt);
    out.text("owner", state.owner);
    out.text("lock_file", state.lock_file);
    out.instant("begun_at", state.begun_at);
    out.instant("lease_end", state.lease_end);
    out.secret("aside_key", state.aside_key);
    out.flag("doubtful", state.doubtful);
    write(out, "", state.token);
    write(out, "steps_", state.steps);
    out.flag("refused_by_step", state.refused_by_step);
    out.flag("renewed_for_step", state.renewed_for_step);
    out.text("refused_token", state.refused_token);
    out.number("refused_in_row", state.refused_in_row);
    out.instant("renewed_at", state.renewed_at);
    return out.finish();
}

base::Result<RefreshState> deserialize_refresh(const vault::Record& record) {
    TRY(in, RecordReader::open(record, fmt::format("refresh record of {}", record.key.id)));
    RefreshState state;
    state.fence = in.number("fence");
    state.generation = in.text("generation");
    state.attempt = in.text("attempt");
    state.owner = in.text("owner");
    state.lock_file = in.text("lock_file");
    state.begun_at = in.instant("begun_at");
    state.lease_end = in.instant("lease_end");
    state.aside_key = in.secret("aside_key");
    state.doubtful = in.flag("doubtful");
    state.token = read_back_off(in, "");
    state.steps = read_back_off(in, "steps_");
    state.refused_by_step = in.flag("refused_by_step");
    state.renewed_for_step = in.flag("renewed_for_step");
    state.refused_token = in.text("refused_token");
    state.refused_in_row = in.number("refused_in_row");
    state.renewed_at = in.instant("renewed_at");
    state.version = record.version;
    TRY_VOID(in.finish());
    return state;
}

base::Result<Connection> copy_of(const Connection& connection) {
    vault::Record record;
    record.key.id = connection_id(connection.provider, connection.name);
    record.version = connection.version;
    record.created_at = connection.created_at;
    record.updated_at = connection.updated_at;
    record.payload = serialize(connection);
    return deserialize(record);
}

void carry_renewal(const Connection& from, Connection& into) {
    into.access_token = from.access_token.duplicate();
    into.refresh_token = from.refresh_token.duplicate();
    into.token_type = from.token_type;
    into.expires_at = from.expires_at;
    into.refresh_expires_at = from.refresh_expires_at;
    into.refresh_end_fixed = from.refresh_end_fixed;
    into.obtained_at = from.obtained_at;
    if (from.definition_digest == into.definition_digest) {  // else a confirmed change has them asked again
        into.steps_at = from.steps_at;
        into.steps_end = from.steps_end;
    }
    into.granted_scopes = from.granted_scopes;
    for (const auto& [name, value] : from.fields) into.fields.insert_or_assign(name, value.duplicate());  // what steps brought
    for (const auto& [name, value] : from.captured) into.captured.insert_or_assign(name, value);
    for (const auto& [name, value] : from.variables) into.variables.insert_or_assign(name, value);  // adopt_captured()
    into.login_needed = from.login_needed;
    into.login_reason = from.login_reason;
    into.last_refresh_failure = from.last_refresh_failure;
    into.refresh_failures = from.refresh_failures;
}

}  // namespace claviger::connection
