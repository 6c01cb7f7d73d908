#include "app/system_trust.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

#include "crypto/hashed_certificates.hpp"
#include "sys/files.hpp"

namespace claviger::app {
namespace {

namespace fs = std::filesystem;
using base::Result;

constexpr std::size_t kMostBytes = 16 * 1024 * 1024;
// Debian, Fedora, SUSE, Alpine and their kin; those that are links to one another count once.
constexpr const char* kBundles[] = {"etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt", "etc/pki/tls/cert.pem",
                                    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "etc/ssl/ca-bundle.pem", "etc/ssl/cert.pem",
                                    "usr/share/ssl/certs/ca-bundle.crt", "usr/local/share/certs/ca-root-nss.crt"};
constexpr const char* kDirectories[] = {"etc/ssl/certs", "etc/pki/tls/certs"};
constexpr const char* kJavaStores[] = {"etc/ssl/certs/java/cacerts", "etc/pki/java/cacerts", "etc/pki/ca-trust/extracted/java/cacerts"};

struct Stores {
    std::vector<fs::path> bundles, java;  // canonical, in no directory below
    fs::path directory;                   // canonical, the first that there is; empty: none
};

bool is_in(const fs::path& path, const fs::path& directory) {
    return !directory.empty() && std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

void add_existing(const fs::path& path, std::vector<fs::path>& to) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error || !fs::is_regular_file(real, error) || std::find(to.begin(), to.end(), real) != to.end()) return;
    to.push_back(real);
}

Stores find_stores(const fs::path& root) {
    Stores stores;
    std::error_code error;
    for (const char* path : kDirectories) {
        const fs::path real = fs::canonical(root / path, error);
        if (!error && stores.directory.empty() && fs::is_directory(real, error)) stores.directory = real;
    }
    for (const char* path : kBundles) add_existing(root / path, stores.bundles);
    for (const char* path : kJavaStores) add_existing(root / path, stores.java);
    return stores;
}

// Unlike the session's other files: a program that root runs may become another user.
constexpr auto kReadableByAll = fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read;

bool copy_for_all(const fs::path& from, const fs::path& to) {
    std::error_code error;
    if (!fs::copy_file(from, to, error)) return false;
    fs::permissions(to, kReadableByAll, error);
    return !error;
}

bool make_directory(const fs::path& path) {
    std::error_code error;
    if (!fs::create_directory(path, error)) return false;
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec, error);
    return !error;
}

// Under the first name by which OpenSSL would look and that the system has not.
bool add_hashed(const Stores& stores, const fs::path& directory, std::string_view pem) {
    for (const auto& certificate : crypto::hashed_certificates(pem)) {
        int number = 0;
        const auto name = [&] { return certificate.hash + "." + std::to_string(number); };
        const auto taken = [](const fs::path& path) {
            std::error_code error;
            return fs::symlink_status(path, error).type() != fs::file_type::not_found;
        };
        while (taken(stores.directory / name()) || taken(directory / name())) ++number;
        std::ofstream file(directory / name(), std::ios::binary);
        if (!file.write(certificate.pem.data(), static_cast<std::streamsize>(certificate.pem.size())).flush()) return false;
        std::error_code error;
        fs::permissions(directory / name(), kReadableByAll, error);
    }
    return true;
}

// A store that lies in the directory is replaced there, at its place.
bool add_store(const Stores& stores, const fs::path& store, const fs::path& file, const fs::path& directory) {
    const fs::path place = directory / store.lexically_relative(stores.directory);
    return (place.parent_path() == directory || fs::exists(place.parent_path()) || make_directory(place.parent_path())) && copy_for_all(file, place);
}

tl::unexpected<base::Error> not_written(const fs::path& directory) {
    return base::fail(base::ErrorCode::storage, "cannot write the program's trust store in " + directory.string(), "free some space there or set TMPDIR");
}

}  // namespace

Result<std::vector<sys::ShownMount>> make_system_trust(const fs::path& directory, const TrustFiles& files, const fs::path& root) {
    const Stores stores = find_stores(root);
    const fs::path bundle = directory / "bundle.pem", java = directory / "java.p12", entries = directory / "certs";
    TRY(additional, sys::read_file(files.additional, kMostBytes));
    if (!make_directory(directory) || !make_directory(entries) || !copy_for_all(files.bundle, bundle)) return not_written(directory);
    if (!files.java_store.empty() && !copy_for_all(files.java_store, java)) return not_written(directory);
    std::vector<sys::ShownMount> mounts;
    const auto replace = [&](const std::vector<fs::path>& originals, const fs::path& by) {
        for (const auto& store : originals) {
            if (!is_in(store, stores.directory)) mounts.push_back({by, store});
            else if (!add_store(stores, store, by, entries)) return false;
        }
        return true;
    };
    if (!replace(stores.bundles, bundle)) return not_written(directory);
    if (!files.java_store.empty() && !replace(stores.java, java)) return not_written(directory);
    if (stores.directory.empty()) return mounts;
    if (!add_hashed(stores, entries, additional)) return not_written(directory);
    mounts.push_back({entries, stores.directory, true});
    return mounts;
}

}  // namespace claviger::app
