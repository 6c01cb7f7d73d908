// Writing the members that AFPS v1 manifests and the flat payload share, and giving back what reading kept.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "provider/definition.hpp"

namespace claviger::provider::afps {

// Leave out what is empty.
void put(json::Object& out, std::string_view key, const std::string& text);
void put(json::Object& out, std::string_view key, const std::vector<std::string>& texts);
void put(json::Object& out, std::string_view key, const StringMap& map);

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

// Native pointers where the two differ; what was kept, the dialect and the schema version do not count.
std::vector<std::string> differences(const ProviderDefinition& a, const ProviderDefinition& b);

}  // namespace claviger::provider::afps
