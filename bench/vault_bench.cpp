// The vault beside what it must cost: a raw prepared point read plus opening the seal, and a raw commit with fsync.
#include <benchmark/benchmark.h>

#include <filesystem>

#include <sodium.h>
#include <sqlite3.h>

#include "vault/vault.hpp"

namespace {

using namespace claviger;
namespace fs = std::filesystem;

struct Folder {  // on the disk under test, not in memory: CLAVIGER_BENCH_DIR or the working directory
    fs::path path;
    Folder() {
        const char* base = std::getenv("CLAVIGER_BENCH_DIR");
        std::string pattern = std::string(base == nullptr ? "." : base) + "/claviger-bench-XXXXXX";
        path = ::mkdtemp(pattern.data());
    }
    ~Folder() { fs::remove_all(path); }
};

vault::Vault open_vault(const fs::path& home, const base::Clock& clock, base::Random& random) {
    vault::Vault::Options options;
    options.home = home;
    options.key_source.kind = vault::KeySourceKind::file;
    return std::move(*vault::Vault::open(options, clock, random));
}

const std::string kPayload(600, 'x');  // about what a connection takes

void vault_read(benchmark::State& state) {
    Folder folder;
    base::SystemClock clock;
    base::SystemRandom random;
    auto vault = open_vault(folder.path / "home", clock, random);
    for (int i = 0; i < 100; ++i) {
        (void)vault.put({"local", "connection", "p" + std::to_string(i)}, base::Secret(kPayload), std::nullopt, {"bench", "bench", "{}"});
    }
    for (auto _ : state) benchmark::DoNotOptimize(vault.get({"local", "connection", "p42"}));
}

struct Raw {
    sqlite3* db = nullptr;
    explicit Raw(const fs::path& file) {
        sqlite3_open(file.c_str(), &db);
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE r(k TEXT PRIMARY KEY, n BLOB, v BLOB) WITHOUT ROWID");
    }
    ~Raw() { sqlite3_close(db); }
    void run(const char* sql) { sqlite3_exec(db, sql, nullptr, nullptr, nullptr); }
};

void raw_read(benchmark::State& state) {
    Folder folder;
    (void)sodium_init();
    Raw raw(folder.path / "raw.db");
    unsigned char key[32] = {1}, nonce[24] = {2};
    std::string sealed(kPayload.size() + 16, '\0');
    crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(sealed.data()), nullptr,
        reinterpret_cast<const unsigned char*>(kPayload.data()), kPayload.size(), nullptr, 0, nullptr, nonce, key);
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(raw.db, "INSERT INTO r VALUES(?1,?2,?3)", -1, &insert, nullptr);
    for (int i = 0; i < 100; ++i) {
        const std::string name = "p" + std::to_string(i);
        sqlite3_bind_text(insert, 1, name.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_bind_blob(insert, 2, nonce, 24, SQLITE_STATIC);
        sqlite3_bind_blob(insert, 3, sealed.data(), static_cast<int>(sealed.size()), SQLITE_STATIC);
        sqlite3_step(insert);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    sqlite3_stmt* select = nullptr;
    sqlite3_prepare_v2(raw.db, "SELECT n, v FROM r WHERE k=?1", -1, &select, nullptr);
    std::string plain(kPayload.size(), '\0');
    for (auto _ : state) {
        sqlite3_bind_text(select, 1, "p42", -1, SQLITE_STATIC);
        sqlite3_step(select);
        const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr,
            static_cast<const unsigned char*>(sqlite3_column_blob(select, 1)), static_cast<unsigned long long>(sqlite3_column_bytes(select, 1)), nullptr, 0,
            static_cast<const unsigned char*>(sqlite3_column_blob(select, 0)), key);
        benchmark::DoNotOptimize(opened);
        benchmark::DoNotOptimize(plain.data());
        sqlite3_reset(select);
    }
    sqlite3_finalize(select);
}

void vault_write(benchmark::State& state) {
    Folder folder;
    base::SystemClock clock;
    base::SystemRandom random;
    auto vault = open_vault(folder.path / "home", clock, random);
    for (auto _ : state) (void)vault.put({"local", "connection", "p"}, base::Secret(kPayload), std::nullopt, {"bench", "bench", "{}"});
}

void raw_write(benchmark::State& state) {
    Folder folder;
    Raw raw(folder.path / "raw.db");
    sqlite3_stmt* put = nullptr;
    sqlite3_prepare_v2(raw.db, "INSERT OR REPLACE INTO r VALUES('p', x'00', ?1)", -1, &put, nullptr);
    for (auto _ : state) {
        sqlite3_bind_blob(put, 1, kPayload.data(), static_cast<int>(kPayload.size()), SQLITE_STATIC);
        sqlite3_step(put);
        sqlite3_reset(put);
    }
    sqlite3_finalize(put);
}

}  // namespace

BENCHMARK(raw_read);
BENCHMARK(vault_read);
BENCHMARK(raw_write)->UseRealTime();
BENCHMARK(vault_write)->UseRealTime();
BENCHMARK_MAIN();
