#include "provider/place_rules.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "net/url.hpp"
#include "provider/expand.hpp"
#include "provider/pattern.hpp"

namespace claviger::provider {
namespace {

using Problems = std::vector<PlaceProblem>;

PlaceProblem error(std::string code, std::string message) { return {Severity::error, std::move(code), std::move(message)}; }
PlaceProblem warning(std::string code, std::string message) {
    return {Severity::warning, std::move(code), std::move(message)};
}

// PX-04: the fixed part behind a wildcard label.
void judge_wildcard(std::string_view fixed, Problems& problems) {
    const auto labels = base::split(fixed, '.');
    if (labels.size() < 2 || net::is_registry_suffix(fixed)) {
        problems.push_back(error("wildcard_too_wide",
                                 "'*' must be followed by a domain of at least two labels that somebody owns, as in *.acme.com"));
    } else if (net::is_public_suffix(fixed)) {
        problems.push_back(warning("shared_domain",
                                   fmt::format("under {} anybody can have a host, so only the connection's own host gets the credential; "
                                               "name it by a variable, as in {{tenant}}.{}", fixed, fixed)));
    }
}

// Every {variable} as a plain label, so that the rest can be parsed.
std::string with_sample_labels(std::string_view text) {
    std::string result(text);
    for (const std::string& name : variables_in(text)) {
        const std::string placeholder = "{" + name + "}";
        for (auto at = result.find(placeholder); at != std::string::npos; at = result.find(placeholder)) {
            result.replace(at, placeholder.size(), "sample");
        }
    }
    return result;
}

bool has_unsafe_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte == 0x7f || c == '\\';
    });
}

bool valid_port(std::string_view port) {
    return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Splits off ":port" (not inside an IPv6 literal) and checks it.
std::optional<std::string_view> without_port(std::string_view authority) {
    const std::size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos || authority.ends_with(']')) return authority;
    if (!valid_port(authority.substr(colon + 1))) return std::nullopt;
    return authority.substr(0, colon);
}

std::optional<PlaceProblem> judge_regex(std::string_view pattern) {
    if (pattern.empty()) return error("bad_pattern", "the pattern is empty; write regex:<pattern of the host>");
    if (auto problem = pattern_problem(pattern)) return error("bad_pattern", "the pattern " + *problem);
    if (!host_pattern_is_anchored(pattern)) {
        return warning("regex_too_wide",
                       "can match hosts of strangers; end it with a fixed domain after an escaped dot, as in "
                       "regex:.*\\.acme\\.com, or write **.acme.com");
    }
    return std::nullopt;
}

// A URL without wildcards: https, or http to this machine.
void judge_url(const std::string& text, Problems& problems) {
    const auto url = net::Url::parse(text);
    if (!url) {
        problems.push_back(error("bad_place", url.error().message));
    } else if (url->scheme() == "http" && url->host_is_loopback()) {
        problems.push_back(warning("loopback_http", "is plain http to this machine; use it for tests only"));
    } else if (url->scheme() != "https") {
        problems.push_back(error("not_https", "must be https; write https://..."));
    } else if (url->has_userinfo() || url->fragment()) {
        problems.push_back(error("bad_place", "may not have a user name or a fragment; remove it"));
    }
}

// https://host/prefix, where the host may begin with "*." or "**.".
void judge_target_url(std::string text, Problems& problems) {
    const std::size_t host_at = text.find("://") + 3;
    const std::string_view host = std::string_view(text).substr(host_at);
    if (host.starts_with("*.") || host.starts_with("**.")) {
        const std::size_t stars = host.find('.');
        const std::string_view authority = host.substr(stars + 1, host.find_first_of("/?#") - stars - 1);
        const auto fixed = without_port(authority);
        if (fixed) judge_wildcard(*fixed, problems);
        text.replace(host_at, stars, "sample");
    }
    if (text.find('*') != std::string::npos) {
        problems.push_back(error("bad_place", "'*' stands only at the start of the host, as in *.acme.com; for paths use "
                                              "\"authorized_uris\""));
        return;
    }
    judge_url(text, problems);
}

}  // namespace

VariableValues sample_values(std::string_view url_template) {
    VariableValues values;
    for (const std::string& name : variables_in(url_template)) {
        values[name] = url_template.starts_with("{" + name + "}") ? "https://sample.example" : "sample";
    }
    return values;
}

std::optional<PlaceProblem> variable_host_problem(std::string_view url_template) {
    const std::size_t scheme_end = url_template.find("://");
    if (scheme_end == std::string_view::npos) return std::nullopt;
    std::string_view host = url_template.substr(scheme_end + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    const std::size_t brace = host.rfind('}');
    if (brace == std::string_view::npos) return std::nullopt;
    std::string_view fixed = host.substr(brace + 1);
    fixed = fixed.substr(0, fixed.find(':'));
    // "{tenant}-eu.acme.com": the rest of the variable's own label does not count.
    const std::size_t dot = fixed.find('.');
    const std::string_view domain = dot == std::string_view::npos ? std::string_view{} : fixed.substr(dot + 1);
    if (base::split(domain, '.').size() >= 2 && !net::is_registry_suffix(domain)) return std::nullopt;
    return error("variable_host", "a variable stands for one host label and must be followed by a fixed domain, as in "
                                  "https://{tenant}.acme.com; for a whole origin write {base_url}/path");
}

Problems target_problems(std::string_view target) {
    Problems problems;
    if (target.size() > 2048) return {error("too_long", "is longer than 2048 bytes; shorten it")};
    if (target.starts_with("regex:")) {
        if (auto problem = judge_regex(target.substr(6))) problems.push_back(std::move(*problem));
        return problems;
    }
    if (has_unsafe_character(target)) return {error("bad_place", "has a space, control character or backslash; remove it")};
    if (const auto variables = variables_in(target);
        !variables.empty() && target.starts_with("{" + variables.front() + "}") &&
        !target.substr(variables.front().size() + 2).starts_with(".")) {
        if (const auto url = expand_url(target, sample_values(target)); !url) {
            problems.push_back(error("bad_place", url.error().message));
        }
        return problems;
    }
    if (target.find("://") != std::string_view::npos) {
        if (const auto problem = variable_host_problem(target)) return {*problem};
        if (target.find('?') != std::string_view::npos) return {error("bad_place", "may not have a query; remove the part after ?")};
        judge_target_url(with_sample_labels(target), problems);
        return problems;
    }
    if (target.find('/') != std::string_view::npos) return {error("bad_place", "has a path; write https:// before it")};
    if (const auto problem = variable_host_problem("https://" + std::string(target))) return {*problem};
    std::string_view host = target;
    const bool wildcard = host.starts_with("*.") || host.starts_with("**.");
    if (wildcard) host.remove_prefix(host.find('.') + 1);
    const auto name = without_port(host);
    if (!name) return {error("bad_place", "has a port that is no number")};
    const std::string sample = with_sample_labels(*name);
    if (sample.find('*') != std::string::npos || sample.find('@') != std::string::npos) {
        return {error("bad_place", "is no host; write a host such as api.acme.com, *.acme.com or **.acme.com")};
    }
    const auto canonical = net::canonical_host(sample);
    if (!canonical) return {error("bad_place", "is no host: " + canonical.error().message)};
    if (wildcard) judge_wildcard(*canonical, problems);
    return problems;
}

Problems uri_pattern_problems(std::string_view pattern) {
    if (pattern.size() > 2048) return {error("too_long", "is longer than 2048 bytes; shorten it")};
    if (has_unsafe_character(pattern)) return {error("bad_place", "has a space, control character or backslash; remove it")};
    if (const auto variables = variables_in(pattern);
        !variables.empty() && pattern.starts_with("{" + variables.front() + "}")) {
        const std::string plain = with_sample_labels(pattern.substr(variables.front().size() + 2));
        Problems origin;
        if (!plain.empty() && !plain.starts_with('/')) origin.push_back(error("bad_place", "write / after the variable"));
        return origin;
    }
    Problems problems;
    const std::size_t scheme_end = pattern.find("://");
    if (scheme_end == std::string_view::npos) return {error("bad_place", "has no scheme; write https:// before it")};
    std::string_view rest = pattern.substr(scheme_end + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return {error("bad_place", "may not have a user name; remove the part before @")};
    if (pattern.find('#') != std::string_view::npos) return {error("bad_place", "may not have a fragment; remove the part after #")};
    const auto host = without_port(authority);
    if (!host || host->empty()) return {error("bad_place", "has no host, or a port that is no number")};
    if (const auto problem = variable_host_problem(pattern)) return {*problem};

    std::vector<std::string> labels = base::split(*host, '.');
    std::size_t last_wildcard = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i].find('*') == std::string::npos) continue;
        if (labels[i] != "*") {
            problems.push_back(error("bad_place", "in the host '*' stands for one whole label, as in https://*.acme.com/"));
            return problems;
        }
        labels[i] = "sample";
        last_wildcard = i + 1;
    }
    if (last_wildcard > 0) {
        const std::vector<std::string> fixed(labels.begin() + static_cast<std::ptrdiff_t>(last_wildcard), labels.end());
        judge_wildcard(base::join(fixed, "."), problems);
    }
    std::string sample(pattern.substr(0, scheme_end + 3));
    sample += with_sample_labels(base::join(labels, "."));
    sample += authority.substr(host->size());
    for (const char c : rest.substr(authority.size())) sample += c == '*' ? 'x' : c;
    judge_url(with_sample_labels(sample), problems);
    return problems;
}

}  // namespace claviger::provider
