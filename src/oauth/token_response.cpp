#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/number.hpp"
#include "base/text.hpp"
#include "http/date.hpp"
#include "json/value.hpp"
#include "oauth/answer.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/server_time.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxToken = 64 * 1024;
constexpr std::size_t kMaxCaptured = 1024;
constexpr std::size_t kMaxScopes = 1000;
constexpr std::size_t kMaxDateText = 64;
// Every whole number up to here has an exact double; a date in milliseconds is far below it.
constexpr std::int64_t kMaxExpires = 9'007'199'254'740'992;

json::Value token_alone(std::string_view body) {
    json::Object object(json::secret_storage());
    object["access_token"] = base::trim(body);
    return json::Value(std::move(object), json::secret_storage());
}

base::Result<json::Value> parse_answer(const http::Response& response, const TokenRequestOptions& options) {
    if (options.response_format == "text" && is_success(response.status, options)) return token_alone(response.body);
    return read_members(response, options);
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

std::optional<std::int64_t> positive(double number) {
    if (!std::isfinite(number) || number < 1 || number > static_cast<double>(kMaxExpires)) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

struct End {
    std::optional<std::int64_t> in;
    std::optional<base::Instant> at;
    std::string text;
};

// OA-11: whatever stands there gives a defined result, and never an error: a token without a known end is usable.
End read_end(const json::Value* value) {
    End end;
    if (value == nullptr) return end;
    if (value->is_int64()) end.in = positive(static_cast<double>(value->get_int64()));
    if (value->is_uint64()) end.in = positive(static_cast<double>(value->get_uint64()));
    if (value->is_double()) end.in = positive(value->get_double());
    const auto text = text_of(value);
    if (!text) return end;
    const auto trimmed = base::trim(*text);
    if (const auto number = base::whole_number(trimmed)) {
        end.in = positive(static_cast<double>(*number));
    } else if (auto instant = base::from_rfc3339(trimmed)) {
        end.at = *instant;
    } else if (is_vschar(trimmed, kMaxDateText)) {
        end.text = std::string(trimmed);
    }
    return end;
}

const json::Value* refresh_end(const json::Value& root, const TokenRequestOptions& options) {
    if (!options.refresh_expires_pointers.empty()) return first_of(root, options.refresh_expires_pointers, "");
    const auto* usual = json::find(root.get_object(), "refresh_token_expires_in");
    return usual != nullptr ? usual : json::find(root.get_object(), "refresh_expires_in");
}

void read_ends(const json::Value& root, const TokenRequestOptions& options, TokenResponse& into) {
    auto access = read_end(first_of(root, options.expires_pointers, "expires_in"));
    into.expires_in = access.in;
    into.expires_at = access.at;
    into.expires_text = std::move(access.text);
    auto refresh = read_end(refresh_end(root, options));
    into.refresh_expires_in = refresh.in;
    into.refresh_expires_at = refresh.at;
    into.refresh_expires_text = std::move(refresh.text);
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

// Whatever a server may call so, a number or letters of any script among it: the one that it replaces may be dead.
base::Secret refresh_token_in(const json::Value& root, const TokenRequestOptions& options) {
    const auto* value = first_of(root, options.refresh_token_pointers, "refresh_token");
    if (value != nullptr && (value->is_int64() || value->is_uint64())) return base::Secret(json::to_text(*value));
    const auto text = text_of(value);
    const bool usable = text && text->size() <= kMaxToken && std::none_of(text->begin(), text->end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return usable ? base::Secret(*text) : base::Secret();
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

// A date counts from the answer's own Date, which needs no clock of ours to be right.
std::optional<std::chrono::seconds> seconds_until(const http::Response& response, std::optional<base::Instant> until) {
    const auto sent = date_of(response.fields);
    if (!until || !sent) return std::nullopt;
    return std::max(std::chrono::seconds(0), std::chrono::duration_cast<std::chrono::seconds>(*until - *sent));
}

// RFC 9110 section 10.2.3.
std::optional<std::chrono::seconds> delay_in(const http::Response& response, std::string_view field) {
    const auto text = base::trim(response.fields.find(field).value_or(""));
    if (const auto seconds = base::whole_number(text)) return std::chrono::seconds(std::min<std::int64_t>(*seconds, 999'999'999));
    return seconds_until(response, http::read_date(text));
}

// When a limit is lifted, as services write it: seconds or milliseconds since 1970, or a date. "Never" is nothing to go by.
std::optional<std::chrono::seconds> delay_until(const http::Response& response, std::string_view field) {
    const auto text = base::trim(response.fields.find(field).value_or(""));
    constexpr std::int64_t kSecond = 1'000;
    if (const auto number = base::whole_number(text)) return seconds_until(response, since_1970(*number, kSecond, date_of(response.fields).value_or(base::Instant())));
    if (const auto date = http::read_date(text)) return seconds_until(response, date);
    const auto instant = base::from_rfc3339(text);
    return instant ? seconds_until(response, *instant) : std::nullopt;
}

std::optional<std::chrono::seconds> retry_after_of(const http::Response& response, const TokenRequestOptions& options) {
    if (!options.retry_after_header.empty()) {
        if (const auto delay = delay_in(response, options.retry_after_header)) return delay;
    }
    if (!options.retry_at_header.empty()) {
        if (const auto delay = delay_until(response, options.retry_at_header)) return delay;
    }
    return delay_in(response, "Retry-After");
}

TokenFailure failure_of(const http::Response& response, const TokenRequestOptions& options, TokenFailure::Kind kind, base::Error shown) {
    TokenFailure failure;
    failure.kind = kind;
    failure.status = response.status;
    failure.retry_after = retry_after_of(response, options);
    failure.shown = std::move(shown);
    return failure;
}

tl::unexpected<TokenFailure> broken(const http::Response& response, const TokenRequestOptions& options, base::Error shown) {
    return tl::unexpected<TokenFailure>(failure_of(response, options, TokenFailure::Kind::broken, std::move(shown)));
}

// The server's no, or its not now: by the status first, since a gateway's 503 may carry any body.
tl::unexpected<TokenFailure> said_no(const http::Response& response, const json::Value* root,
                                     const TokenRequestOptions& options) {
    const auto said = root != nullptr ? words_of(*root, options) : Complaint();
    const auto sentence = said.sentence();
    const bool later = cannot_now(response.status, said.error, options);
    base::Error shown;
    if (!later && (!sentence.empty() || is_success(response.status, options))) {
        shown = refusal(sentence.empty() ? "the answer is an error" : sentence);
    } else {
        const auto colon = sentence.empty() ? "" : ": ";
        shown = base::Error::make(later ? ErrorCode::network : ErrorCode::authorization_failed,
                                  fmt::format("the token endpoint answered HTTP {}{}{}", response.status, colon, sentence),
                                  later ? "try again later" : sentence.empty() ? "is that the service's token endpoint? It is token_url in the definition" : "");
    }
    auto failure = failure_of(response, options, later ? TokenFailure::Kind::unavailable : TokenFailure::Kind::refused, std::move(shown));
    failure.error = clean_text(said.error);
    failure.description = clean_text(said.description);
    // A server that calls a success an error may have ended the old one all the same.
    if (root != nullptr && is_success(response.status, options)) failure.refresh_token = refresh_token_in(*root, options);
    return tl::unexpected<TokenFailure>(std::move(failure));
}

// RFC 6749 section 5.1.
base::Result<TokenResponse> read_tokens(const json::Value& root, const TokenRequestOptions& options) {
    TokenResponse token;
    const auto access = text_of(first_of(root, options.access_token_pointers, "access_token"));
    const bool usable = access && is_vschar(*access, kMaxToken);
    if (!usable && (access || !options.access_token_optional))
        return base::fail(ErrorCode::protocol, "the token endpoint answered without a usable access token");
    if (usable) token.access_token = base::Secret(*access);
    token.refresh_token = refresh_token_in(root, options);
    token.id_token = optional_token(json::find(root.get_object(), "id_token"));
    TRY_VOID(read_token_type(first_of(root, options.token_type_pointers, "token_type"), options.any_token_type, token));
    read_ends(root, options, token);
    token.scope = read_scope(first_of(root, options.scope_pointers, "scope"), options.scope_separator);
    read_captures(root, options, token);
    return token;
}

}  // namespace

TokenOutcome read_token_answer(const http::Response& response, const TokenRequestOptions& options) {
    const bool success = is_success(response.status, options);
    if (!success && response.status >= 300 && response.status < 400) {
        auto shown = base::Error::make(ErrorCode::protocol, "the token endpoint answered with a redirect, which is never followed",
                                       "correct token_url in the definition");
        return tl::unexpected<TokenFailure>(failure_of(response, options, TokenFailure::Kind::refused, std::move(shown)));
    }
    const auto parsed = parse_answer(response, options);
    if (!success) return said_no(response, parsed ? &*parsed : nullptr, options);
    if (!parsed) return broken(response, options, parsed.error());
    if (is_failure(*parsed, options)) return said_no(response, &*parsed, options);
    auto tokens = read_tokens(*parsed, options);
    if (tokens) return std::move(*tokens);
    auto failure = broken(response, options, std::move(tokens).error());
    failure.value().refresh_token = refresh_token_in(*parsed, options);
    return failure;
}

base::Result<TokenResponse> read_token_response(const http::Response& response, const TokenRequestOptions& options) {
    auto outcome = read_token_answer(response, options);
    if (!outcome) return base::fail(std::move(outcome).error().shown);
    return std::move(*outcome);
}

}  // namespace claviger::oauth
