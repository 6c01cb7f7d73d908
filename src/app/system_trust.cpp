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

bool is_one_of(const fs::path& path, const std::vector<fs::path>& paths) { return std::find(paths.begin(), paths.end(), path) != paths.end(); }

// Readable by all, unlike the session's other files: a program that root runs may become another user.
bool copy_for_all(const fs::path& from, const fs::path& to) {
    std::error_code error;
    if (!fs::copy_file(from, to, error)) return false;
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read, error);
    return !error;
}

bool make_directory(const fs::path& path) {
    std::error_code error;
    if (!fs::create_directory(path, error)) return false;
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec, error);
    return !error;
}

struct Replacements {
    fs::path bundle, java;  // java: empty where the session has none
};

// What a directory holds, with files of the session in the place of those stores that lie in it. Links stay as they are: the copy
// is shown where the directory is, so they lead where they led, or to its copy. What cannot be read is of no use to the program
// either.
class DirectoryCopy {
public:
    DirectoryCopy(const Stores& stores, const Replacements& session) : stores_(stores), session_(session) {}

    bool make(const fs::path& from, const fs::path& to) const {
        if (!make_directory(to)) return false;
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(from, error)) add(entry, to / entry.path().filename());
        return !error;
    }

private:
    void add(const fs::directory_entry& entry, const fs::path& target) const {
        std::error_code error;
        const fs::path& path = entry.path();
        if (entry.is_symlink(error)) fs::copy_symlink(path, target, error);
        else if (entry.is_directory(error)) make(path, target);
        else if (is_one_of(path, stores_.bundles)) copy_for_all(session_.bundle, target);
        else if (is_one_of(path, stores_.java) && !session_.java.empty()) copy_for_all(session_.java, target);
        else if (entry.is_regular_file(error)) copy_for_all(path, target);
    }

    const Stores& stores_;
    const Replacements& session_;
};

bool add_hashed(const fs::path& directory, std::string_view pem) {
    for (const auto& certificate : crypto::hashed_certificates(pem)) {
        std::error_code error;
        int number = 0;
        const auto path = [&] { return directory / (certificate.hash + "." + std::to_string(number)); };
        while (fs::symlink_status(path(), error).type() != fs::file_type::not_found) ++number;
        std::ofstream file(path(), std::ios::binary);
        if (!file.write(certificate.pem.data(), static_cast<std::streamsize>(certificate.pem.size())).flush()) return false;
    }
    return true;
}

tl::unexpected<base::Error> not_written(const fs::path& directory) {
    return base::fail(base::ErrorCode::storage, "cannot write the program's trust store in " + directory.string(), "free some space there or set TMPDIR");
}

}  // namespace

Result<std::vector<sys::BindMount>> make_system_trust(const fs::path& directory, const TrustFiles& files, const fs::path& root) {
    const Stores stores = find_stores(root);
    const Replacements session{directory / "bundle.pem", files.java_store.empty() ? fs::path() : directory / "java.p12"};
    if (!make_directory(directory) || !copy_for_all(files.bundle, session.bundle)) return not_written(directory);
    if (!session.java.empty() && !copy_for_all(files.java_store, session.java)) return not_written(directory);
    std::vector<sys::BindMount> mounts;
    if (!stores.directory.empty()) {
        TRY(additional, sys::read_file(files.additional, kMostBytes));
        const fs::path copies = directory / "certs";
        if (!DirectoryCopy(stores, session).make(stores.directory, copies) || !add_hashed(copies, additional)) return not_written(directory);
        mounts.push_back({copies, stores.directory});
    }
    for (const auto& bundle : stores.bundles) {
        if (!is_in(bundle, stores.directory)) mounts.push_back({session.bundle, bundle});
    }
    for (const auto& store : stores.java) {
        if (!is_in(store, stores.directory) && !session.java.empty()) mounts.push_back({session.java, store});
    }
    return mounts;
}

}  // namespace claviger::app
