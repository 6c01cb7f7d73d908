#include "app/approval_client.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::chrono::milliseconds kPatience{8'000};

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

// No answer of the site's: its session has ended, or others take its places.
bool is_silence(const base::Error& error) {
    using enum ErrorCode;
    return error.code == network || error.code == timeout || error.code == protocol || error.code == cancelled;
}

net::Task<Result<json::Object>> call(net::Loop& loop, http::Client& client, const FoundSite& site, std::string method, std::string path, std::string form) {
    constexpr int kMostTries = 8;
    constexpr std::chrono::milliseconds kPause{100};
    const net::Deadline until = net::in(kPatience);
    for (int tries = 1;; ++tries) {
        auto request = request_to(site, method, path, form);
        if (!request) co_return base::fail(std::move(request).error());
        auto response = co_await client.send(std::move(*request));
        if (response) co_return read_reply(*response);
        if (!is_silence(response.error()) || tries >= kMostTries || net::Deadline::clock::now() >= until) co_return base::fail(std::move(response).error());
        co_await loop.sleep(kPause);
    }
}

bool take_waiting(WhatWaits& all, std::size_t site, const json::Object& told) {
    const auto* waiting = json::array_at(told, "waiting");
    if (waiting == nullptr) return false;
    for (const auto& one : *waiting) {
        if (!one.is_object()) continue;
        WaitingElsewhere found{site, text_at(told, "session"), text_at(told, "program"), text_at(one.get_object(), "id"), one.get_object()};
        found.all["session"] = found.session;
        found.all["program"] = found.program;
        all.waiting.push_back(std::move(found));
    }
    return true;
}

}  // namespace

Result<http::Client> approval_client(net::Loop& loop) {
    http::Client::Options options;
    options.addresses.allow_loopback = true;
    options.total_time = kPatience / 2;
    return http::Client::make(loop, std::move(options));
}

net::Task<Result<WhatWaits>> what_waits(net::Loop& loop, http::Client& client, const std::vector<FoundSite>& sites) {
    WhatWaits all;
    for (std::size_t i = 0; i < sites.size(); ++i) {
        auto told = co_await call(loop, client, sites[i], "GET", std::string(api::kWaitingPath), "");
        if (told && take_waiting(all, i, *told)) continue;
        all.silent.push_back({sites[i].session, sites[i].port, told ? "its answer is not as expected" : told.error().message});
    }
    co_return all;
}

net::Task<Result<void>> send_answer(net::Loop& loop, http::Client& client, const FoundSite& site, std::string id, policy::Answer answer) {
    using Kind = policy::Answer::Kind;
    const auto word = answer.kind == Kind::deny ? "deny" : answer.kind == Kind::deny_like ? "deny_like" : answer.kind == Kind::once ? "once" : "for";
    std::string form = "id=" + base::form_encode(id) + "&answer=" + word;
    if (answer.kind == Kind::for_a_time) form += fmt::format("&seconds={}", std::chrono::ceil<std::chrono::seconds>(answer.lasting).count());
    auto told = co_await call(loop, client, site, "POST", std::string(api::kAnswerPath), std::move(form));
    if (told) co_return Result<void>();
    if (is_silence(told.error())) co_return base::fail(told.error().within("its session has ended, or does not answer"));
    co_return base::fail(std::move(told).error());
}

net::Task<Result<net::Url>> page_link(net::Loop& loop, http::Client& client, const FoundSite& site) {
    const std::uint16_t port = site.port;
    auto told = co_await call(loop, client, site, "POST", std::string(api::kLinkPath), "");
    if (!told) co_return base::fail(std::move(told).error());
    co_return net::Url::parse(fmt::format("http://127.0.0.1:{}{}", port, text_at(*told, "path")));
}

}  // namespace claviger::app
