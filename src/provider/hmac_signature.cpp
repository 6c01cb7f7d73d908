#include "provider/hmac_signature.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace claviger::provider {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kOfRequest = "request.";

std::string stamp(const std::string& kind, base::Instant now) {
    const auto milliseconds = now.time_since_epoch().count();
    if (kind == "milliseconds") return std::to_string(milliseconds);
    if (kind == "rfc3339") return base::to_rfc3339(now);
    return std::to_string(milliseconds / 1000);
}

std::string keyed_hash(const std::string& algorithm, std::string_view key, std::string_view text) {
    if (algorithm == "sha1") return crypto::hmac_sha1(key, text);
    if (algorithm == "sha512") return crypto::hmac_sha512(key, text);
    return crypto::hmac_sha256(key, text);
}

std::string written(const std::string& encoding, std::string_view bytes) {
    if (encoding == "base64") return base::base64_encode(bytes);
    if (encoding == "base64url") return base::base64url_encode(bytes);
    return base::hex_encode(bytes);
}

std::map<std::string, std::string, std::less<>> facts_of(const HmacSignature& rule, const RequestFacts& request) {
    const auto mark = std::min(request.target.find('?'), request.target.size());
    return {{"method", request.method},
            {"target", request.target},
            {"path", request.target.substr(0, mark)},
            {"query", request.target.substr(std::min(mark + 1, request.target.size()))},
            {"host", request.host},
            {"content_type", request.content_type},
            {"timestamp", stamp(rule.timestamp, request.now)},
            {"nonce", request.nonce},
            {"body_sha256", crypto::sha256_hex(request.body)}};
}

}  // namespace

std::vector<std::string> fields_of(const HmacSignature& rule) {
    auto names = fields_in(rule.message);
    for (const auto& [header, text] : rule.headers)
        for (auto& name : fields_in(text)) names.push_back(std::move(name));
    std::erase_if(names, [](const std::string& name) { return name.starts_with(kOfRequest); });
    return names;
}

Result<base::Secret> decoded_hmac_key(base::Secret key, const std::string& encoding) {
    if (!encoding.empty()) {
        auto bytes = encoding == "base64" ? base::base64_decode(key.reveal()) : base::hex_decode(key.reveal());
        if (!bytes) {
            return base::fail(ErrorCode::invalid_input, "the key that requests are signed with is not in " + encoding, "log in again and paste the key whole");
        }
        key = base::Secret::taking(*bytes);
    }
    if (key.empty()) return base::fail(ErrorCode::invalid_input, "the key that requests are signed with is empty");
    return key;
}

Result<std::vector<std::pair<std::string, base::Secret>>> signature_headers(const HmacSignature& rule, std::string_view owner,
                                                                            const base::Secret& key, const RequestFacts& request,
                                                                            const FieldLookup& find) {
    auto facts = facts_of(rule, request);
    const auto lookup = [&](std::string_view name) -> std::optional<std::string_view> {
        if (name == "request.body") return request.body;
        if (!name.starts_with(kOfRequest)) return find(name);
        const auto fact = facts.find(name.substr(kOfRequest.size()));
        return fact == facts.end() ? std::nullopt : std::optional<std::string_view>(fact->second);
    };
    TRY(message, render_text(rule.message, owner, lookup));
    facts["signature"] = written(rule.encoding, keyed_hash(rule.algorithm, key.reveal(), message.reveal()));
    std::vector<std::pair<std::string, base::Secret>> headers;
    for (const auto& [name, text] : rule.headers) {
        TRY(value, render_text(text, owner, lookup));
        headers.emplace_back(name, std::move(value));
    }
    return headers;
}

}  // namespace claviger::provider
