#include "net/port_holder.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>

#include "base/text.hpp"
#include "sys/tcp_sockets.hpp"

namespace claviger::net {

std::string describe_port_holder(std::uint16_t port) {
    std::set<std::string> links;
    sys::each_tcp_socket([&](const sys::TcpSocket& socket) {
        unsigned number = 0;
        const auto colon = socket.local.rfind(':') + 1;
        std::from_chars(socket.local.data() + colon, socket.local.data() + socket.local.size(), number, 16);
        if (socket.listens && number == port) links.insert(socket.link());
    });
    if (links.empty()) return {};
    for (const pid_t process : sys::all_processes()) {
        const auto open = sys::open_links(process);
        if (std::none_of(open.begin(), open.end(), [&](const std::string& link) { return links.contains(link); })) continue;
        std::string name;
        std::ifstream("/proc/" + std::to_string(process) + "/comm") >> name;
        return "process " + std::to_string(process) + " (" + base::printable(name, 32) + ")";
    }
    return {};
}

}  // namespace claviger::net
