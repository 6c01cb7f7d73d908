// SocketStream: a Stream straight on a socket. For net/ only.
#pragma once

#include "net/socket.hpp"
#include "net/stream.hpp"

namespace claviger::net {

class SocketStream final : public Stream {
public:
    SocketStream(std::shared_ptr<Socket> socket, std::string peer) : socket_(std::move(socket)), peer_(std::move(peer)) {}
    ~SocketStream() override { close(); }

    Task<base::Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override;
    Task<base::Result<void>> write_all(std::string_view bytes, Deadline deadline) override;
    Task<base::Result<void>> write_all2(std::string_view first, std::string_view second, Deadline deadline) override;
    Task<base::Result<void>> shutdown_write(Deadline deadline) override;
    void close() noexcept override {
        if (socket_) socket_->close();
    }
    void abort() noexcept override {
        if (socket_) socket_->abort();
    }
    void on_hang_up(std::function<void()> call) override {
        if (socket_) socket_->on_hang_up(std::move(call));
    }
    [[nodiscard]] bool idle_and_open() const override;
    [[nodiscard]] std::string peer_address() const override { return peer_; }

    [[nodiscard]] int fd() const { return socket_ ? socket_->fd() : -1; }
    [[nodiscard]] const std::shared_ptr<Socket>& socket() const { return socket_; }
    // For TLS, which continues on the same socket; this stream is then empty.
    std::shared_ptr<Socket> take_socket() { return std::move(socket_); }

private:
    std::shared_ptr<Socket> socket_;
    std::string peer_;
};

// Nothing to read and no end: whether recv(MSG_PEEK) would wait.
bool nothing_arrived(int fd);

}  // namespace claviger::net
