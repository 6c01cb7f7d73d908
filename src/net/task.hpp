// Task<T>: a coroutine of Claviger. The rest of the tree sees Asio only through this name.
// Safe subset (ARCHITECTURE.md, convention 5): co_await stands alone, with named or moved arguments; parameters
// by value (or a reference that is documented to outlive the task); no lock across co_await; every await has a
// deadline.
#pragma once

#include <chrono>

#include <boost/asio/awaitable.hpp>

#include "base/error.hpp"

namespace claviger::net {

template <class T = void>
using Task = boost::asio::awaitable<T>;

using Deadline = std::chrono::steady_clock::time_point;

inline Deadline in(std::chrono::milliseconds from_now) { return std::chrono::steady_clock::now() + from_now; }

}  // namespace claviger::net
