#include "inject/sign_hmac.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "inject/request_edit.hpp"
#include "provider/template_text.hpp"
#include "provider/validate.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kOfRequest = "request.";
constexpr std::size_t kNonceBytes = 16;

Result<base::Secret> decoded_key(base::Secret key, const std::string& encoding) {
    if (encoding.empty()) return key;
    auto bytes = encoding == "base64" ? base::base64_decode(key.reveal()) : base::hex_decode(key.reveal());
    if (!bytes) {
        return base::fail(ErrorCode::invalid_input, "the key that requests are signed with is not in " + encoding, "log in again and paste the key whole");
    }
    return base::Secret::taking(*bytes);
}

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

std::map<std::string, std::string, std::less<>> facts_of(const http::RequestHead& request) {
    const auto mark = std::min(request.target.find('?'), request.target.size());
    return {{"method", request.method},
            {"target", request.target},
            {"path", request.target.substr(0, mark)},
            {"query", request.target.substr(std::min(mark + 1, request.target.size()))},
            {"host", std::string(request.fields.find("Host").value_or(""))},
            {"content_type", std::string(request.fields.find("Content-Type").value_or(""))}};
}

bool has_body(const http::RequestHead& request) {
    return request.framing.kind == http::BodyFraming::Kind::chunked ||
           (request.framing.kind == http::BodyFraming::Kind::length && request.framing.length > 0);
}

}  // namespace

Result<HmacRequestSignature> HmacRequestSignature::make(const provider::ProviderDefinition& definition, const CredentialFields& fields) {
    if (!definition.inject.hmac) {
        return base::fail(ErrorCode::invalid_input, fmt::format("the definition of {} does not say how to sign", definition.name), "write inject.hmac");
    }
    HmacRequestSignature signature;
    signature.owner_ = definition.name;
    signature.rule_ = *definition.inject.hmac;
    TRY(key, fields.render(signature.rule_.key));
    TRY(decoded, decoded_key(std::move(key), signature.rule_.key_encoding));
    signature.key_ = std::move(decoded);
    if (signature.key_.empty()) return base::fail(ErrorCode::invalid_input, "the key that requests are signed with is empty");
    std::string texts = signature.rule_.message;
    for (const auto& [name, text] : signature.rule_.headers) {
        if (!provider::header_name_allowed(name) || equal_names(name, "Cookie")) {
            return base::fail(ErrorCode::invalid_input, fmt::format("the header {} may not be set", base::printable(name, 64)));
        }
        texts += text;
    }
    for (const auto& name : provider::fields_in(texts)) {
        if (name.starts_with(kOfRequest)) continue;
        TRY(value, fields.render("{{" + name + "}}"));
        signature.fields_.insert_or_assign(name, std::move(value));
    }
    return signature;
}

bool HmacRequestSignature::covers_body(const http::RequestHead& request) const {
    const auto names = provider::fields_in(rule_.message);
    return has_body(request) && std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.starts_with("request.body"); });
}

void HmacRequestSignature::remove_callers(http::Fields& fields) const {
    for (const auto& [name, text] : rule_.headers) remove_field(fields, name);
}

Result<void> HmacRequestSignature::apply(http::RequestHead& request, const Occasion& occasion) const {
    remove_callers(request.fields);
    auto facts = facts_of(request);
    facts["timestamp"] = stamp(rule_.timestamp, occasion.now);
    facts["nonce"] = occasion.random.token(kNonceBytes);
    facts["body_sha256"] = crypto::sha256_hex(occasion.body);
    const auto find = [&](std::string_view name) -> std::optional<std::string_view> {
        if (name == "request.body") return occasion.body;
        if (name.starts_with(kOfRequest)) {
            const auto fact = facts.find(name.substr(kOfRequest.size()));
            return fact == facts.end() ? std::nullopt : std::optional<std::string_view>(fact->second);
        }
        const auto field = fields_.find(std::string(name));
        return field == fields_.end() ? std::nullopt : std::optional<std::string_view>(field->second.reveal());
    };
    TRY(message, provider::render_text(rule_.message, owner_, find));
    facts["signature"] = written(rule_.encoding, keyed_hash(rule_.algorithm, key_.reveal(), message.reveal()));
    for (const auto& [name, text] : rule_.headers) {
        TRY(value, provider::render_text(text, owner_, find));
        if (!http::valid_field_value(value.reveal())) {
            return base::fail(ErrorCode::invalid_input, fmt::format("the text for the header {} holds a character that no header may hold", name));
        }
        request.fields.add(name, value.reveal());
    }
    return {};
}

}  // namespace claviger::inject
