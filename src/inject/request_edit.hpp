// Edits of one request: what the caller sent under our names goes, ours comes last (PX-13). Internal to inject/.
// Thread rule: pure functions on their arguments.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace claviger::inject {

// Borrowed for one edit.
struct Pair { std::string_view name, value; };

// Equal without case, '-' and '_' alike: CGI-like servers cannot tell these apart.
bool equal_names(std::string_view a, std::string_view b);

// Removes each field of that name and, of Authorization, its proxy's sibling; also a Connection field that nominates
// it, since the next hop would then drop ours.
void remove_field(http::Fields& fields, std::string_view name);

// `target` in origin-form with every parameter of these names removed and then, in order, `pairs` appended,
// percent-encoded. Names are compared as forgiving servers read them: decoded, without case, '.', ' ', '-' and '_' alike,
// "name[...]" as name, ';' as a separator too.
void remove_parameters(std::string& target, const std::vector<std::string_view>& names);
void append_parameters(std::string& target, const std::vector<Pair>& pairs);
// Removes those of which `removed` says so, seen as they stand between '&' or ';'. Else not a byte changes.
void remove_parameters_if(std::string& target, const std::function<bool(std::string_view)>& removed);

// All Cookie fields become one: the caller's cookies without these names, then ours.
void merge_cookies(http::Fields& fields, const std::vector<Pair>& cookies);

}  // namespace claviger::inject
