#include "provider/validate.hpp"

#include <array>

#include <fmt/core.h>

#include "base/text.hpp"
#include "net/url.hpp"
#include "provider/rule_check.hpp"

namespace claviger::provider {
namespace {

constexpr std::size_t kLongestLine = 200;
constexpr std::size_t kLongestText = 4000;
constexpr std::size_t kLongestLink = 2048;

void check_text(RuleCheck& check, std::string_view pointer, const std::string& text, std::size_t longest, bool lines) {
    if (text.size() > longest) {
        check.error(pointer, "too_long", fmt::format("is longer than {} bytes; shorten it", longest));
    }
    if (has_hidden_character(text, lines)) {
        check.error(pointer, "control_character", "has a control or direction character; remove it");
    }
}

// PK-09: a link is shown to people and opened by them, so no javascript:, data: or plain http.
void check_link(RuleCheck& check, std::string_view pointer, const std::string& text) {
    if (text.empty()) return;
    check_text(check, pointer, text, kLongestLink, false);
    const auto url = net::Url::parse(text);
    if (!base::to_lower(text).starts_with("https://") || !url || url->has_userinfo()) {
        check.error(pointer, "bad_link", "must be an https URL; write https://...");
    }
}

void check_icon(RuleCheck& check, const std::string& icon) {
    if (icon.empty() || base::valid_name(icon)) return;  // a name stands for a built-in picture
    check_link(check, "/icon", icon);
}

void check_limit(RuleCheck& check, std::string_view pointer, std::size_t size, std::size_t most) {
    if (size > most) check.error(pointer, "too_many", fmt::format("has {} items; at most {} are allowed", size, most));
}

void check_sizes(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    check_limit(check, "/categories", d.categories.size(), 32);
    check_limit(check, "/setup_guide/steps", d.setup_guide.steps.size(), 50);
    check_limit(check, "/api_url", d.api_urls.size(), 100);
    check_limit(check, "/authorized_uris", d.authorized_uris.size(), 100);
    check_limit(check, "/vars", d.vars.size(), 50);
    check_limit(check, "/export", d.exports.size(), 50);
    check_limit(check, "/capture", d.capture.size(), 50);
    check_limit(check, "/inject/headers", d.inject.headers.size(), 50);
    check_limit(check, "/inject/query", d.inject.query.size(), 50);
    check_limit(check, "/inject/cookies", d.inject.cookies.size(), 50);
    if (!d.oauth2) return;
    check_limit(check, "/oauth/scopes", d.oauth2->scopes.size(), 500);
    check_limit(check, "/oauth/available_scopes", d.oauth2->available_scopes.size(), 2000);
    check_limit(check, "/oauth/authorization_params", d.oauth2->authorization_params.size(), 50);
    check_limit(check, "/oauth/token_params", d.oauth2->token_params.size(), 50);
    check_limit(check, "/oauth/refresh_params", d.oauth2->refresh_params.size(), 50);
    check_limit(check, "/oauth/token_headers", d.oauth2->token_headers.size(), 50);
    check_limit(check, "/oauth/refresh/headers", d.oauth2->refresh.headers.size(), 50);
}

}  // namespace

bool has_hidden_character(std::string_view text, bool lines) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 && !(lines && (byte == '\n' || byte == '\t' || byte == '\r'))) return true;
        if (byte == 0x7f) return true;
        const auto at = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
        if (byte == 0xc2 && at(1) >= 0x80 && at(1) <= 0x9f) return true;  // C1
        if (byte == 0xe2 && at(1) == 0x80 && ((at(2) >= 0xaa && at(2) <= 0xae) || at(2) == 0x8e || at(2) == 0x8f ||
                                              at(2) == 0xa8 || at(2) == 0xa9)) {
            return true;  // U+202A..202E, U+200E, U+200F, line and paragraph separators
        }
        if (byte == 0xe2 && at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9) return true;  // U+2066..2069
    }
    return false;
}

bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    if (text.empty()) return false;
    for (const char c : text) {
        const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && marks.find(c) == std::string_view::npos) return false;
    }
    return true;
}

bool header_name_allowed(std::string_view name) {
    static constexpr std::array<std::string_view, 10> forbidden{
        "host", "content-length", "transfer-encoding", "connection", "te",
        "trailer", "upgrade", "expect", "keep-alive", "proxy-connection"};
    if (!is_token(name) || name.size() > 128) return false;
    std::string lower = base::to_lower(name);
    for (char& c : lower) c = c == '_' ? '-' : c;  // some servers read both as one (PX-13)
    if (lower.starts_with("proxy-") || lower.starts_with("sec-")) return false;
    for (const auto entry : forbidden) {
        if (lower == entry) return false;
    }
    return true;
}

void check_texts(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    if (!d.name.empty() && !base::valid_name(d.name)) {
        check.error("/name", "bad_name",
                    "must be lower-case letters, digits, '.', '_' and '-', begin with a letter or digit, and have at "
                    "most 64 characters");
    }
    check_text(check, "/display_name", d.display_name, kLongestLine, false);
    check_text(check, "/description", d.description, kLongestText, true);
    for (std::size_t i = 0; i < d.categories.size(); ++i) {
        check_text(check, json::pointer_append("/categories", i), d.categories[i], 64, false);
    }
    check_icon(check, d.icon);
    check_link(check, "/docs_url", d.docs_url);
    check_text(check, "/setup_guide/callback_url_hint", d.setup_guide.callback_url_hint, kLongestText, true);
    for (std::size_t i = 0; i < d.setup_guide.steps.size(); ++i) {
        const std::string step = json::pointer_append("/setup_guide/steps", i);
        check_text(check, step + "/label", d.setup_guide.steps[i].label, kLongestText, true);
        check_link(check, step + "/url", d.setup_guide.steps[i].url);
    }
    if (d.api_key) {
        check_text(check, "/api_key/header_prefix", d.api_key->header_prefix, 64, false);
        check_text(check, "/api_key/key_pattern_hint", d.api_key->key_pattern_hint, kLongestText, true);
    }
    check_sizes(check);
}

std::vector<Finding> validate(const ProviderDefinition& definition, const PointerMap& pointers,
                              const ReadOptions& options) {
    RuleCheck check(definition, pointers, options);
    check_texts(check);
    check_blocks(check);
    // A list beyond its bound is not looked into: work stays small whatever the file.
    for (const Finding& finding : check.findings) {
        if (finding.code == "too_many") return std::move(check.findings);
    }
    check_variables(check);
    check_endpoints(check);
    check_places(check);
    check_companions(check);
    check_parameters(check);
    check_token_requests(check);
    check_injection(check);
    check_exports(check);
    return std::move(check.findings);
}

}  // namespace claviger::provider
