// The freedesktop Secret Service (the desktop's keyring) through libsecret, which is loaded only when one of these is
// called, so that a program start does not pay for it. Thread rule: any thread; each call starts and joins its own
// watchdog.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::sys {

using SecretAttributes = std::map<std::string, std::string>;  // what an item is found by; not secret

// A session bus is in the environment, libsecret is installed, the service answers and its default collection exists
// and is unlocked, all within `wait`.
bool secret_service_ready(std::chrono::milliseconds wait);

// Stores text (no zero bytes) in the default collection, replacing the item with the same attributes.
base::Result<void> secret_service_store(const SecretAttributes& attributes, std::string_view label,
                                        const base::Secret& text, std::chrono::milliseconds wait);
// May ask the human to unlock the collection. not_found when the service has no such item; unsupported when there
// is no service.
base::Result<base::Secret> secret_service_lookup(const SecretAttributes& attributes, std::chrono::milliseconds wait);
// An item that another program stored: with at least these attributes, whatever else it has.
base::Result<base::Secret> secret_service_lookup_of_others(const SecretAttributes& attributes, std::chrono::milliseconds wait);
base::Result<void> secret_service_clear(const SecretAttributes& attributes, std::chrono::milliseconds wait);

}  // namespace claviger::sys
