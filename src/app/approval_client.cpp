#include "app/approval_client.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;

std::string text_at(const json::Object& object, std::string_view name) { return std::string(json::string_at(object, name).value_or("")); }

Result<http::Request> request_to(const FoundSite& site, std::string_view method, std::string_view path, std::string_view form) {
    http::Request request;
    request.method = std::string(method);
    request.once = method == "POST";
    TRY(url, net::Url::parse(fmt::format("http://127.0.0.1:{}{}", site.port, path)));
    request.url = std::move(url);
    base::WipedString authorization("Bearer ");
    authorization.append(site.key.reveal());
    request.fields.set("Authorization", authorization);
    if (request.once) request.fields.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = form;
    return request;
}

Result<json::Object> read_reply(const http::Response& response) {
    auto value = json::parse(response.body);
    if (!value || !value->is_object()) return base::fail(ErrorCode::protocol, "the session did not answer as expected");
    auto& object = value->get_object();
    if (response.status == 200) return std::move(object);
    const auto code = response.status == 404 ? ErrorCode::not_found : response.status == 403 ? ErrorCode::denied : ErrorCode::invalid_input;
    return base::fail(code, text_at(object, "message"), text_at(object, "hint"));
}

bool has_ended(const base::Error& error) { return error.code == ErrorCode::network || error.code == ErrorCode::cancelled; }

net::Task<Result<json::Object>> call(http::Client& client, Result<http::Request> request) {
    if (!request) co_return base::fail(std::move(request).error());
    auto response = co_await client.send(std::move(*request));
    if (!response) co_return base::fail(std::move(response).error());
    co_return read_reply(*response);
}

}  // namespace

Result<http::Client> approval_client(net::Loop& loop) {
    http::Client::Options options;
    options.addresses.allow_loopback = true;
    options.total_time = std::chrono::seconds(10);
    return http::Client::make(loop, std::move(options));
}

net::Task<Result<std::vector<WaitingElsewhere>>> what_waits(http::Client& client, const std::vector<FoundSite>& sites) {
    std::vector<WaitingElsewhere> all;
    for (std::size_t i = 0; i < sites.size(); ++i) {
        auto request = request_to(sites[i], "GET", api::kWaitingPath, "");
        auto told = co_await call(client, std::move(request));
        // Another one may have its port by now, which does not know its key.
        if (!told && (has_ended(told.error()) || told.error().code == ErrorCode::denied)) continue;
        if (!told) co_return base::fail(std::move(told).error());
        const auto* waiting = json::array_at(*told, "waiting");
        if (waiting == nullptr) co_return base::fail(ErrorCode::protocol, "the session did not answer as expected");
        for (const auto& one : *waiting) {
            if (!one.is_object()) continue;
            WaitingElsewhere found{i, text_at(*told, "session"), text_at(*told, "program"), text_at(one.get_object(), "id"), one.get_object()};
            found.all["session"] = found.session;
            found.all["program"] = found.program;
            all.push_back(std::move(found));
        }
    }
    co_return all;
}

net::Task<Result<void>> send_answer(http::Client& client, const FoundSite& site, std::string id, policy::Answer answer) {
    using Kind = policy::Answer::Kind;
    std::string form = "id=" + base::form_encode(id) + "&answer=" + (answer.kind == Kind::deny ? "deny" : answer.kind == Kind::once ? "once" : "for");
    if (answer.kind == Kind::for_a_time) form += fmt::format("&seconds={}", std::chrono::ceil<std::chrono::seconds>(answer.lasting).count());
    auto request = request_to(site, "POST", api::kAnswerPath, form);
    auto told = co_await call(client, std::move(request));
    if (told) co_return Result<void>();
    if (has_ended(told.error())) co_return base::fail(ErrorCode::not_found, "its session has ended");
    co_return base::fail(std::move(told).error());
}

net::Task<Result<net::Url>> page_link(http::Client& client, const FoundSite& site) {
    const std::uint16_t port = site.port;
    auto request = request_to(site, "POST", api::kLinkPath, "");
    auto told = co_await call(client, std::move(request));
    if (!told) co_return base::fail(std::move(told).error());
    co_return net::Url::parse(fmt::format("http://127.0.0.1:{}{}", port, text_at(*told, "path")));
}

}  // namespace claviger::app
