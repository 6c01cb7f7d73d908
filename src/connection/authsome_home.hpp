// Reading the home of an authsome installation (its layout with profiles: config.json, master.key, providers/*.json,
// profiles/NAME/store.db). Nothing in it is changed: the database is copied before it is opened, since opening one that has
// a write-ahead log writes beside it. Ownership: values. Thread rule: any thread.
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
    std::string profile, provider, name;  // name: of the connection
    base::Secret json;                    // decrypted
    std::string problem;                  // why it could not be read; then json is empty
};

struct AuthsomeHome {
    struct Definition { std::string file, text, problem; };
    std::string default_profile;
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
