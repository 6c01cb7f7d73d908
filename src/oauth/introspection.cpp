#include "oauth/introspection.hpp"

#include <utility>

#include <fmt/format.h>

#include "json/parse.hpp"
#include "json/value.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/server_time.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

// RFC 7519 section 2: a NumericDate may have a fraction.
std::optional<std::int64_t> numeric_date(const json::Value* value) {
    if (value == nullptr || !value->is_number()) return std::nullopt;
    constexpr double kLast = 1e12;
    const auto seconds = value->to_number<double>();
    if (!(seconds >= 1) || seconds > kLast) return std::nullopt;
    return static_cast<std::int64_t>(seconds);
}

}  // namespace

base::Result<Introspection> read_introspection(const http::Response& response) {
    if (response.status != 200) {
        const bool later = response.status == 429 || response.status >= 500;
        return base::fail(later ? ErrorCode::network : ErrorCode::authorization_failed,
                          fmt::format("the introspection endpoint answered HTTP {}", response.status));
    }
    const auto answer = json::parse(response.body, {.storage = json::secret_storage()});
    const auto* object = answer ? answer->if_object() : nullptr;
    const auto* active = object != nullptr ? json::find(*object, "active") : nullptr;
    if (active == nullptr || !active->is_bool())
        return base::fail(ErrorCode::protocol, "the introspection endpoint answered without \"active\" (RFC 7662 section 2.2)");
    Introspection said;
    said.active = active->get_bool();
    if (said.active) said.expires_at = numeric_date(json::find(*object, "exp"));
    return said;
}

net::Task<base::Result<Introspection>> introspect_token(http::Client& http, TokenRequest request, base::Secret access_token) {
    CO_TRY_VOID(check_endpoint(request.endpoint, "introspection URL"));
    request.grant.emplace_back("token", std::move(access_token));
    request.grant.emplace_back("token_type_hint", base::Secret("access_token"));
    const auto signing = request.signing;
    const auto sent = signing.now();
    auto answer = co_await send_authenticated(http, std::move(request));
    if (!answer) co_return base::fail(answer.error());
    auto said = read_introspection(*answer);
    const auto skew = clock_skew(answer->fields, sent, signing.now());
    if (said && said->expires_at) *said->expires_at -= std::chrono::duration_cast<std::chrono::seconds>(skew).count();
    co_return said;
}

}  // namespace claviger::oauth
