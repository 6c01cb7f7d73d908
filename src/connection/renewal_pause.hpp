// Renewal pause: holds off the renewals of one connection, in all processes, so that what ends its tokens at the provider ends
// the last ones: while it is held nobody sends the refresh token, and no answer is on its way. Ownership: the lock is the
// caller's; its end is the pause's end. Thread rule: on the Loop's thread.
#pragma once

#include <chrono>
#include <string>

#include "connection/refresh.hpp"
#include "net/task.hpp"
#include "sys/files.hpp"

namespace claviger::connection {

inline constexpr std::chrono::milliseconds kPauseWait{30'000};

// Waits for a renewal under way, and stores an answer that was set aside (RF-05): the connection is to be loaded afterwards.
// Errors: busy when a renewal does not end in time, storage when the answer cannot be stored.
net::Task<base::Result<sys::FileLock>> pause_renewals(Refresher::Surroundings with, std::string provider, std::string name,
                                                      std::chrono::milliseconds at_most = kPauseWait);

}  // namespace claviger::connection
