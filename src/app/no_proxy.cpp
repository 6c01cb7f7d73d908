#include "app/no_proxy.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace claviger::app {
namespace {

// "*.Acme.com:443", ".acme.com" and "[::1]:80" without what stands around the name.
std::string core_of(std::string_view entry) {
    std::string core = base::to_lower(entry);
    if (core.starts_with('[')) return core.substr(1, core.find(']') - 1);
    const auto colon = core.find(':');
    if (colon != std::string::npos && core.find(':', colon + 1) == std::string::npos) core.resize(colon);  // not IPv6
    const auto first = core.find_first_not_of("*.");
    return first == std::string::npos ? std::string() : core.substr(first);
}

bool is_numeric(std::string_view core) {  // an address, a prefix of one, a network or a range
    return core.find(':') != std::string_view::npos || core.find_first_not_of("0123456789./-") == std::string_view::npos;
}

bool is_loopback(std::string_view core) {
    return core == "localhost" || core.ends_with(".localhost") || core.starts_with("127") || core.starts_with("::1") || core.starts_with("0.0.0.0");
}

bool hides(const std::string& core, const std::string& host) {
    const bool below = host.starts_with('.');
    const std::string_view name = std::string_view(host).substr(below ? 1 : 0);
    if (is_numeric(name)) return is_numeric(core) && !is_loopback(core);
    return name.ends_with(core) || (below && std::string_view(core).ends_with(name));
}

bool hides_any(const std::string& core, const RoutedHosts& routed) {
    if (core.empty() || core.find_first_of("*?") != std::string::npos) return routed.by_pattern || routed.loopback || !routed.names.empty();
    if (is_loopback(core)) return routed.loopback;
    if (routed.by_pattern && !is_numeric(core)) return true;
    return std::any_of(routed.names.begin(), routed.names.end(), [&](const std::string& host) { return hides(core, host); });
}

// Java knows '*' at an end, no ports and no networks.
std::string for_java(const std::vector<std::string>& entries) {
    std::vector<std::string> all;
    for (const auto& entry : entries) {
        const std::string core = core_of(entry);
        if (core.find('/') != std::string::npos || core.find('-') != std::string::npos) continue;
        if (core.find(':') != std::string::npos) all.push_back("[" + core + "]");
        else all.push_back(core);
        if (!is_numeric(core)) all.push_back("*." + core);
    }
    return base::join(all, "|");
}

}  // namespace

Bypass make_bypass(std::string_view users, const RoutedHosts& routed) {
    Bypass bypass;
    std::vector<std::string> kept;
    if (!routed.loopback) kept = {"localhost", "127.0.0.1", "::1"};
    std::string commas(users);
    std::replace_if(commas.begin(), commas.end(), [](char c) { return c == ' ' || c == '\t' || c == '|' || c == ';'; }, ',');
    for (const auto& entry : base::split(commas, ',')) {
        auto& into = hides_any(core_of(entry), routed) ? bypass.dropped : kept;
        if (!entry.empty() && std::find(into.begin(), into.end(), entry) == into.end()) into.push_back(entry);
    }
    bypass.value = base::join(kept, ",");
    bypass.java = for_java(kept);
    return bypass;
}

}  // namespace claviger::app
