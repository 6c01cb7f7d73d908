// What a TLS client says first (RFC 8446 section 4.1.2, also TLS 1.2), read before anybody answers: which host it speaks to.
// Thread rule: a pure function.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace claviger::net {

inline constexpr char kTlsHandshakeRecord = 22;          // the first byte of a client that speaks TLS
inline constexpr std::size_t kLongestClientHello = 65536;  // with the heads of its records

struct ClientHello {
    std::string server_name;  // as it was written (RFC 6066 section 3); empty: it names none
};
// `bytes`: from the beginning of the connection. nullopt: more are needed. ErrorCode::protocol, limit.
base::Result<std::optional<ClientHello>> read_client_hello(std::string_view bytes);

}  // namespace claviger::net
