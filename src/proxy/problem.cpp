#include "proxy/problem.hpp"

#include "base/text.hpp"
#include "json/value.hpp"

namespace claviger::proxy {
namespace {

std::string_view title_of(int status) {
    switch (status) {
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 405: return "Method Not Allowed";
        case 407: return "Proxy Authentication Required";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 424: return "Failed Dependency";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        default: return "Bad Gateway";
    }
}

// Hints are for people: "run: claviger login acme". A program gets the command alone; other advice stays with the sentence.
std::string command_in(const std::string& hint) {
    const auto at = hint.find("claviger ");
    return at == std::string::npos ? std::string() : hint.substr(at);
}

// A method is a token, which may hold what a shell does not take as it is.
std::string as_word(std::string_view token) {
    constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+";
    return token.find_first_not_of(kPlain) == std::string_view::npos ? std::string(token) : base::shell_quote(token);
}

Problem with_hint(int status, std::string reason, const base::Error& error) {
    auto command = command_in(error.hint);
    const bool advice = command.empty() && !error.hint.empty();
    return {status, std::move(reason), error.message + (advice ? "; " + error.hint : ""), std::move(command)};
}

Problem unavailable(const base::Error& error) {
    auto problem = with_hint(424, "credential_unavailable", error);
    if (error.hint.empty()) problem.command = "claviger doctor";  // nobody has said what to do
    return problem;
}

}  // namespace

ProblemMessage to_message(const Problem& problem, bool close) {
    json::Object body;
    body["type"] = "urn:claviger:problem:" + problem.reason;
    body["title"] = std::string(title_of(problem.status));
    body["status"] = problem.status;
    body["reason"] = problem.reason;
    body["detail"] = problem.detail;
    if (!problem.command.empty()) body["command"] = problem.command;
    if (!problem.rule.empty()) body["rule"] = problem.rule;
    if (problem.retry_after) body["retry_after"] = *problem.retry_after;

    ProblemMessage message;
    message.body = json::to_text(body) + "\n";
    message.head.status = problem.status;
    message.head.reason = std::string(title_of(problem.status));
    message.head.fields.add("Content-Type", "application/problem+json");
    message.head.fields.add("Cache-Control", "no-store");
    message.head.fields.add("Claviger-Reason", problem.reason);
    if (problem.status == 407) message.head.fields.add("Proxy-Authenticate", "Basic realm=\"claviger\"");
    if (problem.retry_after) message.head.fields.add("Retry-After", std::to_string(*problem.retry_after));
    if (!problem.allow.empty()) message.head.fields.add("Allow", problem.allow);
    if (close) message.head.fields.add("Connection", "close");
    message.head.framing = {http::BodyFraming::Kind::length, message.body.size()};
    return message;
}

Problem problem_from(const base::Error& error) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::needs_login:
        case ErrorCode::suspended:
        case ErrorCode::not_connected: return with_hint(424, std::string(to_string(error.code)), error);
        case ErrorCode::denied: return with_hint(403, "not_allowed", error);
        case ErrorCode::address_refused: return with_hint(403, "address_refused", error);
        case ErrorCode::timeout: return {504, "upstream_timeout", "the upstream server did not answer in time", ""};
        case ErrorCode::tls: return with_hint(502, "upstream_tls", error);
        case ErrorCode::cancelled: return {502, "upstream_closed", "the upstream server closed the connection", ""};
        case ErrorCode::network: return {502, "upstream_unreachable", error.message, ""};
        case ErrorCode::protocol: return {502, "upstream_protocol", "the upstream server broke the HTTP protocol", ""};
        case ErrorCode::limit: return {502, "limit", error.message, ""};
        case ErrorCode::busy: return with_hint(503, "busy", error);
        // Whatever keeps the credential from us: never forwarded without it.
        default: return unavailable(error);
    }
}

Problem problem_of_credential(const base::Error& error) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::needs_login:
        case ErrorCode::suspended:
        case ErrorCode::not_connected:
        case ErrorCode::busy: return problem_from(error);
        default: return unavailable(error);
    }
}

Problem method_not_allowed(const policy::PassedMethods& passed, std::string_view method) {
    Problem problem{405, "method_not_allowed", passed.why_not(method), ""};
    if (policy::PassedMethods::may_pass(method)) problem.command = "claviger run --pass-method " + as_word(method);
    problem.allow = passed.allow_field();
    return problem;
}

Problem problem_of_bad_message(const base::Error& error) {
    if (error.code == base::ErrorCode::limit) return {431, "limit", error.message, ""};
    return {400, "bad_request", error.message, ""};
}

Problem body_too_long() {
    return {413, "body_too_long", "requests to this service are signed over their body, which may have at most 256 KiB then", ""};
}

}  // namespace claviger::proxy
