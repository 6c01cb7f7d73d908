// The transcript of the last failed login, <home>/last-failed-login.json, 0600: docs/formats/transcript.md. It holds no
// secret. Thread rule: main thread.
#pragma once

#include <filesystem>
#include <optional>

#include "base/error.hpp"
#include "oauth/transcript.hpp"

namespace claviger::cli {

// Writes it, unless nothing was sent yet. The error, with `explain` in its hint where there is something to explain.
base::Error keep_failure(const std::filesystem::path& home, oauth::Recorder& recorder, base::Error error);
// After a login of `provider` that went well.
void forget_failure(const std::filesystem::path& home, std::string_view provider);
// nullopt: no login failed since.
base::Result<std::optional<oauth::Transcript>> last_failure(const std::filesystem::path& home);

}  // namespace claviger::cli
