// Whose a TCP socket of this network namespace is, by /proc. Only what this process may look into is found.
// Thread rule: safe from any thread; reads many small files, so not for a loop's thread.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace claviger::sys {

struct TcpSocket {
    std::string local, remote;  // "0100007F:1F90" as /proc/net/tcp writes them, tcp6 with 32 digits before the colon
    bool listens = false;
    std::string link;  // what a descriptor of it points to: "socket:[123]"
};
void each_tcp_socket(const std::function<void(const TcpSocket&)>& look);

std::vector<pid_t> all_processes();
// Whether the process has a descriptor of one of these.
bool has_open(pid_t process, const std::set<std::string>& links);

// The processes of a session: those that descend from its first one, and those in the mount namespace that was made
// for it, which a daemon does not leave.
class ProcessFamily {
public:
    explicit ProcessFamily(pid_t first);
    // Whether one of them is the client of the connection 127.0.0.1:client_port -> 127.0.0.1:server_port.
    [[nodiscard]] bool is_client(std::uint16_t client_port, std::uint16_t server_port) const;

private:
    [[nodiscard]] std::vector<pid_t> members() const;
    pid_t first_;
    std::string namespace_;  // empty: it shares ours
};

}  // namespace claviger::sys
