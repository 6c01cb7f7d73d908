// What an authorization server says, made fit to be used or shown. Its words are foreign bytes: control
// characters and anything that looks like a token are taken out before a human or a log sees them (OA-32).
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/url.hpp"

namespace claviger::oauth {

// Printable, without token-like runs, at most 200 bytes.
std::string clean_text(std::string_view foreign);

// "access_denied: the user said no", cleaned; the description may be empty.
std::string error_sentence(std::string_view error, std::string_view description);

// RFC 6749 appendix A: 1*VSCHAR (0x20 to 0x7e), at most `limit` bytes. What passes cannot break a header.
bool is_vschar(std::string_view text, std::size_t limit);

// https, or http to a loopback host (OA-09); no user information, no fragment. `what` names the URL in the error.
base::Result<void> check_endpoint(const net::Url& url, std::string_view what);

}  // namespace claviger::oauth
