// Signature version 4 of one connection's requests (AWS General Reference, "Signing AWS API requests"): the last change of
// a request. Region and service come from the definition's places. Internal to inject/. Thread rule: immutable after make().
#pragma once

#include <string>
#include <vector>

#include "base/secret.hpp"
#include "http/message.hpp"
#include "inject/credential_fields.hpp"
#include "inject/injection.hpp"
#include "provider/definition.hpp"

namespace claviger::inject {

class SigV4Signature {
public:
    // ErrorCode::invalid_input when the connection lacks a field that the definition names.
    static base::Result<SigV4Signature> make(const provider::ProviderDefinition& definition, const CredentialFields& fields);
    // The payload's hash is signed, unless the caller has said it or the service takes what is not signed.
    [[nodiscard]] bool covers_body(const http::RequestHead& request, const net::Url& url) const;
    // Takes out what the caller signed, puts ours in. ErrorCode::denied when no place of the definition fits the host,
    // unsupported when the caller signs pieces of the body with keys of its own.
    [[nodiscard]] base::Result<void> apply(http::RequestHead& request, const net::Url& url, const Occasion& occasion) const;
    // The fields that are ours alone.
    static void remove_callers(http::Fields& fields);

private:
    struct Place {
        std::vector<std::string> labels;  // of the host's pattern; none: every host
        std::string region, service;
        bool object_store = false;
    };
    struct Scope {
        std::string region, service;
        bool object_store = false;
    };
    SigV4Signature() = default;
    [[nodiscard]] std::optional<Scope> scope_of(const net::Url& url) const;
    [[nodiscard]] static std::optional<Scope> fit(const Place& place, const std::vector<std::string>& host);

    std::string access_key_id_;
    base::Secret secret_key_, session_token_;
    std::vector<Place> places_;
};

}  // namespace claviger::inject
