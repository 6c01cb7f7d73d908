#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxToken = 64 * 1024;
constexpr std::size_t kMaxCaptured = 1024;
constexpr std::size_t kMaxScopes = 1000;
// Every whole number up to here has an exact double; a date in milliseconds is far below it.
constexpr std::int64_t kMaxExpires = 9'007'199'254'740'992;

base::Result<json::Value> parse_form(std::string_view body) {
    json::Object object(json::secret_storage());
    for (std::size_t at = 0; at <= body.size();) {
        const auto end = std::min(body.find('&', at), body.size());
        const auto piece = body.substr(at, end - at);
        at = end + 1;
        if (piece.empty()) continue;
        const auto equals = std::min(piece.find('='), piece.size());
        auto name = base::form_decode(piece.substr(0, equals));
        auto value = base::form_decode(piece.substr(std::min(equals + 1, piece.size())));
        if (!name || !value || object.contains(*name))
            return base::fail(ErrorCode::protocol, "the token endpoint answered with a malformed form");
        object[*name] = std::string_view(*value);
        base::wipe(value->data(), value->size());
    }
    return json::Value(std::move(object), json::secret_storage());
}

bool is_form(const http::Response& response, const TokenRequestOptions& options) {
    if (options.response_format != "auto") return options.response_format == "form";
    const auto type = base::to_lower(response.fields.find("Content-Type").value_or(""));
    if (type.find("json") != std::string::npos) return false;
    if (type.find("x-www-form-urlencoded") != std::string::npos) return true;
    const auto body = base::trim(response.body);
    return !body.empty() && body.front() != '{' && body.front() != '[' && body.front() != '<';
}

base::Result<json::Value> parse_answer(const http::Response& response, const TokenRequestOptions& options) {
    if (is_form(response, options)) return parse_form(response.body);
    json::ParseOptions parsing;
    parsing.storage = json::secret_storage();
    auto value = json::parse(response.body, parsing);
    // The parser's message may quote the text; an answer may hold a token, so it stays out.
    if (!value || !value->is_object())
        return base::fail(ErrorCode::protocol, fmt::format("the token endpoint answered HTTP {} without a JSON object",
                                                           response.status));
    return std::move(*value);
}

const json::Value* first_of(const json::Value& root, const std::vector<std::string>& pointers,
                            std::string_view member) {
    if (pointers.empty()) return json::find(root.get_object(), member);
    for (const auto& pointer : pointers)
        if (const auto* value = json::at_pointer(root, pointer); value != nullptr && !value->is_null()) return value;
    return nullptr;
}

std::optional<std::string_view> text_of(const json::Value* value) {
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string());
}

// RFC 6749 section 5.2 member, or the object that some servers put there instead.
std::optional<std::string> error_of(const json::Value& root) {
    const auto* error = json::find(root.get_object(), "error");
    if (error == nullptr || error->is_null()) return std::nullopt;
    if (error->is_bool() && !error->get_bool()) return std::nullopt;
    const auto& object = root.get_object();
    auto description = json::string_at(object, "error_description");
    if (!description) description = json::string_at(object, "message");
    if (const auto text = text_of(error)) {
        if (text->empty()) return std::nullopt;
        return error_sentence(*text, description.value_or(""));
    }
    if (error->is_object()) {
        const auto& inner = error->get_object();
        return error_sentence(json::string_at(inner, "type").value_or("error"),
                              json::string_at(inner, "message").value_or(""));
    }
    return error_sentence("error", description.value_or(""));
}

base::Error refusal(std::string_view sentence) {
    auto error = base::Error::make(ErrorCode::authorization_failed,
                                   fmt::format("the token endpoint refused: {}", sentence));
    if (sentence.starts_with("invalid_client") || sentence.starts_with("unauthorized_client"))
        error.hint = "check the client id and the client secret, and that the method of client authentication is right";
    else if (sentence.starts_with("invalid_grant"))
        error.hint = "the code is used up, too old or was made for another client: log in again";
    return error;
}

bool quirk_failure(const json::Value& root, const TokenRequestOptions& options) {
    return std::any_of(options.error_when.begin(), options.error_when.end(), [&](const auto& rule) {
        const auto* value = json::at_pointer(root, rule.first);
        return value != nullptr && json::to_canonical_text(*value) == rule.second;
    });
}

std::optional<std::int64_t> positive(double number) {
    if (!std::isfinite(number) || number < 1 || number > static_cast<double>(kMaxExpires)) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

// OA-11: whatever stands there gives a defined result, and never an error: a token without a known end is usable.
void read_expiry(const json::Value* value, TokenResponse& into) {
    if (value == nullptr) return;
    if (value->is_int64()) into.expires_in = positive(static_cast<double>(value->get_int64()));
    if (value->is_uint64()) into.expires_in = positive(static_cast<double>(value->get_uint64()));
    if (value->is_double()) into.expires_in = positive(value->get_double());
    const auto text = text_of(value);
    if (!text) return;
    const auto digits = base::trim(*text);
    const bool number = !digits.empty() && digits.size() <= 16 &&
                        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number) {
        into.expires_in = positive(std::stod(std::string(digits)));
    } else if (auto instant = base::from_rfc3339(digits)) {
        into.expires_at = *instant;
    }
}

std::optional<std::vector<std::string>> read_scope(const json::Value* value, const std::string& separator) {
    if (value == nullptr) return std::nullopt;
    std::vector<std::string> scopes;
    const auto keep = [&](std::string_view scope) {
        scope = base::trim(scope);
        if (is_vschar(scope, 256) && scopes.size() < kMaxScopes) scopes.emplace_back(scope);
    };
    if (value->is_array()) {
        for (const auto& item : value->get_array())
            if (const auto text = text_of(&item)) keep(*text);
        return scopes;
    }
    const auto text = text_of(value);
    if (!text) return std::nullopt;
    // Some servers take a space and answer with commas, so a comma separates when nothing else does.
    std::string seen(*text);
    if (!separator.empty() && separator != " ")
        std::replace(seen.begin(), seen.end(), separator.front(), ' ');
    else if (seen.find(' ') == std::string::npos)
        std::replace(seen.begin(), seen.end(), ',', ' ');
    for (const auto& piece : base::split(seen, ' '))
        if (!piece.empty()) keep(piece);
    return scopes;
}

base::Result<void> read_token_type(const json::Value* value, bool any, TokenResponse& into) {
    const auto type = text_of(value);
    into.token_type = "Bearer";
    if (!type || type->empty()) return {};
    const bool known = base::equal_ignoring_case(*type, "bearer") || base::equal_ignoring_case(*type, "dpop");
    if (!known && !any) {
        return base::fail(ErrorCode::protocol,
                          fmt::format("the token endpoint issued a token of the unknown type '{}'", clean_text(*type)),
                          "say in the definition's inject.headers how such a token is presented");
    }
    if (is_vschar(*type, 64)) into.token_type = std::string(*type);
    return {};
}

base::Secret optional_token(const json::Value* value) {
    const auto text = text_of(value);
    return text && is_vschar(*text, kMaxToken) ? base::Secret(*text) : base::Secret();
}

void read_captures(const json::Value& root, const TokenRequestOptions& options, TokenResponse& into) {
    for (const auto& [name, pointer] : options.capture) {
        const auto* value = json::at_pointer(root, pointer);
        if (value == nullptr) continue;
        if (const auto text = text_of(value)) {
            if (is_vschar(*text, kMaxCaptured)) into.captured[name] = std::string(*text);
        } else if (value->is_int64() || value->is_uint64() || value->is_bool()) {
            into.captured[name] = json::to_text(*value);
        }
    }
}

TokenFailure::Kind kind_of(const base::Error& error, int status) {
    if (error.code == ErrorCode::network) return TokenFailure::Kind::unavailable;
    if (error.code == ErrorCode::authorization_failed) return TokenFailure::Kind::refused;
    return status >= 200 && status < 300 ? TokenFailure::Kind::broken : TokenFailure::Kind::unavailable;
}

// RFC 9110 section 10.2.3, in seconds; a date is not worth a clock here.
std::optional<std::chrono::seconds> retry_after_of(const http::Response& response) {
    const auto text = std::string(base::trim(response.fields.find("Retry-After").value_or("")));
    const bool digits = !text.empty() && text.size() <= 6 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return std::nullopt;
    return std::chrono::seconds(std::stol(text));
}

std::string error_code_of(const http::Response& response, const TokenRequestOptions& options) {
    const auto parsed = parse_answer(response, options);
    if (!parsed) return {};
    return clean_text(json::string_at(parsed->get_object(), "error").value_or(""));
}

}  // namespace

TokenOutcome read_token_answer(const http::Response& response, const TokenRequestOptions& options) {
    auto token = read_token_response(response, options);
    if (token) return std::move(*token);
    TokenFailure failure;
    failure.kind = kind_of(token.error(), response.status);
    failure.error = error_code_of(response, options);
    failure.status = response.status;
    failure.retry_after = retry_after_of(response);
    failure.shown = token.error();
    return tl::unexpected<TokenFailure>(std::move(failure));
}

base::Result<TokenResponse> read_token_response(const http::Response& response, const TokenRequestOptions& options) {
    if (response.status >= 300 && response.status < 400)
        return base::fail(ErrorCode::protocol, "the token endpoint answered with a redirect, which is never followed",
                          "correct token_url in the definition");
    auto parsed = parse_answer(response, options);
    if (response.status < 200 || response.status >= 300) {
        if (parsed)
            if (const auto sentence = error_of(*parsed)) return base::fail(refusal(*sentence));
        const bool later = response.status == 429 || response.status >= 500;
        return base::fail(later ? ErrorCode::network : ErrorCode::authorization_failed,
                          fmt::format("the token endpoint answered HTTP {}", response.status),
                          later ? "try again later" : "");
    }
    if (!parsed) return base::fail(parsed.error());
    const auto& root = *parsed;
    const auto sentence = error_of(root);
    if (sentence || quirk_failure(root, options)) return base::fail(refusal(sentence.value_or("the answer is an error")));

    TokenResponse token;
    const auto access = text_of(first_of(root, options.access_token_pointers, "access_token"));
    if (!access || !is_vschar(*access, kMaxToken))
        return base::fail(ErrorCode::protocol, "the token endpoint answered without a usable access token");
    token.access_token = base::Secret(*access);
    token.refresh_token = optional_token(first_of(root, options.refresh_token_pointers, "refresh_token"));
    token.id_token = optional_token(json::find(root.get_object(), "id_token"));
    TRY_VOID(read_token_type(first_of(root, options.token_type_pointers, "token_type"), options.any_token_type, token));
    read_expiry(first_of(root, options.expires_pointers, "expires_in"), token);
    token.scope = read_scope(first_of(root, options.scope_pointers, "scope"), options.scope_separator);
    read_captures(root, options, token);
    return token;
}

}  // namespace claviger::oauth
