// The reverse form of a session's proxy, for programs that know no proxy: "/<token>/<provider>/...", where the token, 256
// bits of the session, takes the place of a credential (PX-01). Thread rule: on the Loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "net/url.hpp"
#include "proxy/interception.hpp"

namespace claviger::proxy {

struct ReversePath {
    std::string provider;
    std::string rest;  // path and query below the provider's base, "" or from a '/' or '?' on
};
// Nothing when the target is not of this form or its token is wrong.
std::optional<ReversePath> reverse_path(const Session& session, std::string_view target);

// The URL that is meant. Only one that a connection serves (else denied): nobody expects requests without a credential here.
// `port`: the proxy's own, which Host must name, so that no page reaches us by a name of its own (protocol).
base::Result<net::Url> reverse_target(const Session& session, const ReversePath& path, const http::RequestHead& head, std::uint16_t port);

}  // namespace claviger::proxy
