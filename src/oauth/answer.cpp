#include "oauth/answer.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/xml.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

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

bool is_xml(const http::Response& response, const TokenRequestOptions& options) {
    if (options.response_format != "auto") return options.response_format == "xml";
    const auto header = base::to_lower(response.fields.find("Content-Type").value_or(""));
    const auto type = base::trim(std::string_view(header).substr(0, header.find(';')));
    return type == "application/xml" || type == "text/xml" || type.ends_with("+xml");
}

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

bool quirk_failure(const json::Value& root, const TokenRequestOptions& options) {
    return std::any_of(options.error_when.begin(), options.error_when.end(), [&](const auto& rule) {
        const auto* value = json::at_pointer(root, rule.first);
        return value != nullptr && json::to_canonical_text(*value) == rule.second;
    });
}

}  // namespace

bool is_success(int status, const TokenRequestOptions& options) {
    return (status >= 200 && status < 300) ||
           std::find(options.ok_status.begin(), options.ok_status.end(), status) != options.ok_status.end();
}

base::Result<json::Value> read_members(const http::Response& response, const TokenRequestOptions& options) {
    if (is_xml(response, options)) {
        auto members = json::parse_xml(response.body);
        if (members) return members;
        return base::fail(ErrorCode::protocol, fmt::format("the token endpoint answered HTTP {} without XML that can be read: {}", response.status, members.error().message));
    }
    if (is_form(response, options)) return parse_form(response.body);
    json::ParseOptions parsing;
    parsing.storage = json::secret_storage();
    auto value = json::parse(response.body, parsing);
    // The parser's message may quote the text; an answer may hold a token, so it stays out.
    if (!value || !value->is_object())
        return base::fail(ErrorCode::protocol, fmt::format("the token endpoint answered HTTP {} without a JSON object", response.status));
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

std::string Complaint::sentence() const { return error_sentence(error, description); }

bool cannot_now(int status, std::string_view error, const TokenRequestOptions& options) {
    static constexpr std::string_view kNo[] = {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"};
    if (status == 408 || status == 425 || status == 429 || status >= 500) return true;
    if (error == "temporarily_unavailable" || error == "server_error" || error == "slow_down") return true;
    const auto& more = options.retry_status;
    return std::find(more.begin(), more.end(), status) != more.end() && std::find(std::begin(kNo), std::end(kNo), error) == std::end(kNo);
}

bool is_failure(const json::Value& root, const TokenRequestOptions& options) { return complaint_of(root) || quirk_failure(root, options); }

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

}  // namespace claviger::oauth
