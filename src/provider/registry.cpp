#include "provider/registry.hpp"

#include <sys/stat.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/catalogue.hpp"
#include "sys/files.hpp"

namespace claviger::provider {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::fail;

constexpr std::size_t kLargestFile = 1 << 20;
constexpr std::size_t kMostFiles = 5000;

// "name.json" or "name.jsonc"; nullopt for everything else, hidden and half-written files too.
std::optional<std::string> name_of(const fs::path& path) {
    const std::string extension = path.extension();
    if (extension != ".json" && extension != ".jsonc") return std::nullopt;
    std::string name = path.stem();
    if (name.starts_with('.')) return std::nullopt;
    return name;
}

std::string first_error(const std::vector<Finding>& findings, std::string_view file) {
    for (const Finding& finding : findings) {
        if (finding.severity != Severity::error) continue;
        std::string line = format_findings({finding}, file);
        line.pop_back();  // the newline
        return line;
    }
    return fmt::format("{}: does not read", file);
}

// `kind`: where to leave what the file says of itself, also when it does not read.
base::Result<ProviderDefinition> read_custom(const fs::path& path, std::string_view name, ReadResult* kind = nullptr) {
    const std::string file = path.filename();
    if (!base::valid_name(name)) {
        return fail(ErrorCode::invalid_input, fmt::format("{}: is no name of a provider", base::printable(file)),
                    "rename the file: lower-case letters, digits, '.', '_' and '-'");
    }
    auto bytes = sys::read_file(path, kLargestFile);
    if (!bytes) return fail(bytes.error().within(base::printable(file)));
    ReadResult read = read_definition(*bytes);
    if (kind != nullptr) {
        kind->auth_type = read.auth_type;
        kind->flow = read.flow;
    }
    if (!read.ok()) {
        const auto errors = std::count_if(read.findings.begin(), read.findings.end(),
                                          [](const Finding& finding) { return finding.severity == Severity::error; });
        const std::string count = errors > 1 ? fmt::format("{} errors, first: ", errors) : "";
        return fail(ErrorCode::invalid_input, count + first_error(read.findings, file),
                    fmt::format("mend the file; this shows all that is wrong: claviger register {}", base::printable(path.string())));
    }
    if (read.definitions.size() != 1) {
        return fail(ErrorCode::invalid_input,
                    fmt::format("{}: holds {} definitions, not one", base::printable(file), read.definitions.size()),
                    "add it with: claviger register");
    }
    if (read.definitions.front().name != name) {
        return fail(ErrorCode::invalid_input,
                    fmt::format("{}: is named \"{}\" inside", base::printable(file), read.definitions.front().name),
                    fmt::format("name the file {}.json, or change \"name\"", read.definitions.front().name));
    }
    return std::move(read.definitions.front());
}

struct CustomFiles {
    std::map<std::string, fs::path> by_name;
    std::map<std::string, std::string> clashes;  // name -> the second file
};

// A definition says where tokens go, so nobody else may write one (CL-07). A missing directory is fine.
base::Result<void> check_directory(const fs::path& directory) {
    std::error_code problem;
    if (!fs::exists(fs::symlink_status(directory, problem))) return {};
    return sys::check_private_directory(directory);
}

// A missing directory holds nothing. ".json" wins over ".jsonc" of the same name, and the clash is reported.
base::Result<CustomFiles> custom_files(const fs::path& directory) {
    TRY_VOID(check_directory(directory));
    CustomFiles files;
    std::error_code problem;
    fs::directory_iterator at(directory, problem);
    if (problem == std::errc::no_such_file_or_directory) return files;
    if (problem) return fail(ErrorCode::storage, fmt::format("cannot read {}: {}", directory.string(), problem.message()));
    for (const fs::directory_iterator end; at != end && !problem; at.increment(problem)) {
        const auto name = name_of(at->path());
        if (!name) continue;
        if (files.by_name.size() >= kMostFiles) return fail(ErrorCode::limit, "too many files in the providers directory");
        const auto [place, added] = files.by_name.emplace(*name, at->path());
        if (added) continue;
        const bool json_first = place->second.extension() == ".json";
        files.clashes[*name] = json_first ? at->path().filename() : place->second.filename();
        if (!json_first) place->second = at->path();
    }
    if (problem) return fail(ErrorCode::storage, fmt::format("cannot read {}: {}", directory.string(), problem.message()));
    return files;
}

std::optional<fs::path> custom_file(const fs::path& directory, std::string_view name) {
    if (!base::valid_name(name)) return std::nullopt;  // never a path
    for (const std::string_view extension : {".json", ".jsonc"}) {
        fs::path path = directory / (std::string(name) + std::string(extension));
        std::error_code problem;
        const auto status = fs::symlink_status(path, problem);
        if (!problem && fs::exists(status)) return path;
    }
    return std::nullopt;
}

Entry entry_of(const CatalogueEntry& bundled) {
    return {std::string(bundled.name), std::string(bundled.display_name), bundled.auth_type, bundled.flow, true, true,
            Source::bundled, false, std::nullopt};
}

}  // namespace

Registry::Registry(fs::path custom_directory) : directory_(std::move(custom_directory)) {}

base::Result<std::vector<Entry>> Registry::list() const {
    TRY(files, custom_files(directory_));
    std::map<std::string, Entry> entries;
    for (const CatalogueEntry& bundled : catalogue()) entries.emplace(bundled.name, entry_of(bundled));
    for (const auto& [name, path] : files.by_name) {
        Entry entry;
        entry.name = name;
        entry.display_name = name;
        entry.source = Source::custom;
        const auto shadowed = entries.find(name);
        entry.overrides_bundled = shadowed != entries.end();
        ReadResult kind;
        if (auto definition = read_custom(path, name, &kind)) {
            entry.display_name = definition->display_name;
            entry.auth_type = definition->auth_type;
            entry.flow = definition->flow;
        } else {
            if (entry.overrides_bundled) entry.display_name = shadowed->second.display_name;
            const bool several = definition.error().message.find(" errors, first: ") != std::string::npos;
            entry.problem = definition.error().message + (several ? fmt::format("; all of them: claviger register {}", path.string()) : "");
            entry.type_known = kind.auth_type.has_value();
            entry.flow_known = kind.flow.has_value();
            entry.auth_type = kind.auth_type.value_or(entry.auth_type);
            entry.flow = kind.flow.value_or(entry.flow);
        }
        if (const auto clash = files.clashes.find(name); clash != files.clashes.end() && !entry.problem) {
            entry.problem = fmt::format("{} defines the same name and is not used", base::printable(clash->second));
        }
        entries.insert_or_assign(name, std::move(entry));
    }
    std::vector<Entry> result;
    for (auto& [name, entry] : entries) result.push_back(std::move(entry));
    return result;
}

base::Result<ProviderDefinition> Registry::load(std::string_view name) const {
    if (const auto path = custom_file(directory_, name)) {
        TRY_VOID(check_directory(directory_));
        return read_custom(*path, name);
    }
    if (auto definition = bundled(name)) return std::move(*definition);
    std::vector<std::string> names;
    for (const CatalogueEntry& entry : catalogue()) names.emplace_back(entry.name);
    if (auto files = custom_files(directory_)) {
        for (const auto& [custom, path] : files->by_name) names.push_back(custom);
    }
    const auto guess = base::did_you_mean(name, {names.begin(), names.end()});
    return fail(ErrorCode::not_found, fmt::format("there is no provider \"{}\"", base::printable(name, 64)),
                guess ? fmt::format("did you mean \"{}\"?", *guess)
                      : "see all with: claviger list; add one with: claviger register FILE");
}

base::Result<Source> Registry::source_of(std::string_view name) const {
    if (custom_file(directory_, name)) return Source::custom;
    if (catalogue_entry(name)) return Source::bundled;
    return fail(ErrorCode::not_found, fmt::format("there is no provider \"{}\"", base::printable(name, 64)));
}

std::optional<ProviderDefinition> Registry::bundled(std::string_view name) const {
    const CatalogueEntry* entry = catalogue_entry(name);
    if (!entry) return std::nullopt;
    ReadResult read = read_definition(entry->json);
    if (!read.ok() || read.definitions.size() != 1) return std::nullopt;  // excluded by the catalogue's test
    return std::move(read.definitions.front());
}

base::Result<void> Registry::store(const ProviderDefinition& definition, bool replace) const {
    if (!base::valid_name(definition.name)) {
        return fail(ErrorCode::invalid_input, fmt::format("\"{}\" is no name of a provider", base::printable(definition.name, 64)));
    }
    const auto existing = custom_file(directory_, definition.name);
    if (existing && !replace) {
        return fail(ErrorCode::already_exists, fmt::format("\"{}\" is registered already", definition.name),
                    "replace it with --force");
    }
    TRY_VOID(sys::ensure_private_directory(directory_));
    const fs::path path = directory_ / (definition.name + ".json");
    TRY_VOID(sys::write_file_atomically(path, json::to_pretty_text(to_native_json(definition))));
    if (existing && *existing != path) return sys::remove_file_durably(*existing);  // a .jsonc of the same name
    return {};
}

base::Result<void> Registry::remove(std::string_view name) const {
    const auto path = custom_file(directory_, name);
    if (!path) {
        return fail(ErrorCode::not_found, fmt::format("there is no custom provider \"{}\"", base::printable(name, 64)),
                    catalogue_entry(name) ? "it is a bundled one, which stays" : "");
    }
    return sys::remove_file_durably(*path);
}

std::string Registry::stamp(std::string_view name) const {
    std::string stamp;
    for (const char* ending : {".json", ".jsonc"}) {
        struct stat file {};
        const auto path = directory_ / (std::string(name) + ending);
        if (::stat(path.c_str(), &file) != 0) continue;
        stamp += fmt::format("{}:{}:{}:{}.{};", ending, file.st_ino, file.st_size, file.st_ctim.tv_sec, file.st_ctim.tv_nsec);
    }
    return stamp;
}

}  // namespace claviger::provider
