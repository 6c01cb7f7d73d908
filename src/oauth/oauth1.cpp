#include "oauth/oauth1.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;
using base::WipedString;

struct Method { SignatureMethod method; std::string_view name; };
constexpr std::array<Method, 4> kMethods{{{SignatureMethod::hmac_sha1, "HMAC-SHA1"},
                                          {SignatureMethod::hmac_sha256, "HMAC-SHA256"},
                                          {SignatureMethod::rsa_sha1, "RSA-SHA1"},
                                          {SignatureMethod::plaintext, "PLAINTEXT"}}};

constexpr std::size_t kNonceBytes = 24;

// Section 3.6.
void append_encoded(WipedString& out, std::string_view bytes) {
    auto encoded = base::percent_encode(bytes);
    out += encoded;
    base::wipe(encoded.data(), encoded.size());
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// As a server's form parser reads it: a '%' that begins no escape stands for itself.
WipedString form_decoded(std::string_view text) {
    WipedString out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool room = text[i] == '%' && i + 2 < text.size();
        const int high = room ? hex_digit(text[i + 1]) : -1;
        const int low = room ? hex_digit(text[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out += static_cast<char>(high << 4 | low);
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

struct EncodedPair {
    WipedString name, value;
    friend bool operator<(const EncodedPair& a, const EncodedPair& b) {
        return a.name != b.name ? a.name < b.name : a.value < b.value;
    }
};

EncodedPair encoded_pair(std::string_view name, std::string_view value) {
    EncodedPair pair;
    append_encoded(pair.name, name);
    append_encoded(pair.value, value);
    return pair;
}

// Section 3.4.1.3.1, of a query or a form body.
void collect_form(std::string_view form, std::vector<EncodedPair>& into) {
    while (!form.empty()) {
        const auto end = std::min(form.find('&'), form.size());
        const auto piece = form.substr(0, end);
        form.remove_prefix(std::min(end + 1, form.size()));
        if (piece.empty()) continue;
        const auto equals = std::min(piece.find('='), piece.size());
        const auto name = form_decoded(piece.substr(0, equals));
        const auto value = form_decoded(piece.substr(std::min(equals + 1, piece.size())));
        into.push_back(encoded_pair(name, value));
    }
}

// Section 3.4.1.2. A WebSocket's handshake is an http request.
std::string base_string_uri(const net::Url& url, std::string_view path) {
    const bool tls = url.scheme() == "https" || url.scheme() == "wss";
    return (tls ? "https://" : "http://") + url.authority() + (path.empty() ? "/" : std::string(path));
}

bool is_tls(const net::Url& url) { return url.scheme() == "https" || url.scheme() == "wss"; }

WipedString base64_wiped(std::string bytes) {
    auto encoded = base::base64_encode(bytes);
    WipedString out(encoded);
    base::wipe(encoded.data(), encoded.size());
    base::wipe(bytes.data(), bytes.size());
    return out;
}

}  // namespace

std::optional<SignatureMethod> signature_method_from(std::string_view name) {
    for (const auto& each : kMethods)
        if (each.name == name) return each.method;
    return std::nullopt;
}

std::string_view to_string(SignatureMethod method) {
    for (const auto& each : kMethods)
        if (each.method == method) return each.name;
    return "";
}

Stamp make_stamp(base::Random& random, base::Instant now) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    return {random.token(kNonceBytes), std::to_string(seconds)};
}

WipedString signature_base_string(const CoveredRequest& request, const ProtocolParameters& protocol) {
    const auto mark = std::min(request.target.find('?'), request.target.size());
    std::vector<EncodedPair> pairs;
    collect_form(request.target.substr(std::min(mark + 1, request.target.size())), pairs);
    collect_form(request.form, pairs);
    for (const auto& parameter : protocol)
        if (parameter.name != "oauth_signature") pairs.push_back(encoded_pair(parameter.name, parameter.value));
    std::sort(pairs.begin(), pairs.end());
    WipedString normalized;
    for (const auto& pair : pairs) {
        if (!normalized.empty()) normalized += '&';
        normalized += pair.name;
        normalized += '=';
        normalized += pair.value;
    }
    WipedString out;
    append_encoded(out, base::to_upper(request.method));
    out += '&';
    append_encoded(out, base_string_uri(request.url, request.target.substr(0, mark)));
    out += '&';
    append_encoded(out, normalized);
    return out;
}

bool is_form_type(std::string_view content_type) {
    const auto type = base::trim(content_type.substr(0, content_type.find(';')));
    return base::equal_ignoring_case(type, "application/x-www-form-urlencoded");
}

base::Result<OAuth1Signer> OAuth1Signer::make(SignatureMethod method, Keys keys) {
    OAuth1Signer signer(method, std::move(keys));
    if (method == SignatureMethod::rsa_sha1) {
        TRY(key, crypto::RsaSha1Key::from_pem(signer.keys_.consumer_secret));
        signer.private_key_ = std::move(key);
        signer.keys_.consumer_secret = base::Secret();
    }
    return signer;
}

base::Result<WipedString> OAuth1Signer::signature(const CoveredRequest& request, const ProtocolParameters& protocol) const {
    WipedString key;  // sections 3.4.2 and 3.4.4
    append_encoded(key, keys_.consumer_secret.reveal());
    key += '&';
    append_encoded(key, keys_.token_secret.reveal());
    switch (method_) {
        case SignatureMethod::hmac_sha1:
            return base64_wiped(crypto::hmac_sha1(key, signature_base_string(request, protocol)));
        case SignatureMethod::hmac_sha256:
            return base64_wiped(crypto::hmac_sha256(key, signature_base_string(request, protocol)));
        case SignatureMethod::rsa_sha1: {
            TRY(bytes, private_key_->sign(signature_base_string(request, protocol)));
            return base64_wiped(std::move(bytes));
        }
        case SignatureMethod::plaintext: return key;
    }
    return base::fail(ErrorCode::internal, "unknown signature method");
}

base::Result<ProtocolParameters> OAuth1Signer::sign(const CoveredRequest& request, const Stamp& stamp,
                                                    const ProtocolParameters& more) const {
    if (method_ == SignatureMethod::plaintext && !is_tls(request.url)) {
        return base::fail(ErrorCode::denied, "a PLAINTEXT signature is the secrets themselves, so it goes over https only",
                          "use the https URL of the service, or another oauth1.signature_method");
    }
    ProtocolParameters out{{"oauth_consumer_key", WipedString(keys_.consumer_key)}};
    if (!keys_.token.empty()) out.push_back({"oauth_token", WipedString(keys_.token.reveal())});
    out.push_back({"oauth_signature_method", WipedString(to_string(method_))});
    out.push_back({"oauth_timestamp", WipedString(stamp.timestamp)});
    out.push_back({"oauth_nonce", WipedString(stamp.nonce)});
    out.push_back({"oauth_version", WipedString("1.0")});
    out.insert(out.end(), more.begin(), more.end());
    TRY(value, signature(request, out));
    out.push_back({"oauth_signature", std::move(value)});
    return out;
}

WipedString authorization_value(const ProtocolParameters& parameters, std::string_view realm) {
    WipedString out("OAuth ");
    if (!realm.empty()) {
        out += "realm=\"";
        for (const char c : realm) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += "\", ";
    }
    bool first = true;
    for (const auto& parameter : parameters) {
        if (!first) out += ", ";
        first = false;
        append_encoded(out, parameter.name);
        out += "=\"";
        append_encoded(out, parameter.value);
        out += '"';
    }
    return out;
}

void append_to_query(std::string& target, const ProtocolParameters& parameters) {
    for (const auto& parameter : parameters) {
        if (target.find('?') == std::string::npos) target += '?';
        else if (!target.ends_with('?') && !target.ends_with('&')) target += '&';
        WipedString pair;
        append_encoded(pair, parameter.name);
        pair += '=';
        append_encoded(pair, parameter.value);
        target += pair;
    }
}

}  // namespace claviger::oauth
