#include "connection/schema_fields.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace claviger::connection {
namespace {

constexpr std::size_t kMaxFields = 40;
constexpr std::size_t kMaxText = 400;

std::string text(const json::Object& object, std::string_view key) {
    return std::string(json::string_at(object, key).value_or("").substr(0, kMaxText));
}

// A definition marks a secret with `writeOnly`, `format: password` or `secret`. Where it marks none at all, the name
// decides, and what is unsure is masked.
bool marked_secret(const json::Object& property) {
    return json::bool_at(property, "writeOnly").value_or(false) || json::bool_at(property, "secret").value_or(false) ||
           json::string_at(property, "format").value_or("") == "password";
}

bool sounds_public(std::string_view name) {
    constexpr std::array<std::string_view, 14> kPublic{"user",   "email",  "mail",   "host",      "url",   "domain", "region",
                                                       "tenant", "account", "name",  "workspace", "site",  "port",   "_id"};
    constexpr std::array<std::string_view, 6> kSecret{"key", "token", "secret", "pass", "pwd", "credential"};
    const auto lower = base::to_lower(name);
    const auto has = [&](std::string_view part) { return lower.find(part) != std::string::npos; };
    return std::any_of(kPublic.begin(), kPublic.end(), has) && std::none_of(kSecret.begin(), kSecret.end(), has);
}

std::vector<std::string> choices_of(const json::Object& property) {
    std::vector<std::string> choices;
    if (const auto* listed = json::array_at(property, "enum"); listed != nullptr)
        for (const auto& item : *listed)
            choices.push_back(item.is_string() ? std::string(std::string_view(item.get_string())) : json::to_text(item));
    if (choices.empty() && json::string_at(property, "type").value_or("") == "boolean") choices = {"true", "false"};
    return choices;
}

FormField field_of(std::string_view name, const json::Object& property) {
    FormField field;
    field.name = std::string(name);
    field.label = text(property, "title");
    if (field.label.empty()) field.label = label_of(name);
    field.help = text(property, "description");
    field.choices = choices_of(property);
    if (const auto* value = json::find(property, "default"); value != nullptr)
        field.default_value = value->is_string() ? text(property, "default") : json::to_text(*value);
    if (const auto* examples = json::array_at(property, "examples"); examples != nullptr && !examples->empty())
        if (examples->front().is_string()) field.placeholder = std::string(std::string_view(examples->front().get_string()));
    return field;
}

}  // namespace

std::string label_of(std::string_view name) {
    std::string label(name);
    std::replace_if(label.begin(), label.end(), [](char c) { return c == '_' || c == '-' || c == '.'; }, ' ');
    if (!label.empty()) label.front() = base::to_upper(label.substr(0, 1)).front();
    return label;
}

std::vector<FormField> schema_fields(const json::Object& schema, std::string_view credential_field) {
    std::vector<FormField> fields;
    const auto* properties = json::object_at(schema, "properties");
    if (properties == nullptr) return fields;
    const bool any_marked = std::any_of(properties->begin(), properties->end(), [](const auto& p) {
        return p.value().is_object() && marked_secret(p.value().get_object());
    });
    const auto* required = json::array_at(schema, "required");
    for (const auto& item : *properties) {
        if (!item.value().is_object() || fields.size() == kMaxFields) continue;
        const std::string_view name(item.key());
        const auto& property = item.value().get_object();
        auto field = field_of(name, property);
        field.multiline = text(property, "contentMediaType") == "application/x-pem-file";
        field.secret = name == credential_field || (any_marked ? marked_secret(property) : !sounds_public(name));
        if (!field.choices.empty()) field.secret = false;  // a list to choose from hides nothing
        field.required = required != nullptr && std::any_of(required->begin(), required->end(), [&](const json::Value& r) {
            return r.is_string() && std::string_view(r.get_string()) == name;
        });
        fields.push_back(std::move(field));
    }
    return fields;
}

std::map<std::string, std::string> schema_types(const json::Object& schema) {
    std::map<std::string, std::string> types;
    const auto* properties = json::object_at(schema, "properties");
    if (properties == nullptr) return types;
    for (const auto& item : *properties) {
        if (!item.value().is_object()) continue;
        const auto type = json::string_at(item.value().get_object(), "type").value_or("string");
        if (type == "integer" || type == "number" || type == "boolean") types.emplace(std::string_view(item.key()), type);
    }
    return types;
}

}  // namespace claviger::connection
