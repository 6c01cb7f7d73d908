// Idle connections by key, for reuse (PX-18): bounded per key and in all, each for a bounded time, dropped unless it
// is wholly clean. Internal to http/. Owned by the Client. Thread rule: on the Loop's thread. No timer: what is
// too old goes at the next use of the pool, so a pool never keeps a loop alive.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/codec.hpp"

namespace claviger::http {

class IdlePool {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::size_t kInAll = 256;

    IdlePool(std::size_t per_key, std::chrono::milliseconds idle_time) : per_key_(per_key), idle_time_(idle_time) {}

    // The one used last, if it has been idle for at most `longest`; null when there is none.
    std::unique_ptr<Connection> take(const std::string& key, Time now, std::chrono::milliseconds longest);
    void put(const std::string& key, std::unique_ptr<Connection> connection, Time now);
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    struct Idle {
        std::unique_ptr<Connection> connection;
        Time since;
    };
    void sweep(Time now);

    std::size_t per_key_;
    std::chrono::milliseconds idle_time_;
    std::unordered_map<std::string, std::vector<Idle>> by_key_;
    std::size_t size_ = 0;
    Time swept_{};
};

}  // namespace claviger::http
