// The blocks of the native format, one function each; used by native.cpp alone. Each reads its block from `parent`
// when it is there, and keeps what it does not know in `unknown`. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "provider/dialects/field_reader.hpp"

namespace claviger::provider::native {

// What the functions share beside the reader.
struct Context {
    ProviderDefinition& definition;
    PointerMap& pointers;
    json::Object& unknown;
};

void read_oauth2(FieldReader& root, Context& context);
void read_oauth1(FieldReader& root, Context& context);

void read_setup_guide(FieldReader& root, Context& context);
void read_vars(FieldReader& root, Context& context);
void read_api_key(FieldReader& root, Context& context);
void read_credentials(FieldReader& root, Context& context);
void read_inject(FieldReader& root, Context& context);
void read_after_connect(FieldReader& root, Context& context);  // identity, probe, capture, retry
void read_exports(FieldReader& root, Context& context);

// A list whose items are {"name": ..., "pointer": ...}, or a name alone for "/name".
std::vector<CaptureRule> read_captures(FieldReader& reader, std::string_view key, Context& context);
// A signature by keyed hash; nullopt when the block is absent.
std::optional<HmacSignature> read_hmac(FieldReader& parent, std::string_view key, Context& context);

}  // namespace claviger::provider::native
