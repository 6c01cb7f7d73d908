// What requests with a credential and their answers go through so that the client never sees the credential: bodies are
// asked for uncoded, coded ones decoded or refused, and the answer's fields are looked through like its body (PX-20, PX-23;
// ADR 13). Thread rule: pure functions on their arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "http/content_coding.hpp"
#include "http/message.hpp"
#include "proxy/credential_source.hpp"
#include "proxy/problem.hpp"

namespace claviger::proxy {

// What a body is coded with cannot be looked through: none is wanted.
void ask_uncoded(http::Fields& request);

// An answer whose body is coded all the same, so that nobody can look into it.
std::optional<Problem> coding_problem(const http::ResponseHead& answer);

// The reason of an answer that showed the credential, where such are stopped.
inline constexpr std::string_view kReflected = "reflected_credential";
Problem reflected_credential();

// The decoder of a coded answer, whose fields and framing then tell of the decoded body; null where none is needed.
std::unique_ptr<http::ContentDecoder> take_coding_off(http::ResponseHead& answer);

// Cookies of the service go, secrets are overwritten, in trailers too. Returns how many were.
std::uint64_t guard_fields(http::Fields& fields, const Credential& credential);
std::uint64_t guard_head(http::ResponseHead& answer, const Credential& credential);

}  // namespace claviger::proxy
