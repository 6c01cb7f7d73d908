#include "net/port_holder.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "base/text.hpp"

namespace claviger::net {

namespace {

namespace fs = std::filesystem;

// proc(5): "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode"; state 0A listens.
void listening_inodes(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
        fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
        const auto colon = local.rfind(':');
        if (state != "0A" || colon == std::string::npos || inode.empty()) continue;
        unsigned number = 0;
        std::from_chars(local.data() + colon + 1, local.data() + local.size(), number, 16);
        if (number == port) inodes.insert("socket:[" + inode + "]");
    }
}

bool holds(const fs::path& process, const std::set<std::string>& inodes) {
    std::error_code error;
    for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end; entry.increment(error)) {
        std::error_code unreadable;
        const auto target = fs::read_symlink(entry->path(), unreadable);
        if (!unreadable && inodes.contains(target.string())) return true;
    }
    return false;
}

}  // namespace

std::string describe_port_holder(std::uint16_t port) {
    std::set<std::string> inodes;
    listening_inodes("/proc/net/tcp", port, inodes);
    listening_inodes("/proc/net/tcp6", port, inodes);
    if (inodes.empty()) return {};
    std::error_code error;
    for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
        const std::string pid = entry->path().filename().string();
        if (pid.empty() || !std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
        if (!holds(entry->path(), inodes)) continue;
        std::string name;
        std::ifstream(entry->path() / "comm") >> name;
        return "process " + pid + " (" + base::printable(name, 32) + ")";
    }
    return {};
}

}  // namespace claviger::net
