#include "connection/standing.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "connection/refresh_schedule.hpp"

namespace claviger::connection {
namespace {

// The words that `login_reason` may hold.
std::string explained(const std::string& reason) {
    if (reason == "interrupted_rotation") return "a renewal was cut off, and the service does not take the token from before it";
    if (reason == "restored_backup") return "the token in the restored backup has been used since";
    if (reason == "insufficient_user_authentication") return "the API asks for a stronger login than this one";
    if (reason == "imported_revoked") return "it was revoked already where it was imported from";
    if (reason == "imported_invalid") return "it was of no use any more where it was imported from";
    return fmt::format("the service refused to renew it ({})", reason);
}

Status status_of(const Summary& summary, const provider::ProviderDefinition* definition, base::Instant now) {
    if (definition == nullptr || provider::security_digest(*definition) != summary.definition_digest) return Status::suspended;
    if (summary.login_needed) return Status::needs_login;
    return summary.expires_at && *summary.expires_at <= now ? Status::expired : Status::connected;
}

}  // namespace

std::string login_command(const StandingFacts& facts) {
    const auto option = facts.name == "default" ? std::string() : " --connection " + facts.name;
    // A connection that works is only replaced when that is said.
    return fmt::format("claviger login {}{}{}", facts.provider, option, facts.status == Status::connected ? " --force" : "");
}

Standing standing_of(const StandingFacts& facts) {
    const auto failing = [&] { return fmt::format("its renewal fails since {}; the next use tries again", base::to_rfc3339(*facts.failing_since)); };
    switch (facts.status) {
        case Status::suspended:
            return {Status::suspended, "the definition changed since the login", "claviger confirm " + facts.provider};
        case Status::needs_login:
            return {Status::needs_login, "it needs a new login" + (facts.login_reason.empty() ? "" : ": " + explained(facts.login_reason)), login_command(facts)};
        case Status::expired:
            if (!facts.renewable) return {Status::expired, "it has expired, and nothing renews it", login_command(facts)};
            if (facts.failing_since) return {Status::expired, "it has expired, and " + failing(), ""};
            break;
        case Status::connected: break;
    }
    if (!facts.login_reason.empty()) return {Status::connected, explained(facts.login_reason), login_command(facts)};
    if (facts.failing_since) return {Status::connected, failing(), ""};
    return {};
}

StandingFacts standing_facts(const Connection& connection, const provider::ProviderDefinition* definition, base::Instant now) {
    const auto digest = definition != nullptr ? provider::security_digest(*definition) : std::string();
    return {connection.provider,     connection.name, connection.status(now, digest), connection.login_reason, connection.last_refresh_failure,
            definition != nullptr && mendable(connection, *definition, now)};
}

StandingFacts standing_facts(const Summary& summary, const provider::ProviderDefinition* definition, base::Instant now) {
    return {summary.provider,     summary.name, status_of(summary, definition, now), summary.login_reason, summary.failing_since,
            definition != nullptr && (renewable(summary.auth_type, summary.flow, summary.scope_facts.has_refresh_token, *definition) ||
                                      (definition->oauth2 && !definition->oauth2->steps.empty() && !summary.token_ended))};
}

}  // namespace claviger::connection
