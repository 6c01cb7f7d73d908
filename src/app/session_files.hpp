// The public files of a session (whom its program trusts, in the forms that programs read) in a private directory that
// goes away with it; directories of sessions that died are swept at the next start. No secret is ever written here.
// Thread rule: main thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/child_environment.hpp"
#include "base/error.hpp"
#include "sys/descriptor.hpp"
#include "sys/sandbox.hpp"

namespace claviger::app {

struct Authorities {  // PEM, beside those of the system
    std::string session, configured, users;
    bool java = false;  // for Java as well, whose form takes a moment to make
};

class SessionFiles {
public:
    // Under the directory for temporary files, which the program can read.
    static base::Result<SessionFiles> create(const Authorities& authorities);
    SessionFiles(SessionFiles&& other) noexcept;
    SessionFiles& operator=(SessionFiles&&) = delete;
    ~SessionFiles();

    [[nodiscard]] TrustFiles trust() const;
    // For a program in a network of its own: its trust store and whom it asks for names, and where they are to be shown.
    [[nodiscard]] base::Result<std::vector<sys::ShownMount>> for_own_network(bool trusted) const;

private:
    explicit SessionFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
    sys::Descriptor kept_;  // locked: who cleans temporary directories up by age leaves such ones alone (tmpfiles.d(5))
    bool java_ = false;
};

// Certificates in the files that variables of this environment name for programs to trust; only CERTIFICATE blocks.
std::string users_authorities(const std::map<std::string, std::string>& environment);
// Whether there is a Java, by JAVA_HOME, PATH and the usual place.
bool has_java(const std::map<std::string, std::string>& environment);
// The first system trust bundle that exists, "" when none does.
std::string system_trust_bundle();

}  // namespace claviger::app
