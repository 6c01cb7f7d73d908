// RefreshState: what the vault knows of the renewals of one connection beside its tokens: the lease with its fencing
// number, the open attempt (the intent, RF-03), doubt, back-off. Sealed as kind "refresh" under the connection's id;
// form and meaning: docs/formats/refresh.md. Internal to connection/. Thread rule: a value.
#pragma once

#include <optional>
#include <string>

#include "connection/connection.hpp"

namespace claviger::connection {

inline constexpr std::string_view kRefreshKind = "refresh";

// How long to leave a server alone after failures.
struct BackOff {
    std::uint32_t failures = 0;               // in a row
    std::optional<base::Instant> not_before;  // no attempt earlier
    std::optional<base::Error> last_error;    // why; for everybody who would have asked
    bool by_configuration = false;            // until somebody corrects it: `configuration` is what was in force then
    std::string configuration;
};

struct RefreshState {
    std::uint32_t fence = 0;      // counts attempts; only grows
    std::string generation;       // of the tokens that all below is about: generation_of()

    // The open attempt: between the intent and its outcome. Empty `attempt`: there is none.
    std::string attempt, owner, lock_file;
    std::optional<base::Instant> begun_at, lease_end;
    base::Secret aside_key;       // seals the answer that could not be stored

    bool doubtful = false;        // an earlier attempt with these tokens may have reached the server (RF-06, RF-12)
    BackOff token;                // of requests for a new token
    BackOff steps;                // of the requests that follow one, which hold no renewal up
    bool refused_by_step = false; // a step answered 401 to this access token: it is renewed before the steps are asked again
    bool renewed_for_step = false;  // it was: a step that refuses this one too spends no further refresh token

    // Refusals by the API (RF-10).
    std::string refused_token;    // hash of the access token that was replaced because of a 401, or is to be by the open attempt
    std::uint32_t refused_in_row = 0;
    std::optional<base::Instant> renewed_at;

    std::uint64_t version = 0;    // in the vault; 0: not there
    bool unreadable = false;      // what is there is damaged, and is to be replaced
    [[nodiscard]] std::optional<std::uint64_t> expected() const {
        return unreadable ? std::nullopt : std::optional<std::uint64_t>(version);
    }

    // Everything that was about other tokens than these is void; the fence stays.
    void hold_against(const std::string& generation_now);
    // The open attempt brought no token: whoever had it refused may ask again.
    void end_attempt();
};

// Names exactly these tokens: hex SHA-256 over them and the times they came with.
std::string generation_of(const Connection& connection);
std::string token_hash(const base::Secret& token);

base::Secret serialize(const RefreshState& state);
base::Result<RefreshState> deserialize_refresh(const vault::Record& record);

// Connection is move-only; a renewal works on a copy, so that a failed one has changed nothing.
base::Result<Connection> copy_of(const Connection& connection);
// What a renewal brought, from one copy of a connection into another that may have been changed otherwise meanwhile.
void carry_renewal(const Connection& from, Connection& into);

}  // namespace claviger::connection
