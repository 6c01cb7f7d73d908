#include "connection/token_options.hpp"

#include "json/value.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

constexpr std::int64_t kCenturyMs = std::int64_t{100} * 365 * 86'400 * 1'000;

std::int64_t unit_ms(const std::string& unit) {
    if (unit == "milliseconds" || unit == "ms") return 1;
    if (unit == "minutes") return 60'000;
    if (unit == "hours") return 3'600'000;
    if (unit == "days") return 86'400'000;
    return 1'000;
}

}  // namespace

oauth::Parameters renames_of(const provider::OAuth2& oauth, std::string_view request) {
    const auto found = oauth.rename.find(std::string(request));
    return found == oauth.rename.end() ? oauth::Parameters() : found->second;
}

base::Result<std::string> resource_parameter(const provider::OAuth2& oauth, const provider::VariableValues& variables) {
    if (provider::variables_in(oauth.resource).empty()) return oauth.resource;
    TRY(url, provider::expand_url(oauth.resource, variables));
    return url.text();
}

base::Result<oauth::TokenRequestOptions> token_options(const provider::ProviderDefinition& definition) {
    const auto& oauth = *definition.oauth2;
    oauth::TokenRequestOptions options;
    options.extra_parameters = oauth.token_params;
    options.extra_headers = oauth.token_headers;
    options.json_body = oauth.token_content_type == provider::BodyFormat::json;
    options.access_token_pointers = oauth.response.access_token;
    options.refresh_token_pointers = oauth.response.refresh_token;
    options.expires_pointers = oauth.response.expires;
    options.scope_pointers = oauth.response.scope;
    options.token_type_pointers = oauth.response.token_type;
    options.scope_separator = oauth.scope_separator;
    options.response_format = oauth.response.format;
    options.rename = renames_of(oauth, "token");
    for (const auto& rule : oauth.response.capture) options.capture.emplace_back(rule.name, rule.pointer);
    for (const auto& rule : definition.capture) options.capture.emplace_back(rule.name, rule.pointer);
    // { "/ok": false }: any of these values in the answer makes it an error.
    if (oauth.response.error_when.is_object())
        for (const auto& item : oauth.response.error_when.get_object())
            options.error_when.emplace_back(std::string_view(item.key()), json::to_canonical_text(item.value()));
    options.any_token_type = definition.inject.present && !definition.inject.headers.empty();
    return options;
}

std::optional<base::Instant> expiry_of(const oauth::TokenResponse& token, const provider::ExpiryQuirk& quirk,
                                       base::Instant obtained_at) {
    if (token.expires_at) return token.expires_at;
    if (!token.expires_in) {
        if (!quirk.default_seconds || *quirk.default_seconds <= 0) return std::nullopt;
        return obtained_at + std::chrono::seconds(*quirk.default_seconds);
    }
    const auto factor = unit_ms(quirk.unit);
    const auto start = quirk.kind == "absolute" ? base::Instant() : obtained_at;
    // Beyond a century after now it means "never", whatever it was meant to mean; this also keeps the sum in range.
    const auto room = kCenturyMs + (obtained_at - start).count();
    if (*token.expires_in > room / factor) return std::nullopt;
    return start + base::Duration(*token.expires_in * factor);
}

}  // namespace claviger::connection
