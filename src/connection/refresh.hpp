// Refresh: a connection whose access token is worth using. One token request per expiry, across coroutines, threads and
// processes (RF-01): whoever holds the lease of a connection asks, everybody else waits for its result. Before the
// refresh token leaves, the intent is durable and room for the answer is set aside (RF-03); the answer is durable
// before anybody uses the new token (RF-04); after a crash with an open intent there is exactly one attempt (RF-06).
// Thread rule: on the Loop's thread; one Refresher per Loop. What it is given outlives it and every task it started.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/random.hpp"
#include "connection/connections.hpp"
#include "http/client.hpp"
#include "provider/registry.hpp"

namespace claviger::connection {

// Why a token is asked for.
enum class Need {
    usable,    // one that can be used now; refreshes when the end is near (margin) or past
    replaced,  // the API refused this very token with 401: at most one forced refresh per access token (RF-10)
    kept       // keep-alive of a refresh token that dies of disuse; a failure changes nothing for callers
};

enum class Refreshed {
    not_due,     // what is stored is good
    renewed,     // a new token is durable
    by_another,  // somebody else renewed it meanwhile
    failed       // the refresh failed, the stored token is still valid: `why` says what happened
};

struct Fresh {
    Connection connection;
    Refreshed how = Refreshed::not_due;
    std::optional<base::Error> why;
};

class Refresher {
public:
    struct Surroundings {
        net::Loop& loop;
        vault::Vault& vault;
        Connections& connections;
        const provider::Registry& registry;
        const base::Clock& clock;
        base::Random& random;
        base::Log& log;
        std::string extra_ca_pem;
        bool allow_private = false;
        std::filesystem::path home;  // for the liveness locks and the room set aside
        // A long-lived process: while the token is valid, nobody waits for its renewal; it goes on behind (RF-09). Such a
        // process calls settle() before it ends. Otherwise whoever starts a renewal waits for its end.
        bool renew_behind = false;
        // After a few attempts for one connection: between two of them, in real time, however the clock jumps.
        std::chrono::milliseconds least_pause{10'000};
        http::OutboundProxiesPtr proxies = nullptr;
    };
    // Stores answers that an earlier process could only set aside. Errors: storage, denied (the directory is not private).
    static base::Result<std::unique_ptr<Refresher>> make(Surroundings with);
    virtual ~Refresher() = default;

    // A connection that may be used now. Errors: needs_login (terminal; stored, with its reason), suspended,
    // not_connected; network, timeout, busy or storage when the token has expired and could not be renewed now.
    // `refused` is the access token that the API refused (Need::replaced): when the stored one is another already,
    // that is the answer and nothing is asked.
    virtual net::Task<base::Result<Fresh>> fresh(std::string provider, std::string name, Need need,
                                                 base::Secret refused = {}) = 0;

    // Waits for the renewals that are under way, so that the end of the process leaves none in doubt. False: some still are.
    virtual net::Task<bool> settle(std::chrono::milliseconds at_most) = 0;

    // When this connection wants its next look: end of life less margin and jitter, or its keep-alive. nullopt: never.
    [[nodiscard]] virtual std::optional<base::Instant> due(const Connection& connection,
                                                           const provider::ProviderDefinition& definition) const = 0;
};

}  // namespace claviger::connection
