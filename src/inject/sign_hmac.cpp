#include "inject/sign_hmac.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "inject/request_edit.hpp"
#include "provider/hmac_signature.hpp"
#include "provider/template_text.hpp"
#include "provider/validate.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kNonceBytes = 16;

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
    TRY(decoded, provider::decoded_hmac_key(std::move(key), signature.rule_.key_encoding));
    signature.key_ = std::move(decoded);
    for (const auto& [name, text] : signature.rule_.headers) {
        if (!provider::header_name_allowed(name) || equal_names(name, "Cookie")) {
            return base::fail(ErrorCode::invalid_input, fmt::format("the header {} may not be set", base::printable(name, 64)));
        }
    }
    for (const auto& name : provider::fields_of(signature.rule_)) {
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
    const provider::RequestFacts facts{request.method, request.target, std::string(request.fields.find("Host").value_or("")),
                                       std::string(request.fields.find("Content-Type").value_or("")), occasion.body, occasion.now,
                                       occasion.random.token(kNonceBytes)};
    const auto find = [this](std::string_view name) -> std::optional<std::string_view> {
        const auto field = fields_.find(std::string(name));
        return field == fields_.end() ? std::nullopt : std::optional<std::string_view>(field->second.reveal());
    };
    TRY(headers, provider::signature_headers(rule_, owner_, key_, facts, find));
    for (const auto& [name, value] : headers) {
        if (!http::valid_field_value(value.reveal())) {
            return base::fail(ErrorCode::invalid_input, fmt::format("the text for the header {} holds a character that no header may hold", name));
        }
        request.fields.add(name, value.reveal());
    }
    return {};
}

}  // namespace claviger::inject
