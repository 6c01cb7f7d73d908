// Heads of HTTP/2 as heads of HTTP/1.1 and back (RFC 9113 section 8). What is read here is parsed once more, strictly, from
// the HTTP/1.1 text that is made of it, so nothing that a head holds can be two messages (PX-19). Thread rule: pure.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "http/message.hpp"

namespace claviger::http2 {

// `ended`: no body follows. ErrorCode::protocol.
base::Result<http::RequestHead> request_from(const http::Fields& head, bool ended);
base::Result<http::ResponseHead> answer_from(const http::Fields& head, bool ended, std::string_view request_method);
http::Fields request_of(const http::RequestHead& head);
http::Fields answer_of(const http::ResponseHead& head);
// Small names, without what belongs to a connection.
http::Fields trailers_of(const http::Fields& trailers);

}  // namespace claviger::http2
