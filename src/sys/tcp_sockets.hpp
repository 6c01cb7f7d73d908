// Whose a TCP socket of this network namespace is, by /proc. Only what this process may look into is found.
// Thread rule: safe from any thread; reads many small files, so not for a loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace claviger::sys {

struct TcpSocket {  // as /proc/net/tcp has it; the views last as long as the call
    std::string_view local, remote;  // "0100007F:1F90"; in tcp6 with 32 digits before the colon
    bool listens = false;
    std::string_view inode;
    [[nodiscard]] std::string link() const;  // what a descriptor of it points to: "socket:[123]"
};
void each_tcp_socket(const std::function<void(const TcpSocket&)>& look);

std::vector<pid_t> all_processes();
// What the process has descriptors of, as links: "socket:[123]", "/dev/null".
std::vector<std::string> open_links(pid_t process);

// The processes of a session: those that descend from its first one, and those in the mount namespace that was made
// for it, which a daemon does not leave.
class ProcessFamily {
public:
    explicit ProcessFamily(pid_t first);
    // Those of `client_ports` that one of them holds: as the client of 127.0.0.1:client_port -> 127.0.0.1:server_port.
    [[nodiscard]] std::set<std::uint16_t> clients(const std::set<std::uint16_t>& client_ports, std::uint16_t server_port) const;

private:
    [[nodiscard]] std::vector<pid_t> members() const;
    pid_t first_;
    std::string namespace_;  // empty: it shares ours
};

}  // namespace claviger::sys
