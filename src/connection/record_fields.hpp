// Reading and writing the members of a sealed record. Internal to connection/. Thread rule: as the values it refers to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "json/value.hpp"
#include "vault/vault.hpp"

namespace claviger::connection {

// A JSON object in wiping memory that is filled member by member; empty values are left out.
class RecordWriter {
public:
    RecordWriter();
    void text(std::string_view key, std::string_view value);
    void secret(std::string_view key, const base::Secret& value);
    void flag(std::string_view key, bool value);
    void instant(std::string_view key, const std::optional<base::Instant>& value);
    void number(std::string_view key, std::uint32_t value);
    void list(std::string_view key, const std::vector<std::string>& value);
    void optional_list(std::string_view key, const std::optional<std::vector<std::string>>& value);
    void map(std::string_view key, const std::map<std::string, std::string>& value);
    void secrets(std::string_view key, const std::map<std::string, base::Secret>& value);
    [[nodiscard]] base::Secret finish() const;

private:
    json::Object object_;
};

// The same members read back; one of a wrong type is ErrorCode::corrupt at finish(). Absent ones are empty.
class RecordReader {
public:
    // Format newer than ours: ErrorCode::unsupported. `what` names the record in errors.
    static base::Result<RecordReader> open(const vault::Record& record, std::string_view what);
    std::string text(std::string_view key);
    base::Secret secret(std::string_view key);
    bool flag(std::string_view key);
    std::optional<base::Instant> instant(std::string_view key);
    std::uint32_t number(std::string_view key);
    std::vector<std::string> list(std::string_view key);
    std::optional<std::vector<std::string>> optional_list(std::string_view key);
    std::map<std::string, std::string> map(std::string_view key);
    std::map<std::string, base::Secret> secrets(std::string_view key);
    [[nodiscard]] base::Result<void> finish() const;

private:
    const json::Value* member(std::string_view key);
    void wrong(std::string_view key);
    json::Value root_;
    std::string what_, wrong_key_;
};

}  // namespace claviger::connection
