#include "sys/network_namespace.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/text.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"

namespace claviger::sys {
namespace {

using base::Result;

constexpr std::uint16_t kNamePort = 53;
constexpr int kBacklog = 256;
constexpr const char* kLoopback = "lo";

Result<void> bring_loopback_up() {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, kLoopback, sizeof request.ifr_name - 1);
    const bool known = socket.valid() && ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (known && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0) return {};
    return base::fail(errno_error(errno, "cannot bring up", "the loopback device of a network namespace"));
}

// RTM_NEWROUTE of "local default dev lo", rtnetlink(7).
struct RouteRequest {
    nlmsghdr header{};
    rtmsg route{};
    rtattr device{};
    std::uint32_t index = 0;
};
static_assert(sizeof(RouteRequest) == NLMSG_LENGTH(sizeof(rtmsg)) + RTA_LENGTH(sizeof(std::uint32_t)));

// 0, or the kernel's errno.
int add_local_default(int socket, unsigned char family, unsigned device) {
    RouteRequest request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_NEWROUTE;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
    request.route.rtm_family = family;
    request.route.rtm_table = RT_TABLE_LOCAL;
    request.route.rtm_protocol = RTPROT_BOOT;
    request.route.rtm_scope = RT_SCOPE_HOST;
    request.route.rtm_type = RTN_LOCAL;
    request.device.rta_len = RTA_LENGTH(sizeof request.index);
    request.device.rta_type = RTA_OIF;
    request.index = device;
    if (::send(socket, &request, sizeof request, 0) != static_cast<ssize_t>(sizeof request)) return errno;
    struct {
        nlmsghdr header;
        nlmsgerr error;
        std::array<char, 512> rest;
    } answer{};
    const ssize_t got = ::recv(socket, &answer, sizeof answer, 0);
    if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr))) || answer.header.nlmsg_type != NLMSG_ERROR) return EPROTO;
    return -answer.error.error;
}

struct Binding {
    int kind = SOCK_STREAM;
    std::uint16_t port = 0;
    bool loopback_only = false;
};

Result<void> not_opened(const Binding& binding) {
    return base::fail(errno_error(errno, "cannot open in a network namespace", "port " + std::to_string(binding.port)));
}

// At every address of both families, else of IPv4 alone.
Descriptor bound(const Binding& binding, bool ipv6) {
    Descriptor socket(::socket(ipv6 ? AF_INET6 : AF_INET, binding.kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return socket;
    const int on = 1, off = 0;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // connections in TIME_WAIT do not block it
    if (binding.kind == SOCK_STREAM) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
    sockaddr_in6 six{};
    sockaddr_in four{};
    six.sin6_family = AF_INET6, six.sin6_port = htons(binding.port);
    four.sin_family = AF_INET, four.sin_port = htons(binding.port);
    if (binding.loopback_only) four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (ipv6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    const bool good = ipv6 ? ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&six), sizeof six) == 0
                           : ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&four), sizeof four) == 0;
    return good ? std::move(socket) : Descriptor();
}

Result<Descriptor> listening(const Binding& binding, bool ipv6) {
    Descriptor socket = bound(binding, ipv6);
    if (!socket.valid() || ::listen(socket.get(), kBacklog) != 0) TRY_VOID(not_opened(binding));
    return socket;
}

Result<Descriptor> name_socket(bool ipv6) {
    const Binding binding{SOCK_DGRAM, kNamePort, false};
    Descriptor socket = bound(binding, ipv6);
    const int on = 1;
    // An IPv6 answer may come only from an address that some device has, which here is none, unless this is set (ipv6(7)).
    if (ipv6 && socket.valid()) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
    const bool tells = socket.valid() && (ipv6 ? ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0
                                               : ::setsockopt(socket.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0);
    if (!tells) TRY_VOID(not_opened(binding));
    return socket;
}

std::string setting(const char* path) { return std::string(base::trim(read_file(path, 64).value_or(""))); }

}  // namespace

Result<bool> make_every_address_local() {
    TRY_VOID(bring_loopback_up());
    const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    const unsigned device = ::if_nametoindex(kLoopback);
    if (!socket.valid() || device == 0) return base::fail(errno_error(errno, "cannot configure", "a network namespace"));
    if (const int failure = add_local_default(socket.get(), AF_INET, device); failure != 0) {
        return base::fail(errno_error(failure, "cannot make a route in", "a network namespace"));
    }
    return add_local_default(socket.get(), AF_INET6, device) == 0;  // IPv6 may be switched off
}

Result<NamespaceSockets> open_namespace_sockets(const std::vector<std::uint16_t>& ports, bool ipv6) {
    NamespaceSockets sockets;
    sockets.ipv6 = ipv6;
    TRY(names, name_socket(ipv6));
    sockets.names = std::move(names);
    std::vector<std::uint16_t> all{kNamePort};
    all.insert(all.end(), ports.begin(), ports.end());
    for (const auto port : all) {
        TRY(socket, listening({SOCK_STREAM, port, false}, ipv6));
        sockets.tcp.push_back(std::move(socket));
    }
    // Last: the kernel then chooses none of the ports above.
    TRY(proxy, listening({SOCK_STREAM, 0, true}, false));
    sockets.proxy = std::move(proxy);
    return sockets;
}

std::string why_no_user_namespace() {
    if (setting("/proc/sys/user/max_user_namespaces") == "0") {
        return "this system allows no user namespaces (user.max_user_namespaces is 0); its administrator can raise that: sysctl user.max_user_namespaces=10000";
    }
    if (setting("/proc/sys/user/max_net_namespaces") == "0") {
        return "this system allows no network namespaces (user.max_net_namespaces is 0); its administrator can raise that: sysctl user.max_net_namespaces=10000";
    }
    if (setting("/proc/sys/kernel/unprivileged_userns_clone") == "0") {
        return "this system allows user namespaces to root alone; its administrator can change that: sysctl kernel.unprivileged_userns_clone=1";
    }
    if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
        return "AppArmor restricts user namespaces here; its administrator can allow them to claviger by a profile with 'userns,', or to all: "
               "sysctl kernel.apparmor_restrict_unprivileged_userns=0";
    }
    return {};
}

}  // namespace claviger::sys
