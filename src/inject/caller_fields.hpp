// What a request of the caller and its answer must not carry besides the connection's own credential (PX-13, PX-23): other
// credentials of the caller's, the placeholders that stand for credentials in its environment, and the service's cookies.
// Internal to inject/ but for the placeholders. Thread rule: pure functions on their arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace claviger::inject {

// Whether services take credentials from a field of that name: Authorization, Cookie, and what ends like X-Api-Key.
bool names_a_credential(std::string_view field);

// Removes such fields, but for those that the definition lets through.
void remove_credentials(http::Fields& fields, const std::vector<std::string>& passed);

// Removes the fields and the parameters of the query whose value holds one. A body stays as it is.
void remove_placeholders(http::RequestHead& request, const std::vector<std::string>& placeholders);

// A cookie of the service may be as good as the credential that it came for: none reaches the caller, unless the definition
// lets cookies through; those of `ours`, the names that we set, never do.
void remove_cookies(http::Fields& answer, bool passed, const std::vector<std::string_view>& ours);

}  // namespace claviger::inject
