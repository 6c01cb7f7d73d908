// When a token is due, and how long to leave a server alone. Internal to connection/. Thread rule: pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/random.hpp"
#include "connection/connection.hpp"
#include "connection/renewal.hpp"

namespace claviger::connection {

// Whether there is a way to get a new token without a human.
bool renewable(const Connection& connection, const provider::ProviderDefinition& definition);
bool renewable(provider::AuthType auth_type, provider::Flow flow, bool has_refresh_token, const provider::ProviderDefinition& definition);
// Whether a second use of the refresh token may kill the grant: false only where the definition says so.
bool rotating(const provider::ProviderDefinition& definition);

// How long before its end a token is renewed: 10 to 20 % of its life, or 2.5 to 5 minutes where that is less; always the same
// share for one connection, by its id, so that many do not ask at once. At least 5 seconds or a third of its life; or the definition's `refresh.margin_seconds`, at most nine tenths of its life (RF-08).
base::Duration margin_of(const Connection& connection, const provider::ProviderDefinition& definition);

// How far a clock may be put back unheeded.
inline constexpr base::Duration kClockDoubt = std::chrono::minutes(5);
// The clock was put back behind the moment the token came: its end says nothing now (ST-10).
bool end_unknown(const Connection& connection, base::Instant now);
bool usable_at(const Connection& connection, base::Instant now);
// From when on a renewal of the access token is wanted; nullopt: never, its end is not known.
std::optional<base::Instant> due_at(const Connection& connection, const provider::ProviderDefinition& definition);
// The same of the definition's steps, which need the access token alone; nullopt: never, or there are none.
std::optional<base::Instant> steps_due_at(const Connection& connection, const provider::ProviderDefinition& definition);
// Whether the access token itself has not ended, whatever became of what its steps brought.
bool token_lives(const Connection& connection, base::Instant now);
// Whether something can make it usable again without a human: a renewal, or the steps alone.
bool mendable(const Connection& connection, const provider::ProviderDefinition& definition, base::Instant now);
// nullopt counts as never.
std::optional<base::Instant> earlier(std::optional<base::Instant> one, std::optional<base::Instant> other);
// The first of both, as far as something can be done without a human.
std::optional<base::Instant> next_due_at(const Connection& connection, const provider::ProviderDefinition& definition);
// When a refresh token that dies of disuse, or at a time that its use moves, wants to be used. A time that was past when the
// token was last used says nothing.
std::optional<base::Instant> keep_alive_at(const Connection& connection, const provider::ProviderDefinition& definition);

// Between two requests for one connection, however its clock or its answers behave.
base::Duration least_interval(const Connection& connection, const provider::ProviderDefinition& definition);

// After the n-th failure in a row: full jitter under a doubling cap; never for good. Retry-After is obeyed up to a day.
// Always within reach.
base::Duration back_off(FailureClass failure, std::uint32_t failures, std::optional<std::chrono::seconds> retry_after,
                        base::Random& random);
// Whether a time to wait for lies ahead, and not so far that it was written under another clock.
bool within_reach(base::Instant until, base::Instant now);
// After the n-th token in a row that the API refused although it was new.
base::Duration refusal_back_off(std::uint32_t in_row);

// How long after a request whose answer was lost the one further attempt may follow at once (RF-06): while the server still
// takes the old refresh token, as the definition's `refresh.grace_seconds` says.
base::Duration further_within(const provider::ProviderDefinition& definition);

// The definition, the client and the setting network.allow_private as they were: a change of one is worth a new attempt at once.
std::string configuration_of(const provider::ProviderDefinition& definition, std::uint64_t client_version, bool allow_private);

}  // namespace claviger::connection
