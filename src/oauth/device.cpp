#include "oauth/device.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/number.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/poll_schedule.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxDeviceCode = 8 * 1024;
constexpr std::size_t kMaxUserCode = 64;
constexpr std::size_t kMaxLink = 2048;
constexpr std::chrono::seconds kDefaultInterval{5};  // section 3.2
// The answer must say how long the code lives; one that does not is taken for what most servers mean.
constexpr std::chrono::seconds kDefaultLifetime{600};
constexpr std::chrono::seconds kLongestLifetime{24 * 3600};

base::Error broken(std::string what) {
    return base::Error::make(ErrorCode::protocol, "the device authorization endpoint answered " + std::move(what),
                             "check device_authorization_url in the definition");
}

base::Error refused(const http::Response& response, const json::Value* answer) {
    std::string sentence = fmt::format("HTTP {}", response.status);
    std::string_view error;
    if (answer != nullptr) {
        error = json::string_at(answer->get_object(), "error").value_or("");
        if (!error.empty())
            sentence = error_sentence(error, json::string_at(answer->get_object(), "error_description").value_or(""));
    }
    const bool later = error.empty() && (response.status == 429 || response.status >= 500);
    auto shown = base::Error::make(later ? ErrorCode::network : ErrorCode::authorization_failed,
                                   "the server gave no device code: " + sentence, later ? "try again later" : "");
    if (error == "invalid_client" || error == "unauthorized_client")
        shown.hint = "check the client id, and that the application is allowed to use the device flow";
    else if (error == "invalid_scope")
        shown.hint = "ask for other scopes with --scopes";
    return shown;
}

// A whole number of seconds, also where it is written as a text.
std::optional<std::int64_t> seconds_at(const json::Object& answer, std::string_view name) {
    if (const auto number = json::int_at(answer, name)) return number;
    const auto text = json::string_at(answer, name);
    if (!text) return std::nullopt;
    return base::whole_number(*text);
}

// Section 5.4: the human is sent there, so it must be a page, and nothing that hides where it leads.
base::Result<net::Url> link_at(const json::Object& answer, std::string_view name) {
    const auto text = json::string_at(answer, name).value_or("");
    auto url = text.size() <= kMaxLink ? net::Url::parse(text) : base::fail(ErrorCode::protocol, "too long");
    const bool page = url && (url->scheme() == "https" || url->scheme() == "http") && !url->has_userinfo();
    if (!page) return base::fail(broken(fmt::format("without a usable {}", name)));
    return std::move(*url);
}

base::Result<net::Url> verification_uri(const json::Object& answer) {
    // The name that the drafts of the RFC used is still in use.
    const bool old = !answer.contains("verification_uri") && answer.contains("verification_url");
    return link_at(answer, old ? "verification_url" : "verification_uri");
}

}  // namespace

base::Result<DeviceAuthorization> read_device_authorization(const http::Response& response) {
    if (response.status >= 300 && response.status < 400)
        return base::fail(broken("with a redirect, which is never followed"));
    const auto value = json::parse(response.body, {.storage = json::secret_storage()});
    const bool object = value && value->is_object();
    if (response.status < 200 || response.status >= 300 || (object && json::string_at(value->get_object(), "error")))
        return base::fail(refused(response, object ? &*value : nullptr));
    if (!object) return base::fail(broken("without a JSON object"));
    const auto& answer = value->get_object();

    DeviceAuthorization authorization;
    const auto device_code = json::string_at(answer, "device_code").value_or("");
    if (!is_vschar(device_code, kMaxDeviceCode)) return base::fail(broken("without a usable device_code"));
    authorization.device_code = base::Secret(device_code);
    const auto user_code = base::trim(json::string_at(answer, "user_code").value_or(""));
    if (!is_vschar(user_code, kMaxUserCode)) return base::fail(broken("without a usable user_code"));
    authorization.user_code = std::string(user_code);
    TRY(uri, verification_uri(answer));
    authorization.verification_uri = std::move(uri);
    // A convenience: one that cannot be used, or leads elsewhere than the link that the human can read, is left out.
    if (const auto complete = link_at(answer, "verification_uri_complete");
        complete && complete->origin() == authorization.verification_uri.origin())
        authorization.verification_uri_complete = *complete;
    const std::chrono::seconds lifetime{seconds_at(answer, "expires_in").value_or(kDefaultLifetime.count())};
    if (lifetime.count() <= 0) return base::fail(broken("with a code that has run out already"));
    authorization.expires_in = std::min(lifetime, kLongestLifetime);
    const std::chrono::seconds interval{seconds_at(answer, "interval").value_or(0)};
    authorization.interval = interval.count() > 0 ? interval : kDefaultInterval;
    if (authorization.interval >= authorization.expires_in)
        return base::fail(broken("with an interval in which the code runs out"));
    return authorization;
}

net::Task<base::Result<DeviceAuthorization>> authorize_device(http::Client& http, TokenRequest request) {
    CO_TRY_VOID(check_endpoint(request.endpoint, "device authorization URL"));
    CO_TRY(message, token_http_request(request));
    auto answer = co_await http.send(std::move(message));
    if (!answer) co_return base::fail(answer.error().within("the device authorization request failed"));
    co_return read_device_authorization(*answer);
}

namespace {

net::Task<void> sleep_until(net::Loop& loop, net::Deadline deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() > 0) co_await loop.sleep(left);
}

base::Error nobody_came() {
    return base::Error::make(ErrorCode::cancelled, "nobody approved the login while its code was valid",
                             "log in again and enter the new code");
}

// nullopt: go on asking. Section 3.5.
std::optional<base::Error> take_failure(PollSchedule& schedule, const TokenFailure& failure, net::Deadline now) {
    if (failure.error == "authorization_pending") {
        schedule.pending(now);
        return std::nullopt;
    }
    if (failure.error == "slow_down") {
        schedule.slow_down(now);
        return std::nullopt;
    }
    if (failure.error == "expired_token") return nobody_came();
    if (failure.error == "access_denied") {
        return base::Error::make(ErrorCode::authorization_failed, "the login was denied on the provider's page",
                                 "log in again and approve it there");
    }
    using Kind = TokenFailure::Kind;
    // These do not become better by waiting.
    const auto code = failure.shown.code;
    const bool lasting = code == ErrorCode::invalid_input || code == ErrorCode::address_refused ||
                         code == ErrorCode::tls || code == ErrorCode::protocol;
    const bool later = failure.kind == Kind::unavailable || failure.kind == Kind::in_doubt || failure.kind == Kind::not_sent;
    if (lasting || !later) return failure.shown;
    schedule.unreachable(now, failure.retry_after);
    return std::nullopt;
}

}  // namespace

Waiting waiting_on(net::Loop& loop) {
    return {[] { return std::chrono::steady_clock::now(); },
            [&loop](net::Deadline deadline) { return sleep_until(loop, deadline); }};
}

net::Task<base::Result<TokenResponse>> await_device_token(http::Client& http, Waiting waiting,
                                                          PollSchedule schedule,
                                                          std::function<base::Result<TokenRequest>()> make_request) {
    std::optional<base::Error> not_heard;
    for (auto next = schedule.next(); next; next = schedule.next()) {
        co_await waiting.until(*next);
        CO_TRY(request, make_request());
        auto outcome = co_await ask_token(http, std::move(request));
        if (outcome) co_return std::move(*outcome);
        const auto& failure = outcome.error();
        if (auto over = take_failure(schedule, failure, waiting.now())) co_return base::fail(std::move(*over));
        // A code that ran out while its server could not be reached is not the human's doing.
        const bool heard = failure.error == "authorization_pending" || failure.error == "slow_down";
        if (heard) not_heard.reset();
        else not_heard = failure.shown;
    }
    if (not_heard) co_return base::fail(std::move(*not_heard));
    co_await waiting.until(schedule.end());  // the code is the human's until then, and so says the screen
    co_return base::fail(nobody_came());
}

}  // namespace claviger::oauth
