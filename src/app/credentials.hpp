// LiveCredentials: the proxy's CredentialSource over the vault and the Refresher. A credential is made once per stored
// version of a connection and dropped as soon as the vault or the definition's file changed, so that a logout, a login, a
// refresh or a changed definition holds from the next request on (PX-29, CL-10). A token is used until its end, also while
// it is being renewed (RF-09); one that has expired is never used: whoever needs it waits for the one renewal, at most
// kPatience. Thread rule: on the Loop's thread; owns nothing it is given; outlives the loop's tasks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "connection/background_refresh.hpp"
#include "connection/connections.hpp"
#include "connection/refresh.hpp"
#include "provider/registry.hpp"
#include "proxy/credential_source.hpp"

namespace claviger::app {

class LiveCredentials final : public proxy::CredentialSource {
public:
    struct Surroundings {
        net::Loop& loop;
        vault::Vault& vault;
        connection::Connections& connections;
        const provider::Registry& registry;
        const base::Clock& clock;
        base::Random& random;
        base::Log& log;
        connection::Refresher& refresher;
        connection::BackgroundRefresh& background;
        std::chrono::milliseconds patience = std::chrono::seconds(30);  // RF-09
    };
    explicit LiveCredentials(Surroundings with) : with_(with) {}

    net::Task<base::Result<proxy::CredentialPtr>> credential(std::string provider, std::string connection, net::Cancellation& gone) override;
    net::Task<base::Result<proxy::CredentialPtr>> replacement(std::string provider, std::string connection, proxy::CredentialPtr refused,
                                                              net::Cancellation& gone) override;
    bool stands(const std::string& provider, const std::string& connection) override;
    // The connection is flagged in the vault: `list` and `get` say why.
    void wants_stronger_login(const std::string& provider, const std::string& connection) override;

    // Renewals that were begun for requests and have no outcome yet.
    [[nodiscard]] std::size_t under_way() const { return renewals_.size(); }

private:
    using Key = std::pair<std::string, std::string>;
    struct Renewal;
    struct Made {
        proxy::CredentialPtr credential;
        std::string definition_stamp;
        std::chrono::steady_clock::time_point looked;
        std::optional<base::Instant> due;  // when its renewal is wanted, until that was said
    };
    // What is to be had without asking anybody: null when the token has expired and only a renewal helps.
    base::Result<proxy::CredentialPtr> at_hand(const Key& key);
    base::Result<void> make(const Key& key, Made& made);
    // Null: the token has expired, and only a renewal helps.
    base::Result<proxy::CredentialPtr> credential_of(const provider::ProviderDefinition& definition, const connection::Connection& connection);
    bool usable(Made& made);
    base::Result<void> flag(const Key& key, std::string_view reason);
    // What the renewal brought, which the vault may not have: a full disk keeps no token from its use (RF-05).
    net::Task<base::Result<proxy::CredentialPtr>> renewed(Key key, connection::Need need, base::Secret refused, net::Cancellation& gone);
    static net::Task<void> renew(LiveCredentials& self, Key key, std::shared_ptr<Renewal> renewal, connection::Need need, base::Secret refused);

    Surroundings with_;
    // Looking at the vault and the file costs system calls, so requests that come within a moment share one look. It is
    // shorter than any command takes from its commit to its end: what a command changed, the next request sees.
    static constexpr std::chrono::microseconds kMoment{500};
    std::int64_t seen_change_ = -1;
    std::map<Key, Made> made_;
    std::map<Key, std::shared_ptr<Renewal>> renewals_;
};

}  // namespace claviger::app
