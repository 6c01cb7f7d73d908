// URL templates: "{base_url}/oauth/token" + values -> a checked Url. A value can never change the scheme, add
// userinfo, query or fragment, or leave its host label; `base_url` is parsed as an https origin with an optional
// path (loopback http allowed) before and after (OA-27). Thread rule: pure functions.
#pragma once

#include "net/url.hpp"
#include "provider/definition.hpp"

namespace claviger::provider {

// Names used in a template, in order, without repetition.
std::vector<std::string> variables_in(std::string_view url_template);
base::Result<net::Url> expand_url(std::string_view url_template, const VariableValues& values);
// The same for a page that a browser opens, which may be a route in the fragment: "https://host/#/oauth/authorize".
base::Result<net::Url> expand_page(std::string_view url_template, const VariableValues& values);
// The definition's defaults, overlaid with `given`; checks patterns and enums. Unknown or missing: invalid_input; one
// that the provider's answers give (is_captured_variable) may be missing.
base::Result<VariableValues> complete_variables(const ProviderDefinition& definition, const VariableValues& given);
// Whether the variable's pattern and choices accept the value; the error shows neither.
base::Result<void> check_variable(const Variable& variable, const std::string& value);
// "git.acme.com/" or "HTTPS://git.acme.com" -> "https://git.acme.com"; refuses userinfo, query, fragment.
base::Result<std::string> canonical_base_url(std::string_view text);

}  // namespace claviger::provider
