// What the parts of to_native_json share: a writer of one object, and those parts that stand in a file of their own.
// Internal to dialects/. Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "provider/definition.hpp"

namespace claviger::provider {

// Builds one object; the put_* leave out what is empty or equals the default.
class ObjectWriter {
public:
    void text(std::string_view key, const std::string& value, std::string_view fallback = "") {
        if (value != fallback) object_[key] = value;
    }
    void flag(std::string_view key, bool value, bool fallback = false) {
        if (value != fallback) object_[key] = value;
    }
    void number(std::string_view key, const std::optional<std::int64_t>& value) {
        if (value) object_[key] = *value;
    }
    void numbers(std::string_view key, const std::vector<int>& values) {
        json::Array list(values.begin(), values.end());
        if (!list.empty()) object_[key] = std::move(list);
    }
    void texts(std::string_view key, const std::vector<std::string>& values) {
        if (!values.empty()) texts_always(key, values);
    }
    void texts_always(std::string_view key, const std::vector<std::string>& values) { object_[key] = json::Array(values.begin(), values.end()); }
    void map(std::string_view key, const StringMap& values) {
        json::Object members;
        for (const auto& [name, value] : values) members[name] = value;
        object(key, std::move(members));
    }
    void object(std::string_view key, json::Object value) {
        if (!value.empty()) object_[key] = std::move(value);
    }
    void list(std::string_view key, json::Array value) {
        if (!value.empty()) object_[key] = std::move(value);
    }
    template <class T>
    void always(std::string_view key, T&& value) {
        object_[key] = std::forward<T>(value);
    }
    json::Object take() && { return std::move(object_); }

private:
    json::Object object_;
};

json::Object write_oauth2(const OAuth2& oauth);
json::Object write_hmac(const HmacSignature& rule);
json::Array write_captures(const std::vector<CaptureRule>& rules);

}  // namespace claviger::provider
