// route explain: who would serve a URL, what the rules say of it, and why. Nothing is sent.
#include <fmt/format.h>

#include "app/route_explanation.hpp"
#include "base/text.hpp"
#include "cli/commands/connection_json.hpp"
#include "cli/commands/session_options.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using app::RouteExplanation;

json::Value judgement_json(const policy::Judgement& judgement) {
    return json::Object{{"action", to_string(judgement.action)}, {"rule", string_or_null(judgement.rule)}, {"because", string_or_null(judgement.because)}};
}

json::Object as_json(const RouteExplanation& told, const std::string& method, const net::Url& url) {
    json::Object object{{"url", url.redacted()}, {"method", method}, {"outcome", to_string(told.outcome)}, {"because", told.because}};
    for (const auto& [name, value] : {std::pair{"reason", &told.reason}, {"provider", &told.provider}, {"connection", &told.connection}, {"rule", &told.rule},
                                      {"command", &told.command}, {"connection_problem", &told.connection_problem}}) {
        object[name] = string_or_null(*value);
    }
    json::Array contenders, layers;
    for (const auto& one : told.contenders) {
        contenders.emplace_back(json::Object{{"provider", one.provider}, {"connection", one.connection}, {"rule", one.rule}, {"outcome", to_string(one.outcome)},
                                             {"because", one.because}});
    }
    for (const auto& layer : told.layers) {
        auto value = judgement_json(layer.judgement);
        value.get_object()["layer"] = layer.name;
        layers.push_back(std::move(value));
    }
    object["candidates"] = std::move(contenders);
    object["rules"] = std::move(layers);
    object["limits"] = json::Array(told.limits.begin(), told.limits.end());
    object["would_serve"] = json::Array(told.would_serve.begin(), told.would_serve.end());
    return object;
}

std::string headline(const RouteExplanation& told) {
    const std::string whose = told.provider.empty() ? "" : told.provider + " (" + told.connection + ")";
    switch (told.outcome) {
        case RouteExplanation::Outcome::served: return "served by " + whose + ", with its credential";
        case RouteExplanation::Outcome::passed: return "passed on without a credential";
        case RouteExplanation::Outcome::asks: return whose.empty() ? "passed on without a credential once you approve it" : "served by " + whose + " once you approve it";
        case RouteExplanation::Outcome::refused: break;
    }
    return "refused (" + told.reason + ")";
}

std::string as_text(const RouteExplanation& told, const std::string& method, const net::Url& url) {
    std::string text = method + " " + base::printable(url.redacted(), 2000) + "\n" + headline(told) + "\n";
    text += "  because: " + base::printable(told.because, 1000) + "\n";
    if (!told.connection_problem.empty()) text += "  but: " + base::printable(told.connection_problem, 500) + "\n";
    for (const auto& layer : told.layers) {
        if (!layer.judgement.because.empty()) text += "  rules: " + base::printable(layer.judgement.because, 1000) + "\n";
    }
    for (const auto& limit : told.limits) text += "  limit: " + limit + "\n";
    if (!told.command.empty()) text += "  to change it: " + told.command + "\n";
    if (told.would_serve.size() > 1) text += "  others that would serve it: " + base::join({told.would_serve.begin() + 1, told.would_serve.end()}, ", ") + "\n";
    if (told.contenders.empty()) return text + "no connection of this session names the host\n";
    text += "connections that name the host:\n";
    for (const auto& one : told.contenders) {
        const bool wins = one.outcome == policy::Contender::Outcome::wins;
        text += fmt::format("  {} {} ({}), rule {}: {}\n", wins ? "*" : "-", one.provider, one.connection, base::printable(one.rule), base::printable(one.because, 1000));
    }
    return text;
}

}  // namespace

Outcome route_explain(Context& context, const Invocation& invocation) {
    TRY(request, parse_session_options(invocation));
    const std::string written = invocation.argument(0);
    auto url = policy::parse_written_url(written.find("://") == std::string::npos ? "https://" + written : written);
    if (!url) return base::fail(ErrorCode::usage, base::printable(written) + " is no URL: " + url.error().message, "for instance: claviger route explain https://api.acme.com/user");
    const std::string method = invocation.value("--method", "GET");
    if (!http::valid_field_name(method)) return base::fail(ErrorCode::usage, "'" + base::printable(method, 80) + "' is no method", "for instance: --method POST");
    TRY_VOID(complete_session_options(context, invocation, request, false));
    request.say = nullptr;
    TRY(broker, context.broker());
    TRY(told, app::explain_route(broker, request, method, *url));
    if (context.out().json()) context.out().document(as_json(told, method, *url));
    else context.out().data(as_text(told, method, *url));
    return 0;
}

}  // namespace claviger::cli
