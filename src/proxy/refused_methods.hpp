// TRACE, which RFC 9110 section 9.3.8 makes an echo of the credential, and CONNECT inside a tunnel, in the spelling of lax
// servers too (PX-21). Thread rule: a pure function.
#pragma once

#include <string_view>

#include "base/text.hpp"

namespace claviger::proxy {

inline bool echoes_or_tunnels(std::string_view method) {
    return base::equal_ignoring_case(method, "TRACE") || base::equal_ignoring_case(method, "TRACK") ||
           base::equal_ignoring_case(method, "CONNECT");
}

}  // namespace claviger::proxy
