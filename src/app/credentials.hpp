// LiveCredentials: the proxy's CredentialSource over the vault. An injection is made once per stored version of a
// connection and dropped as soon as the vault or the definition's file changed, so that a logout, a login or a changed
// definition holds from the next request on (PX-29, CL-10). Thread rule: on the Loop's thread; owns nothing it is given.
#pragma once

#include <map>
#include <memory>

#include "connection/connections.hpp"
#include "provider/registry.hpp"
#include "proxy/forward_proxy.hpp"

namespace claviger::app {

class LiveCredentials final : public proxy::CredentialSource {
public:
    LiveCredentials(vault::Vault& vault, connection::Connections& connections, const provider::Registry& registry,
                    const base::Clock& clock)
        : vault_(vault), connections_(connections), registry_(registry), clock_(clock) {}

    net::Task<base::Result<std::shared_ptr<const inject::Injection>>> injection(std::string provider,
                                                                                std::string connection) override;

private:
    base::Result<std::shared_ptr<const inject::Injection>> make(const std::string& provider, const std::string& connection);

    vault::Vault& vault_;
    connection::Connections& connections_;
    const provider::Registry& registry_;
    const base::Clock& clock_;
    struct Made {
        std::shared_ptr<const inject::Injection> injection;
        std::string definition_stamp;
        std::chrono::steady_clock::time_point looked;
    };
    // Looking at the vault and the file costs system calls, so requests that come within a moment share one look. It is
    // shorter than any command takes from its commit to its end: what a command changed, the next request sees.
    static constexpr std::chrono::microseconds kMoment{500};
    std::int64_t seen_change_ = -1;
    std::map<std::pair<std::string, std::string>, Made> made_;
};

}  // namespace claviger::app
