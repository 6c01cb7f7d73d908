// A network namespace with no way out: its only device is its loopback, and every address is its own, so whatever a program
// connects to arrives at sockets that were made here and handed to a process outside (`run --transparent`). No route, no
// packet filter and no right outside of the namespace is needed. Thread rule: for a process with one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sys/descriptor.hpp"

namespace claviger::sys {

// Sockets of a namespace. Non-blocking; they keep it alive. IPv4 clients show as mapped addresses where there is IPv6.
struct NamespaceSockets {
    Descriptor proxy;              // listens at 127.0.0.1, at a port of the kernel's choice
    Descriptor names;              // UDP port 53 of every address; tells which was asked (IPV6_PKTINFO or IP_PKTINFO)
    std::vector<Descriptor> tcp;   // listen at every address; the first at port 53, the others in the order asked for
    bool ipv6 = false;             // whether IPv6 addresses lead anywhere
};

// Of a process that is in a new network namespace and may administer it: brings the loopback up and makes every address
// local. Gives whether that holds for IPv6 too.
base::Result<bool> make_every_address_local();
// Then: the sockets. ErrorCode::busy when a port is given twice or is 53.
base::Result<NamespaceSockets> open_namespace_sockets(const std::vector<std::uint16_t>& ports, bool ipv6);

// Which of the kernel's settings forbids user namespaces, and what to do: a sentence, or "" when none is known to.
std::string why_no_user_namespace();

}  // namespace claviger::sys
