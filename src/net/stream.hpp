// Stream: a connected byte stream (TCP, Unix, TLS) on one Loop's thread. At most one read and one write are
// outstanding at a time; they may overlap each other. A deadline that passes ends the operation with
// ErrorCode::timeout and leaves the stream good only for close().
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/task.hpp"

namespace claviger::net {

class Stream {
public:
    virtual ~Stream() = default;
    // 0 bytes = orderly end (for TLS: close_notify; a bare TCP end under TLS is an error, RFC 8446 6.1).
    virtual Task<base::Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) = 0;
    virtual Task<base::Result<void>> write_all(std::string_view bytes, Deadline deadline) = 0;
    // Two pieces in one system call where possible (head and first body bytes).
    virtual Task<base::Result<void>> write_all2(std::string_view first, std::string_view second, Deadline deadline) = 0;
    virtual Task<base::Result<void>> shutdown_write(Deadline deadline) = 0;
    virtual void close() noexcept = 0;
    // close() that the peer sees as a failure and not as an orderly end: a reset (RFC 9293 3.10.7), under TLS without a
    // close_notify. What was written and not sent yet may be lost.
    virtual void abort() noexcept { close(); }
    // True while nothing arrived and the peer did not close: whether a pooled connection may be used again.
    [[nodiscard]] virtual bool idle_and_open() const = 0;
    // `call` runs once, inside the loop, when the peer hangs up (FIN or RST), also while nobody reads; at once when it did
    // already. It may close streams, and must not destroy this one. Replaces an earlier one; null: none. Gone with close().
    virtual void on_hang_up(std::function<void()> call) { (void)call; }
    [[nodiscard]] virtual std::string peer_address() const = 0;  // "127.0.0.1", "::1", "" for Unix and in memory
    [[nodiscard]] virtual std::string_view protocol() const { return {}; }  // that ALPN chose (RFC 7301): "h2"; else empty
};

using StreamPtr = std::unique_ptr<Stream>;

}  // namespace claviger::net
