// Connections of a program that knows of no proxy (`run --transparent`): each went to some address of the program's own
// network and was led here. Its destination, the TLS handshake or the Host field say whom it is for; from there on it is served
// as after CONNECT, or as a plain request to a proxy. Where two of them name hosts, they must name the same.
// Thread rule: on the Loop's thread; what is passed by reference outlives the tasks.
#pragma once

#include "net/stream.hpp"
#include "proxy/interception.hpp"
#include "proxy/synthetic_addresses.hpp"

namespace claviger::proxy {

net::Task<void> serve_led(Session& session, const SyntheticAddresses& names, net::StreamPtr stream);

// Ends a TLS handshake that was not answered yet by an alert (RFC 8446 section 6.2) that fits the problem.
net::Task<void> refuse_handshake(net::Stream& stream, Problem problem);

}  // namespace claviger::proxy
