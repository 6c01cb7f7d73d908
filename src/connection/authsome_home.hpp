// Reading the home of an authsome installation, in its layout with profiles and in the later one with a server
// (docs/formats/authsome.md). Nothing in it is changed. Ownership: values. Thread rule: any thread; may wait for the desktop's
// keyring, which may ask the human.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "connection/connection.hpp"

namespace claviger::connection {

struct AuthsomeRecord {
    enum class Kind { client, connection } kind = Kind::connection;
    std::string profile, provider, name;  // profile: whose; empty: of all. name: of the connection
    base::Secret json;                    // decrypted
    std::string problem;                  // why it could not be read; then json is empty
};

struct AuthsomeHome {
    struct Definition { std::string file, text, problem; };
    std::string default_profile;          // whose connections have their own names here
    std::vector<Definition> definitions;
    std::vector<AuthsomeRecord> records;  // clients first
    std::vector<std::string> notes;       // what of the home is not understood
};

// not_found when the directory is no authsome home. `scratch`: a private directory for the copy.
base::Result<AuthsomeHome> read_authsome_home(const std::filesystem::path& home, const std::filesystem::path& scratch);

// invalid_input says what is missing. `definition` is the one that will serve it here.
base::Result<ClientRecord> client_from_authsome(const AuthsomeRecord& record, const provider::ProviderDefinition& definition);
base::Result<Connection> connection_from_authsome(const AuthsomeRecord& record, const provider::ProviderDefinition& definition,
                                                  const std::string& name, base::Instant now);

}  // namespace claviger::connection
