// Errors as values. Every fallible call returns Result<T>; exceptions are for bugs only.
// Thread rule: values, no sharing.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace claviger::base {

// One class of failure. The command line maps each to a documented exit code, the API to a problem type;
// callers branch on the code, never on the text.
enum class ErrorCode {
    internal,              // a bug in Claviger
    usage,                 // the command or call is malformed
    invalid_input,         // foreign data (a file, a form, a definition) is wrong
    not_found,             // provider, connection, file ... does not exist
    already_exists,        // would overwrite something
    already_connected,     // login without --force on a live connection
    not_connected,         // no connection of that name: log in first
    needs_login,           // the connection exists, but only a human can mend it
    suspended,             // the definition's security fields changed since login; a human must confirm
    authorization_failed,  // the authorization server answered with an error
    protocol,              // a peer broke its protocol
    denied,                // policy or permission says no
    cancelled,             // the human or a signal stopped it
    timeout,               // a deadline passed
    network,               // could not reach the peer
    tls,                   // the peer's certificate or TLS version is not acceptable
    address_refused,       // the address guard refused the resolved address
    storage,               // disk full, I/O error, read-only
    key_missing,           // the vault exists but its key cannot be had
    corrupt,               // data fails authentication or its format
    unsupported,           // newer format, unknown feature
    busy,                  // port or lock taken
    limit,                 // a size, time or count limit was passed
    no_isolation,          // the sandbox that was asked for cannot be had here
    changed,               // lost an optimistic update: read again
};

std::string_view to_string(ErrorCode code);

// What went wrong, and what to do. `message` is for people: lower case, no full stop, never a secret,
// a URL query or a header value. `hint` says what to do next and may be empty.
struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;
    std::string hint;
    std::shared_ptr<const Error> cause;  // shared: an Error is copied freely, causes are immutable

    static Error make(ErrorCode code, std::string message, std::string hint = {}) {
        return Error{code, std::move(message), std::move(hint), nullptr};
    }
    // The same failure seen from one level up: keeps the code, puts `context` before the message.
    [[nodiscard]] Error within(std::string_view context) const;
    // Message, then each cause, separated by ": ".
    [[nodiscard]] std::string describe() const;
};

template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
    return tl::unexpected<Error>(Error::make(code, std::move(message), std::move(hint)));
}

}  // namespace claviger::base

// TRY(name, expr): `auto name = value of expr`, or return its error. CO_TRY is the same in a coroutine;
// there `expr` is `co_await call(...)` with named or moved arguments only.
#define CLAVIGER_CONCAT_(a, b) a##b
#define CLAVIGER_CONCAT(a, b) CLAVIGER_CONCAT_(a, b)
#define TRY_IMPL_(ret, tmp, name, ...)                        \
    auto tmp = __VA_ARGS__;                                   \
    if (!tmp) ret ::claviger::base::fail(std::move(tmp).error()); \
    auto name = std::move(*tmp)
#define TRY(name, ...) TRY_IMPL_(return, CLAVIGER_CONCAT(try_, __LINE__), name, __VA_ARGS__)
#define CO_TRY(name, ...) TRY_IMPL_(co_return, CLAVIGER_CONCAT(try_, __LINE__), name, __VA_ARGS__)
#define CHECK_IMPL_(ret, tmp, ...)                                        \
    do {                                                                  \
        auto tmp = __VA_ARGS__;                                           \
        if (!tmp) ret ::claviger::base::fail(std::move(tmp).error());     \
    } while (false)
#define TRY_VOID(...) CHECK_IMPL_(return, CLAVIGER_CONCAT(try_, __LINE__), __VA_ARGS__)
#define CO_TRY_VOID(...) CHECK_IMPL_(co_return, CLAVIGER_CONCAT(try_, __LINE__), __VA_ARGS__)
