#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/tls_session.hpp"

namespace claviger::net {

namespace {

bool transient(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK; }

int bio_read(BIO* bio, char* into, int size) {
    auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (socket.closed() || size <= 0) return -1;
    while (socket.may_be_ready(Direction::read)) {
        const auto count = ::recv(socket.fd(), into, static_cast<std::size_t>(size), 0);
        if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
        if (count > 0 && count < size) socket.drained();
        if (count >= 0) return static_cast<int>(count);
        if (transient(errno)) socket.would_block(Direction::read);
        else if (errno != EINTR) return -1;
    }
    BIO_set_retry_read(bio);
    return -1;
}

int bio_write(BIO* bio, const char* bytes, int size) {
    auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (socket.closed() || size <= 0) return -1;
    while (socket.may_be_ready(Direction::write)) {
        const auto count = ::send(socket.fd(), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
        if (count >= 0) return static_cast<int>(count);
        if (transient(errno)) socket.would_block(Direction::write);
        else if (errno != EINTR) return -1;
    }
    BIO_set_retry_write(bio);
    return -1;
}

long bio_control(BIO* bio, int command, long, void*) {
    switch (command) {
        case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
        case BIO_CTRL_FLUSH: case BIO_CTRL_DUP: return 1;
        default: return 0;
    }
}

using MethodPtr = std::unique_ptr<BIO_METHOD, OpensslFree<&BIO_meth_free>>;

MethodPtr make_method() {
    MethodPtr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "claviger socket"));
    if (!method) return method;
    BIO_meth_set_read(method.get(), bio_read);
    BIO_meth_set_write(method.get(), bio_write);
    BIO_meth_set_ctrl(method.get(), bio_control);
    return method;
}

}  // namespace

BioPtr socket_bio(Socket& socket) {
    static const MethodPtr method = make_method();
    BioPtr bio(method ? BIO_new(method.get()) : nullptr);
    if (!bio) return bio;
    BIO_set_data(bio.get(), &socket);
    BIO_set_init(bio.get(), 1);
    return bio;
}

}  // namespace claviger::net
