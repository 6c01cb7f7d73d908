// The parts of validate(): one function per family of rules, all writing into one RuleCheck. Used by validate*.cpp
// alone. Ownership: refers to the definition and map that validate() was given. Thread rule: one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "provider/validate.hpp"

namespace claviger::provider {

// After so many findings one error "too_many" stands for the rest, so that a hostile file costs little.
struct FindingBound {
    static constexpr std::size_t kMost = 200;
};

class RuleCheck {
public:
    RuleCheck(const ProviderDefinition& definition, const PointerMap& pointers, const ReadOptions& options)
        : definition(definition), options(options), pointers_(pointers) {}

    void error(std::string_view pointer, std::string_view code, std::string message) {
        add(Severity::error, pointer, code, std::move(message));
    }
    void warning(std::string_view pointer, std::string_view code, std::string message) {
        add(Severity::warning, pointer, code, std::move(message));
    }

    const ProviderDefinition& definition;
    const ReadOptions& options;
    std::vector<Finding> findings;

private:
    void add(Severity severity, std::string_view pointer, std::string_view code, std::string message) {
        if (findings.size() > FindingBound::kMost) return;
        if (findings.size() == FindingBound::kMost) {
            findings.push_back({Severity::error, "too_many", pointers_.to_source(pointer), {}, "too many findings; mend these first"});
            return;
        }
        findings.push_back({severity, std::string(code), pointers_.to_source(pointer), {}, std::move(message)});
    }
    const PointerMap& pointers_;
};

void check_texts(RuleCheck& check);        // names, lengths, control characters, links for people
void check_blocks(RuleCheck& check);       // flow and type, required blocks and endpoints
void check_endpoints(RuleCheck& check);    // https, variables in URLs
void check_places(RuleCheck& check);       // api_url, authorized_uris
void check_companions(RuleCheck& check);   // identity and probe ask the service itself
void check_variables(RuleCheck& check);    // names, patterns, defaults
void check_parameters(RuleCheck& check);   // reserved request parameters, renames, pointers, scopes
void check_token_requests(RuleCheck& check);  // texts, client authentication and grants of requests for tokens
void check_injection(RuleCheck& check);    // header names, templates, credentials, patterns of keys
void check_exports(RuleCheck& check);      // names of the environment

// Control, bidirectional-override and other characters that change how a text is shown; newlines pass when `lines`.
bool has_hidden_character(std::string_view text, bool lines = false);
// The {{request.X}} that the message of a signature may name; a header may name all but the body, and request.signature.
std::vector<std::string> signed_facts();
// RFC 9110 token.
bool is_token(std::string_view text);
// Names that {{templates}}, exports and captures may use for this definition.
std::vector<std::string> credential_fields(const ProviderDefinition& definition);

}  // namespace claviger::provider
