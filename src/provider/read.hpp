// Reading a definition: text or archive -> dialect -> model -> validation. All findings of a file at once; each
// has a pointer, a place, a code and a sentence that says what to do. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/parse.hpp"
#include "provider/definition.hpp"

namespace claviger::provider {

enum class Severity { error, warning };

struct Finding {
    Severity severity = Severity::error;
    std::string code;     // "required", "unknown_key", "not_https", ... documented in docs/provider-definition.md
    std::string pointer;  // RFC 6901 in the file that was read
    json::Position place;  // line 0 when the source has none
    std::string message;  // "must be an https URL; write https://..."
};

struct ReadResult {
    std::vector<ProviderDefinition> definitions;  // empty when there are errors; several for some AFPS v2 packages
    std::vector<Finding> findings;                // errors and warnings in document order
    std::optional<AuthType> auth_type;            // as the file says it, also when it has errors
    std::optional<Flow> flow;
    std::string dialect;                          // native, afps-v1, afps-v2, flat, pipes-settings
    [[nodiscard]] bool ok() const;
};

struct ReadOptions {
    bool allow_loopback_http = true;  // flagged by a warning
    bool bundled = false;             // stricter: warnings are errors for the catalogue
};

// Detects the dialect: ZIP signature -> .afps archive; "definition" or "auths" member -> AFPS; "authMode" -> flat;
// else native JSON with comments. Never throws, never returns partly read data.
ReadResult read_definition(std::string_view bytes, const ReadOptions& options = {});

// "error: /oauth/token_url (line 7, column 18): ..." one line per finding.
std::string format_findings(const std::vector<Finding>& findings, std::string_view file_name);

}  // namespace claviger::provider
