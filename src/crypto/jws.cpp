#include "crypto/jws.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl_handles.hpp"
#include "json/parse.hpp"

namespace claviger::crypto {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kMostBytes = 64 * 1024;
constexpr std::size_t kHalf = 32;  // of an ES256 signature: r and s

constexpr std::array<std::pair<SignatureAlgorithm, std::string_view>, 5> kNames{{
    {SignatureAlgorithm::rs256, "RS256"}, {SignatureAlgorithm::ps256, "PS256"}, {SignatureAlgorithm::es256, "ES256"},
    {SignatureAlgorithm::eddsa, "EdDSA"}, {SignatureAlgorithm::hs256, "HS256"}}};

using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

const EVP_MD* digest_of(SignatureAlgorithm algorithm) {
    return algorithm == SignatureAlgorithm::eddsa ? nullptr : EVP_sha256();
}

// RFC 7518 section 3.5: the salt is as long as the hash.
bool set_padding(SignatureAlgorithm algorithm, EVP_PKEY_CTX* context) {
    if (algorithm != SignatureAlgorithm::ps256) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

// RFC 7518 section 3.4: r and s side by side, where OpenSSL speaks DER.
std::string halves_of(std::string_view der) {
    const auto* at = bytes_of(der);
    const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    std::string out(2 * kHalf, '\0');
    if (!signature) return out;
    BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes_of(out), kHalf);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes_of(out) + kHalf, kHalf);
    return out;
}

std::string der_of(std::string_view halves) {
    if (halves.size() != 2 * kHalf) return {};
    const EcdsaSignature signature(ECDSA_SIG_new());
    Number r(BN_bin2bn(bytes_of(halves), kHalf, nullptr)), s(BN_bin2bn(bytes_of(halves) + kHalf, kHalf, nullptr));
    if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
    (void)r.release();  // the signature owns them now
    (void)s.release();
    unsigned char* out = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &out);
    if (size <= 0) return {};
    std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
    OPENSSL_free(out);
    return der;
}

Result<std::string> signature_over(const Jwk& key, SignatureAlgorithm algorithm, std::string_view text) {
    if (algorithm == SignatureAlgorithm::hs256) return hmac_sha256(key.octets(), text);
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    std::size_t size = 0;
    if (!context || EVP_DigestSignInit(context.get(), &parameters, digest_of(algorithm), nullptr, key.handle()) != 1 ||
        !set_padding(algorithm, parameters) || EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) != 1)
        return openssl_failed("sign");
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(text), text.size()) != 1) return openssl_failed("sign");
    signature.resize(size);
    return algorithm == SignatureAlgorithm::es256 ? halves_of(signature) : signature;
}

bool right(const UnverifiedJws& jws, const Jwk& key) {
    if (jws.algorithm == SignatureAlgorithm::hs256)
        return base::equal_constant_time(hmac_sha256(key.octets(), jws.signed_part), jws.signature);
    const auto signature = jws.algorithm == SignatureAlgorithm::es256 ? der_of(jws.signature) : jws.signature;
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    const bool good =
        !signature.empty() && context &&
        EVP_DigestVerifyInit(context.get(), &parameters, digest_of(jws.algorithm), nullptr, key.handle()) == 1 &&
        set_padding(jws.algorithm, parameters) &&
        EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(jws.signed_part), jws.signed_part.size()) == 1;
    ERR_clear_error();
    return good;
}

tl::unexpected<base::Error> broken(std::string_view what) {
    return base::fail(ErrorCode::protocol, fmt::format("the signed token {}", what));
}

}  // namespace

std::string_view to_string(SignatureAlgorithm algorithm) {
    for (const auto& [value, name] : kNames)
        if (value == algorithm) return name;
    return "";
}

std::optional<SignatureAlgorithm> signature_algorithm_from(std::string_view text) {
    for (const auto& [value, name] : kNames)
        if (name == text) return value;
    return std::nullopt;
}

bool fits(SignatureAlgorithm algorithm, const Jwk& key) {
    if (!key.algorithm().empty() && key.algorithm() != to_string(algorithm)) return false;
    if (key.use() == "enc") return false;
    switch (algorithm) {
        case SignatureAlgorithm::rs256:
        case SignatureAlgorithm::ps256: return key.type() == KeyType::rsa;
        case SignatureAlgorithm::es256: return key.type() == KeyType::ec_p256;
        case SignatureAlgorithm::eddsa: return key.type() == KeyType::ed25519;
        case SignatureAlgorithm::hs256: return key.type() == KeyType::oct;
    }
    return false;
}

Result<base::Secret> sign_jws(const Jwk& key, SignatureAlgorithm algorithm, json::Object header, std::string_view payload) {
    if (!fits(algorithm, key))
        return base::fail(ErrorCode::invalid_input, fmt::format("the private key is not one for {}", to_string(algorithm)),
                          "correct the algorithm in the definition, or enter the right key");
    if (!key.can_sign()) return base::fail(ErrorCode::invalid_input, "the key has no private part and cannot sign");
    header["alg"] = to_string(algorithm);
    base::WipedString out(base::base64url_encode(json::to_text(json::Value(std::move(header)))));
    out += '.';
    auto encoded = base::base64url_encode(payload);
    out += base::Secret::taking(encoded).reveal();
    TRY(signature, signature_over(key, algorithm, out));
    out += '.';
    out += base::base64url_encode(signature);
    return base::Secret::taking(out);
}

Result<UnverifiedJws> read_jws(std::string_view compact) {
    if (compact.size() > kMostBytes) return broken("is too long");
    const auto first = compact.find('.');
    const auto second = first == std::string_view::npos ? first : compact.find('.', first + 1);
    if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos)
        return broken("does not have three parts");
    const auto header = base::base64url_decode(compact.substr(0, first));
    auto payload = base::base64url_decode(compact.substr(first + 1, second - first - 1));
    auto signature = base::base64url_decode(compact.substr(second + 1));
    if (!header || !payload || !signature) return broken("is not base64url");
    const auto value = json::parse(*header);
    if (!value || !value->is_object()) return broken("has no JSON object as its header");
    const auto& members = value->get_object();
    if (members.contains("crit"))
        return base::fail(ErrorCode::unsupported, "the signed token has a critical extension that is not understood");
    const auto algorithm = signature_algorithm_from(json::string_at(members, "alg").value_or(""));
    if (!algorithm) return base::fail(ErrorCode::unsupported, "the signed token is signed by no algorithm that is accepted");
    for (const auto name : {"kid", "typ"})
        if (const auto* member = json::find(members, name); member != nullptr && !member->is_string()) return broken("has a malformed header");
    return UnverifiedJws{*algorithm,
                         members,
                         std::string(json::string_at(members, "kid").value_or("")),
                         std::string(json::string_at(members, "typ").value_or("")),
                         std::string(compact.substr(0, second)),
                         std::move(*payload),
                         std::move(*signature)};
}

Result<void> verify_jws(const UnverifiedJws& jws, const Jwk& key, std::span<const SignatureAlgorithm> allowed) {
    if (std::find(allowed.begin(), allowed.end(), jws.algorithm) == allowed.end())
        return broken(fmt::format("is signed by {}, which is not allowed here", to_string(jws.algorithm)));
    if (!fits(jws.algorithm, key)) return broken("is signed by an algorithm that its key is not for");
    if (!right(jws, key)) return broken("has a wrong signature");
    return {};
}

}  // namespace claviger::crypto
