#include "http/idle_pool.hpp"

#include <algorithm>

namespace claviger::http {

std::unique_ptr<Connection> IdlePool::take(const std::string& key, Time now, std::chrono::milliseconds longest) {
    sweep(now);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    const auto allowed = std::min(longest, idle_time_);
    std::unique_ptr<Connection> taken;
    while (taken == nullptr && !found->second.empty()) {
        if (now - found->second.back().since > allowed) break;  // those before it are older still
        taken = std::move(found->second.back().connection);
        found->second.pop_back();
        --size_;
        if (!taken->reusable()) taken = nullptr;  // closed or spoken to meanwhile
    }
    if (found->second.empty()) by_key_.erase(found);
    return taken;
}

void IdlePool::put(const std::string& key, std::unique_ptr<Connection> connection, Time now) {
    sweep(now);
    if (connection == nullptr || !connection->clean() || per_key_ == 0 || size_ >= kInAll) return;
    connection->rest();
    std::vector<Idle>& idle = by_key_[key];
    if (idle.size() >= per_key_) {
        idle.erase(idle.begin());
        --size_;
    }
    idle.push_back(Idle{std::move(connection), now});
    ++size_;
}

void IdlePool::sweep(Time now) {
    if (now - swept_ < std::chrono::seconds(1)) return;
    swept_ = now;
    for (auto it = by_key_.begin(); it != by_key_.end();) {
        size_ -= std::erase_if(it->second, [&](const Idle& idle) { return now - idle.since > idle_time_; });
        it = it->second.empty() ? by_key_.erase(it) : std::next(it);
    }
}

}  // namespace claviger::http
