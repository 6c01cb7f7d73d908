#include "connection/refresh.hpp"

#include "connection/refresh_flight.hpp"

namespace claviger::connection {
namespace {

class SharedRefresher final : public Refresher {
public:
    explicit SharedRefresher(std::shared_ptr<RefreshCore> core) : core_(std::move(core)) {}
    ~SharedRefresher() override { core_->closing = true; }
    SharedRefresher(const SharedRefresher&) = delete;
    SharedRefresher& operator=(const SharedRefresher&) = delete;

    net::Task<base::Result<Fresh>> fresh(std::string provider, std::string name, Need need, base::Secret refused) override {
        return RefreshCore::fresh(core_, {std::move(provider), std::move(name), need, std::move(refused)});
    }
    net::Task<bool> settle(std::chrono::milliseconds at_most) override { return RefreshCore::settle(core_, at_most); }
    [[nodiscard]] std::optional<base::Instant> due(const Connection& connection,
                                                   const provider::ProviderDefinition& definition) const override {
        return core_->due(connection, definition);
    }

private:
    std::shared_ptr<RefreshCore> core_;  // shared with the attempts in flight
};

}  // namespace

base::Result<std::unique_ptr<Refresher>> Refresher::make(Surroundings with) {
    TRY(core, RefreshCore::make(std::move(with)));
    return std::unique_ptr<Refresher>(std::make_unique<SharedRefresher>(std::move(core)));
}

}  // namespace claviger::connection
