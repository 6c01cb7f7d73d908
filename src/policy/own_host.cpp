#include "policy/own_host.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "net/url.hpp"
#include "policy/uri_rule.hpp"

namespace claviger::policy {
namespace {

// Where the host of "host/path" or "https://host:1/path" begins, and its size.
std::pair<std::size_t, std::size_t> host_place(std::string_view text) {
    const auto scheme = text.find("://");
    const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto end = std::min(text.find_first_of("/?#:", begin), text.size());
    return {begin, end - begin};
}

// What follows "*." or "**.", if that is all there is of wildcards.
std::string_view fixed_part(std::string_view host) {
    const auto dot = host.find('.');
    if (dot == std::string_view::npos || host.substr(0, dot).find_first_not_of('*') != std::string_view::npos) return {};
    return host.substr(dot + 1);
}

bool is_label(std::string_view text) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
           std::all_of(text.begin(), text.end(), fits);
}

// The host that a value means: "https://a.shops.example/x", "a.shops.example" or the label "a". Empty: none below `domain`.
std::string own_host(const std::string& name, const std::string& value, std::string_view domain, bool any_depth) {
    std::string host = base::to_lower(base::trim(value));
    if (host.find("://") != std::string::npos) {
        const auto url = net::Url::parse(host);
        if (!url) return {};
        host = url->host();
    }
    while (host.ends_with('/')) host.pop_back();
    if (is_label(host)) return names_own_host(name) ? host + "." + std::string(domain) : std::string();
    const std::string below = "." + std::string(domain);
    if (host.size() <= below.size() || !host.ends_with(below)) return {};
    const auto labels = base::split(std::string_view(host).substr(0, host.size() - below.size()), '.');
    const bool plain = std::all_of(labels.begin(), labels.end(), [](const std::string& label) { return is_label(label); });
    return plain && (any_depth || labels.size() == 1) ? host : std::string();
}

}  // namespace

bool names_own_host(std::string_view name) {
    const std::string lower = base::to_lower(name);
    constexpr std::string_view kWords[] = {"domain", "host", "shop", "site", "tenant", "instance", "workspace"};
    return std::any_of(std::begin(kWords), std::end(kWords),
                       [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string shared_wildcard_host(std::string_view rule_text) {
    if (rule_text.starts_with("regex:")) return {};
    const auto [begin, size] = host_place(rule_text);
    const std::string host = base::to_lower(rule_text.substr(begin, size));
    const auto star = host.rfind('*');
    if (star == std::string::npos) return {};
    const auto dot = host.find('.', star);
    if (dot == std::string::npos) return {};
    const std::string fixed = host.substr(dot + 1);
    if (fixed.find('.') == std::string::npos || !net::is_public_suffix(fixed) || net::is_registry_suffix(fixed)) return {};
    return host;
}

std::vector<std::string> with_own_hosts(std::string_view rule_text, const provider::VariableValues& own) {
    std::vector<std::string> texts;
    const std::string pattern = shared_wildcard_host(rule_text);
    const auto domain = fixed_part(pattern);
    if (domain.empty()) return texts;
    const auto [begin, size] = host_place(rule_text);
    for (const auto& [name, value] : own) {
        const std::string host = own_host(name, value, domain, pattern.starts_with("**"));
        if (host.empty()) continue;
        std::string text(rule_text);
        text.replace(begin, size, host);
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
    }
    return texts;
}

}  // namespace claviger::policy
