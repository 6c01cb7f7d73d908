// Which values of a transcript say nothing usable and may be kept; everything else is hidden (LG-02). Internal to oauth/.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"

namespace claviger::oauth::masking {

// A parameter or member of a request.
bool harmless_when_sent(std::string_view name);
// A member of an answer, "errors/0/message": the server's own words, to be cleaned.
bool harmless_when_answered(std::string_view path);
// Field names of requests that are always the same, and of answers that explain something.
bool open_field(std::string_view name);
bool telling_field(std::string_view name);

// Enough of an id to tell two apart.
std::string shortened(std::string_view id);

using Claims = std::vector<std::pair<std::string, std::string>>;  // name, what may be shown of it
// Of a JWT of the client's: how it is signed and whom it is for; "iss" and "sub" shortened. Empty when it is none.
Claims telling_claims(std::string_view jwt);

// The parameters of an OAuth 1 Authorization value (RFC 5849 section 3.5.1), decoded.
std::vector<std::pair<std::string, base::Secret>> oauth1_parameters(std::string_view credentials);
// User and password of a Basic value, as the server reads them: the password also form-decoded (RFC 6749 section 2.3.1).
std::vector<base::Secret> basic_secrets(std::string_view credentials);

}  // namespace claviger::oauth::masking
