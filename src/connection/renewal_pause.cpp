#include "connection/renewal_pause.hpp"

#include "connection/refresh_flight.hpp"

namespace claviger::connection {

net::Task<base::Result<sys::FileLock>> pause_renewals(Refresher::Surroundings with, std::string provider, std::string name,
                                                      std::chrono::milliseconds at_most) {
    CO_TRY(core, RefreshCore::make(std::move(with)));
    auto lease = co_await RefreshCore::pause(std::move(core), std::move(provider), std::move(name), at_most);
    co_return lease;
}

}  // namespace claviger::connection
