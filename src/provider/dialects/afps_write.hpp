// Writing the members that AFPS v1 manifests and the flat payload share, and giving back what reading kept.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "provider/definition.hpp"

namespace claviger::provider::afps {

// Leave out what is empty.
void put(json::Object& out, std::string_view key, const std::string& text);
void put(json::Object& out, std::string_view key, const std::vector<std::string>& texts);
void put(json::Object& out, std::string_view key, const StringMap& map);

// The definition as its defaults make it: a URL whose variables all have one, with it. Other readers know no variables.
ProviderDefinition with_defaults(const ProviderDefinition& definition);
// `credentials.schema`, or the one that stands for it when there is none and the form wants one; null otherwise.
json::Value schema_to_write(const ProviderDefinition& definition);

json::Object oauth2_members(const OAuth2& oauth);
json::Object oauth1_members(const OAuth1& oauth);
void put_scope_choices(json::Object& out, const std::vector<ScopeChoice>& choices);
// credentialTransform, credentialHeaderName, credentialHeaderPrefix, authorizedUris, allowAllUris.
void put_injection_and_places(json::Object& out, const ProviderDefinition& definition);

// What reading kept, by pointer in an AFPS v1 manifest; also of a definition that was stored as native JSON since.
json::Object kept_members(const ProviderDefinition& definition);
const json::Value* kept_member(const json::Object& kept, std::string_view key);  // of the top level
std::string full_name(const ProviderDefinition& definition, const json::Object& kept);
std::string version_of(const json::Object& kept);
// Empty: none need be said.
std::string schema_version_of(const ProviderDefinition& definition, const json::Object& kept);
// Puts kept members back at their pointers: never over a written one, and none that reading would have understood,
// so that nothing unchecked comes in by this door.
void put_back(json::Value& manifest, const json::Object& kept);

// A target of `api_url` that no pattern of AFPS can say.
bool is_unsayable_place(std::string_view api_url);
// "{base_url}" and "{base_url}/v1", which begin with a whole origin.
bool is_origin_template(std::string_view url);
// Whether the form, which has no word for some places and endpoints, would say something wider, or nothing that reads:
// then writing fails. `globs`: whether it can say by which rules its patterns are read.
base::Result<> check_sayable(const ProviderDefinition& definition, std::string_view form, bool globs);
// A definition as text of a form, and the native pointers of what a reader of it does not get back.
struct Written {
    std::string text;
    std::vector<std::string> lost;
};
// Reads `text` as `register` would and compares: fails when it does not read, or to other security fields.
base::Result<Written> check_written(const ProviderDefinition& definition, std::string text, std::string_view form);
// What the form alone, without the extension, says of a definition; nullopt when that does not read.
std::optional<ProviderDefinition> said_by_manifest(const ProviderDefinition& definition);
std::optional<ProviderDefinition> said_by_payload(const ProviderDefinition& definition);
// What reading remembered only because a writer had made it up ("@local/acme", 1.0.0).
void forget_defaults(ProviderDefinition& definition);

// Native pointers where the two differ; what was kept, the dialect and the schema version do not count.
std::vector<std::string> differences(const ProviderDefinition& a, const ProviderDefinition& b);

}  // namespace claviger::provider::afps
