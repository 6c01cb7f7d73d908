#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "app/account.hpp"
#include "base/text.hpp"
#include "connection/identity.hpp"
#include "connection/secret_variables.hpp"
#include "connection/variables.hpp"
#include "provider/expand.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;

struct Question {
    std::string method = "GET", url;  // a template of the definition, or a discovered URL
    std::vector<int> expected;
};

std::optional<Question> question_for(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    if (definition.probe) return Question{definition.probe->method, definition.probe->url, definition.probe->ok_status};
    if (definition.identity) return Question{"GET", definition.identity->url, {}};
    if (definition.oauth2 && !definition.oauth2->userinfo_url.empty()) return Question{"GET", definition.oauth2->userinfo_url, {}};
    const auto& asked = connection.requested_scopes;
    const bool openid = std::find(asked.begin(), asked.end(), "openid") != asked.end();
    if (openid && !connection.userinfo_endpoint.empty()) return Question{"GET", connection.userinfo_endpoint, {}};
    return std::nullopt;
}

base::Error refusal(const provider::ProviderDefinition& definition, const connection::Connection& connection, int status) {
    const auto login = fmt::format("claviger login {} --connection {} --force", connection.provider, connection.name);
    if (status == 403) {
        return base::Error::make(ErrorCode::needs_login, fmt::format("{} knows the credential but does not allow this request", definition.name),
                                 fmt::format("check its scopes and rights; with other scopes: {} --scopes ...", login));
    }
    return base::Error::make(ErrorCode::needs_login, fmt::format("{} does not accept the credential", definition.name),
                             fmt::format("log in again: {}", login));
}

void judge(const provider::ProviderDefinition& definition, const connection::Connection& connection, ProbeResult& result) {
    const auto& expected = result.expected;
    const bool fine = expected.empty() ? result.status >= 200 && result.status < 300
                                       : std::find(expected.begin(), expected.end(), result.status) != expected.end();
    if (fine) {
        result.verdict = ProbeResult::Verdict::works;
        return;
    }
    if (result.status == 401 || result.status == 403) {
        result.verdict = ProbeResult::Verdict::refused;
        result.why = refusal(definition, connection, result.status);
        return;
    }
    const bool later = result.status == 429 || result.status >= 500;
    result.why = base::Error::make(ErrorCode::protocol,
                                   fmt::format("{} answered HTTP {}", definition.name, result.status),
                                   later ? "try again later" : "check the URL and ok_status of the definition's probe or identity");
}

void keep_captured(connection::Connections& connections, const provider::ProviderDefinition& definition, const http::Response& answer,
                   connection::Connection& stored) {
    bool more = false;
    for (auto& [name, value] : connection::captured_in(definition, answer)) more = stored.captured.emplace(name, value).second || more;
    // Another process was faster: the next probe or login tells the same again.
    if (more) (void)connections.save(stored, stored.version);
}

}  // namespace

bool can_be_probed(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    return question_for(definition, connection).has_value();
}

net::Task<Result<ProbeResult>> probe(ServiceParts with, connection::Connections& connections,
                                     const provider::ProviderDefinition& definition, connection::Connection& stored) {
    const auto question = question_for(definition, stored);
    if (!question) {
        co_return base::fail(ErrorCode::unsupported, fmt::format("the definition of {} does not say what to ask", definition.name),
                             "add \"probe\": {\"url\": ...} to it: a URL that answers 200 to whoever is logged in");
    }
    CO_TRY(values, connection::variables_of(definition, stored));
    CO_TRY(url, provider::expand_url(question->url, values));
    ProbeResult result;
    result.method = question->method;
    const auto hidden = connection::secret_variables(definition, stored);
    result.url = hidden.masked(url.redacted());
    result.expected = question->expected;
    const auto started = std::chrono::steady_clock::now();
    const std::string method = question->method;
    auto answer = co_await call_service(with, definition, stored, method, std::move(url));
    const auto took = std::chrono::steady_clock::now() - started;
    result.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    if (!answer) {
        result.why = hidden.masked(answer.error());
        if (answer.error().code == ErrorCode::needs_login) result.verdict = ProbeResult::Verdict::refused;
        co_return result;
    }
    result.status = answer->status;
    judge(definition, stored, result);
    if (result.verdict == ProbeResult::Verdict::works) keep_captured(connections, definition, *answer, stored);
    co_return result;
}

std::string in_words(const ProbeResult& result) {
    if (result.status == 0) return result.why ? result.why->describe() : "no answer";
    std::string text = fmt::format("HTTP {} in {} ms", result.status, result.milliseconds);
    if (result.verdict == ProbeResult::Verdict::works || result.expected.empty()) return text;
    std::vector<std::string> wanted;
    for (const int status : result.expected) wanted.push_back(std::to_string(status));
    return text + ", although the definition expects " + base::join(wanted, " or ");
}

}  // namespace claviger::app
