#include "cli/context.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "app/isolation.hpp"
#include "base/number.hpp"
#include "cli/interruptible.hpp"
#include "sys/files.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

// CLAVIGER_LOG=level or level:FILE; stderr without a file.
base::Log log_from_environment() {
    const char* setting = std::getenv("CLAVIGER_LOG");
    if (setting == nullptr) return base::Log();
    const std::string_view text = setting;
    const auto colon = text.find(':');
    const auto level = base::log_level_from(text.substr(0, colon));
    if (!level) return base::Log();
    if (colon == std::string_view::npos) return base::Log(STDERR_FILENO, *level);
    const std::string file(text.substr(colon + 1));
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);  // LG-06
    return base::Log(fd, *level);
}

std::optional<vault::KeySourceKind> key_source_from(std::string_view text) {
    if (text == "automatic") return vault::KeySourceKind::automatic;
    if (text == "secret-service") return vault::KeySourceKind::secret_service;
    if (text == "file") return vault::KeySourceKind::file;
    if (text == "passphrase") return vault::KeySourceKind::passphrase;
    return std::nullopt;
}

}  // namespace

base::Error with_repair(base::Error error) {
    if (error.code != ErrorCode::corrupt || error.hint.find("vault repair") != std::string::npos) return error;
    error.hint = "mend the vault with: claviger vault repair" + (error.hint.empty() ? "" : "; or " + error.hint);
    return error;
}

Result<int> descriptor_option(const Invocation& invocation, std::string_view option) {
    const std::string text = invocation.value(option);
    const auto number = base::whole_number<int>(text);
    if (!number || ::fcntl(*number, F_GETFD) < 0) {
        return base::fail(ErrorCode::usage, std::string(option) + " needs the number of an open file descriptor",
                          "for instance: " + std::string(option) + " 3 3</run/secrets/key");
    }
    return *number;
}

Result<base::Secret> read_secret_descriptor(int descriptor) {
    base::WipedString text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto got = ::read(descriptor, buffer.data(), buffer.size());
        if (got < 0) return base::fail(ErrorCode::storage, "cannot read the secret from the file descriptor");
        if (got == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        base::wipe(buffer.data(), buffer.size());
        if (text.size() > 64 * 1024) return base::fail(ErrorCode::limit, "the secret on the file descriptor is too long");
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.empty()) return base::fail(ErrorCode::invalid_input, "the file descriptor gave no secret");
    return base::Secret::taking(text);
}

Context::Context(const Invocation& invocation, std::filesystem::path home, base::Log log)
    : invocation_(invocation),
      out_(Output::Options{invocation.has("--json"), invocation.has("--quiet"), !invocation.has("--no-color")}),
      log_(log),
      home_(std::move(home)),
      registry_(home_ / "providers") {}

Result<std::unique_ptr<Context>> Context::make(const Invocation& invocation) {
    TRY(home, sys::claviger_home());
    return std::unique_ptr<Context>(new Context(invocation, std::move(home), log_from_environment()));
}

Result<app::Config*> Context::config() {
    if (!config_) {
        TRY_VOID(app::check_reachable(home_));
        TRY(loaded, app::Config::load(home_));
        config_ = std::move(loaded);
    }
    return &*config_;
}

Result<base::Secret> Context::ask_passphrase(bool confirm) {
    if (invocation_.has("--passphrase-fd")) {
        TRY(descriptor, descriptor_option(invocation_, "--passphrase-fd"));
        return read_secret_descriptor(descriptor);
    }
    if (!may_ask_ || !sys::has_controlling_terminal()) {
        passphrase_is_wanting_ = true;
        return base::fail(ErrorCode::key_missing, "the vault needs its passphrase and there is no terminal",
                          "give it with --passphrase-fd N");
    }
    TRY(passphrase, ask_secret(confirm ? "New vault passphrase: " : "Vault passphrase: "));
    if (confirm) {
        TRY(again, ask_secret("Again: "));
        if (!passphrase.equals(again)) return base::fail(ErrorCode::invalid_input, "the two passphrases differ");
    }
    return passphrase;
}

Result<vault::Vault::Options> Context::vault_options(bool create) {
    vault::Vault::Options options;
    options.home = home_;
    options.create_if_absent = create;
    options.key_source.ask_passphrase = [this](bool confirm) { return ask_passphrase(confirm); };
    if (invocation_.has("--key-fd")) {
        TRY(descriptor, descriptor_option(invocation_, "--key-fd"));
        options.key_source.kind = vault::KeySourceKind::descriptor;
        options.key_source.descriptor = descriptor;
    } else if (create) {
        TRY(settings, config());
        options.key_source.kind = key_source_from(settings->get("vault.key_source")).value_or(vault::KeySourceKind::automatic);
    }
    return options;
}

Result<vault::Vault*> Context::open_vault(bool create) {
    if (vault_) return &*vault_;
    TRY_VOID(app::check_reachable(home_));
    TRY(options, vault_options(create));
    auto opened = vault::Vault::open(options, clock_, random_);
    if (!opened) {
        if (!create && opened.error().code == ErrorCode::not_found) return static_cast<vault::Vault*>(nullptr);
        return base::fail(std::move(opened).error());
    }
    vault_.emplace(std::move(*opened));
    return &*vault_;
}

Result<vault::Vault*> Context::vault() { return open_vault(true); }
Result<vault::Vault*> Context::vault_if_any() { return open_vault(false); }

Result<connection::Connections*> Context::connections() {
    if (connections_) return &*connections_;
    TRY(opened, vault());
    connections_.emplace(*opened, std::string(vault::kLocalTenant), clock_);
    return &*connections_;
}

Result<connection::Connections*> Context::connections_if_any() {
    if (connections_) return &*connections_;
    TRY(opened, vault_if_any());
    if (opened == nullptr) return static_cast<connection::Connections*>(nullptr);
    return connections();
}

Result<app::Broker> Context::broker() {
    TRY(settings, config());
    TRY(opened, vault());
    TRY(all, connections());
    return app::Broker{*opened, *all, registry_, *settings, clock_, random_, log_, home_};
}

Result<void> Context::require_manage(std::string_view action) const {
    // The variable is a courtesy; that the vault is out of reach is what holds.
    if (std::getenv("CLAVIGER_RUN") == nullptr && app::check_reachable(home_) && !sys::inside_sandbox()) return {};
    return base::fail(ErrorCode::denied, std::string(action) + " is not allowed inside a claviger run session",
                      "run it in a terminal of your own");
}

}  // namespace claviger::cli
