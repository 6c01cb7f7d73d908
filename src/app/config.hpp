// The user's settings in <home>/config.json: a flat table of known keys, each with a type, a default and a reason.
// Thread rule: a value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace claviger::app {

struct ConfigKey {
    std::string_view name, default_value, choices, help;  // choices: "a|b"; "": a number if it has bounds, else a file
    std::int64_t least = 0, most = 0;                     // of a number
};
const std::vector<ConfigKey>& config_keys();

class Config {
public:
    static base::Result<Config> load(const std::filesystem::path& home);
    [[nodiscard]] std::string get(std::string_view key) const;  // the default when unset
    [[nodiscard]] bool is_set(std::string_view key) const;
    [[nodiscard]] std::int64_t number(std::string_view key) const;  // of a key with bounds
    [[nodiscard]] bool flag(std::string_view key) const { return get(key) == "true"; }
    // PEM text of network.ca_file, "" when unset. A file that cannot be read is an error, not less trust.
    [[nodiscard]] base::Result<std::string> extra_authority() const;
    // Checks name and value; ErrorCode::usage says what is allowed. A file must be readable and hold what it should; its
    // name is made absolute. Durable on return.
    base::Result<void> set(std::string_view key, std::string_view value);
    base::Result<void> unset(std::string_view key);

private:
    base::Result<void> write() const;
    std::filesystem::path file_;
    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace claviger::app
