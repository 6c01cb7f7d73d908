// What a command works with; each part is made when first asked for, so that `list` of an empty home costs nothing.
// Thread rule: main thread. Owns what it makes.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "app/config.hpp"
#include "app/run_session.hpp"
#include "base/log.hpp"
#include "cli/command.hpp"
#include "cli/terminal_style.hpp"
#include "connection/connections.hpp"
#include "provider/registry.hpp"
#include "vault/vault.hpp"

namespace claviger::cli {

class Context {
public:
    static base::Result<std::unique_ptr<Context>> make(const Invocation& invocation);

    Output& out() { return out_; }
    [[nodiscard]] const Output& out() const { return out_; }
    base::Log& log() { return log_; }
    const base::Clock& clock() const { return clock_; }
    base::Random& random() { return random_; }
    [[nodiscard]] const std::filesystem::path& home() const { return home_; }
    provider::Registry& registry() { return registry_; }
    base::Result<app::Config*> config();

    // Makes the vault if there is none; `vault_if_any` gives null then.
    base::Result<vault::Vault*> vault();
    base::Result<vault::Vault*> vault_if_any();
    base::Result<connection::Connections*> connections();
    base::Result<connection::Connections*> connections_if_any();
    base::Result<vault::Vault::Options> vault_options(bool create);
    // All of them at once; makes the vault if there is none.
    base::Result<app::Broker> broker();

    // Whether the vault stayed closed for want of somebody to type its passphrase: no fault of the vault.
    // From now on nobody is asked for a passphrase: a vault that needs one stays closed.
    void ask_nobody() { may_ask_ = false; }
    [[nodiscard]] bool passphrase_is_wanting() const { return passphrase_is_wanting_; }

    // Definition, client, secret or policy changes are refused from inside a `run` session (T2).
    base::Result<void> require_manage(std::string_view action) const;

private:
    Context(const Invocation& invocation, std::filesystem::path home, base::Log log);
    base::Result<vault::Vault*> open_vault(bool create);
    base::Result<base::Secret> ask_passphrase(bool confirm);

    const Invocation& invocation_;
    Output out_;
    base::Log log_;
    base::SystemClock clock_;
    base::SystemRandom random_;
    std::filesystem::path home_;
    provider::Registry registry_;
    bool may_ask_ = true, passphrase_is_wanting_ = false;
    std::optional<app::Config> config_;
    std::optional<vault::Vault> vault_;
    std::optional<connection::Connections> connections_;
};

// 32 raw bytes, or one line, from an inherited descriptor.
base::Result<base::Secret> read_secret_descriptor(int descriptor);
// Of a damaged vault: names `claviger vault repair` in the hint too. Other errors stay as they are.
base::Error with_repair(base::Error error);

base::Result<int> descriptor_option(const Invocation& invocation, std::string_view option);

}  // namespace claviger::cli
