// Rule: what is asked after the connect (identity, probe) is asked of the service itself. Such a request carries the
// credential, so its host must be one that the definition lets have it, or one of the authorization server's own.
#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/rule_check.hpp"

namespace claviger::provider {
namespace {

// The host as it is written, {variables} and '*' included; a leading {variable} stands for an origin.
std::string host_of(std::string_view text) {
    if (const auto scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find_first_of("/?#"));
    if (const auto port = text.rfind(':'); port != std::string_view::npos && text.find(']', port) == std::string_view::npos) text = text.substr(0, port);
    return base::to_lower(text);
}

bool is_below(std::string_view host, std::string_view pattern) {
    if (host == pattern) return true;
    const bool deep = pattern.starts_with("**.");
    if (!deep && !pattern.starts_with("*.")) return false;
    const std::string_view suffix = pattern.substr(deep ? 2 : 1);  // with its dot
    if (host.size() <= suffix.size() || !host.ends_with(suffix)) return false;
    return deep || host.substr(0, host.size() - suffix.size()).find('.') == std::string_view::npos;
}

std::vector<std::string> known_hosts(const ProviderDefinition& d) {
    std::vector<std::string> hosts;
    const auto add = [&](const std::string& text) {
        if (!text.empty() && !text.starts_with("regex:")) hosts.push_back(host_of(text));
    };
    for (const auto& url : d.api_urls) add(url);
    for (const auto& pattern : d.authorized_uris) add(pattern);
    if (d.oauth2) {
        for (const auto* url : {&d.oauth2->base_url, &d.oauth2->issuer, &d.oauth2->authorization_url, &d.oauth2->token_url, &d.oauth2->userinfo_url}) add(*url);
        if (!d.oauth2->base_url.empty()) hosts.emplace_back("{base_url}");
    }
    if (d.oauth1) add(d.oauth1->access_token_url);
    return hosts;
}

void check_host(RuleCheck& check, std::string_view pointer, const std::string& url) {
    if (url.empty()) return;
    const std::string host = host_of(url);
    const auto hosts = known_hosts(check.definition);
    if (std::any_of(hosts.begin(), hosts.end(), [&](const auto& known) { return is_below(host, known); })) return;
    check.warning(pointer, "foreign_host",
                  fmt::format("would send the credential to \"{}\", which is no host of \"api_url\", \"authorized_uris\" or the "
                              "authorization server; use one of those, or add it there", host));
}

}  // namespace

void check_companions(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    const auto is_regex = [](const std::string& place) { return place.starts_with("regex:"); };
    if (d.allow_all_uris || std::any_of(d.api_urls.begin(), d.api_urls.end(), is_regex)) return;
    if (d.identity) check_host(check, "/identity/url", d.identity->url);
    if (d.probe) check_host(check, "/probe/url", d.probe->url);
}

}  // namespace claviger::provider
