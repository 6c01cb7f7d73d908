// The ways in which servers read one path. Most take "%2F" as data of its segment, some as a separator, some of these
// before and some after they have dropped empty segments. A rule holds for a path only if it holds for every reading; the
// forwarded bytes stay as they were (PX-05). Internal to policy/. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/url.hpp"

namespace claviger::policy {

// Paths that no rule matches, because nobody can say how a server reads them: an encoded backslash or NUL, a dot segment
// with a parameter ("..;x"), and beside "%2F" a second layer of encoding ("%252e").
bool path_is_unreadable(std::string_view path);

bool holds_encoded_slash(std::string_view path);

// The other readings of a URL whose path holds "%2F": with separators for it, dot segments resolved, empty segments kept
// and dropped. Empty when it holds none, or when a reading is no URL, which path_is_unreadable() then said too.
std::vector<net::Url> other_readings(const net::Url& url);

// A path as the most forgiving server might read it: decoded to the end, backslashes as slashes, parameters and empty
// segments dropped, dot segments resolved, case folded; without the slashes at its ends. It can withhold something, never
// give it (PX-30, PX-32). '*' stays, so that a pattern can be read in the same way.
std::string forgiving_path(std::string path);

}  // namespace claviger::policy
