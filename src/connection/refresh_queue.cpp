#include "connection/refresh_queue.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace claviger::connection {
namespace {

base::Duration random_part(base::Duration most, base::Random& random) {
    std::array<std::byte, 8> bytes{};
    random.fill(bytes);
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    const auto range = static_cast<std::uint64_t>(std::max<base::Duration::rep>(most.count(), 0)) + 1;
    return base::Duration(static_cast<base::Duration::rep>(number % range));
}

}  // namespace

void RefreshQueue::forget(std::map<Key, Entry>::iterator at) {
    const auto server = servers_.find(at->second.server);
    server->second.waiting.erase({at->second.at, at->first});
    if (server->second.waiting.empty() && server->second.under_way == 0) servers_.erase(server);
    entries_.erase(at);
}

void RefreshQueue::put(const Key& key, const std::string& server, std::optional<base::Instant> due) {
    std::uint32_t failures = 0;
    if (const auto known = entries_.find(key); known != entries_.end()) {
        if (known->second.under_way) {
            known->second.forgotten = !due;
            return;
        }
        failures = known->second.failures;
        // It failed and waits: that somebody uses it is no reason to ask sooner.
        if (failures > 0 && due) due = std::max(*due, known->second.at);
        forget(known);
    }
    if (!due) return;
    servers_[server].waiting.insert({*due, key});
    entries_.emplace(key, Entry{server, *due, failures});
}

std::vector<RefreshQueue::Key> RefreshQueue::take(base::Instant now) {
    std::vector<Key> taken;
    for (auto& [name, server] : servers_) {
        while (server.under_way < limits_.per_server && !server.waiting.empty() && server.waiting.begin()->first <= now) {
            const auto first = server.waiting.begin();
            entries_.at(first->second).under_way = true;
            ++server.under_way;
            ++under_way_;
            taken.push_back(first->second);
            server.waiting.erase(first);
        }
    }
    return taken;
}

void RefreshQueue::ended(const Key& key, bool failed, std::optional<base::Instant> due, base::Instant now, base::Random& random) {
    const auto known = entries_.find(key);
    if (known == entries_.end() || !known->second.under_way) return;
    Entry& entry = known->second;
    entry.under_way = false;
    --under_way_;
    --servers_.at(entry.server).under_way;
    entry.failures = failed ? entry.failures + 1 : 0;
    if (!due || entry.forgotten) {
        forget(known);
        return;
    }
    auto pause = limits_.shortest_pause;
    for (std::uint32_t i = 0; i < entry.failures && pause < limits_.longest_pause; ++i) pause *= 2;
    pause = std::min(pause, limits_.longest_pause);
    entry.at = std::max(*due, now + pause / 2 + random_part(pause / 2, random));
    servers_.at(entry.server).waiting.insert({entry.at, key});
}

void RefreshQueue::clock_jumped(base::Instant now, base::Random& random) {
    const auto latest = now + limits_.longest_pause;
    for (auto& [key, entry] : entries_) {
        const bool pause_makes_no_sense = entry.failures > 0 && entry.at > latest;  // the clock was put back
        if (entry.under_way || (entry.at > now && !pause_makes_no_sense)) continue;
        auto& waiting = servers_.at(entry.server).waiting;
        waiting.erase({entry.at, key});
        entry.at = now + random_part(limits_.spread_after_jump, random);
        waiting.insert({entry.at, key});
    }
}

std::optional<base::Instant> RefreshQueue::next(base::Instant now) const {
    std::optional<base::Instant> next;
    for (const auto& [name, server] : servers_) {
        if (server.waiting.empty() || server.under_way >= limits_.per_server) continue;
        const auto first = std::max(server.waiting.begin()->first, now);
        if (!next || first < *next) next = first;
    }
    return next;
}

}  // namespace claviger::connection
