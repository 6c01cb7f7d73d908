// A pair of Streams in memory: what one end writes, the other reads. Bounded, so that a writer waits for a slow reader. For
// what speaks one protocol on the outside and is served as another inside. Thread rule: on the Loop's thread.
#pragma once

#include <string>
#include <utility>

#include "net/loop.hpp"
#include "net/stream.hpp"

namespace claviger::net {

// `protocol` is what both ends say of themselves. The ends outlive each other; the Loop outlives both.
std::pair<StreamPtr, StreamPtr> make_pipe(Loop& loop, std::string protocol);

}  // namespace claviger::net
