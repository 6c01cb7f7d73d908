// One entry of an AFPS 2.x package's `auths`, read into a definition. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/dialects/field_reader.hpp"

namespace claviger::provider::afps2 {

// Sets all but what the package says about itself. False, with a finding, for a type that the model has no word for.
bool read_auth(FieldReader& auth, ProviderDefinition& definition);
// `delivery`: how the credential reaches a request, into `api_key`, `inject`, `credentials.transform` and `exports`.
void read_delivery(FieldReader& auth, ProviderDefinition& definition);

// "{$credential.user}:x" as "{{user}}:x"; nullopt when it names something else than credentials, or is
// longer than 4096 bytes.
struct ValueTemplate {
    std::string text;
    std::vector<std::string> fields;  // in order, without repetition
    [[nodiscard]] bool is_one_field() const { return fields.size() == 1 && text == "{{" + fields.front() + "}}"; }
};
std::optional<ValueTemplate> parse_value(std::string_view text);

// "$.data.id" as "/data/id"; also "data" and "$['a']"; nullopt for what a JSON Pointer cannot say.
std::optional<std::string> pointer_of_path(std::string_view json_path);

}  // namespace claviger::provider::afps2
