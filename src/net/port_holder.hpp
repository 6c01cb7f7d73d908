// Who listens on a port, for the message of a busy one (LB-09). For net/ only. Best effort, Linux only.
#pragma once

#include <cstdint>
#include <string>

namespace claviger::net {

// "process 4711 (name)"; empty when it cannot be found (another user's process).
std::string describe_port_holder(std::uint16_t port);

}  // namespace claviger::net
