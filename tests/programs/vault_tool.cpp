// The vault as a program, for tests that kill, race and starve it from outside. A key file or, with
// CLAVIGER_TEST_PASSPHRASE_FD, a passphrase from that descriptor. Never installed.
//   vault_tool <home> open | put <id> <text> | get <id> | erase <id> | add <id> <n> | count <id> | list
//                     | status | rotate [file|passphrase] | backup <file> | restore <file> [--replace|--check]
//   vault_tool - age-encrypt | age-decrypt | age-decrypt-with <file key>   (standard input to standard output)
// Exit code: 0, or 10 + the number of the error's code.
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "sys/files.hpp"
#include "vault/age.hpp"
#include "vault/backup_format.hpp"
#include "vault/vault.hpp"

namespace {

using namespace claviger;
using base::Result;

constexpr const char* kPassphrase = "correct horse battery staple";  // what tests use when they name none

Result<base::Secret> passphrase() {
    const char* fd = std::getenv("CLAVIGER_TEST_PASSPHRASE_FD");
    if (fd == nullptr) return base::Secret(kPassphrase);
    return sys::read_secret_descriptor(std::atoi(fd), 4096);
}

struct Tool {
    vault::Vault::Options options;
    std::vector<std::string> words;
    base::SystemClock clock{};
    base::SystemRandom random{};

    [[nodiscard]] std::string word(std::size_t i) const { return i < words.size() ? words[i] : ""; }
    static vault::RecordKey key(const std::string& id) { return {std::string(vault::kLocalTenant), "connection", id}; }

    Result<void> put(vault::Vault& vault) {
        TRY(version, vault.put(key(word(1)), base::Secret(word(2)), std::nullopt, {"connection.created", word(1)}));
        fmt::print("{}\n", version);
        return {};
    }
    Result<void> get(vault::Vault& vault) {
        TRY(record, vault.get(key(word(1))));
        fmt::print("{}\n", record ? fmt::format("{} {}", record->version, record->payload.reveal()) : "absent");
        return {};
    }
    // `n` increments of a counter, one transaction each.
    Result<void> add(vault::Vault& vault) {
        for (int i = std::stoi(word(2)); i > 0; --i) {
            TRY_VOID(vault.transact([&](vault::Transaction& transaction) -> Result<void> {
                TRY(record, transaction.get(key(word(1))));
                const int count = record ? std::stoi(std::string(record->payload.reveal())) : 0;
                TRY_VOID(transaction.put(key(word(1)), base::Secret(std::to_string(count + 1)), std::nullopt));
                return transaction.audit({"counter.changed", word(1)});
            }));
        }
        return {};
    }
    Result<void> list(vault::Vault& vault) {
        TRY(infos, vault.list(vault::kLocalTenant, "connection", {}, 1'000'000));
        for (const auto& info : infos) fmt::print("{} {}\n", info.key.id, info.version);
        return {};
    }
    Result<void> status(vault::Vault& vault) {
        TRY(status, vault.status(true));
        fmt::print("integrity={} seals={} generation={} records={} audit={} source={} detail={}\n", status.integrity_ok, status.seals_ok,
                   status.generation, status.records, status.audit_entries, status.key_source, status.key_source_detail);
        for (const auto& fault : status.faults) fmt::print("fault: {}\n", fault);
        return {};
    }
    Result<void> rotate(vault::Vault& vault) {
        std::optional<vault::KeySourceChoice> source;
        if (word(1) == "file") source = vault::KeySourceChoice{vault::KeySourceKind::file, -1, {}};
        if (word(1) == "passphrase") source = vault::KeySourceChoice{vault::KeySourceKind::passphrase, -1, [](bool) { return passphrase(); }};
        return vault.rotate(source, {});
    }
    Result<void> restore() {
        TRY(secret, passphrase());
        TRY(report, vault::restore(word(1), secret, options, word(2) == "--check", word(2) == "--replace", clock, random));
        fmt::print("records={} vault={}\n", report.records, report.vault_id);
        return {};
    }
    Result<void> age() {
        const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
        TRY(secret, passphrase());
        const auto sink = [](std::string_view piece) -> Result<void> {
            std::cout.write(piece.data(), static_cast<std::streamsize>(piece.size()));
            return {};
        };
        if (word(0) == "age-decrypt") return vault::age::decrypt(input, secret, sink);
        if (word(0) == "age-decrypt-with") {
            const auto key = [this](const auto&) -> Result<base::Secret> { return base::Secret(base::hex_decode(word(1)).value_or("")); };
            return vault::age::decrypt_with(input, key, sink);
        }
        TRY(encryptor, vault::age::Encryptor::begin(secret, 12, random, sink));
        TRY_VOID(encryptor.append(input));
        return encryptor.finish();
    }

    Result<void> run() {
        const std::string command = word(0);
        if (command.starts_with("age-")) return age();
        if (command == "restore") return restore();
        options.key_source.ask_passphrase = [](bool) { return passphrase(); };
        TRY(vault, vault::Vault::open(options, clock, random));
        if (command == "open") return {};
        if (command == "put") return put(vault);
        if (command == "get") return get(vault);
        if (command == "add") return add(vault);
        if (command == "list") return list(vault);
        if (command == "status") return status(vault);
        if (command == "rotate") return rotate(vault);
        if (command == "erase") {
            TRY_VOID(vault.erase(key(word(1)), std::nullopt, {"connection.removed", word(1)}));
            return {};
        }
        if (command == "backup") {
            TRY(secret, passphrase());
            const char* cost = std::getenv("CLAVIGER_TEST_WORK_FACTOR");
            return vault::backup_at_cost(vault, word(1), secret, cost != nullptr ? std::atoi(cost) : vault::age::kWorkFactor);
        }
        return base::fail(base::ErrorCode::usage, "unknown command");
    }
};

}  // namespace

int main(int argc, char** argv) {
    Tool tool;
    tool.options.home = argc > 1 ? argv[1] : "";
    tool.words.assign(argv + std::min(argc, 2), argv + argc);
    const auto done = tool.run();
    std::cout.flush();
    if (done) return 0;
    fmt::print(stderr, "{}: {} ({})\n", base::to_string(done.error().code), done.error().describe(), done.error().hint);
    return 10 + static_cast<int>(done.error().code);
}
