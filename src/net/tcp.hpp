// TCP: resolve, guard, connect, listen. The address that was checked is the address that is dialled (PX-08,
// PX-09). Thread rule: on the Loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/cancellation.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"

namespace claviger::net {

// Which addresses a dial may reach. Special ranges of PX-08 are refused unless allowed here.
struct AddressPolicy {
    bool allow_loopback = false;
    bool allow_private = false;                       // RFC 1918, ULA, link-local ... all of PX-08 but loopback
    std::vector<std::uint16_t> refused_loopback_ports;  // own listeners (PX-10), refused even when allowed
};

// An IP address in canonical text form; embedded IPv4 (mapped, NAT64, 6to4, Teredo) is judged too.
// Returns an error (address_refused) that names the range. Pure; table-tested.
base::Result<void> check_address(std::string_view ip, std::uint16_t port, const AddressPolicy& policy);

struct TcpTarget {
    std::string host;  // canonical: name, IPv4 or IPv6 without brackets
    std::uint16_t port = 0;
};

// One resolution; every answer checked; addresses tried in order until one connects.
// `cancellation`, which outlives the task, breaks it off (ErrorCode::cancelled); afterwards it closes the connection,
// also under a TLS handshake, until on_cancel() is told otherwise.
Task<base::Result<StreamPtr>> connect_tcp(Loop& loop, TcpTarget target, AddressPolicy policy, Deadline deadline,
                                          Cancellation* cancellation = nullptr);

class Listener {
public:
    // 127.0.0.1 only, without SO_REUSEPORT (LB-01); port 0 = any free one. ErrorCode::busy when taken.
    static base::Result<Listener> loopback(Loop& loop, std::uint16_t port);
    // Takes `fd`, which listens and does not block, in whatever network namespace it was made.
    static Listener adopt(Loop& loop, int fd);
    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) noexcept;
    ~Listener();
    [[nodiscard]] std::uint16_t port() const;
    Task<base::Result<StreamPtr>> accept();  // ErrorCode::cancelled after close()
    void close() noexcept;

private:
    struct State;
    explicit Listener(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace claviger::net
