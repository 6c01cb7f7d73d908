// What an authorization server answers, at every endpoint that clients authenticate at: its members, however they are
// written, and what it says that went wrong (RFC 6749 section 5.2), as the definition's rules and the habits of servers want
// it read. Internal to oauth/. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/client.hpp"
#include "json/value.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

bool is_success(int status, const TokenRequestOptions& options);

// A JSON object, a form or XML; ErrorCode::protocol when it is none of them. In memory for secrets.
base::Result<json::Value> read_members(const http::Response& response, const TokenRequestOptions& options);
// The value at the first pointer that leads to one; without pointers the member of that name; null: none.
const json::Value* first_of(const json::Value& root, const std::vector<std::string>& pointers, std::string_view member);
std::optional<std::string_view> text_of(const json::Value* value);

// What an answer says that went wrong, in the server's words: not cleaned.
struct Complaint {
    std::string error, description;
    [[nodiscard]] std::string sentence() const;  // cleaned
};

// Whether a server that answers so cannot say yes or no now: by the status first, since a gateway's 503 may carry any body. A
// status that the definition adds (`retry`) counts only where no word of RFC 6749 section 5.2 says a plain no.
bool cannot_now(int status, std::string_view error, const TokenRequestOptions& options);
// Whether an answer says that it is an error, whatever its status: `error` as a word, an object or true, or error_when.
bool is_failure(const json::Value& root, const TokenRequestOptions& options);
// What a failed answer says, also where the definition knows better than the RFC where that stands.
Complaint words_of(const json::Value& root, const TokenRequestOptions& options);

}  // namespace claviger::oauth
