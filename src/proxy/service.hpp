// What becomes of one request, wherever on a client's connection it stood: served by its connection's credential, passed on
// without one, or refused; and its record. Thread rule: on the Loop's thread; Session outlives tasks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/interception.hpp"

namespace claviger::proxy {

// The beginning of a record: now, this method, this authority, this path masked.
Served about(const Session& session, std::string method, std::string host, std::string_view path = {});
// A connection that was closed for want of a place (PX-31).
void record_no_room(Session& session);
// The next request of a client. Nothing: it left, or what it sent is no request, which it was told; `at`: the host of its
// connection, where that is known.
net::Task<std::optional<http::RequestHead>> next_request(Session& session, http::Connection& client, std::string at);
// What is refused before anybody has looked for a credential. Gives whether the client's connection can go on.
net::Task<bool> refuse(Session& session, http::Connection& client, Served what, Problem problem, bool drained);
// A definition that itself names a host of this machine may reach it, and only that host on that port: another name
// that resolves to loopback is refused whatever the session's other routes are (PX-09).
bool reaches_loopback(const Session& session, const std::string& host, std::uint16_t port);
// Decides, sends and answers. Gives whether the client's connection can go on.
net::Task<bool> perform(Session& session, http::Connection& client, http::RequestHead head, net::Url url);

}  // namespace claviger::proxy
