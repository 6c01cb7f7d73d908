// Small text functions with one exact meaning each. No locale anywhere. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claviger::base {

// ASCII only; other bytes are left alone.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
std::string_view trim(std::string_view text) noexcept;  // space, tab, CR, LF
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

std::string base64_encode(std::string_view bytes);       // RFC 4648 section 4, padded
std::string base64url_encode(std::string_view bytes);    // section 5, without padding
std::optional<std::string> base64_decode(std::string_view text);     // strict, padded
std::optional<std::string> base64url_decode(std::string_view text);  // strict, unpadded
std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);

// Percent-encodes all but RFC 3986 unreserved characters.
std::string percent_encode(std::string_view bytes);
std::optional<std::string> percent_decode(std::string_view text);
// application/x-www-form-urlencoded value (space is '+').
std::string form_encode(std::string_view bytes);
std::optional<std::string> form_decode(std::string_view text);

bool valid_utf8(std::string_view bytes) noexcept;

// For a terminal or a log: C0, C1, DEL, bidi controls and invalid UTF-8 become visible escapes; at most
// `limit` bytes are kept (CL-09, OA-32).
std::string printable(std::string_view foreign, std::size_t limit = 200);

// The candidate closest to `word` by edit distance, if close enough to be a likely typo.
std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

std::string html_escape(std::string_view text);  // & < > " '
std::string shell_quote(std::string_view text);  // for POSIX sh, always safe

// Names of providers, connections, tenants: [a-z0-9][a-z0-9._-]{0,63}, no ".." (CL-08).
bool valid_name(std::string_view name) noexcept;

}  // namespace claviger::base
