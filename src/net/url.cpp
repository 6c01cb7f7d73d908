#include "net/url.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/url_host.hpp"

namespace claviger::net {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kMaxLength = 256 * 1024;

struct Scheme { std::string_view name; std::uint16_t port; };
constexpr std::array<Scheme, 4> kSchemes{{{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}}};

std::optional<std::uint16_t> default_port(std::string_view scheme) {
    for (const auto& known : kSchemes) {
        if (known.name == scheme) return known.port;
    }
    return std::nullopt;
}

// The WHATWG percent-encode sets, beyond C0 controls and non-ASCII, which all of them hold.
constexpr std::string_view kFragmentSet = " \"<>`";
constexpr std::string_view kSpecialQuerySet = " \"#<>'";
constexpr std::string_view kPathSet = " \"#<>?^`{}";
constexpr std::string_view kUserinfoSet = " \"#<>?^`{}/:;=@[\\]|";

void append_encoded(std::string& out, std::string_view text, std::string_view set) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e || set.find(c) != std::string_view::npos) {
            out += fmt::format("%{:02X}", byte);
        } else {
            out += c;
        }
    }
}

bool is_slash(char c) noexcept { return c == '/' || c == '\\'; }

// "%2e" in a segment counts as a dot.
std::size_t dots_of(std::string_view segment) noexcept {
    std::size_t dots = 0;
    while (!segment.empty()) {
        if (segment[0] == '.') {
            segment.remove_prefix(1);
        } else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' && (segment[2] | 0x20) == 'e') {
            segment.remove_prefix(3);
        } else {
            return 0;
        }
        ++dots;
    }
    return dots;
}

std::string cleaned(std::string_view text) {
    const auto trimmable = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
    while (!text.empty() && trimmable(text.front())) text.remove_prefix(1);
    while (!text.empty() && trimmable(text.back())) text.remove_suffix(1);
    std::string out(text);
    std::erase_if(out, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
    return out;
}

tl::unexpected<base::Error> refuse(std::string_view why, std::string_view hint = {}) {
    return base::fail(ErrorCode::invalid_input, fmt::format("the URL {}", why), std::string(hint));
}

}  // namespace

// One parse. The specification's state machine, with the states that special schemes other than file can reach,
// written as one function per part; `rest_` is what is not read yet.
class UrlParser {
public:
    UrlParser(std::string_view text, const Url* base) : rest_(text), base_(base) {}

    Result<Url> run() {
        if (const auto scheme = take_scheme()) {
            if (!default_port(*scheme)) {
                return refuse("has a scheme other than http, https, ws and wss", "write https://...");
            }
            url_.scheme_ = *scheme;
            const bool same = base_ != nullptr && base_->scheme_ == *scheme;
            return same && !rest_.starts_with("//") ? relative() : authority();
        }
        if (base_ == nullptr) return refuse("is not absolute", "write https://...");
        url_.scheme_ = base_->scheme_;
        return relative();
    }

private:
    std::optional<std::string> take_scheme() {
        const auto letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
        if (rest_.empty() || !letter(rest_[0])) return std::nullopt;
        const auto colon = std::find_if_not(rest_.begin(), rest_.end(), [&](char c) {
            return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        });
        if (colon == rest_.end() || *colon != ':') return std::nullopt;
        const auto length = static_cast<std::size_t>(colon - rest_.begin());
        auto scheme = base::to_lower(rest_.substr(0, length));
        rest_.remove_prefix(length + 1);
        return scheme;
    }

    Result<Url> relative() {
        if (!rest_.empty() && is_slash(rest_[0])) {
            if (rest_.size() > 1 && is_slash(rest_[1])) return authority();
            inherit_authority();
            return path({});
        }
        inherit_authority();
        if (rest_.empty() || rest_[0] == '#' || rest_[0] == '?') {
            url_.path_ = base_->path_;
            if (!rest_.starts_with("?")) url_.query_ = base_->query_;
            return query_and_fragment();
        }
        auto segments = base::split(std::string_view(base_->path_).substr(1), '/');
        if (!segments.empty()) segments.pop_back();
        return path(std::move(segments));
    }

    void inherit_authority() {
        url_.username_ = base_->username_;
        url_.password_ = base_->password_;
        url_.host_ = base_->host_;
        url_.port_ = base_->port_;
    }

    Result<Url> authority() {
        while (!rest_.empty() && is_slash(rest_[0])) rest_.remove_prefix(1);
        auto text = rest_.substr(0, rest_.find_first_of("/\\?#"));
        rest_.remove_prefix(text.size());
        if (const auto at = text.rfind('@'); at != std::string_view::npos) {
            take_userinfo(text.substr(0, at));
            text.remove_prefix(at + 1);
        }
        const auto colon = find_port_colon(text);
        TRY(host, parse_url_host(text.substr(0, colon)));
        url_.host_ = std::move(host);
        url_.port_ = *default_port(url_.scheme_);
        if (colon != std::string_view::npos) {
            TRY_VOID(take_port(text.substr(colon + 1)));
        }
        return path({});
    }

    void take_userinfo(std::string_view text) {
        const auto colon = text.find(':');
        append_encoded(url_.username_, text.substr(0, colon), kUserinfoSet);
        if (colon != std::string_view::npos) append_encoded(url_.password_, text.substr(colon + 1), kUserinfoSet);
    }

    static std::size_t find_port_colon(std::string_view text) {
        bool inside_brackets = false;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '[') inside_brackets = true;
            if (text[i] == ']') inside_brackets = false;
            if (text[i] == ':' && !inside_brackets) return i;
        }
        return std::string_view::npos;
    }

    Result<void> take_port(std::string_view text) {
        if (text.empty()) return {};
        unsigned port = 0;
        for (const char c : text) {
            if (c < '0' || c > '9') return refuse("has a port that is not a number");
            port = port * 10 + static_cast<unsigned>(c - '0');
            if (port > 65535) return refuse("has a port above 65535");
        }
        url_.port_ = static_cast<std::uint16_t>(port);
        return {};
    }

    // The path that begins at rest_, after `segments` of a base.
    Result<Url> path(std::vector<std::string> segments) {
        if (!rest_.empty() && is_slash(rest_[0])) rest_.remove_prefix(1);
        for (bool more = true; more;) {
            const auto segment = rest_.substr(0, rest_.find_first_of("/\\?#"));
            rest_.remove_prefix(segment.size());
            more = !rest_.empty() && is_slash(rest_[0]);
            if (more) rest_.remove_prefix(1);
            const auto dots = dots_of(segment);
            if (dots == 2 && !segments.empty()) segments.pop_back();
            if (dots == 1 || dots == 2) {
                if (!more) segments.emplace_back();
                continue;
            }
            append_encoded(segments.emplace_back(), segment, kPathSet);
        }
        url_.path_ = "/" + base::join(segments, "/");
        return query_and_fragment();
    }

    Result<Url> query_and_fragment() {
        const auto hash = rest_.find('#');
        if (rest_.starts_with("?")) {
            append_encoded(url_.query_.emplace(), rest_.substr(1, hash == std::string_view::npos ? hash : hash - 1),
                           kSpecialQuerySet);
        }
        if (hash != std::string_view::npos) append_encoded(url_.fragment_.emplace(), rest_.substr(hash + 1), kFragmentSet);
        return std::move(url_);
    }

    std::string_view rest_;
    const Url* base_;
    Url url_;
};

namespace {

Result<Url> parse_against(std::string_view text, const Url* base) {
    if (text.size() > kMaxLength) return base::fail(ErrorCode::invalid_input, "the URL is longer than 256 KiB");
    if (!base::valid_utf8(text)) return refuse("is not UTF-8");
    const auto clean = cleaned(text);
    return UrlParser(clean, base).run();
}

}  // namespace

Result<Url> Url::parse(std::string_view text) { return parse_against(text, nullptr); }

Result<Url> Url::resolve(std::string_view reference) const { return parse_against(reference, this); }

std::string Url::dial_host() const {
    return host_.starts_with('[') ? host_.substr(1, host_.size() - 2) : host_;
}

bool Url::has_default_port() const { return default_port(scheme_) == port_; }

bool Url::host_is_ip() const { return host_.starts_with('[') || host_ends_in_number(host_); }

bool Url::host_is_loopback() const {
    if (host_ == "[::1]") return true;
    if (host_is_ip()) return host_.starts_with("127.");
    const auto name = without_final_dot(host_);
    return name == "localhost" || name.ends_with(".localhost");
}

std::string Url::authority() const { return has_default_port() ? host_ : fmt::format("{}:{}", host_, port_); }

std::string Url::origin() const { return scheme_ + "://" + authority(); }

std::string Url::request_target() const { return query_ ? path_ + "?" + *query_ : path_; }

std::string Url::text() const {
    std::string out = scheme_ + "://";
    if (has_userinfo()) {
        out += username_;
        if (!password_.empty()) out += ":" + password_;
        out += "@";
    }
    out += authority() + request_target();
    if (fragment_) out += "#" + *fragment_;
    return out;
}

std::string Url::redacted() const { return origin() + path_; }

Url Url::with_query(const std::vector<std::pair<std::string, std::string>>& parameters) const {
    Url copy = *this;
    std::string query = query_.value_or("");
    for (const auto& [name, value] : parameters) {
        if (!query.empty() && !query.ends_with('&')) query += '&';
        query += base::form_encode(name) + "=" + base::form_encode(value);
    }
    if (query_ || !parameters.empty()) copy.query_ = std::move(query);
    return copy;
}

}  // namespace claviger::net
