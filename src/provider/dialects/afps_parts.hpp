// What AFPS v1 manifests and the flat payload share: the same members, nested in one and side by side in the other.
// Each function takes the object that holds its members; `path` is how a person writes the way to it
// ("definition.oauth2."), for messages. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "provider/dialects/dialect.hpp"
#include "provider/dialects/field_reader.hpp"

namespace claviger::provider::afps {

// "required", unless there is a text that is not empty. `misplaced_in`: an object that may hold it by mistake.
std::string required_url(FieldReader& from, std::string_view key, std::string_view path,
                         FieldReader* misplaced_in = nullptr);

void read_display(FieldReader& root, ProviderDefinition& definition);
void read_oauth2(FieldReader& from, ProviderDefinition& definition, std::string_view path,
                 FieldReader* misplaced_in = nullptr);
void read_available_scopes(FieldReader& from, ProviderDefinition& definition);
void read_oauth1(FieldReader& from, ProviderDefinition& definition, std::string_view path,
                 FieldReader* misplaced_in = nullptr);
void read_transform(FieldReader& from, ProviderDefinition& definition);
void read_places(FieldReader& from, ProviderDefinition& definition);

// The client belongs to whoever logs in: its id and secret are left out with a warning that does not repeat them.
void drop_client(FieldReader& from);

// "@scope/name" -> "name"; reports "bad_name" otherwise.
std::string read_package_name(FieldReader& root, std::string_view key);
// Reports "bad_version" when it is there and is not a semantic version.
void check_version(FieldReader& root, std::string_view key, bool required);

// Sets credentials.field_name; when the file does not say: `api_key` if declared, else the only field, else a finding.
void settle_field_name(FieldReader& from, std::string_view key, std::string_view path, ProviderDefinition& definition);

// credentialHeaderName and credentialHeaderPrefix, by the auth type: into `api_key` or `inject`.
void read_header(FieldReader& from, ProviderDefinition& definition);
// The same way back; empty name: no header of its own.
struct Header { std::string name, prefix; };
Header header_of(const ProviderDefinition& definition);

// The names of the credential's fields, in the order of the schema.
std::vector<std::string> declared_fields(const ProviderDefinition& definition);
// "Bearer" + "{{x}}" -> "Bearer {{x}}"; after '=' and for "" nothing stands between.
std::string join_prefix(std::string_view prefix, std::string_view value);

// Findings about one injected header, query parameter or cookie lead to `source`, whatever its name.
void point_injection(PointerMap& map, const ProviderDefinition& definition, const std::string& source);

// Members of an object, copied into `unknown` under its pointer, for writing them back.
void remember(FieldReader& from, const std::vector<std::string_view>& keys, ProviderDefinition& definition);

}  // namespace claviger::provider::afps
