// RefreshCore: the working part of a Refresher: looks whether a renewal is wanted, takes the connection's lease, makes one
// attempt and stores its outcome. Internal to connection/. Ownership: shared by the Refresher and its running tasks.
// Thread rule: on the Loop's thread; any number of others on other threads and in other processes share the vault.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connection/refresh.hpp"
#include "connection/refresh_aside.hpp"
#include "connection/refresh_schedule.hpp"
#include "connection/refresh_store.hpp"
#include "net/loop.hpp"
#include "sys/files.hpp"

namespace claviger::connection {

// What somebody wants of which connection.
struct Wish {
    std::string provider, name;
    Need need = Need::usable;
    base::Secret refused;
    [[nodiscard]] Wish copy() const { return {provider, name, need, refused.duplicate()}; }
};

// One look at the vault and what follows from it.
struct Look {
    enum class Verdict {
        good,  // nothing to do
        due,   // a renewal is wanted
        held   // it would be, but not now: `why`
    };
    Verdict verdict = Verdict::good;
    bool valid = false;   // the stored token can be used
    bool forced = false;  // it was refused by the API
    bool steps_only = false;  // the access token is good: what follows it is wanted
    provider::ProviderDefinition definition;
    Connection connection;
    RefreshState state;   // read only when it matters: due or held
    std::optional<base::Error> why;
};

// Longer than any attempt. Counts only where its lock is not in the file that is there now.
inline constexpr std::chrono::seconds kLeaseTime{120};

class RefreshCore : public std::enable_shared_from_this<RefreshCore> {
public:
    static base::Result<std::shared_ptr<RefreshCore>> make(Refresher::Surroundings with);
    RefreshCore(Refresher::Surroundings with, http::Client http);

    static net::Task<base::Result<Fresh>> fresh(std::shared_ptr<RefreshCore> self, Wish wish);
    static net::Task<bool> settle(std::shared_ptr<RefreshCore> self, std::chrono::milliseconds at_most);
    [[nodiscard]] std::optional<base::Instant> due(const Connection& connection, const provider::ProviderDefinition& definition);
    // renewal_pause.hpp
    static net::Task<base::Result<sys::FileLock>> pause(std::shared_ptr<RefreshCore> self, std::string provider, std::string name,
                                                        std::chrono::milliseconds at_most);

    bool closing = false;

private:
    // An attempt under way in this process; whoever wants the same waits for it.
    struct Flight {
        explicit Flight(net::Loop& loop) : landed(loop) {}
        net::Event landed;
        Refreshed how = Refreshed::not_due;
        std::optional<base::Error> error;
    };
    // What one attempt works on, between the lease and its outcome.
    struct Attempt {
        sys::FileLock lease;
        Look look;
        std::string id, sent;                    // `sent`: generation of the tokens that are sent
        std::optional<sys::ReservedFile> room{};
        bool further = false;                    // the second one, after an answer was lost
        std::chrono::steady_clock::time_point left{};
        std::optional<oauth::TokenRequest> request{};
        oauth::Client client{};
        std::optional<net::Url> endpoint{};
        std::uint64_t client_version = 0;
    };
    // A renewal that the vault could not take; nobody else renews this connection while its lease is held here (RF-05).
    struct Unsaved {
        sys::FileLock lease;
        std::optional<sys::ReservedFile> room;  // none: an earlier process wrote it
        Connection renewed;
        RefreshState state;
        std::string sent, attempt;
        base::Secret aside_key;
        bool durable = false;  // in the file set aside
        std::chrono::steady_clock::time_point tried{};
    };

    // Looking.
    base::Result<Look> look(const Wish& wish);
    base::Result<void> judge(Look& look, const Wish& wish, const std::string& id);
    std::optional<base::Error> hold(const Look& look, const std::string& id, base::Instant now) const;
    [[nodiscard]] std::uint64_t client_version_of(const Look& look) const;
    [[nodiscard]] std::string configuration(const Look& look) const;  // configuration_of() what is in force now
    [[nodiscard]] bool too_often(const std::string& id, base::Duration interval) const;
    void count_attempt(const std::string& id);
    base::Result<bool> suspect(const Connection& connection, const provider::ProviderDefinition& definition);

    // The flight.
    static net::Task<void> fly(std::shared_ptr<RefreshCore> self, std::shared_ptr<Flight> flight, std::string id, Wish wish);
    static net::Task<base::Result<Refreshed>> renew(std::shared_ptr<RefreshCore> self, std::string id, Wish wish);
    // One try; nullopt while somebody else has it.
    base::Result<std::optional<sys::FileLock>> try_lease(const std::string& id);
    static net::Task<base::Result<std::optional<sys::FileLock>>> take_lease(std::shared_ptr<RefreshCore> self, std::string id, Wish wish);
    static net::Task<base::Result<sys::FileLock>> take_slot(std::shared_ptr<RefreshCore> self, std::string origin, net::Deadline deadline);
    static net::Task<base::Result<Refreshed>> attempt(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at);
    static net::Task<oauth::TokenOutcome> ask(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at);
    base::Result<void> prepare(Attempt& at);
    base::Result<void> begin(Attempt& at);
    base::Result<Refreshed> land(Attempt& at, oauth::TokenResponse token, Connection renewed);
    // The end of the token that was just stored, where its answer named none; a failure is logged.
    static net::Task<void> learn_end(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at);
    static net::Task<base::Result<Refreshed>> complete(std::shared_ptr<RefreshCore> self, std::shared_ptr<Attempt> at);
    BackOff failed_again(const Look& look, const BackOff& before, FailureClass kind, base::Error why,
                         std::optional<std::chrono::seconds> retry_after);
    void note_steps(const Attempt& at, Connection& connection, RefreshState& state);
    void note_failed_steps(const Attempt& at, const oauth::TokenFailure& failure, Connection& connection, RefreshState& state);
    base::Result<Refreshed> note_failure(Attempt& at, const oauth::TokenFailure& failure);
    base::Result<Refreshed> note_refusal_to_ask(Attempt& at, base::Error why);

    // Answers that the vault could not take.
    void keep(const std::string& id, Unsaved unsaved);
    void keep_aside(Attempt& at, Connection renewed, RefreshState state, const base::Error& why);
    // Whether an answer exists in this process's memory alone.
    [[nodiscard]] bool hanging(const std::string& id) const;
    // An answer that an earlier process set aside is stored, or held here while the vault still cannot take it. False: there
    // is none.
    base::Result<bool> take_over(const std::string& id, sys::FileLock& lease, RefreshState& state);
    base::Result<bool> absorb(const std::string& id, RefreshState& state);
    base::Result<void> save_unsaved(const std::string& id);
    static net::Task<void> keep_saving(std::shared_ptr<RefreshCore> self);
    base::Result<void> absorb_all();
    base::Result<void> recognise_home();

    [[nodiscard]] std::filesystem::path lock_file() const;

    Refresher::Surroundings with_;
    http::Client http_;
    RefreshStore store_;
    std::string owner_;
    std::map<std::string, std::shared_ptr<Flight>> flights_;
    std::map<std::string, Unsaved> unsaved_;
    struct Sent {
        std::chrono::steady_clock::time_point last;
        int burst = 0;
    };
    std::map<std::string, Sent> sent_;
    bool saving_ = false;
};

// Where in the lock file the lease of a connection is, by its hash.
std::uint64_t lease_place(std::string_view hash);

// What to tell whoever cannot go on without a human.
base::Error login_needed_error(const Connection& connection);

}  // namespace claviger::connection
