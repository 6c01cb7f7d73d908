// RefreshQueue: in which order connections get their next look, so that many which are due at once neither storm a server
// nor starve each other (RF-08): never more than `per_server` under way at one server, the longest due first; after a jump
// of the clock (the machine woke up) what is due is spread anew. It decides only, on the caller's time.
// Thread rule: a value, on one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace claviger::connection {

class RefreshQueue {
public:
    struct Limits {
        int per_server = 8;
        base::Duration spread_after_jump = std::chrono::minutes(1);
        base::Duration shortest_pause = std::chrono::seconds(1);  // between two looks at one connection
        base::Duration longest_pause = std::chrono::minutes(10);  // after failures in a row
    };
    using Key = std::pair<std::string, std::string>;  // provider, connection

    explicit RefreshQueue(Limits limits) : limits_(limits) {}

    // When this connection wants to be looked at, and at which server; nullopt: never, it is forgotten. Not while it is
    // under way: its end says it again.
    void put(const Key& key, const std::string& server, std::optional<base::Instant> due);
    // Those whose time has come and whose server has a place. They are under way until ended().
    std::vector<Key> take(base::Instant now);
    // What was taken is done. Its next look is at `due`, but not before a pause, which grows with failures in a row.
    void ended(const Key& key, bool failed, std::optional<base::Instant> due, base::Instant now, base::Random& random);
    // The clock jumped: what is due now is due within `spread_after_jump`, and no pause is longer than that.
    void clock_jumped(base::Instant now, base::Random& random);

    // When take() may give something next; nullopt when nothing waits but for ended().
    [[nodiscard]] std::optional<base::Instant> next(base::Instant now) const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::size_t under_way() const { return under_way_; }

private:
    struct Entry {
        std::string server;
        base::Instant at;
        std::uint32_t failures = 0;
        bool under_way = false, forgotten = false;
    };
    struct Server {
        int under_way = 0;
        std::set<std::pair<base::Instant, Key>> waiting;
    };
    void forget(std::map<Key, Entry>::iterator at);

    Limits limits_;
    std::map<Key, Entry> entries_;
    std::map<std::string, Server> servers_;
    std::size_t under_way_ = 0;
};

}  // namespace claviger::connection
