#include <fmt/format.h>

#include "base/text.hpp"
#include "policy/own_host.hpp"
#include "policy/uri_rule.hpp"
#include "provider/expand.hpp"
#include "provider/url_fields.hpp"

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
Result<std::string> expanded(const provider::ProviderDefinition& definition, const std::string& text,
                             const provider::VariableValues& values) {
    if (text.starts_with("regex:")) return text;
    const auto names = provider::variables_in(text);
    if (names.empty()) return text;
    for (const auto& name : names) {
        if (values.contains(name) || !provider::is_captured_variable(definition, name)) continue;
        return base::fail(base::ErrorCode::not_found, fmt::format("{} has not said its \"{}\" yet", definition.name, name),
                          fmt::format("ask it with: claviger provider probe {}", definition.name));
    }
    TRY(url, provider::expand_url(begins_with_origin(text) ? text : "https://" + text, values));
    return url.text();
}

// The texts that one entry of the definition stands for: itself, or under a shared domain the connection's own hosts.
std::vector<std::string> concrete(const std::string& text, const provider::VariableValues& own, std::string& left_out) {
    if (shared_wildcard_host(text).empty()) return {text};
    auto texts = with_own_hosts(text, own);
    if (texts.empty()) left_out = text;
    return texts;
}

}  // namespace

Result<std::vector<UriRule>> rules_of(const provider::ProviderDefinition& definition,
                                      const provider::VariableValues& variables, const provider::VariableValues& own) {
    std::vector<UriRule> rules;
    provider::VariableValues names = variables;
    names.insert(own.begin(), own.end());
    std::string left_out;
    for (const auto& target : definition.api_urls) {
        TRY(text, expanded(definition, target, variables));
        for (const auto& one : concrete(text, names, left_out)) {
            TRY(rule, UriRule::parse_target(one));
            rules.push_back(std::move(rule));
        }
    }
    const auto dialect =
        definition.uri_pattern_dialect == "afps-1.3" ? PatternDialect::afps_1_3 : PatternDialect::subtree;
    for (const auto& pattern : definition.authorized_uris) {
        TRY(text, expanded(definition, pattern, variables));
        for (const auto& one : concrete(text, names, left_out)) {
            TRY(rule, UriRule::parse_pattern(one, dialect));
            rules.push_back(std::move(rule));
        }
    }
    if (rules.empty() && !left_out.empty() && !definition.allow_all_uris) {
        return base::fail(base::ErrorCode::invalid_input,
                          fmt::format("{}: anybody can have a host there, and the connection does not say which is its own",
                                      base::printable(left_out)),
                          "name the host by a {variable} or a field 'subdomain' in the definition, then log in again");
    }
    if (!definition.allow_all_uris) return rules;
    // "All URLs" never means any host that a program names, or one request would give the credential away: it
    // means the connection's own site, which a variable holds as an origin (PX-24).
    for (const auto& [name, value] : variables) {
        // What an answer told stands only where the definition wrote its {name}.
        if (value.find("://") == std::string::npos || provider::is_captured_variable(definition, name)) continue;
        TRY(site, provider::canonical_base_url(value));
        TRY(rule, UriRule::parse_target(site));
        rules.push_back(std::move(rule));
    }
    return rules;
}

}  // namespace claviger::policy
