#include "base/error.hpp"

namespace claviger::base {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::internal: return "internal";
        case ErrorCode::usage: return "usage";
        case ErrorCode::invalid_input: return "invalid_input";
        case ErrorCode::not_found: return "not_found";
        case ErrorCode::already_exists: return "already_exists";
        case ErrorCode::already_connected: return "already_connected";
        case ErrorCode::not_connected: return "not_connected";
        case ErrorCode::needs_login: return "needs_login";
        case ErrorCode::suspended: return "suspended";
        case ErrorCode::authorization_failed: return "authorization_failed";
        case ErrorCode::protocol: return "protocol";
        case ErrorCode::denied: return "denied";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::timeout: return "timeout";
        case ErrorCode::network: return "network";
        case ErrorCode::tls: return "tls";
        case ErrorCode::address_refused: return "address_refused";
        case ErrorCode::storage: return "storage";
        case ErrorCode::key_missing: return "key_missing";
        case ErrorCode::corrupt: return "corrupt";
        case ErrorCode::unsupported: return "unsupported";
        case ErrorCode::busy: return "busy";
        case ErrorCode::limit: return "limit";
        case ErrorCode::no_isolation: return "no_isolation";
        case ErrorCode::changed: return "changed";
    }
    return "internal";
}

Error Error::within(std::string_view context) const {
    Error outer = *this;
    outer.message = std::string(context) + ": " + message;
    return outer;
}

std::string Error::describe() const {
    std::string text = message;
    for (auto next = cause; next; next = next->cause) text += ": " + next->message;
    return text;
}

}  // namespace claviger::base
