// Signatures of OAuth 1.0a (RFC 5849 section 3): what of a request is covered, how it is signed, where the parameters
// go. Everything that may hold a token or a secret lies in wiping memory. Thread rule: pure functions; an
// OAuth1Signer is immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "crypto/rsa_sha1.hpp"
#include "net/url.hpp"

namespace claviger::oauth {

enum class SignatureMethod { hmac_sha1, hmac_sha256, rsa_sha1, plaintext };
std::optional<SignatureMethod> signature_method_from(std::string_view name);
std::string_view to_string(SignatureMethod method);

// oauth_consumer_key, oauth_token ... (section 3.1); not yet encoded.
struct ProtocolParameter { std::string name; base::WipedString value; };
using ProtocolParameters = std::vector<ProtocolParameter>;

// The request as it goes on the wire. Borrowed for the call.
struct CoveredRequest {
    std::string_view method;
    const net::Url& url;       // scheme and authority
    std::string_view target;   // origin-form: path and query
    std::string_view form;     // the body when it is one application/x-www-form-urlencoded form, else ""
};

// Section 3.3: makes a request unlike any other.
struct Stamp {
    std::string nonce;      // 192 bits
    std::string timestamp;  // seconds since 1970
};
Stamp make_stamp(base::Random& random, base::Instant now);

// Section 3.4.1: query, form and protocol parameters (but oauth_signature), encoded, sorted byte-wise, joined.
base::WipedString signature_base_string(const CoveredRequest& request, const ProtocolParameters& protocol);

// Whether a body of this Content-Type is covered by a signature (section 3.4.1.3.1).
bool is_form_type(std::string_view content_type);

// Client credentials, with token or temporary credentials where there are some, ready to sign.
class OAuth1Signer {
public:
    struct Keys {
        std::string consumer_key;
        base::Secret consumer_secret;      // RSA-SHA1: the private key in PEM
        base::Secret token, token_secret;  // empty: none
    };
    // ErrorCode::invalid_input when the private key cannot be used.
    static base::Result<OAuth1Signer> make(SignatureMethod method, Keys keys);

    // All protocol parameters, oauth_signature last. `more`: oauth_callback or oauth_verifier. ErrorCode::denied for
    // PLAINTEXT without TLS (section 3.4.4).
    [[nodiscard]] base::Result<ProtocolParameters> sign(const CoveredRequest& request, const Stamp& stamp,
                                                        const ProtocolParameters& more = {}) const;
    // The value of oauth_signature alone, for these parameters.
    [[nodiscard]] base::Result<base::WipedString> signature(const CoveredRequest& request,
                                                            const ProtocolParameters& protocol) const;
    // Whether the signature depends on the request at all.
    [[nodiscard]] bool covers_request() const { return method_ != SignatureMethod::plaintext; }

private:
    OAuth1Signer(SignatureMethod method, Keys keys) : method_(method), keys_(std::move(keys)) {}
    SignatureMethod method_;
    Keys keys_;
    std::optional<crypto::RsaSha1Key> private_key_;
};

// Section 3.5.1: the value of the Authorization field; `realm` may be empty.
base::WipedString authorization_value(const ProtocolParameters& parameters, std::string_view realm);
// Section 3.5.3: into the query of an origin-form target.
void append_to_query(std::string& target, const ProtocolParameters& parameters);

}  // namespace claviger::oauth
