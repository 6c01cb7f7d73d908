// Looking at what a peer sent first, before it is known who shall read it. Thread rule: on the Loop's thread.
#pragma once

#include <span>

#include "net/stream.hpp"

namespace claviger::net {

// Waits until more than `beyond` bytes are there and gives how many were copied to `into`; all of them stay to be read. No
// more than before: the peer has ended, or `into` is full. Of plain TCP streams only; they outlive the task.
Task<base::Result<std::size_t>> peek(Stream& stream, std::span<char> into, std::size_t beyond, Deadline deadline);

}  // namespace claviger::net
