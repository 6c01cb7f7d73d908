#include "sys/tcp_sockets.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include <netinet/in.h>
#include <unistd.h>

#include <fmt/format.h>

namespace claviger::sys {
namespace {

namespace fs = std::filesystem;

// proc(5): "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode"; state 0A listens.
void read_table(const char* path, const std::function<void(const TcpSocket&)>& look) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        TcpSocket socket;
        std::string slot, state, queues, timer, retransmits, uid, timeout, inode;
        fields >> slot >> socket.local >> socket.remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
        if (inode.empty() || inode == "0") continue;
        socket.listens = state == "0A";
        socket.link = "socket:[" + inode + "]";
        look(socket);
    }
}

std::string mount_namespace_of(const std::string& process) {
    std::error_code error;
    const auto link = fs::read_symlink("/proc/" + process + "/ns/mnt", error);
    return error ? std::string() : link.string();
}

// 0 when it is gone. The name of the program, in brackets, may hold anything.
pid_t parent_of(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    std::getline(file, text, '\0');
    const auto bracket = text.rfind(')');
    pid_t parent = 0;
    char state = 0;
    if (bracket != std::string::npos) std::istringstream(text.substr(bracket + 1)) >> state >> parent;
    return parent;
}

}  // namespace

void each_tcp_socket(const std::function<void(const TcpSocket&)>& look) {
    read_table("/proc/net/tcp", look);
    read_table("/proc/net/tcp6", look);
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> found;
    std::error_code error;
    for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size()) found.push_back(pid);
    }
    return found;
}

bool has_open(pid_t process, const std::set<std::string>& links) {
    std::error_code error;
    for (fs::directory_iterator entry("/proc/" + std::to_string(process) + "/fd", error), end; !error && entry != end; entry.increment(error)) {
        std::error_code unreadable;
        const auto target = fs::read_symlink(entry->path(), unreadable);
        if (!unreadable && links.contains(target.string())) return true;
    }
    return false;
}

ProcessFamily::ProcessFamily(pid_t first) : first_(first), namespace_(mount_namespace_of(std::to_string(first))) {
    if (namespace_ == mount_namespace_of("self")) namespace_.clear();
}

std::vector<pid_t> ProcessFamily::members() const {
    std::map<pid_t, pid_t> parents;
    for (const pid_t process : all_processes()) parents.emplace(process, parent_of(process));
    const auto descends = [&](pid_t process) {
        for (std::size_t steps = 0; steps <= parents.size() && process != 0; ++steps) {
            if (process == first_) return true;
            const auto above = parents.find(process);
            process = above == parents.end() ? 0 : above->second;
        }
        return false;
    };
    std::vector<pid_t> found;
    for (const auto& [process, parent] : parents) {
        const bool inside = !namespace_.empty() && mount_namespace_of(std::to_string(process)) == namespace_;
        if (inside || descends(process)) found.push_back(process);
    }
    return found;
}

bool ProcessFamily::is_client(std::uint16_t client_port, std::uint16_t server_port) const {
    const std::string loopback = fmt::format("{:08X}", htonl(INADDR_LOOPBACK));
    const auto is = [&](const std::string& end, std::uint16_t port) {
        const std::string tail = fmt::format("{}:{:04X}", loopback, port);
        if (end == tail) return true;
        // An IPv4 connection of a socket of both families (::ffff:127.0.0.1).
        return end == fmt::format("0000000000000000{:08X}", htonl(0xffff)) + tail;
    };
    std::set<std::string> links;
    each_tcp_socket([&](const TcpSocket& socket) {
        if (!socket.listens && is(socket.local, client_port) && is(socket.remote, server_port)) links.insert(socket.link);
    });
    if (links.empty()) return false;
    const auto family = members();
    return std::any_of(family.begin(), family.end(), [&](pid_t process) { return has_open(process, links); });
}

}  // namespace claviger::sys
