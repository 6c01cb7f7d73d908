#include "connection/record_fields.hpp"

#include <limits>

#include <fmt/format.h>

#include "connection/record.hpp"
#include "json/parse.hpp"

namespace claviger::connection {

using base::ErrorCode;

RecordWriter::RecordWriter() : object_(json::secret_storage()) { object_["format"] = kFormat; }

void RecordWriter::text(std::string_view key, std::string_view value) {
    if (!value.empty()) object_[key] = value;
}

void RecordWriter::secret(std::string_view key, const base::Secret& value) { text(key, value.reveal()); }

void RecordWriter::flag(std::string_view key, bool value) {
    if (value) object_[key] = true;
}

void RecordWriter::instant(std::string_view key, const std::optional<base::Instant>& value) {
    if (value) object_[key] = value->time_since_epoch().count();
}

void RecordWriter::number(std::string_view key, std::uint32_t value) {
    if (value != 0) object_[key] = value;
}

void RecordWriter::list(std::string_view key, const std::vector<std::string>& value) {
    if (!value.empty()) optional_list(key, value);
}

void RecordWriter::optional_list(std::string_view key, const std::optional<std::vector<std::string>>& value) {
    if (!value) return;
    json::Array array(object_.storage());
    for (const auto& item : *value) array.emplace_back(std::string_view(item));
    object_[key] = std::move(array);
}

void RecordWriter::map(std::string_view key, const std::map<std::string, std::string>& value) {
    if (value.empty()) return;
    json::Object inner(object_.storage());
    for (const auto& [name, text] : value) inner[name] = std::string_view(text);
    object_[key] = std::move(inner);
}

void RecordWriter::secrets(std::string_view key, const std::map<std::string, base::Secret>& value) {
    if (value.empty()) return;
    json::Object inner(object_.storage());
    for (const auto& [name, secret] : value) inner[name] = secret.reveal();
    object_[key] = std::move(inner);
}

base::Secret RecordWriter::finish() const { return json::to_secret_text(json::Value(object_, object_.storage())); }

base::Result<RecordReader> RecordReader::open(const vault::Record& record, std::string_view what) {
    json::ParseOptions options;
    options.storage = json::secret_storage();
    options.max_bytes = 16 << 20;
    auto value = json::parse(record.payload.reveal(), options);
    if (!value || !value->is_object())  // the parser's message could quote a secret
        return base::fail(ErrorCode::corrupt, fmt::format("the {} in the vault is not readable", what));
    const auto format = json::int_at(value->get_object(), "format").value_or(0);
    if (format > kFormat)
        return base::fail(ErrorCode::unsupported, fmt::format("the {} was written by a newer Claviger", what),
                          "update Claviger");
    if (format < 1) return base::fail(ErrorCode::corrupt, fmt::format("the {} in the vault has no format", what));
    RecordReader reader;
    reader.root_ = std::move(*value);
    reader.what_ = std::string(what);
    return reader;
}

const json::Value* RecordReader::member(std::string_view key) { return json::find(root_.get_object(), key); }

void RecordReader::wrong(std::string_view key) {
    if (wrong_key_.empty()) wrong_key_ = std::string(key);
}

std::string RecordReader::text(std::string_view key) {
    const auto* value = member(key);
    if (value == nullptr) return {};
    if (value->is_string()) return std::string(std::string_view(value->get_string()));
    wrong(key);
    return {};
}

base::Secret RecordReader::secret(std::string_view key) {
    const auto* value = member(key);
    if (value == nullptr) return {};
    if (value->is_string()) return base::Secret(std::string_view(value->get_string()));
    wrong(key);
    return {};
}

bool RecordReader::flag(std::string_view key) {
    const auto* value = member(key);
    if (value != nullptr && !value->is_bool()) wrong(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<base::Instant> RecordReader::instant(std::string_view key) {
    const auto* value = member(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_int64()) return base::Instant(base::Duration(value->get_int64()));
    wrong(key);
    return std::nullopt;
}

std::uint32_t RecordReader::number(std::string_view key) {
    const auto* value = member(key);
    if (value == nullptr) return 0;
    if (value->is_int64() && value->get_int64() >= 0 && value->get_int64() <= std::numeric_limits<std::uint32_t>::max())
        return static_cast<std::uint32_t>(value->get_int64());
    wrong(key);
    return 0;
}

std::vector<std::string> RecordReader::list(std::string_view key) { return optional_list(key).value_or(std::vector<std::string>()); }

std::optional<std::vector<std::string>> RecordReader::optional_list(std::string_view key) {
    const auto* value = member(key);
    if (value == nullptr) return std::nullopt;
    std::vector<std::string> out;
    if (!value->is_array()) {
        wrong(key);
        return std::nullopt;
    }
    for (const auto& item : value->get_array()) {
        if (item.is_string())
            out.emplace_back(std::string_view(item.get_string()));
        else
            wrong(key);
    }
    return out;
}

std::map<std::string, std::string> RecordReader::map(std::string_view key) {
    std::map<std::string, std::string> out;
    for (const auto& [name, secret] : secrets(key)) out.emplace(name, secret.reveal());
    return out;
}

std::map<std::string, base::Secret> RecordReader::secrets(std::string_view key) {
    std::map<std::string, base::Secret> out;
    const auto* value = member(key);
    if (value == nullptr) return out;
    if (!value->is_object()) {
        wrong(key);
        return out;
    }
    for (const auto& item : value->get_object()) {
        if (item.value().is_string())
            out.emplace(std::string(std::string_view(item.key())), base::Secret(std::string_view(item.value().get_string())));
        else
            wrong(key);
    }
    return out;
}

base::Result<void> RecordReader::finish() const {
    if (wrong_key_.empty()) return {};
    return base::fail(ErrorCode::corrupt, fmt::format("the {} in the vault has a wrong member '{}'", what_, wrong_key_));
}

}  // namespace claviger::connection
