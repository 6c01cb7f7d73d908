// The public files of a session (its authority's certificate, a trust bundle) in a private directory that goes away
// with it; directories of sessions that died are swept at the next start. No secret is ever written here.
// Thread rule: main thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace claviger::app {

class SessionFiles {
public:
    // Under the directory for temporary files, which the program can read.
    static base::Result<SessionFiles> create(const std::string& session_ca_pem, const std::string& extra_ca_pem);
    SessionFiles(SessionFiles&& other) noexcept;
    SessionFiles& operator=(SessionFiles&&) = delete;
    ~SessionFiles();

    [[nodiscard]] std::filesystem::path session_ca() const { return directory_ / "session-ca.pem"; }
    [[nodiscard]] std::filesystem::path bundle() const { return directory_ / "ca-bundle.pem"; }

private:
    explicit SessionFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
};

// The first system trust bundle that exists, "" when none does.
std::string system_trust_bundle();

}  // namespace claviger::app
