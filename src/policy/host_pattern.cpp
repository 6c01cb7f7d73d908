#include "policy/host_pattern.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/url.hpp"
#include "provider/pattern.hpp"

namespace claviger::policy {
namespace {

using base::ErrorCode;
using base::Result;

// One label against a pattern in which '*' stands for any run of characters. A lone '*' needs a character, which
// holds since no label of a matched host is empty. Greedy with one point to return to: linear enough for 63 bytes.
bool label_matches(std::string_view pattern, std::string_view label) {
    std::size_t p = 0, l = 0, star = std::string_view::npos, resume = 0;
    while (l < label.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = l;
        } else if (p < pattern.size() && pattern[p] == label[l]) {
            ++p;
            ++l;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            l = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool has_empty_label(const std::vector<std::string>& labels) {
    return std::any_of(labels.begin(), labels.end(), [](const std::string& label) { return label.empty(); });
}

// PX-04: what follows the last '*' must belong to one owner.
Result<void> check_fixed_part(const std::vector<std::string>& fixed) {
    const auto domain = base::join(fixed, ".");
    if (fixed.size() < 2) {
        return base::fail(ErrorCode::invalid_input, "a '*' in the host needs two fixed labels after it",
                          "write *.acme.com, or name the host");
    }
    if (net::is_public_suffix(domain)) {
        return base::fail(ErrorCode::invalid_input,
                          fmt::format("a '*' in the host stands before the public suffix {}", base::printable(domain)),
                          "anyone can have a host there: name it, if need be with a {variable}");
    }
    return {};
}

}  // namespace

Result<HostPattern> HostPattern::parse(std::string_view host, bool any_depth_allowed) {
    HostPattern pattern;
    pattern.labels_ = base::split(host, '.');
    if (host.find('*') == std::string_view::npos) {
        pattern.kind_ = Kind::exact;
        pattern.host_ = host;
        pattern.fixed_labels_ = pattern.labels_.size();
        return pattern;
    }
    if (has_empty_label(pattern.labels_)) return base::fail(ErrorCode::invalid_input, "the host has an empty label");
    const bool any_depth = any_depth_allowed && pattern.labels_[0] == "**";
    if (any_depth) pattern.labels_.erase(pattern.labels_.begin());
    const auto rest = base::join(pattern.labels_, ".");
    if (rest.find("**") != std::string::npos) {
        return base::fail(ErrorCode::invalid_input, "'**' may not stand here in a host", "use '*' for one label");
    }
    if (any_depth && rest.find('*') != std::string::npos) {
        return base::fail(ErrorCode::invalid_input, "'**.' in a host stands before a fixed domain only");
    }
    const auto last = std::find_if(pattern.labels_.rbegin(), pattern.labels_.rend(),
                                   [](const std::string& label) { return label.find('*') != std::string::npos; });
    const std::vector<std::string> fixed(last.base(), pattern.labels_.end());
    TRY_VOID(check_fixed_part(fixed));
    pattern.kind_ = any_depth ? Kind::any_depth : Kind::labels;
    pattern.host_ = base::join(fixed, ".");
    pattern.fixed_labels_ = fixed.size();
    return pattern;
}

Result<HostPattern> HostPattern::parse_regex(std::string_view text) {
    if (text.empty()) return base::fail(ErrorCode::invalid_input, "the regular expression is empty");
    if (const auto problem = provider::pattern_problem(text)) {
        return base::fail(ErrorCode::invalid_input, fmt::format("the regular expression cannot be used: {}", *problem));
    }
    re2::RE2::Options options;
    options.set_case_sensitive(false);
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    auto regex = std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!regex->ok()) return base::fail(ErrorCode::invalid_input, "the regular expression cannot be used");
    HostPattern pattern;
    pattern.kind_ = Kind::regex;
    pattern.regex_ = std::move(regex);
    return pattern;
}

bool HostPattern::matches(std::string_view host) const {
    if (host.empty()) return false;
    switch (kind_) {
        case Kind::exact: return host == host_;
        case Kind::regex: return re2::RE2::FullMatch(re2::StringPiece(host.data(), host.size()), *regex_);
        case Kind::labels:
        case Kind::any_depth: break;
    }
    const auto labels = base::split(host, '.');
    if (has_empty_label(labels) || host.find('*') != std::string_view::npos) return false;
    if (kind_ == Kind::any_depth) {
        return labels.size() > fixed_labels_ && host.size() > host_.size() + 1 && host.ends_with(host_) &&
               host[host.size() - host_.size() - 1] == '.';
    }
    return std::equal(labels_.begin(), labels_.end(), labels.begin(), labels.end(), label_matches);
}

bool HostPattern::may_meet(const HostPattern& other) const {
    if (kind_ == Kind::exact) return other.matches(host_);
    if (other.kind_ == Kind::exact) return matches(other.host_);
    if (kind_ == Kind::regex || other.kind_ == Kind::regex) return true;
    const auto below = [](const std::string& host, const std::string& domain) { return host == domain || host.ends_with("." + domain); };
    return below(host_, other.host_) || below(other.host_, host_);
}

std::string HostPattern::constraint() const {
    switch (kind_) {
        case Kind::exact: return host_;
        case Kind::regex: return {};
        case Kind::labels:
        case Kind::any_depth: break;
    }
    return "." + host_;
}

}  // namespace claviger::policy
