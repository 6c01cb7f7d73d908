// The opening handshake of WebSocket, RFC 6455 section 4, as a proxy between both sides checks it. What follows it is a
// tunnel. Thread rule: pure functions.
#pragma once

#include "base/error.hpp"
#include "http/message.hpp"

namespace claviger::proxy {

// Whether the client wants to switch. Other upgrades are not offered on (RFC 9110 section 7.8 lets a server ignore them).
bool asks_for_websocket(const http::RequestHead& head);
// Section 4.2.1. ErrorCode::protocol says what is missing.
base::Result<void> check_websocket_request(const http::RequestHead& head);
// The hop-by-hop fields of either direction, once the others are gone.
void add_upgrade(http::Fields& fields);
// Section 4.1, of a 101: it answers this very key, with a protocol and extensions that were offered. ErrorCode::protocol.
base::Result<void> check_websocket_answer(const http::RequestHead& request, const http::ResponseHead& answer);

}  // namespace claviger::proxy
