#include "provider/dialects/field_reader.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"

namespace claviger::provider {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

std::string_view type_name(const json::Value& value) {
    switch (value.kind()) {
        case boost::json::kind::null: return "null";
        case boost::json::kind::bool_: return "a boolean";
        case boost::json::kind::string: return "a string";
        case boost::json::kind::array: return "a list";
        case boost::json::kind::object: return "an object";
        default: return "a number";
    }
}

bool is_string(const json::Value& value) { return value.is_string(); }
bool is_bool(const json::Value& value) { return value.is_bool(); }
bool is_array(const json::Value& value) { return value.is_array(); }
bool is_object_value(const json::Value& value) { return value.is_object(); }

bool silently_kept(std::string_view key) {
    return key.starts_with("x-") || key.starts_with("x_") || key.starts_with("$") || key.starts_with("_");
}

std::string unknown_key_message(std::string_view key, const std::vector<std::string_view>& known) {
    static constexpr std::string_view client_keys[] = {"client_id", "client_secret", "clientId", "clientSecret"};
    for (const auto name : client_keys) {
        if (key == name) return "the client belongs to the user, not to the definition; remove it, login asks for it";
    }
    if (auto guess = base::did_you_mean(key, known)) {
        return fmt::format("is not known here; did you mean \"{}\"?", *guess);
    }
    return "is not known here and has no effect; it is kept";
}

}  // namespace

void FindingList::add(Severity severity, std::string code, std::string pointer, std::string message) {
    if (full()) return;
    if (findings_.size() == kMost) {
        severity = Severity::error;
        code = "too_many";
        message = "too many findings; mend these first, then check again";
    }
    const json::Position place = document_.position(pointer);
    findings_.push_back({severity, std::move(code), std::move(pointer), place, std::move(message)});
}

bool FindingList::has_errors() const {
    return std::any_of(findings_.begin(), findings_.end(),
                       [](const Finding& finding) { return finding.severity == Severity::error; });
}

FieldReader::FieldReader(FindingList& findings, const json::Value& value, std::string pointer)
    : findings_(&findings), object_(value.if_object()), pointer_(std::move(pointer)) {
    if (!object_) {
        findings.add(Severity::error, "wrong_type", pointer_,
                     fmt::format("must be an object, not {}; write {{ ... }}", type_name(value)));
    }
}

std::string FieldReader::pointer_of(std::string_view key) const {
    return json::pointer_append(pointer_, spelled(key));
}

std::string_view FieldReader::spelled(std::string_view key) const {
    for (const auto& [new_key, old_key] : aliases_) {
        if (new_key == key) return old_key;
    }
    return key;
}

void FieldReader::alias(std::string_view old_key, std::string_view new_key, bool warn) {
    known_.emplace(new_key);
    if (!object_) return;
    const json::Value* old_value = json::find(*object_, old_key);
    if (!old_value) return;
    known_.emplace(old_key);
    if (old_value->is_null()) return;
    const json::Value* new_value = json::find(*object_, new_key);
    if (new_value && !new_value->is_null()) {
        if (*new_value != *old_value) {
            error(old_key, "conflict", fmt::format("says something else than \"{}\"; keep only \"{}\"", new_key, new_key));
        }
        return;
    }
    if (warn) warning(old_key, "old_spelling", fmt::format("is an older spelling; write \"{}\"", new_key));
    aliases_.emplace_back(new_key, old_key);
}

void FieldReader::note_aliases(PointerMap& pointers, std::string_view native_pointer) const {
    for (const auto& [new_key, old_key] : aliases_) {
        pointers.add(json::pointer_append(native_pointer, new_key), json::pointer_append(pointer_, old_key));
    }
}

bool FieldReader::is_null(std::string_view key) const {
    const json::Value* found = object_ ? json::find(*object_, spelled(key)) : nullptr;
    return found && found->is_null();
}

const json::Value* FieldReader::value(std::string_view key) {
    if (!known_.contains(key)) known_.emplace(key);
    if (!object_) return nullptr;
    const json::Value* found = json::find(*object_, spelled(key));
    return found && !found->is_null() ? found : nullptr;
}

const json::Value* FieldReader::typed(std::string_view key, bool (*is)(const json::Value&), std::string_view what) {
    const json::Value* found = value(key);
    if (!found) return nullptr;
    if (is(*found)) return found;
    error(key, "wrong_type", fmt::format("must be {}, not {}", what, type_name(*found)));
    return nullptr;
}

std::optional<std::string> FieldReader::optional_string(std::string_view key) {
    const json::Value* found = typed(key, is_string, "a string");
    if (!found) return std::nullopt;
    return std::string(found->get_string());
}

std::string FieldReader::string(std::string_view key, std::string fallback) {
    return optional_string(key).value_or(std::move(fallback));
}

std::string FieldReader::required_string(std::string_view key) {
    const json::Value* found = value(key);
    if (found && !found->is_string()) return string(key);  // reports the type, not the absence
    std::string text = string(key);
    if (text.empty()) error(key, "required", "is required; write a text that is not empty");
    return text;
}

bool FieldReader::boolean(std::string_view key, bool fallback) {
    const json::Value* found = typed(key, is_bool, "true or false");
    return found ? found->get_bool() : fallback;
}

std::optional<std::int64_t> FieldReader::integer(std::string_view key, std::int64_t least, std::int64_t most) {
    const json::Value* found = value(key);
    if (!found) return std::nullopt;
    const std::optional<std::int64_t> number = object_ ? json::int_at(*object_, spelled(key)) : std::nullopt;
    if (!number) {
        error(key, "wrong_type", fmt::format("must be a whole number, not {}", type_name(*found)));
        return std::nullopt;
    }
    if (*number < least || *number > most) {
        error(key, "out_of_range", fmt::format("must be between {} and {}", least, most));
        return std::nullopt;
    }
    return number;
}

std::vector<std::string> FieldReader::strings(std::string_view key) {
    std::vector<std::string> result;
    const json::Value* found = typed(key, is_array, "a list of strings");
    if (!found) return result;
    std::size_t index = 0;
    for (const json::Value& item : found->get_array()) {
        if (item.is_string()) {
            result.emplace_back(item.get_string());
        } else {
            findings_->add(Severity::error, "wrong_type", json::pointer_append(pointer_of(key), index),
                           fmt::format("must be a string, not {}", type_name(item)));
        }
        ++index;
    }
    return result;
}

std::vector<std::string> FieldReader::string_or_strings(std::string_view key) {
    const json::Value* found = value(key);
    if (found && found->is_string()) return {std::string(found->get_string())};
    if (found && !found->is_array()) {
        error(key, "wrong_type", fmt::format("must be a string or a list of strings, not {}", type_name(*found)));
        return {};
    }
    return strings(key);
}

std::vector<int> FieldReader::integers(std::string_view key, int least, int most) {
    std::vector<int> result;
    const json::Value* found = typed(key, is_array, "a list of numbers");
    if (!found) return result;
    std::size_t index = 0;
    for (const json::Value& item : found->get_array()) {
        const std::string item_pointer = json::pointer_append(pointer_of(key), index++);
        if (!item.is_int64()) {
            findings_->add(Severity::error, "wrong_type", item_pointer,
                           fmt::format("must be a whole number, not {}", type_name(item)));
        } else if (item.get_int64() < least || item.get_int64() > most) {
            findings_->add(Severity::error, "out_of_range", item_pointer,
                           fmt::format("must be between {} and {}", least, most));
        } else {
            result.push_back(static_cast<int>(item.get_int64()));
        }
    }
    return result;
}

StringMap FieldReader::string_map(std::string_view key) {
    StringMap result;
    const json::Value* found = typed(key, is_object_value, "an object of strings");
    if (!found) return result;
    for (const auto& member : found->get_object()) {
        const std::string name(member.key());
        if (member.value().is_null()) continue;
        if (member.value().is_string()) {
            result.emplace_back(name, std::string(member.value().get_string()));
        } else {
            findings_->add(Severity::error, "wrong_type", json::pointer_append(pointer_of(key), name),
                           fmt::format("must be a string, not {}; put it in quotes", type_name(member.value())));
        }
    }
    return result;
}

std::optional<std::string> FieldReader::choice(std::string_view key, const std::vector<std::string_view>& choices) {
    std::optional<std::string> text = optional_string(key);
    if (!text || std::find(choices.begin(), choices.end(), *text) != choices.end()) return text;
    std::string message = "must be one of ";
    for (std::size_t i = 0; i < choices.size(); ++i) message += fmt::format("{}\"{}\"", i ? ", " : "", choices[i]);
    if (auto guess = base::did_you_mean(*text, choices)) message += fmt::format("; did you mean \"{}\"?", *guess);
    error(key, "not_allowed", std::move(message));
    return std::nullopt;
}

std::optional<FieldReader> FieldReader::object(std::string_view key) {
    const json::Value* found = value(key);
    if (!found) return std::nullopt;
    FieldReader child(*findings_, *found, pointer_of(key));
    if (!child.is_object()) return std::nullopt;
    return child;
}

std::vector<FieldReader> FieldReader::objects(std::string_view key) {
    std::vector<FieldReader> result;
    const json::Value* found = typed(key, is_array, "a list of objects");
    if (!found) return result;
    std::size_t index = 0;
    for (const json::Value& item : found->get_array()) {
        FieldReader child(*findings_, item, json::pointer_append(pointer_of(key), index++));
        if (child.is_object()) result.push_back(std::move(child));
    }
    return result;
}

std::vector<std::variant<std::string, FieldReader>> FieldReader::strings_or_objects(std::string_view key) {
    std::vector<std::variant<std::string, FieldReader>> result;
    const json::Value* found = typed(key, is_array, "a list");
    if (!found) return result;
    std::size_t index = 0;
    for (const json::Value& item : found->get_array()) {
        const std::string item_pointer = json::pointer_append(pointer_of(key), index++);
        if (item.is_string()) {
            result.emplace_back(std::string(item.get_string()));
        } else if (FieldReader child(*findings_, item, item_pointer); child.is_object()) {
            result.emplace_back(std::move(child));
        }
    }
    return result;
}

std::vector<std::string> FieldReader::keys() const {
    std::vector<std::string> result;
    if (!object_) return result;
    for (const auto& member : *object_) result.emplace_back(member.key());
    return result;
}

void FieldReader::error(std::string_view key, std::string code, std::string message) {
    findings_->add(Severity::error, std::move(code), pointer_of(key), std::move(message));
}

void FieldReader::warning(std::string_view key, std::string code, std::string message) {
    findings_->add(Severity::warning, std::move(code), pointer_of(key), std::move(message));
}

void FieldReader::finish(json::Object* unknown, std::optional<std::string> native_pointer) {
    if (!object_) return;
    const std::vector<std::string_view> candidates(known_.begin(), known_.end());
    json::Object left_over;
    for (const auto& member : *object_) {
        const std::string key(member.key());
        if (known_.contains(key)) continue;
        left_over[key] = member.value();
        if (contains(kept_, key) || silently_kept(key) || findings_->full()) continue;
        findings_->add(Severity::warning, "unknown_key", json::pointer_append(pointer_, key),
                       unknown_key_message(key, candidates));
    }
    if (unknown && !left_over.empty()) (*unknown)[native_pointer.value_or(pointer_)] = std::move(left_over);
}

}  // namespace claviger::provider
