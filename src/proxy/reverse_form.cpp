#include "proxy/reverse_form.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace claviger::proxy {

using base::ErrorCode;

std::optional<ReversePath> reverse_path(const Session& session, std::string_view target) {
    if (!target.starts_with('/')) return std::nullopt;
    const auto end = target.find('/', 1);
    if (end == std::string_view::npos || !session.path_token.equals(target.substr(1, end - 1))) return std::nullopt;
    target.remove_prefix(end + 1);
    const auto provider_end = std::min(target.find_first_of("/?"), target.size());
    return ReversePath{std::string(target.substr(0, provider_end)), std::string(target.substr(provider_end))};
}

base::Result<net::Url> reverse_target(const Session& session, const ReversePath& path, const http::RequestHead& head, std::uint16_t port) {
    const auto host = head.fields.find("Host").value_or("");
    if (host != "127.0.0.1:" + std::to_string(port) && host != "localhost:" + std::to_string(port)) {
        return base::fail(ErrorCode::protocol, "the Host field is not that of this address");
    }
    const auto base = session.options.bases.find(path.provider);
    if (base == session.options.bases.end()) return base::fail(ErrorCode::denied, "no connection of this session is called " + base::printable(path.provider, 64));
    std::string below = base->second.path();
    if (below.ends_with('/') && path.rest.starts_with('/')) below.pop_back();
    TRY(url, net::Url::parse(base->second.origin() + below + path.rest));
    const auto decision = session.options.router.decide(url);
    using Kind = policy::Decision::Kind;
    if (decision.kind == Kind::unmatched || decision.kind == Kind::excluded) return base::fail(ErrorCode::denied, decision.because);
    return url;
}

}  // namespace claviger::proxy
