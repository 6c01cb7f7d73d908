#include "sys/tcp_sockets.hpp"

#include <algorithm>
#include <array>
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
constexpr std::size_t kLocal = 1, kRemote = 2, kState = 3, kInode = 9, kFields = 10;

void read_table(const char* path, const std::function<void(const TcpSocket&)>& look) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::array<std::string_view, kFields> fields;
        std::size_t count = 0, at = 0;
        while (count < kFields && (at = line.find_first_not_of(' ', at)) != std::string::npos) {
            const auto end = std::min(line.find(' ', at), line.size());
            fields[count++] = std::string_view(line).substr(at, end - at);
            at = end;
        }
        if (count < kFields || fields[kInode] == "0") continue;
        look({fields[kLocal], fields[kRemote], fields[kState] == "0A", fields[kInode]});
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

std::vector<std::string> open_links(pid_t process) {
    std::vector<std::string> links;
    std::error_code error;
    for (fs::directory_iterator entry("/proc/" + std::to_string(process) + "/fd", error), end; !error && entry != end; entry.increment(error)) {
        std::error_code unreadable;
        auto target = fs::read_symlink(entry->path(), unreadable);
        if (!unreadable) links.push_back(target.string());
    }
    return links;
}

std::string TcpSocket::link() const { return "socket:[" + std::string(inode) + "]"; }

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

std::set<std::uint16_t> ProcessFamily::clients(const std::set<std::uint16_t>& client_ports, std::uint16_t server_port) const {
    const std::string loopback = fmt::format("{:08X}:", htonl(INADDR_LOOPBACK));
    // An IPv4 connection of a socket of both families: ::ffff:127.0.0.1.
    const std::string mapped = fmt::format("{:024X}", 0).replace(16, 8, fmt::format("{:08X}", htonl(0xffff))) + loopback;
    const auto port_at_loopback = [&](std::string_view end) {
        unsigned port = 0;
        for (const auto& start : {loopback, mapped}) {
            if (end.starts_with(start)) std::from_chars(end.data() + start.size(), end.data() + end.size(), port, 16);
        }
        return static_cast<std::uint16_t>(port);
    };
    std::map<std::string, std::uint16_t> wanted;  // link -> its port
    each_tcp_socket([&](const TcpSocket& socket) {
        const auto port = port_at_loopback(socket.local);
        if (!socket.listens && client_ports.contains(port) && port_at_loopback(socket.remote) == server_port) wanted.emplace(socket.link(), port);
    });
    std::set<std::uint16_t> found;
    if (wanted.empty()) return found;
    for (const pid_t process : members()) {
        for (const auto& link : open_links(process)) {
            if (const auto one = wanted.find(link); one != wanted.end()) found.insert(one->second);
        }
    }
    return found;
}

}  // namespace claviger::sys
