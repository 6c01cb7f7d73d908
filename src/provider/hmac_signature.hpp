// Keyed hashes over a text of a request, as a definition says it: what inject.hmac and oauth.token_signature share.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "provider/definition.hpp"
#include "provider/template_text.hpp"

namespace claviger::provider {

// What {{request.X}} is. Borrowed for the call; `body` exactly as it goes out.
struct RequestFacts {
    std::string method, target, host, content_type;
    std::string_view body;
    base::Instant now;
    std::string nonce;
};

// The names in message and headers that are not of the request: the fields that signing needs.
std::vector<std::string> fields_of(const HmacSignature& rule);

// ErrorCode::invalid_input when the key is not written as `encoding` ("", base64, hex) says, or is empty.
base::Result<base::Secret> decoded_hmac_key(base::Secret key, const std::string& encoding);

// The header fields that carry the signature, in the order of the rule. `key` is decoded; `owner` is the definition's name, for
// errors; `find` knows the fields. ErrorCode::invalid_input when a text names an unknown field. That a value fits a header is the
// caller's to check.
base::Result<std::vector<std::pair<std::string, base::Secret>>> signature_headers(const HmacSignature& rule, std::string_view owner,
                                                                                  const base::Secret& key, const RequestFacts& request,
                                                                                  const FieldLookup& find);

}  // namespace claviger::provider
