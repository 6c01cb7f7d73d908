// FieldReader: one JSON object read member by member. Each accessor notes the key as known, treats null as absent,
// and turns a wrong type into an error finding (with pointer, line and column) plus the fallback, so that one pass
// reports everything. finish() reports the members nobody asked for, with "did you mean".
//
//     FindingList findings(document);
//     FieldReader root(findings, document.root(), "");
//     definition.name = root.required_string("name");
//     if (auto oauth = root.object("oauth")) { ...; oauth->finish(&definition.unknown); }
//     root.finish(&definition.unknown);
//
// Ownership: refers to the document and the list, which outlive it. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "json/parse.hpp"
#include "provider/definition.hpp"
#include "provider/dialects/dialect.hpp"
#include "provider/read.hpp"

namespace claviger::provider {

// Findings of one document; fills in the place from the pointer.
class FindingList {
public:
    static constexpr std::size_t kMost = 200;  // after these one "too_many" error, so that no error is lost in silence
    explicit FindingList(const json::Document& document) : document_(document) {}
    void add(Severity severity, std::string code, std::string pointer, std::string message);
    [[nodiscard]] bool has_errors() const;
    [[nodiscard]] bool full() const { return findings_.size() > kMost; }
    [[nodiscard]] std::vector<Finding> take() && { return std::move(findings_); }
    [[nodiscard]] const std::vector<Finding>& all() const { return findings_; }

private:
    const json::Document& document_;
    std::vector<Finding> findings_;
};

class FieldReader {
public:
    // Not an object: one "wrong_type" finding, and every member is absent.
    FieldReader(FindingList& findings, const json::Value& value, std::string pointer);

    [[nodiscard]] const std::string& pointer() const { return pointer_; }
    [[nodiscard]] std::string pointer_of(std::string_view key) const;
    [[nodiscard]] bool is_object() const { return object_ != nullptr; }

    // The raw member; nullptr when absent or null. Notes the key as known.
    const json::Value* value(std::string_view key);
    bool has(std::string_view key) { return value(key) != nullptr; }
    // Written, and null: for the few members where null says something.
    [[nodiscard]] bool is_null(std::string_view key) const;

    std::optional<std::string> optional_string(std::string_view key);
    std::string string(std::string_view key, std::string fallback = {});
    std::string required_string(std::string_view key);  // absent, null or "": code "required"
    bool boolean(std::string_view key, bool fallback = false);
    std::optional<std::int64_t> integer(std::string_view key,
                                        std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                                        std::int64_t most = std::numeric_limits<std::int64_t>::max());
    std::vector<std::string> strings(std::string_view key);            // a list of strings
    std::vector<std::string> string_or_strings(std::string_view key);  // one string, or a list
    std::vector<int> integers(std::string_view key, int least, int most);
    // Values are strings; numbers and booleans are refused with a hint to quote them.
    StringMap string_map(std::string_view key);
    // One of `choices`: otherwise "not_allowed" with the list and "did you mean"; nullopt then or when absent.
    std::optional<std::string> choice(std::string_view key, const std::vector<std::string_view>& choices);
    std::optional<FieldReader> object(std::string_view key);
    std::vector<FieldReader> objects(std::string_view key);  // a list of objects
    // A list that mixes both: a text alone is short for an object.
    std::vector<std::variant<std::string, FieldReader>> strings_or_objects(std::string_view key);
    // Any member order: the keys as they stand in the file, for objects that are maps.
    [[nodiscard]] std::vector<std::string> keys() const;

    // A known key that is kept as it is, without a warning (for `metadata`, `$schema`).
    void keep(std::string_view key) { kept_.emplace_back(key); }
    // `old_key` means `new_key`: reads as if it were written new. Call before reading `new_key`; the old spelling
    // is reported as a warning "old_spelling" when `warn`, both at once as an error "conflict".
    void alias(std::string_view old_key, std::string_view new_key, bool warn = false);
    // The key that is really in the file for `key` (an alias, or the key itself).
    [[nodiscard]] std::string_view spelled(std::string_view key) const;
    // The aliases in use, as a map from `native_pointer`/new_key to where the member stands in the file.
    void note_aliases(PointerMap& pointers, std::string_view native_pointer) const;

    void error(std::string_view key, std::string code, std::string message);
    void warning(std::string_view key, std::string code, std::string message);

    // Reports members that were neither asked for nor kept as warnings "unknown_key" (keys beginning with "x-", "x_",
    // "$" or "_" silently), and keeps them in `unknown` under the pointer of this object, `native_pointer` if given.
    void finish(json::Object* unknown = nullptr, std::optional<std::string> native_pointer = std::nullopt);

private:
    const json::Value* typed(std::string_view key, bool (*is)(const json::Value&), std::string_view what);

    FindingList* findings_;
    const json::Object* object_ = nullptr;
    std::string pointer_;
    std::set<std::string, std::less<>> known_;  // of a map in the file these are many
    std::vector<std::string> kept_;
    std::vector<std::pair<std::string, std::string>> aliases_;  // new -> old, only those in use
};

}  // namespace claviger::provider
