#include "proxy/problem.hpp"

#include <algorithm>

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

// Why a credential is not to be had, as far as the program behind the proxy may know.
std::string_view kept_by(base::ErrorCode code) {
    using base::ErrorCode;
    switch (code) {
        case ErrorCode::timeout: return "it has to be renewed, and the service that renews it takes long; try again in a moment";
        case ErrorCode::network:
        case ErrorCode::tls:
        case ErrorCode::protocol:
        case ErrorCode::address_refused:
        case ErrorCode::authorization_failed:
        case ErrorCode::cancelled:
        case ErrorCode::limit: return "it has to be renewed, and the service that renews it cannot be reached or does not answer as it should; try again in a moment";
        case ErrorCode::invalid_input:
        case ErrorCode::unsupported:
        case ErrorCode::not_found: return "the definition of its service, or what is stored for it, cannot be used";
        default: return "the vault that holds it cannot be used now";
    }
}

// A method is a token, which may hold what a shell does not take as it is.
std::string as_word(std::string_view token) {
    constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+";
    return token.find_first_not_of(kPlain) == std::string_view::npos ? std::string(token) : base::shell_quote(token);
}

Problem told(int status, std::string reason, std::string detail, const base::Error& error) {
    Problem problem{status, std::move(reason), std::move(detail), command_in(error.hint)};
    problem.why = error.describe();
    return problem;
}

// Whoever made these errors named the connection, what the request itself says, and what to do: nothing else.
Problem as_said(int status, std::string reason, const base::Error& error) {
    auto problem = told(status, std::move(reason), error.message, error);
    if (problem.command.empty() && !error.hint.empty()) problem.detail += "; " + error.hint;
    return problem;
}

Problem unavailable(const base::Error& error) {
    auto problem = told(424, "credential_unavailable", "the request was not sent, because its credential is not to be had: " + std::string(kept_by(error.code)), error);
    const bool has_path = error.hint.find('/') != std::string::npos;
    if (problem.command.empty() && (error.hint.empty() || has_path)) problem.command = "claviger doctor";  // nobody has said what to do
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

std::string command_in(const std::string& hint) {
    constexpr std::string_view kProgram = "claviger ";
    const auto after = hint.find(": claviger ");
    if (after == std::string::npos && !hint.starts_with(kProgram)) return {};
    auto command = hint.substr(after == std::string::npos ? 0 : after + 2);
    command.erase(std::min(command.find_first_of(",;"), command.size()));
    return command.find('/') == std::string::npos ? command : std::string();
}

Problem problem_from(const base::Error& error) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::denied: return told(403, "not_allowed", "nothing may be sent to this host in that way; use its https URL", error);
        case ErrorCode::address_refused: return told(403, "address_refused", "the host is, or its name leads to, an address of this machine, of a private network or of another special kind, which nothing is sent to", error);
        case ErrorCode::timeout: return told(504, "upstream_timeout", "the upstream server did not answer in time", error);
        case ErrorCode::tls: {
            auto problem = told(502, "upstream_tls", "the upstream server's certificate or version of TLS is not acceptable", error);
            if (error.hint.find('/') == std::string::npos && problem.command.empty() && !error.hint.empty()) problem.detail += "; " + error.hint;
            return problem;
        }
        case ErrorCode::cancelled: return told(502, "upstream_closed", "the upstream server closed the connection", error);
        case ErrorCode::network: return told(502, "upstream_unreachable", "the upstream server cannot be reached: nobody knows its name, nothing answers there, or the proxy of this machine that leads there fails", error);
        case ErrorCode::protocol: return told(502, "upstream_protocol", "the upstream server broke the HTTP protocol", error);
        case ErrorCode::limit: return told(502, "limit", "the upstream server's answer has a head beyond the limits", error);
        case ErrorCode::busy: return told(503, "busy", "another process renews the credential or holds the vault; try again in a moment", error);
        // Whatever keeps the credential from us: never forwarded without it.
        default: return problem_of_credential(error);
    }
}

Problem problem_of_credential(const base::Error& error) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::needs_login:
        case ErrorCode::suspended:
        case ErrorCode::not_connected: return as_said(424, std::string(to_string(error.code)), error);
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

Problem problem_of_request(const base::Error& error) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::denied: return as_said(403, "not_allowed", error);
        case ErrorCode::invalid_input:
        case ErrorCode::unsupported: return as_said(424, "credential_unavailable", error);
        default: return problem_of_credential(error);
    }
}

Problem body_too_long() {
    return {413, "body_too_long", "requests to this service are signed over their body, which may have at most 256 KiB then", ""};
}

}  // namespace claviger::proxy
