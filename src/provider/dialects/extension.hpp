// "x-claviger": what the native form says and AFPS v1 (or the flat payload) has no word for, so that what is written
// registers again as the same definition. Its members are those of the native form; null takes one away that the
// reader would add. It may only add: where the form itself speaks (hosts, endpoints, the header), a file that says
// something else here is refused, so that Claviger and every other reader of a package see the same.
// Thread rule: pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "provider/dialects/field_reader.hpp"

namespace claviger::provider::afps {

inline constexpr std::string_view kExtensionKey = "x-claviger";

// What the form alone says of a definition: written without the extension and read again; nullopt: nothing readable.
using SaidAlone = std::function<std::optional<ProviderDefinition>(const ProviderDefinition&)>;

// The extension that leads from what the form says (`said`) to `wanted`; empty when they are the same.
json::Object extension_for(const ProviderDefinition& wanted, const ProviderDefinition& said);

// Completes `definition`, which was read from the form alone, by the member of `root` if there is one. Reports what is
// wrong with it under its own pointer ("contradicts" for what it may not say); the rules of the model come later.
// True when it was there and is in the definition: then the file says on purpose where the credential goes or not.
bool read_extension(FindingList& findings, FieldReader& root, ProviderDefinition& definition, PointerMap& pointers,
                    const SaidAlone& said_alone);

// What holds for the form alone.
void drop_settled_warnings(std::vector<Finding>& findings);

}  // namespace claviger::provider::afps
