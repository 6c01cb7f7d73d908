// Where a message's body ends and whether the connection outlives it (RFC 9112 sections 6 and 9.3), decided on the
// parsed fields. Anything two implementations could read differently is refused (PX-15, PX-17). Internal to http/.
// Thread rule: pure functions.
#pragma once

#include "http/head_parser.hpp"

namespace claviger::http {

Parsed<BodyFraming> request_framing(const RequestHead& head);
// What the fields say. For HEAD and 304 that describes a body which is not sent: see response_has_body.
Parsed<BodyFraming> response_framing(const ResponseHead& head, std::string_view request_method);
bool response_has_body(int status, std::string_view request_method);
// Exactly one Host in HTTP/1.1, at most one in 1.0, and it agrees with the target.
Parsed<void> check_host(const RequestHead& head);
// False for HTTP/1.0 (whatever it asks for) and after "Connection: close".
bool keeps_alive(int minor_version, const Fields& fields);

}  // namespace claviger::http
