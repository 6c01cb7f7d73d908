#include "base/text.hpp"
#include "policy/uri_rule.hpp"
#include "provider/expand.hpp"

namespace claviger::policy {
namespace {

using base::Result;

// "{base_url}" and "{base_url}/v1" begin with a whole origin; "{shop}.acme.com" and "acme.com" with a host.
bool begins_with_origin(std::string_view target) {
    if (target.find("://") != std::string_view::npos) return true;
    const auto close = target.find('}');
    return target.starts_with('{') && close != std::string_view::npos &&
           (close + 1 == target.size() || target[close + 1] == '/');
}

// `text` with its variables replaced as in a URL (OA-27); unchanged when it has none, so that the rule keeps the
// wording of the file.
Result<std::string> expanded(const std::string& text, const provider::VariableValues& values) {
    if (text.starts_with("regex:") || provider::variables_in(text).empty()) return text;
    TRY(url, provider::expand_url(begins_with_origin(text) ? text : "https://" + text, values));
    return url.text();
}

}  // namespace

Result<std::vector<UriRule>> rules_of(const provider::ProviderDefinition& definition,
                                      const provider::VariableValues& variables) {
    std::vector<UriRule> rules;
    for (const auto& target : definition.api_urls) {
        TRY(text, expanded(target, variables));
        TRY(rule, UriRule::parse_target(text));
        rules.push_back(std::move(rule));
    }
    const auto dialect =
        definition.uri_pattern_dialect == "afps-1.3" ? PatternDialect::afps_1_3 : PatternDialect::subtree;
    for (const auto& pattern : definition.authorized_uris) {
        TRY(text, expanded(pattern, variables));
        TRY(rule, UriRule::parse_pattern(text, dialect));
        rules.push_back(std::move(rule));
    }
    if (!definition.allow_all_uris) return rules;
    // "All URLs" never means any host that a program names, or one request would give the credential away: it
    // means the connection's own site, which a variable holds as an origin (PX-24).
    for (const auto& [name, value] : variables) {
        if (value.find("://") == std::string::npos) continue;
        TRY(site, provider::canonical_base_url(value));
        TRY(rule, UriRule::parse_target(site));
        rules.push_back(std::move(rule));
    }
    return rules;
}

}  // namespace claviger::policy
