// DatagramSocket: UDP questions that came to any address of a network, each answered from the address that was asked.
// Thread rule: on the Loop's thread.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/loop.hpp"
#include "net/task.hpp"

namespace claviger::net {

class DatagramSocket {
public:
    // Takes `fd`, bound and non-blocking, with IPV6_RECVPKTINFO or IP_PKTINFO set.
    static DatagramSocket adopt(Loop& loop, int fd);
    DatagramSocket(DatagramSocket&&) noexcept;
    DatagramSocket& operator=(DatagramSocket&&) = delete;
    ~DatagramSocket();

    struct Datagram {
        std::string bytes;
        sockaddr_storage from{};
        socklen_t from_size = 0;
        std::string asked;  // the control message that says at which address, as the kernel wants it back
    };
    Task<base::Result<Datagram>> receive();  // ErrorCode::cancelled after close()
    // At once or not at all, as UDP may.
    void answer(const Datagram& question, std::string_view bytes) noexcept;
    void close() noexcept;

private:
    struct State;
    explicit DatagramSocket(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace claviger::net
