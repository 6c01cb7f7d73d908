#include "connection/expiry.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/number.hpp"
#include "base/text.hpp"
#include "connection/jwt_claims.hpp"
#include "http/date.hpp"
#include "oauth/server_time.hpp"

namespace claviger::connection {
namespace {

constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

std::int64_t unit_ms(const std::string& unit) {
    if (unit == "milliseconds" || unit == "ms") return 1;
    if (unit == "minutes") return kMinute;
    if (unit == "hours") return kHour;
    if (unit == "days") return kDay;
    return kSecond;
}

// Beyond a century after now it means "never", whatever it was meant to mean; this also keeps the sum in range.
std::optional<base::Instant> by_number(std::int64_t number, const provider::ExpiryQuirk& quirk, base::Instant now) {
    const auto unit = unit_ms(quirk.unit);
    if (quirk.kind != "relative") return oauth::since_1970(number, unit, now);
    if (number > oauth::kMsOfCentury / unit) return std::nullopt;
    return now + base::Duration(number * unit);
}

// "177:05:38" by the unit: days, hours, minutes, or hours, minutes, seconds; four pieces begin with days.
std::optional<base::Instant> by_duration(std::string_view text, const std::string& unit, base::Instant now) {
    const auto pieces = base::split(text, ':');
    std::vector<std::int64_t> factors{kHour, kMinute, kSecond};
    if (unit == "days" && pieces.size() == 3) factors = {kDay, kHour, kMinute};
    if (pieces.size() == 4) factors = {kDay, kHour, kMinute, kSecond};
    if (pieces.size() != factors.size()) return std::nullopt;
    base::Duration sum{0};
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto piece = base::whole_number(pieces[i]);
        constexpr std::int64_t kMostOfAPiece = 999'999;
        if (!piece || *piece > kMostOfAPiece) return std::nullopt;
        sum += base::Duration(*piece * factors[i]);
    }
    return sum.count() == 0 || sum.count() > oauth::kMsOfCentury ? std::nullopt : std::optional(now + sum);
}

// ISO 8601 beyond RFC 3339 in UTC: fractions of a second, an offset, a space for the T, no zone at all (then UTC).
std::optional<base::Instant> by_iso(std::string text) {
    if (text.size() < 19) return std::nullopt;
    if (text[10] == ' ') text[10] = 'T';
    std::string_view zone = std::string_view(text).substr(19);
    if (zone.starts_with('.')) zone.remove_prefix(std::min(zone.find_first_not_of("0123456789", 1), zone.size()));
    auto instant = base::from_rfc3339(text.substr(0, 19) + "Z");
    if (!instant) return std::nullopt;
    if (zone.empty() || zone == "Z") return *instant;
    const bool colon = zone.size() == 6 && zone[3] == ':';
    if ((zone.front() != '+' && zone.front() != '-') || (!colon && zone.size() != 5)) return std::nullopt;
    const auto hours = base::whole_number(zone.substr(1, 2)), minutes = base::whole_number(zone.substr(colon ? 4 : 3, 2));
    if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
    const base::Duration offset{*hours * kHour + *minutes * kMinute};
    return zone.front() == '+' ? *instant - offset : *instant + offset;
}

// RFC 7519 section 4.1.4, of a token that is nobody's to verify here: only its issuer can.
std::optional<base::Instant> by_jwt(const base::Secret& token, base::Instant now) {
    const auto claims = unverified_claims(token);
    if (!claims) return std::nullopt;
    const auto* exp = json::find(claims->get_object(), "exp");
    if (exp == nullptr || !exp->is_number()) return std::nullopt;
    const auto seconds = exp->to_number<double>();
    if (!(seconds >= 1) || seconds > 1e12) return std::nullopt;
    return oauth::since_1970(static_cast<std::int64_t>(seconds), kSecond, now);
}

std::optional<base::Instant> by_text(const std::string& text, const provider::ExpiryQuirk& quirk, base::Instant now) {
    if (auto duration = by_duration(text, quirk.unit, now)) return duration;
    if (auto iso = by_iso(text)) return iso;
    return http::read_date(text);
}

// Beside a JWT's own end, what the answer says is the RFC's: seconds from now.
provider::ExpiryQuirk of_numbers(const provider::ExpiryQuirk& quirk) { return quirk.kind == "jwt_exp" ? provider::ExpiryQuirk() : quirk; }

std::optional<base::Instant> end_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk, base::Instant now) {
    if (quirk.kind == "jwt_exp")
        if (auto end = by_jwt(token.access_token, now)) return end;
    if (token.expires_at) return token.expires_at;
    if (!token.expires_text.empty())
        if (auto end = by_text(token.expires_text, quirk, now)) return end;
    if (token.expires_in) return by_number(*token.expires_in, of_numbers(quirk), now);
    if (!quirk.default_seconds || *quirk.default_seconds <= 0) return std::nullopt;
    return now + std::chrono::seconds(*quirk.default_seconds);
}

std::optional<base::Instant> refresh_end_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk, base::Instant now) {
    if (token.refresh_expires_at) return token.refresh_expires_at;
    if (!token.refresh_expires_text.empty()) return by_text(token.refresh_expires_text, quirk, now);
    if (!token.refresh_expires_in) return std::nullopt;
    return by_number(*token.refresh_expires_in, of_numbers(quirk), now);
}

using Read = std::optional<base::Instant> (*)(const oauth::TokenResponse&, const provider::ExpiryQuirk&, base::Instant);

// A date is one of the server's clock. So all is reckoned by that clock, and what comes out is one of ours.
std::optional<base::Instant> by_our_clock(Read read, const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk, base::Instant now) {
    auto end = read(token, quirk, now + token.clock_skew);
    if (end) *end -= token.clock_skew;
    return end;
}

}  // namespace

std::optional<base::Instant> no_later_than_max(std::optional<base::Instant> end, const provider::ExpiryQuirk& quirk, base::Instant obtained_at) {
    if (!quirk.max_seconds) return end;
    const auto last = obtained_at + std::chrono::seconds(*quirk.max_seconds);
    return end ? std::min(*end, last) : last;
}

std::optional<base::Instant> expiry_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk,
                                       base::Instant obtained_at) {
    return no_later_than_max(by_our_clock(end_of, token, quirk, obtained_at), quirk, obtained_at);
}

bool names_end(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk, base::Instant obtained_at) {
    auto alone = quirk;
    alone.default_seconds.reset();
    alone.max_seconds.reset();
    return expiry_of(token, alone, obtained_at).has_value();
}

std::optional<base::Instant> refresh_expiry_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk,
                                               base::Instant obtained_at) {
    return by_our_clock(refresh_end_of, token, quirk, obtained_at);
}

}  // namespace claviger::connection
