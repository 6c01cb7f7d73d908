#include "app/config.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "net/tls.hpp"
#include "sys/files.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;

constexpr std::string_view kAuthority = "network.ca_file";

const ConfigKey* find_key(std::string_view name) {
    for (const auto& key : config_keys()) {
        if (key.name == name) return &key;
    }
    return nullptr;
}

std::optional<std::int64_t> number_in(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

base::Result<void> check(std::string_view name, std::string_view value) {
    const auto* key = find_key(name);
    if (key == nullptr) {
        std::vector<std::string_view> names;
        for (const auto& known : config_keys()) names.push_back(known.name);
        const auto near = base::did_you_mean(name, names);
        return base::fail(ErrorCode::not_found, "there is no setting '" + base::printable(name) + "'",
                          near ? "did you mean " + *near + "?" : "claviger config list shows all");
    }
    if (key->most > 0) {
        const auto number = number_in(value);
        if (number && *number >= key->least && *number <= key->most) return {};
        return base::fail(ErrorCode::usage, std::string(name) + " must be a number from " + std::to_string(key->least) + " to " + std::to_string(key->most));
    }
    if (key->choices.empty()) return {};
    const auto choices = base::split(key->choices, '|');
    if (std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
    return base::fail(ErrorCode::usage, std::string(name) + " must be one of " + base::join(choices, ", "));
}

// A private authority's certificates, which must be usable: a file that is missing is an error, not less trust.
base::Result<std::string> read_authority(const std::string& path) {
    constexpr std::size_t kMostBytes = 1024 * 1024;
    const std::string shown = base::printable(path, 4096);
    std::error_code failure;
    const auto status = std::filesystem::status(path, failure);
    if (status.type() == std::filesystem::file_type::not_found) return base::fail(ErrorCode::not_found, "there is no file " + shown);
    if (failure) return base::fail(ErrorCode::invalid_input, "cannot read " + shown + ": " + failure.message());
    if (!std::filesystem::is_regular_file(status)) return base::fail(ErrorCode::invalid_input, shown + " is not a regular file");
    TRY(text, sys::read_file(path, kMostBytes));
    // Names what is wrong with it, where the first connection would.
    if (auto trust = net::TlsClientContext::make({text}); text.empty() || !trust) {
        return base::fail(ErrorCode::invalid_input, shown + " holds no certificate in PEM form", "it must have a line -----BEGIN CERTIFICATE-----");
    }
    return text;
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
    constexpr std::int64_t kMostMib = 1 << 20;
    static const std::vector<ConfigKey> keys{
        {"audit.keep_days", "90", "", "how long requests stay in the audit log, in days", 1, 36500},
        {"audit.keep_mib", "256", "", "how much of them stays, in MiB; the oldest go first", 1, kMostMib},
        {"audit.segment_hours", "24", "", "a new file of the audit log is begun after so many hours", 1, 24 * 366},
        {"audit.segment_mib", "8", "", "and when a file has so many MiB", 1, 1024},
        {"login.browser", "auto", "auto|never", "open a browser at login; never prints the link instead"},
        {"network.allow_private", "false", "true|false", "let providers, tunnels and plain requests reach private addresses"},
        {kAuthority, "", "", "PEM file of a private authority to trust beside the system's"},
        {"run.ask_seconds", "120", "", "how long a request that a rule asks about waits for your answer, in seconds", 1, 24 * 3600},
        {"run.reflection", "replace", "replace|abort", "what run does with an answer that shows the credential: overwrite it there, or stop the answer"},
        {"run.unmatched", "allow", "allow|deny", "what run does with hosts that no connection serves"},
        {"vault.key_source", "automatic", "automatic|secret-service|file|passphrase", "where a new vault's key goes"},
    };
    return keys;
}

base::Result<Config> Config::load(const std::filesystem::path& home) {
    Config config;
    config.file_ = home / "config.json";
    auto text = sys::read_file(config.file_, 64 * 1024);
    if (!text) {
        if (text.error().code == ErrorCode::not_found) return config;
        return base::fail(text.error().within("cannot read the settings"));
    }
    json::ParseOptions options;
    options.comments = true;
    auto value = json::parse(*text, options);
    if (!value || !value->is_object()) {
        const std::string why = value ? "not an object" : value.error().message;
        return base::fail(ErrorCode::invalid_input, config.file_.string() + ": " + why, "mend or delete the file");
    }
    for (const auto& member : value->get_object()) {
        if (!member.value().is_string()) {
            return base::fail(ErrorCode::invalid_input, config.file_.string() + ": every value must be a string");
        }
        const std::string_view text_value = member.value().get_string();
        if (auto checked = check(member.key(), text_value); !checked) {
            base::Error error = checked.error().within(config.file_.string());
            error.code = ErrorCode::invalid_input;  // the file's fault, not the command's
            return base::fail(std::move(error));
        }
        config.values_.emplace(std::string(member.key()), std::string(text_value));
    }
    return config;
}

std::string Config::get(std::string_view key) const {
    if (const auto found = values_.find(key); found != values_.end()) return found->second;
    const auto* known = find_key(key);
    return known == nullptr ? std::string() : std::string(known->default_value);
}

base::Result<std::string> Config::extra_authority() const {
    const std::string path = get(kAuthority);
    if (path.empty()) return std::string();
    auto text = read_authority(path);
    if (text) return text;
    base::Error error = text.error().within("the setting network.ca_file");
    error.code = ErrorCode::invalid_input;
    error.hint = "mend it with: claviger config set network.ca_file FILE, or: claviger config unset network.ca_file";
    return base::fail(std::move(error));
}

std::int64_t Config::number(std::string_view key) const { return number_in(get(key)).value_or(0); }

bool Config::is_set(std::string_view key) const { return values_.find(key) != values_.end(); }

base::Result<void> Config::set(std::string_view key, std::string_view value) {
    TRY_VOID(check(key, value));
    std::string kept(value);
    if (key == kAuthority) {
        if (value.empty()) return base::fail(ErrorCode::usage, "network.ca_file needs a file", "to have none: claviger config unset network.ca_file");
        std::error_code failure;
        const auto whole = std::filesystem::absolute(kept, failure);  // commands are run in other directories
        if (!failure) kept = whole.lexically_normal().string();
        TRY_VOID(read_authority(kept));
    }
    values_[std::string(key)] = std::move(kept);
    return write();
}

base::Result<void> Config::unset(std::string_view key) {
    if (find_key(key) == nullptr) return check(key, "");
    values_.erase(std::string(key));
    return write();
}

base::Result<void> Config::write() const {
    TRY_VOID(sys::ensure_private_directory(file_.parent_path()));
    json::Object object;
    for (const auto& [name, value] : values_) object[name] = value;
    return sys::write_file_atomically(file_, json::to_pretty_text(object));
}

}  // namespace claviger::app
