// Keyed hashes over a text of each request, as the definition says it: inject.hmac. The last change of a request.
// Internal to inject/. Thread rule: immutable after make().
#pragma once

#include <map>
#include <string>

#include "base/secret.hpp"
#include "http/message.hpp"
#include "inject/credential_fields.hpp"
#include "inject/injection.hpp"
#include "provider/definition.hpp"

namespace claviger::inject {

class HmacRequestSignature {
public:
    // ErrorCode::invalid_input when a field is missing or the key is not encoded as the definition says.
    static base::Result<HmacRequestSignature> make(const provider::ProviderDefinition& definition, const CredentialFields& fields);
    [[nodiscard]] bool covers_body(const http::RequestHead& request) const;
    // Takes out the caller's fields of these names, puts ours in.
    [[nodiscard]] base::Result<void> apply(http::RequestHead& request, const Occasion& occasion) const;
    void remove_callers(http::Fields& fields) const;

private:
    HmacRequestSignature() = default;
    std::string owner_;                           // the definition, for errors
    provider::HmacSignature rule_;
    base::Secret key_;
    std::map<std::string, base::Secret> fields_;  // of the credential, as far as the rule names them
};

}  // namespace claviger::inject
