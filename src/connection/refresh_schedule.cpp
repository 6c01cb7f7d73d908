#include "connection/refresh_schedule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "connection/record.hpp"
#include "connection/steps.hpp"
#include "crypto/digest.hpp"
#include "json/value.hpp"

namespace claviger::connection {
namespace {

using base::Duration;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kLargestMargin = minutes(5);
constexpr Duration kSmallestMargin = seconds(5);
constexpr Duration kLeastInterval = seconds(10);
constexpr Duration kUsualGrace = seconds(12);
// A time to wait for that lies further ahead was written under another clock; whatever is written stays an hour below it.
constexpr Duration kLongestWait = hours(26);
constexpr Duration kLongestSpread = hours(1);

// 0 to 1, always the same for one connection.
double spread(const Connection& connection) {
    const auto hash = crypto::sha256_hex(connection_id(connection.provider, connection.name));
    std::uint32_t bits = 0;
    std::from_chars(hash.data(), hash.data() + 8, bits, 16);
    return static_cast<double>(bits) / 4294967295.0;
}

Duration part(Duration whole, double share) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(whole.count()) * share));
}

const provider::RefreshQuirk& quirk(const provider::ProviderDefinition& definition) {
    static const provider::RefreshQuirk kNone;
    return definition.oauth2 ? definition.oauth2->refresh : kNone;
}

Duration life_of(const Connection& connection) {
    return connection.expires_at ? std::max(*connection.expires_at - connection.obtained_at, Duration(0)) : Duration(0);
}

double fraction(base::Random& random) {
    std::array<std::byte, 4> bytes{};
    random.fill(bytes);
    std::uint32_t bits = 0;
    std::memcpy(&bits, bytes.data(), sizeof bits);
    return static_cast<double>(bits) / 4294967295.0;
}

Duration doubled(Duration first, std::uint32_t times, Duration cap) {
    auto wait = first;
    for (std::uint32_t i = 0; i < times && wait < cap; ++i) wait *= 2;
    return std::min(wait, cap);
}

}  // namespace

bool renewable(const Connection& connection, const provider::ProviderDefinition& definition) {
    return renewable(connection.auth_type, connection.flow, !connection.refresh_token.empty(), definition);
}

bool renewable(provider::AuthType auth_type, provider::Flow flow, bool has_refresh_token, const provider::ProviderDefinition& definition) {
    if (!definition.oauth2 || auth_type != provider::AuthType::oauth2) return false;
    if (flow == provider::Flow::client_credentials || quirk(definition).mode == "remint") return true;
    return quirk(definition).token == "access_token" || has_refresh_token;
}

bool rotating(const provider::ProviderDefinition& definition) { return quirk(definition).rotation != "never"; }

namespace {

Duration margin_for(Duration life, const Connection& connection, const provider::ProviderDefinition& definition) {
    if (const auto chosen = quirk(definition).margin_seconds; chosen && *chosen >= 0) {
        const auto most = part(life, 0.9);
        return *chosen > most.count() / 1000 ? most : Duration(seconds(*chosen));
    }
    const auto share = spread(connection);
    const auto scaled = std::min(part(life, 0.1 + 0.1 * share), part(kLargestMargin, 0.5 + 0.5 * share));
    return std::max(scaled, std::min(kSmallestMargin, part(life, 1.0 / 3)));
}

}  // namespace

Duration margin_of(const Connection& connection, const provider::ProviderDefinition& definition) {
    return margin_for(life_of(connection), connection, definition);
}

bool end_unknown(const Connection& connection, base::Instant now) { return now + kClockDoubt < connection.obtained_at; }

bool usable_at(const Connection& connection, base::Instant now) {
    const auto end = connection.end();
    return !connection.access_token.empty() && (!end || now < *end);
}

std::optional<base::Instant> due_at(const Connection& connection, const provider::ProviderDefinition& definition) {
    if (connection.access_token.empty()) return connection.obtained_at;
    if (!connection.expires_at) return std::nullopt;
    return *connection.expires_at - margin_of(connection, definition);
}

std::optional<base::Instant> steps_due_at(const Connection& connection, const provider::ProviderDefinition& definition) {
    if (!definition.oauth2 || definition.oauth2->steps.empty() || connection.access_token.empty()) return std::nullopt;
    if (!connection.steps_at || lacks_step(connection, definition)) return connection.obtained_at;
    if (!connection.steps_end) return std::nullopt;
    return *connection.steps_end - margin_for(std::max(*connection.steps_end - *connection.steps_at, Duration(0)), connection, definition);
}

bool token_lives(const Connection& connection, base::Instant now) {
    return !connection.access_token.empty() && (!connection.expires_at || now < *connection.expires_at);
}

bool mendable(const Connection& connection, const provider::ProviderDefinition& definition, base::Instant now) {
    if (renewable(connection, definition)) return true;
    return definition.oauth2 && !definition.oauth2->steps.empty() && token_lives(connection, now);
}

std::optional<base::Instant> earlier(std::optional<base::Instant> one, std::optional<base::Instant> other) {
    if (!one || !other) return one ? one : other;
    return std::min(*one, *other);
}

std::optional<base::Instant> next_due_at(const Connection& connection, const provider::ProviderDefinition& definition) {
    const auto token = renewable(connection, definition) ? due_at(connection, definition) : std::nullopt;
    return earlier(token, steps_due_at(connection, definition));
}

std::optional<base::Instant> keep_alive_at(const Connection& connection, const provider::ProviderDefinition& definition) {
    std::optional<base::Instant> end;
    if (const auto idle = quirk(definition).idle_max_seconds; idle && *idle > 0 && *idle < seconds(hours(24 * 36'500)).count())
        end = connection.obtained_at + seconds(*idle);
    // An end that a renewal did not move is no reason for another one.
    const auto& said = connection.refresh_expires_at;
    if (said && !connection.refresh_end_fixed && *said > connection.obtained_at && (!end || *said < *end)) end = said;
    if (!end || connection.refresh_token.empty()) return std::nullopt;
    return connection.obtained_at + part(*end - connection.obtained_at, 0.7 + 0.1 * spread(connection));
}

Duration least_interval(const Connection& connection, const provider::ProviderDefinition& definition) {
    if (const auto chosen = quirk(definition).min_interval_seconds; chosen && *chosen > 0) {
        return seconds(std::min<std::int64_t>(*chosen, seconds(hours(24 * 365)).count()));
    }
    // Tokens of seconds are renewed every few seconds; one without a known end has no reason to be.
    const auto life = life_of(connection);
    return life == Duration(0) ? kLeastInterval : std::clamp(life / 4, Duration(500), kLeastInterval);
}

Duration back_off(FailureClass failure, std::uint32_t failures, std::optional<std::chrono::seconds> retry_after,
                  base::Random& random) {
    const auto times = failures == 0 ? 0 : failures - 1;
    // A human has to correct something: asking often only fills the server's log and may get the client locked.
    const bool soon = failure == FailureClass::transient;
    const Duration floor = soon ? Duration(seconds(1)) : Duration(minutes(5));
    const auto cap = soon ? doubled(seconds(2), times, minutes(5)) : doubled(minutes(10), times, hours(1));
    const auto wait = floor + part(cap - std::min(floor, cap), fraction(random));
    if (!retry_after) return wait;
    const Duration asked = std::clamp<Duration>(*retry_after, Duration(0), kLongestWait - 2 * kLongestSpread);
    return std::max(wait, asked + part(std::min(asked / 10, kLongestSpread), fraction(random)));
}

bool within_reach(base::Instant until, base::Instant now) { return now < until && until - now < kLongestWait; }

Duration refusal_back_off(std::uint32_t in_row) {
    return in_row == 0 ? Duration(0) : doubled(seconds(15), 2 * (in_row - 1), hours(1));
}

Duration further_within(const provider::ProviderDefinition& definition) {
    const auto grace = quirk(definition).grace_seconds;
    return grace ? Duration(seconds(std::clamp<std::int64_t>(*grace, 0, seconds(hours(24)).count()))) : kUsualGrace;
}

std::string configuration_of(const provider::ProviderDefinition& definition, std::uint64_t client_version, bool allow_private) {
    return crypto::sha256_hex(fmt::format("{} {} {}", client_version, allow_private, json::to_canonical_text(provider::to_native_json(definition))));
}

}  // namespace claviger::connection
