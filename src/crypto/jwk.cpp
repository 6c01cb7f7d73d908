#include "crypto/jwk.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl_handles.hpp"
#include "json/parse.hpp"

namespace claviger::crypto {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kPointBytes = 32;  // P-256 and Ed25519 alike
constexpr int kLeastRsaBits = 2048;      // RFC 7518 section 3.3
constexpr int kMostRsaBits = 8192;       // verification time grows with it
constexpr std::size_t kMostExponentBytes = 8;
constexpr std::size_t kMostKeys = 100;

using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Result<base::Secret> octets_at(const json::Object& members, std::string_view name) {
    const auto text = json::string_at(members, name);
    auto bytes = text ? base::base64url_decode(*text) : std::nullopt;
    if (!bytes || bytes->empty())
        return base::fail(ErrorCode::invalid_input, fmt::format("the JWK has no usable member '{}'", name));
    return base::Secret::taking(*bytes);
}

Number number_of(std::string_view bytes, bool secret) {
    Number number(secret ? BN_secure_new() : BN_new());
    if (number) BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), number.get());
    return number;
}

Result<Key> key_from(const char* type, OSSL_PARAM_BLD* builder, bool with_private) {
    const Params params(OSSL_PARAM_BLD_to_param(builder));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* made = nullptr;
    const int what = with_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, what, params.get()) != 1) {
        ERR_clear_error();
        return base::fail(ErrorCode::invalid_input, "the JWK is no valid key");
    }
    Key key(made);
    const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    const bool good = check && (with_private ? EVP_PKEY_pairwise_check(check.get()) : EVP_PKEY_public_check(check.get())) == 1;
    ERR_clear_error();
    if (!good) return base::fail(ErrorCode::invalid_input, "the JWK is no valid key: its parts do not belong together");
    return key;
}

Result<Key> ec_key(const json::Object& members, bool with_private) {
    if (json::string_at(members, "crv") != "P-256")
        return base::fail(ErrorCode::unsupported, "of the EC curves only P-256 is supported");
    TRY(x, octets_at(members, "x"));
    TRY(y, octets_at(members, "y"));
    if (x.size() != kPointBytes || y.size() != kPointBytes)
        return base::fail(ErrorCode::invalid_input, "a coordinate of the JWK has the wrong length");
    std::string point = "\x04";
    point += x.reveal();
    point += y.reveal();
    const ParamBuilder builder(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
    Number secret;
    if (with_private) {
        TRY(d, octets_at(members, "d"));
        if (d.size() != kPointBytes) return base::fail(ErrorCode::invalid_input, "the private part of the JWK has the wrong length");
        secret = number_of(d.reveal(), true);
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get());
    }
    return key_from("EC", builder.get(), with_private);
}

Result<Key> rsa_key(const json::Object& members, bool with_private) {
    static constexpr std::array<std::pair<std::string_view, const char*>, 6> kPrivate{{
        {"d", OSSL_PKEY_PARAM_RSA_D},
        {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
        {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
        {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
        {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
        {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}}};
    if (members.contains("oth")) return base::fail(ErrorCode::unsupported, "RSA keys of more than two primes are not supported");
    TRY(n, octets_at(members, "n"));
    TRY(e, octets_at(members, "e"));
    const auto modulus = number_of(n.reveal(), false);
    const auto exponent = number_of(e.reveal(), false);
    const int bits = modulus ? BN_num_bits(modulus.get()) : 0;
    if (bits < kLeastRsaBits || bits > kMostRsaBits)
        return base::fail(ErrorCode::unsupported, fmt::format("an RSA key has {} to {} bits here", kLeastRsaBits, kMostRsaBits));
    if (!exponent || e.size() > kMostExponentBytes || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()))
        return base::fail(ErrorCode::invalid_input, "the JWK has an unusable exponent");
    const ParamBuilder builder(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
    std::vector<Number> kept;
    for (const auto& [name, parameter] : kPrivate) {
        if (!with_private || (name != "d" && !members.contains("p"))) break;  // all of them, or `d` alone
        TRY(part, octets_at(members, name));
        kept.push_back(number_of(part.reveal(), true));
        OSSL_PARAM_BLD_push_BN(builder.get(), parameter, kept.back().get());
    }
    return key_from("RSA", builder.get(), with_private);
}

Result<Key> ed25519_key(const json::Object& members, bool with_private) {
    if (json::string_at(members, "crv") != "Ed25519")
        return base::fail(ErrorCode::unsupported, "of the OKP curves only Ed25519 is supported");
    TRY(x, octets_at(members, "x"));
    Key key;
    if (with_private) {
        TRY(d, octets_at(members, "d"));
        key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(d.reveal()), d.size()));
        std::array<unsigned char, kPointBytes> own{};
        std::size_t size = own.size();
        const bool same = key && EVP_PKEY_get_raw_public_key(key.get(), own.data(), &size) == 1 &&
                          x.reveal() == std::string_view(reinterpret_cast<const char*>(own.data()), size);
        if (!same) key.reset();
    } else {
        key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x.reveal()), x.size()));
    }
    ERR_clear_error();
    if (!key) return base::fail(ErrorCode::invalid_input, "the JWK is no valid key");
    return key;
}

// A number of the key as base64url, on at least `width` bytes; "" when it has none.
base::Secret number_text(const EVP_PKEY* key, const char* parameter, int width) {
    BIGNUM* found = nullptr;
    if (EVP_PKEY_get_bn_param(key, parameter, &found) != 1) {
        ERR_clear_error();
        return {};
    }
    std::unique_ptr<BIGNUM, Free<BN_clear_free>> number(found);
    std::string bytes(static_cast<std::size_t>(std::max(width, BN_num_bytes(number.get()))), '\0');
    BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    auto text = base::base64url_encode(bytes);
    base::wipe(bytes.data(), bytes.size());
    return base::Secret::taking(text);
}

template <auto get>
base::Secret raw_text(const EVP_PKEY* key) {
    std::array<unsigned char, kPointBytes> bytes{};
    std::size_t size = bytes.size();
    if (get(key, bytes.data(), &size) != 1) {
        ERR_clear_error();
        return {};
    }
    auto text = base::base64url_encode(std::string_view(reinterpret_cast<const char*>(bytes.data()), size));
    base::wipe(bytes.data(), bytes.size());
    return base::Secret::taking(text);
}

// The base64 between the lines of a private key, without what breaks it up. Error when there is none.
Result<base::WipedString> pem_body(std::string_view pem) {
    constexpr std::string_view kBegin = "-----BEGIN ", kDashes = "-----", kEnd = "-----END ";
    for (auto at = pem.find(kBegin); at != std::string_view::npos; at = pem.find(kBegin, at + 1)) {
        const auto label_at = at + kBegin.size();
        const auto label_end = pem.find(kDashes, label_at);
        if (label_end == std::string_view::npos) break;
        const auto label = pem.substr(label_at, label_end - label_at);
        if (!label.ends_with("PRIVATE KEY")) continue;  // EC PARAMETERS may stand before it
        const auto body_at = label_end + kDashes.size();
        const auto end = pem.find(kEnd, body_at);
        if (end == std::string_view::npos) break;
        const auto body = pem.substr(body_at, end - body_at);
        if (label.starts_with("ENCRYPTED") || body.find(':') != std::string_view::npos)
            return base::fail(ErrorCode::unsupported, "the private key is encrypted with a passphrase",
                              "decrypt it first: openssl pkey -in key.pem -out plain.pem");
        base::WipedString text;
        for (std::size_t i = 0; i < body.size(); ++i) {
            if (body[i] == '\\' && i + 1 < body.size() && (body[i + 1] == 'n' || body[i + 1] == 'r')) ++i;
            else if (body[i] != '\n' && body[i] != '\r' && body[i] != ' ' && body[i] != '\t') text += body[i];
        }
        return text;
    }
    return base::fail(ErrorCode::invalid_input, "this is no private key in PEM",
                      "it begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----");
}

}  // namespace

Result<Jwk> Jwk::of(evp_pkey_st* owned) {
    Jwk jwk;
    jwk.key_ = std::shared_ptr<EVP_PKEY>(owned, EVP_PKEY_free);
    if (EVP_PKEY_is_a(owned, "RSA") == 1) {
        const int bits = EVP_PKEY_get_bits(owned);
        if (bits < kLeastRsaBits || bits > kMostRsaBits)
            return base::fail(ErrorCode::unsupported, fmt::format("an RSA key has {} to {} bits here", kLeastRsaBits, kMostRsaBits));
        jwk.type_ = KeyType::rsa;
        return jwk;
    }
    if (EVP_PKEY_is_a(owned, "ED25519") == 1) {
        jwk.type_ = KeyType::ed25519;
        return jwk;
    }
    std::array<char, 32> group{};
    std::size_t size = 0;
    const bool p256 = EVP_PKEY_is_a(owned, "EC") == 1 &&
                      EVP_PKEY_get_utf8_string_param(owned, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) == 1 &&
                      std::string_view(group.data(), size) == "prime256v1";
    ERR_clear_error();
    if (!p256) return base::fail(ErrorCode::unsupported, "only RSA, EC P-256 and Ed25519 keys are supported");
    jwk.type_ = KeyType::ec_p256;
    return jwk;
}

Result<Jwk> Jwk::from_json(const json::Object& members) {
    const auto kind = json::string_at(members, "kty").value_or("");
    const bool with_private = members.contains("d");
    const auto text = [&](std::string_view name) { return std::string(json::string_at(members, name).value_or("")); };
    Result<Jwk> jwk = base::fail(ErrorCode::unsupported, "this kind of JWK is not supported");
    if (kind == "oct") {
        TRY(bytes, octets_at(members, "k"));
        jwk = shared_secret(bytes.reveal());
    } else if (kind == "EC" || kind == "RSA" || kind == "OKP") {
        auto key = kind == "EC" ? ec_key(members, with_private) : kind == "RSA" ? rsa_key(members, with_private) : ed25519_key(members, with_private);
        if (!key) return base::fail(std::move(key).error());
        jwk = of(key->release());
        if (jwk) jwk->private_ = with_private;
    }
    if (!jwk) return jwk;
    jwk->key_id_ = text("kid");
    jwk->use_ = text("use");
    jwk->algorithm_ = text("alg");
    return jwk;
}

Result<Jwk> Jwk::from_pem(std::string_view pem) {
    TRY(body, pem_body(pem));
    auto der = base::base64_decode(body);
    const auto* at = der ? bytes_of(*der) : nullptr;
    Key key(der ? d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der->size())) : nullptr);
    if (der) base::wipe(der->data(), der->size());
    ERR_clear_error();
    if (!key)
        return base::fail(ErrorCode::invalid_input, "the private key in PEM is damaged", "paste the whole file, with its first and last line");
    TRY(jwk, of(key.release()));
    jwk.private_ = true;
    return jwk;
}

Result<Jwk> Jwk::private_key(std::string_view pem_or_jwk) {
    const auto text = base::trim(pem_or_jwk);
    if (!text.starts_with('{')) return from_pem(text);
    const auto value = json::parse(text, {.storage = json::secret_storage()});
    if (!value || !value->is_object())  // the parser's message could quote the key
        return base::fail(ErrorCode::invalid_input, "the private key is no JSON object");
    TRY(jwk, from_json(value->get_object()));
    if (jwk.type() == KeyType::oct || !jwk.can_sign())
        return base::fail(ErrorCode::invalid_input, "the JWK has no private part", "enter the private key, not the public one");
    return jwk;
}

Result<Jwk> Jwk::shared_secret(std::string_view bytes) {
    if (bytes.empty()) return base::fail(ErrorCode::invalid_input, "the shared secret is empty");
    Jwk jwk;
    jwk.octets_ = std::make_shared<const base::Secret>(bytes);
    jwk.private_ = true;
    return jwk;
}

Result<Jwk> Jwk::generate_p256() {
    auto* made = EVP_EC_gen("P-256");
    if (made == nullptr) return openssl_failed("make a P-256 key");
    TRY(jwk, of(made));
    jwk.private_ = true;
    return jwk;
}

json::Object Jwk::public_members() const {
    json::Object out;
    const auto put = [&out](std::string_view name, const base::Secret& value) { out[name] = value.reveal(); };
    switch (type_) {
        case KeyType::oct: out["kty"] = "oct"; break;
        case KeyType::rsa:
            put("e", number_text(handle(), OSSL_PKEY_PARAM_RSA_E, 0));
            out["kty"] = "RSA";
            put("n", number_text(handle(), OSSL_PKEY_PARAM_RSA_N, 0));
            break;
        case KeyType::ed25519:
            out["crv"] = "Ed25519";
            out["kty"] = "OKP";
            put("x", raw_text<EVP_PKEY_get_raw_public_key>(handle()));
            break;
        case KeyType::ec_p256:
            out["crv"] = "P-256";
            out["kty"] = "EC";
            put("x", number_text(handle(), OSSL_PKEY_PARAM_EC_PUB_X, kPointBytes));
            put("y", number_text(handle(), OSSL_PKEY_PARAM_EC_PUB_Y, kPointBytes));
            break;
    }
    return out;
}

Result<base::Secret> Jwk::private_json() const {
    json::Object out(public_members(), json::secret_storage());
    const auto put = [&out](std::string_view name, std::string_view value) { out[name] = value; };
    if (!private_) return base::fail(ErrorCode::internal, "the key has no private part");
    if (type_ == KeyType::rsa) return base::fail(ErrorCode::unsupported, "an RSA key is not written as a JWK");
    if (type_ == KeyType::oct) {
        auto text = base::base64url_encode(octets());
        put("k", base::Secret::taking(text).reveal());
    } else if (type_ == KeyType::ed25519) {
        put("d", raw_text<EVP_PKEY_get_raw_private_key>(handle()).reveal());
    } else {
        put("d", number_text(handle(), OSSL_PKEY_PARAM_PRIV_KEY, kPointBytes).reveal());
    }
    return json::to_secret_text(json::Value(std::move(out), json::secret_storage()));
}

std::string Jwk::public_key_sha256() const {
    unsigned char* der = nullptr;
    const int size = key_ ? i2d_PUBKEY(key_.get(), &der) : 0;
    if (size <= 0) return {};
    const auto hash = sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return base::base64_encode(hash);
}

std::string Jwk::thumbprint() const {
    if (type_ != KeyType::oct) return base::base64url_encode(sha256(json::to_canonical_text(json::Value(public_members()))));
    base::WipedString text(R"({"k":")");
    auto key = base::base64url_encode(octets());
    text += base::Secret::taking(key).reveal();
    text += R"(","kty":"oct"})";
    return base::base64url_encode(sha256(text));
}

Result<std::vector<Jwk>> read_key_set(std::string_view document) {
    const auto value = json::parse(document);
    const auto* keys = value && value->is_object() ? json::array_at(value->get_object(), "keys") : nullptr;
    if (keys == nullptr) return base::fail(ErrorCode::protocol, "the key set is not a JSON object with an array 'keys'");
    if (keys->size() > kMostKeys) return base::fail(ErrorCode::limit, "the key set has too many keys");
    std::vector<Jwk> out;
    for (const auto& item : *keys) {
        if (!item.is_object()) continue;
        if (auto key = Jwk::from_json(item.get_object())) out.push_back(std::move(*key));
    }
    return out;
}

}  // namespace claviger::crypto
