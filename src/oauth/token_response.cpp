#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.hpp"
#include "http/date.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"
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

bool is_success(int status, const TokenRequestOptions& options) {
    return (status >= 200 && status < 300) ||
           std::find(options.ok_status.begin(), options.ok_status.end(), status) != options.ok_status.end();
}

json::Value token_alone(std::string_view body) {
    json::Object object(json::secret_storage());
    object["access_token"] = base::trim(body);
    return json::Value(std::move(object), json::secret_storage());
}

base::Result<json::Value> parse_answer(const http::Response& response, const TokenRequestOptions& options) {
    if (options.response_format == "text" && is_success(response.status, options)) return token_alone(response.body);
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

// What an answer says that went wrong, in the server's words.
struct Complaint {
    std::string error, description;
    [[nodiscard]] std::string sentence() const { return error_sentence(error, description); }
};

std::string word_of(const json::Value& value) {
    if (const auto text = text_of(&value)) return std::string(*text);
    return value.is_int64() || value.is_uint64() ? json::to_text(value) : std::string();
}

// The RFC 6749 section 5.2 member, or the object that some servers put there instead.
std::optional<Complaint> complaint_of(const json::Value& root) {
    const auto* error = json::find(root.get_object(), "error");
    if (error == nullptr || error->is_null()) return std::nullopt;
    if (error->is_bool() && !error->get_bool()) return std::nullopt;
    const auto& object = root.get_object();
    auto description = json::string_at(object, "error_description");
    if (!description) description = json::string_at(object, "message");
    if (const auto* inner = error->if_object()) {
        return Complaint{std::string(json::string_at(*inner, "type").value_or("error")),
                         std::string(json::string_at(*inner, "message").value_or(""))};
    }
    const auto text = text_of(error);
    if (text && text->empty()) return std::nullopt;
    return Complaint{std::string(text.value_or("error")), std::string(description.value_or(""))};
}

// What a failed answer says, also where the definition knows better than the RFC where that stands.
Complaint words_of(const json::Value& root, const TokenRequestOptions& options) {
    auto said = complaint_of(root).value_or(Complaint());
    if (const auto* code = first_of(root, options.error_pointers, ""); code != nullptr && !word_of(*code).empty())
        said.error = word_of(*code);
    if (said.description.empty()) {
        const auto message = json::string_at(root.get_object(), "message");
        said.description = std::string(message.value_or(json::string_at(root.get_object(), "error_description").value_or("")));
    }
    return said;
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
    const auto digits = base::trim(*text);
    const bool number = !digits.empty() && digits.size() <= 16 &&
                        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number) {
        end.in = positive(std::stod(std::string(digits)));
    } else if (auto instant = base::from_rfc3339(digits)) {
        end.at = *instant;
    } else if (is_vschar(digits, kMaxDateText)) {
        end.text = std::string(digits);
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

// RFC 9110 section 10.2.3. A date counts from the answer's own Date, which needs no clock of ours to be right.
std::optional<std::chrono::seconds> retry_after_of(const http::Response& response) {
    const auto text = std::string(base::trim(response.fields.find("Retry-After").value_or("")));
    const bool digits = !text.empty() && text.size() <= 9 &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits) return std::chrono::seconds(std::stol(text));
    const auto until = http::read_date(text);
    const auto sent = http::read_date(response.fields.find("Date").value_or(""));
    if (!until || !sent) return std::nullopt;
    return std::max(std::chrono::seconds(0), std::chrono::duration_cast<std::chrono::seconds>(*until - *sent));
}

bool cannot_now(int status, std::string_view error) {
    return status == 408 || status == 425 || status == 429 || status >= 500 || error == "temporarily_unavailable" ||
           error == "server_error" || error == "slow_down";
}

TokenFailure failure_of(const http::Response& response, TokenFailure::Kind kind, base::Error shown) {
    TokenFailure failure;
    failure.kind = kind;
    failure.status = response.status;
    failure.retry_after = retry_after_of(response);
    failure.shown = std::move(shown);
    return failure;
}

tl::unexpected<TokenFailure> broken(const http::Response& response, base::Error shown) {
    return tl::unexpected<TokenFailure>(failure_of(response, TokenFailure::Kind::broken, std::move(shown)));
}

// The server's no, or its not now: by the status first, since a gateway's 503 may carry any body.
tl::unexpected<TokenFailure> said_no(const http::Response& response, const json::Value* root,
                                     const TokenRequestOptions& options) {
    const auto said = root != nullptr ? words_of(*root, options) : Complaint();
    const auto sentence = said.sentence();
    const bool later = cannot_now(response.status, said.error);
    base::Error shown;
    if (!later && (!sentence.empty() || is_success(response.status, options))) {
        shown = refusal(sentence.empty() ? "the answer is an error" : sentence);
    } else {
        const auto colon = sentence.empty() ? "" : ": ";
        shown = base::Error::make(later ? ErrorCode::network : ErrorCode::authorization_failed,
                                  fmt::format("the token endpoint answered HTTP {}{}{}", response.status, colon, sentence),
                                  later ? "try again later" : sentence.empty() ? "is that the service's token endpoint? It is token_url in the definition" : "");
    }
    auto failure = failure_of(response, later ? TokenFailure::Kind::unavailable : TokenFailure::Kind::refused, std::move(shown));
    failure.error = clean_text(said.error);
    failure.description = clean_text(said.description);
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
    token.refresh_token = optional_token(first_of(root, options.refresh_token_pointers, "refresh_token"));
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
        return tl::unexpected<TokenFailure>(failure_of(response, TokenFailure::Kind::refused, std::move(shown)));
    }
    const auto parsed = parse_answer(response, options);
    if (!success) return said_no(response, parsed ? &*parsed : nullptr, options);
    if (!parsed) return broken(response, parsed.error());
    if (complaint_of(*parsed) || quirk_failure(*parsed, options)) return said_no(response, &*parsed, options);
    auto tokens = read_tokens(*parsed, options);
    if (!tokens) return broken(response, std::move(tokens).error());
    return std::move(*tokens);
}

Said said_in(const http::Response& response, TokenRequestOptions options) {
    if (options.response_format == "text") options.response_format = "auto";  // here no body is a token
    const auto root = parse_answer(response, options);
    if (!root) return {};
    const auto words = words_of(*root, options);
    Said said{words.error, {}, complaint_of(*root) || quirk_failure(*root, options)};
    if (said.failure || !is_success(response.status, options)) said.sentence = words.sentence();
    return said;
}

base::Result<TokenResponse> read_token_response(const http::Response& response, const TokenRequestOptions& options) {
    auto outcome = read_token_answer(response, options);
    if (!outcome) return base::fail(std::move(outcome).error().shown);
    return std::move(*outcome);
}

}  // namespace claviger::oauth
