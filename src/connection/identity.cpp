#include "connection/identity.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxId = 256;
constexpr std::size_t kMaxLabel = 200;
constexpr std::size_t kMaxCaptured = 1024;

// Names of people are in every script, so a label is cleaned rather than refused.
std::string label_text(std::string_view foreign) { return base::printable(base::trim(foreign), kMaxLabel); }

std::string plain_text(const json::Value* value, std::size_t limit) {
    if (value == nullptr) return {};
    if (value->is_string()) {
        const std::string_view text = value->get_string();
        return oauth::is_vschar(text, limit) ? std::string(text) : std::string();
    }
    return value->is_int64() || value->is_uint64() || value->is_bool() ? json::to_text(*value) : std::string();
}

std::string label_at(const json::Value& root, std::string_view pointer) {
    const auto* value = json::at_pointer(root, pointer);
    return value != nullptr && value->is_string() ? label_text(value->get_string()) : plain_text(value, kMaxLabel);
}

std::string first_label(std::initializer_list<std::string_view> candidates) {
    for (const auto candidate : candidates)
        if (auto label = label_text(candidate); !label.empty()) return label;
    return {};
}

base::Result<json::Value> answer_of(const http::Response& response) {
    if (response.status < 200 || response.status >= 300) {
        return base::fail(response.status == 401 || response.status == 403 ? ErrorCode::needs_login : ErrorCode::protocol,
                          fmt::format("the provider answered HTTP {}", response.status));
    }
    auto value = json::parse(response.body);
    // The parser would quote the answer, which may tell more about the account than is asked here.
    if (!value) return base::fail(ErrorCode::protocol, "the provider's answer is not JSON");
    return std::move(*value);
}

}  // namespace

Account account_of(const oauth::IdClaims& claims) {
    return {claims.subject, first_label({claims.email, claims.preferred_username, claims.name})};
}

base::Result<Account> read_userinfo(const http::Response& response, std::string_view subject) {
    TRY(root, answer_of(response));
    const auto said = plain_text(json::at_pointer(root, "/sub"), kMaxId);
    if (said.empty()) return base::fail(ErrorCode::protocol, "the userinfo answer has no usable \"sub\"");
    if (!subject.empty() && said != subject)
        return base::fail(ErrorCode::protocol, "the userinfo answer is about another account than the ID token");
    return Account{said, first_label({label_at(root, "/email"), label_at(root, "/preferred_username"), label_at(root, "/name")})};
}

base::Result<IdentityAnswer> read_identity(const provider::ProviderDefinition& definition, const http::Response& response) {
    TRY(root, answer_of(response));
    const auto& rule = *definition.identity;
    IdentityAnswer answer;
    if (!rule.id_pointer.empty()) {
        answer.account.id = plain_text(json::at_pointer(root, rule.id_pointer), kMaxId);
    } else {
        answer.account.id = plain_text(json::at_pointer(root, "/id"), kMaxId);
        if (answer.account.id.empty()) answer.account.id = plain_text(json::at_pointer(root, "/sub"), kMaxId);
    }
    if (!rule.label_pointer.empty()) answer.account.label = label_at(root, rule.label_pointer);
    if (answer.account.id.empty()) {
        return base::fail(ErrorCode::protocol, fmt::format("the answer has nothing at identity.id ({})",
                                                           rule.id_pointer.empty() ? "/id, /sub" : rule.id_pointer),
                          "correct identity.id in the definition");
    }
    answer.captured = captured_in(definition, response);
    return answer;
}

std::map<std::string, std::string> captured_in(const provider::ProviderDefinition& definition, const http::Response& response) {
    std::map<std::string, std::string> captured;
    if (definition.capture.empty() || response.status < 200 || response.status >= 300) return captured;
    const auto root = json::parse(response.body);
    if (!root) return captured;
    for (const auto& rule : definition.capture)
        if (auto text = plain_text(json::at_pointer(*root, rule.pointer), kMaxCaptured); !text.empty())
            captured.emplace(rule.name, std::move(text));
    return captured;
}

std::vector<std::string> not_captured(const provider::ProviderDefinition& definition, const Connection& connection) {
    std::vector<std::string> names;
    for (const auto& rule : definition.capture)
        if (!connection.captured.contains(rule.name)) names.push_back(rule.name);
    return names;
}

}  // namespace claviger::connection
