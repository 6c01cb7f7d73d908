#include <openssl/err.h>

#include <algorithm>
#include <cerrno>

#include "net/tls_session.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::size_t kRecord = 16 * 1024;  // RFC 8446 5.1

// SSL_get_error() looks at what is left of earlier calls.
void begin_call() {
    ERR_clear_error();
    errno = 0;
}

Task<Result<std::size_t>> receive(std::shared_ptr<TlsSession> session, std::span<char> into, Deadline deadline) {
    if (into.empty()) co_return base::fail(ErrorCode::internal, "a read into no space");
    if (session->socket->greedy()) {
        CO_TRY_VOID(co_await others_first(session->socket, deadline));
    }
    for (;;) {
        int error = SSL_ERROR_SSL;
        if (!session->socket->closed() && !session->failed) {
            begin_call();
            std::size_t count = 0;
            if (SSL_read_ex(session->ssl.get(), into.data(), into.size(), &count) == 1) co_return count;
            error = SSL_get_error(session->ssl.get(), 0);
            if (error == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
        }
        CO_TRY_VOID(co_await tls_wait(session, error, TlsStep::read, deadline));
    }
}

// Writes everything; OpenSSL wants the same bytes again after it could not write a whole record.
Task<Result<void>> send(std::shared_ptr<TlsSession> session, std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        if (session->socket->greedy()) {
            CO_TRY_VOID(co_await others_first(session->socket, deadline));
        }
        int error = SSL_ERROR_SSL;
        if (!session->socket->closed() && !session->failed) {
            begin_call();
            std::size_t count = 0;
            if (SSL_write_ex(session->ssl.get(), bytes.data(), bytes.size(), &count) == 1) {
                session->writing = false;
                bytes.remove_prefix(count);
                continue;
            }
            error = SSL_get_error(session->ssl.get(), 0);
            session->writing = true;
        }
        CO_TRY_VOID(co_await tls_wait(session, error, TlsStep::write, deadline));
    }
    co_return Result<void>{};
}

// One record for both where they fit, or for the first and what fits of the second. The copy is wiped.
Task<Result<void>> send_two(std::shared_ptr<TlsSession> session, std::string_view first, std::string_view second, Deadline deadline) {
    if (first.size() >= kRecord || first.empty() || second.empty()) {
        CO_TRY_VOID(co_await send(session, first, deadline));
    } else {
        const std::string_view fits = second.substr(0, kRecord - first.size());
        base::WipedString joined;
        joined.reserve(first.size() + fits.size() + sizeof(base::WipedString));  // never in the short-string buffer
        joined.append(first).append(fits);
        CO_TRY_VOID(co_await send(session, joined, deadline));
        second.remove_prefix(fits.size());
    }
    auto rest = co_await send(session, second, deadline);
    co_return rest;
}

Task<Result<void>> say_goodbye(std::shared_ptr<TlsSession> session, Deadline deadline) {
    for (;;) {
        int error = SSL_ERROR_SSL;
        if (!session->socket->closed() && !session->failed) {
            begin_call();
            const int result = SSL_shutdown(session->ssl.get());
            if (result >= 0) co_return Result<void>{};
            error = SSL_get_error(session->ssl.get(), result);
        }
        CO_TRY_VOID(co_await tls_wait(session, error, TlsStep::write, deadline));
    }
}

class TlsStream final : public Stream {
public:
    TlsStream(std::shared_ptr<TlsSession> session, std::string peer) : session_(std::move(session)), peer_(std::move(peer)) {}
    ~TlsStream() override { session_->close(); }

    Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override {
        return receive(session_, into, deadline);
    }
    Task<Result<void>> write_all(std::string_view bytes, Deadline deadline) override {
        return send(session_, bytes, deadline);
    }
    Task<Result<void>> write_all2(std::string_view first, std::string_view second, Deadline deadline) override {
        return send_two(session_, first, second, deadline);
    }
    Task<Result<void>> shutdown_write(Deadline deadline) override { return say_goodbye(session_, deadline); }
    void close() noexcept override { session_->close(); }
    void abort() noexcept override {
        session_->failed = true;
        session_->socket->abort();
    }
    void on_hang_up(std::function<void()> call) override { session_->socket->on_hang_up(std::move(call)); }
    [[nodiscard]] std::string peer_address() const override { return peer_; }
    [[nodiscard]] std::string_view protocol() const override {
        const unsigned char* chosen = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(session_->ssl.get(), &chosen, &size);
        return {reinterpret_cast<const char*>(chosen), size};
    }

    // A session ticket or a key update makes the socket readable without being data: OpenSSL takes these in.
    [[nodiscard]] bool idle_and_open() const override {
        if (session_->failed || session_->socket->closed()) return false;
        session_->socket->look_again();
        begin_call();
        char byte = 0;
        std::size_t count = 0;
        if (SSL_peek_ex(session_->ssl.get(), &byte, 1, &count) == 1) return false;
        const int error = SSL_get_error(session_->ssl.get(), 0);
        if (error == SSL_ERROR_WANT_READ) return true;
        if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) session_->failed = true;
        return false;
    }

private:
    std::shared_ptr<TlsSession> session_;
    std::string peer_;
};

}  // namespace

Task<Result<void>> tls_wait(std::shared_ptr<TlsSession> session, int ssl_error, TlsStep step, Deadline deadline) {
    if (session->socket->closed()) co_return base::fail(ErrorCode::cancelled, "the connection was closed on this side");
    if (ssl_error != SSL_ERROR_WANT_READ && ssl_error != SSL_ERROR_WANT_WRITE) {
        auto error = step == TlsStep::handshake ? tls_handshake_error(*session) : tls_stream_error(ssl_error);
        session->failed = true;
        co_return base::fail(std::move(error));
    }
    const auto direction = ssl_error == SSL_ERROR_WANT_READ ? Direction::read : Direction::write;
    // A read that must write (a key update) may wait beside the writer.
    const bool crosswise = (step == TlsStep::read && direction == Direction::write) ||
                           (step == TlsStep::write && direction == Direction::read);
    auto socket = session->socket;
    auto waited = co_await until_ready(std::move(socket), direction, deadline, crosswise);
    co_return waited;
}

void TlsSession::close() noexcept {
    if (!socket || socket->closed()) return;
    if (established && !failed && !writing) {
        // close_notify (RFC 8446 6.1) as far as the socket takes it now; nobody waits for the peer's.
        ERR_clear_error();
        SSL_shutdown(ssl.get());
        ERR_clear_error();
    }
    socket->close();
}

StreamPtr make_tls_stream(std::shared_ptr<TlsSession> session, std::string peer) {
    return std::make_unique<TlsStream>(std::move(session), std::move(peer));
}

}  // namespace claviger::net
