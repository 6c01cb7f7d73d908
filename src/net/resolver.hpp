// Name resolution: one getaddrinfo on a pool thread, given up at the deadline (the thread ends it alone). For
// net/ only. Thread rule: the loop's thread.
#pragma once

#include <string>
#include <vector>

#include "net/cancellation.hpp"
#include "net/ip_address.hpp"
#include "net/loop.hpp"

namespace claviger::net {

// Literals and localhost names are answered here, without a name server. Never an empty list.
Task<base::Result<std::vector<IpAddress>>> resolve(Loop& loop, std::string host, Deadline deadline,
                                             Cancellation* cancellation = nullptr);

}  // namespace claviger::net
