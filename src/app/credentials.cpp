#include "app/credentials.hpp"

namespace claviger::app {

net::Task<base::Result<std::shared_ptr<const inject::Injection>>> LiveCredentials::injection(std::string provider,
                                                                                             std::string connection) {
    const auto key = std::make_pair(provider, connection);
    const auto now = std::chrono::steady_clock::now();
    if (const auto known = made_.find(key); known != made_.end() && now - known->second.looked < kMoment) {
        const auto until = known->second.injection->valid_until();
        if (!until || clock_.now() < *until) co_return known->second.injection;
    }
    // A local SQLite read of microseconds: cheaper than handing it to another thread.
    auto change = vault_.change_counter();
    if (!change) co_return base::fail(std::move(change).error());
    if (*change != seen_change_) {
        made_.clear();
        seen_change_ = *change;
    }
    const std::string stamp = registry_.stamp(provider);  // before the file is read: a later change is seen next time
    if (const auto known = made_.find(key); known != made_.end()) {
        const auto until = known->second.injection->valid_until();
        const bool current = known->second.definition_stamp == stamp && (!until || clock_.now() < *until);
        if (current) {
            known->second.looked = now;
            co_return known->second.injection;
        }
        made_.erase(known);
    }
    auto fresh = make(provider, connection);
    if (fresh) made_.emplace(key, Made{*fresh, stamp, now});
    co_return fresh;
}

base::Result<std::shared_ptr<const inject::Injection>> LiveCredentials::make(const std::string& provider,
                                                                             const std::string& connection) {
    TRY(definition, registry_.load(provider));
    TRY(stored, connections_.load(provider, connection));
    TRY(injection, inject::Injection::make(definition, stored, clock_.now(), connections_));
    return std::make_shared<const inject::Injection>(std::move(injection));
}

}  // namespace claviger::app
