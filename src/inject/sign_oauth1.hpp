// The signatures of one OAuth 1.0a connection's requests (RFC 5849 section 3): the last change of a request, since they
// cover all others. Internal to inject/. Thread rule: immutable after make().
#pragma once

#include <string>

#include "connection/connection.hpp"
#include "http/message.hpp"
#include "inject/injection.hpp"
#include "oauth/oauth1.hpp"
#include "provider/definition.hpp"

namespace claviger::inject {

class OAuth1Signature {
public:
    // `client`: the consumer that the connection was made with. ErrorCode::needs_login when there is none any more.
    static base::Result<OAuth1Signature> make(const provider::ProviderDefinition& definition,
                                              const connection::Connection& connection, const connection::ClientRecord* client);
    // Section 3.4.1.3.1: a form in the body is signed.
    [[nodiscard]] bool covers_body(const http::RequestHead& request) const;
    // Takes out what the caller signed, puts ours in. `request.target` and the scheme and authority of `url` are what goes
    // on the wire. ErrorCode::invalid_input when a form holds oauth_ parameters of the caller.
    [[nodiscard]] base::Result<void> apply(http::RequestHead& request, const net::Url& url, const Occasion& occasion) const;

private:
    OAuth1Signature(oauth::OAuth1Signer signer, std::string realm, bool in_query)
        : signer_(std::move(signer)), realm_(std::move(realm)), in_query_(in_query) {}
    oauth::OAuth1Signer signer_;
    std::string realm_;
    bool in_query_;
};

}  // namespace claviger::inject
