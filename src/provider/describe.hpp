// What a definition does, in words for people: where a credential goes and how it is put there. Foreign text in it is not
// made printable here. Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "provider/definition.hpp"

namespace claviger::provider {

// Whether a variable can hold an origin, which is then the connection's own site (allow_all_uris).
bool may_have_own_site(const ProviderDefinition& definition);
// "https://api.acme.com/*", one per place; with allow_all_uris also "the whole site that you log in to".
std::vector<std::string> places_in_words(const ProviderDefinition& definition);
// "api.acme.com and *.acme.dev", "the server that you log in to" for {base_url}; "" when there is no place.
std::string hosts_in_words(const ProviderDefinition& definition);
// "your key as the header X-API-Key", one per place in the request.
std::vector<std::string> injection_in_words(const ProviderDefinition& definition);

}  // namespace claviger::provider
