#include "proxy/interception.hpp"

#include <charconv>

#include "base/masked_path.hpp"
#include "base/text.hpp"
#include "net/endpoint.hpp"
#include "proxy/refused_methods.hpp"
#include "proxy/request_body.hpp"
#include "proxy/reverse_form.hpp"
#include "proxy/tunnel.hpp"

namespace claviger::proxy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::chrono::seconds kHandshakeTime{10};
constexpr std::chrono::seconds kConnectTime{30};
constexpr std::chrono::seconds kAnswerTime{30};

struct Authority {
    std::string host;  // canonical; IPv6 in brackets
    std::uint16_t port = 443;
};

// RFC 9112 section 3.2.3: host ":" port, both there.
Result<Authority> parse_authority(std::string_view target) {
    const auto colon = target.rfind(':');
    if (colon == std::string_view::npos) return base::fail(ErrorCode::invalid_input, "CONNECT needs host:port");
    unsigned port = 0;
    const auto digits = target.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535) {
        return base::fail(ErrorCode::invalid_input, "CONNECT needs a port from 1 to 65535");
    }
    TRY(host, net::canonical_host(target.substr(0, colon)));
    return Authority{std::move(host), static_cast<std::uint16_t>(port)};
}

std::string dial_host(const std::string& canonical) {
    return canonical.starts_with('[') ? canonical.substr(1, canonical.size() - 2) : canonical;
}

bool is_address(const std::string& canonical) {
    return canonical.starts_with('[') || canonical.find_first_not_of("0123456789.") == std::string::npos;
}

std::string authority_text(const Authority& authority) {
    return authority.port == 443 ? authority.host : authority.host + ":" + std::to_string(authority.port);
}

Problem problem_of_bad_message(const base::Error& error) {
    if (error.code == ErrorCode::limit) return {431, "limit", error.message, ""};
    return {400, "bad_request", error.message, ""};
}

Problem problem_of_decision(const policy::Decision& decision) {
    if (decision.kind == policy::Decision::Kind::ambiguous) {
        return {424, "ambiguous", decision.because, decision.command};
    }
    return {403, "not_allowed", decision.because, decision.refused ? "" : "claviger login PROVIDER"};
}

// Either what to send, or what to answer instead.
struct Plan {
    std::optional<ExchangeRequest> request;
    Problem problem;
};

Plan answer_instead(Problem problem) { return Plan{std::nullopt, std::move(problem)}; }

Served about(const Session& session, std::string method, std::string host, std::string_view path = {}) {
    Served served;
    served.at = session.clock.now();
    served.method = std::move(method);
    served.host = std::move(host);
    served.path = base::masked_path(path);
    return served;
}

// What is refused before anybody has looked for a credential. Gives whether the client's connection can go on.
net::Task<bool> refuse(Session& session, http::Connection& client, Served what, Problem problem, bool drained) {
    Recording recording(session.options.on_served, std::move(what));
    recording.served.reason = problem.reason;
    auto outcome = co_await answer_problem(client, std::move(problem), drained);
    recording.finish(outcome.status, outcome.reason, 0, outcome.response_bytes);
    if (recording.served.method.empty() && outcome.response_bytes == 0) recording.drop();  // no request: a client that left without a word
    co_return outcome.client_usable;
}

// A definition that itself names a host of this machine may reach it, and only that host on that port: another name
// that resolves to loopback is refused whatever the session's other routes are (PX-09).
bool reaches_loopback(const Session& session, const std::string& host, std::uint16_t port) {
    return session.options.addresses.allow_loopback || session.options.router.reaches_loopback(host, port);
}

net::Task<Plan> plan_request(Session& session, http::RequestHead head, net::Url url, ClientWatch& watch, Served& served) {
    if (echoes_or_tunnels(head.method)) {
        co_return answer_instead({405, "method_not_allowed", head.method + " is not passed on", ""});
    }
    const auto decision = session.options.router.decide(url);
    using Kind = policy::Decision::Kind;
    if (decision.kind == Kind::matched) served.provider = decision.provider, served.connection = decision.connection;
    if (decision.kind == Kind::ambiguous || decision.refused) co_return answer_instead(problem_of_decision(decision));
    GateRequest asked{head.method, url, decision.kind == Kind::matched ? decision.route : nullptr};
    auto admitted = co_await admission(session.options.gate, std::move(asked), watch.gone);
    served.rule = admitted.rule, served.approval = admitted.approval;
    if (admitted.refusal) co_return answer_instead(std::move(*admitted.refusal));
    const bool closed = session.options.unmatched == Unmatched::deny && !admitted.reachable_by_name;
    if (decision.kind == Kind::unmatched && closed) co_return answer_instead(problem_of_decision(decision));
    if (admitted.strips_overrides) strip_overrides(head.fields);
    Plan plan;
    plan.request.emplace();
    plan.request->url = url;
    plan.request->head = std::move(head);
    plan.request->pool_key = "none";
    plan.request->reaches_loopback = reaches_loopback(session, url.host(), url.port());
    if (decision.kind != Kind::matched) co_return plan;  // the provider's own OAuth endpoints too: never with a credential
    if (auto may = session.options.may_release ? session.options.may_release() : Result<void>(); !may) {
        co_return answer_instead({503, "audit_unavailable", may.error().message, "claviger doctor"});
    }
    auto credential = co_await session.credentials.credential(decision.provider, decision.connection, watch.gone);
    watch.gone.on_cancel(nullptr);
    if (!credential) co_return answer_instead(problem_of_credential(credential.error()));
    plan.request->credential = std::move(*credential);
    plan.request->provider = decision.provider;
    plan.request->connection = decision.connection;
    plan.request->pool_key = decision.provider + "/" + decision.connection;
    plan.request->placeholders = session.options.placeholders;
    co_return plan;
}

net::Task<bool> perform(Session& session, http::Connection& client, http::RequestHead head, net::Url url) {
    Recording recording(session.options.on_served, about(session, head.method, url.authority(), url.path()));
    const bool sends_body = has_body(head);
    ClientWatch watch(client);
    auto plan = co_await plan_request(session, std::move(head), url, watch, recording.served);
    ExchangeOutcome outcome;
    if (plan.request) {
        const ExchangeSurroundings with{session.loop, session.upstreams, session.credentials, session.clock, session.random, session.nonces};
        outcome = co_await exchange(with, client, watch, std::move(*plan.request));
    } else {
        outcome = co_await answer_problem(client, std::move(plan.problem), !sends_body);
    }
    if (outcome.scrubbed > 0) {
        const Served& what = recording.served;
        session.log.warn("proxy.scrubbed", {{"provider", what.provider}, {"connection", what.connection}, {"host", what.host}, {"times", outcome.scrubbed}});
    }
    recording.served.scrubbed = outcome.scrubbed;
    recording.finish(outcome.status, outcome.reason, outcome.request_bytes, outcome.response_bytes);
    co_return outcome.client_usable;
}

// The requests inside one opened TLS session. Every Host must be the CONNECT's authority (PX-06).
net::Task<void> serve_intercepted(Session& session, net::StreamPtr tls, Authority authority) {
    http::Connection client(std::move(tls), session.options.limits);
    const std::string expected = authority_text(authority);
    for (;;) {
        const net::Deadline deadline = net::in(session.options.limits.idle_time);
        auto head = co_await client.read_request_head(deadline);
        if (!head) {
            const auto code = head.error().code;
            if (code != ErrorCode::protocol && code != ErrorCode::limit) co_return;
            auto what = about(session, "", expected);
            auto problem = problem_of_bad_message(head.error());
            co_await refuse(session, client, std::move(what), std::move(problem), false);
            co_return;
        }
        const auto host = head->fields.find("Host");
        const auto url = net::Url::parse("https://" + std::string(host.value_or("")) + head->target);
        const bool sends_body = has_body(*head);
        Problem problem;
        if (!head->target.starts_with('/') || !url) {
            problem = {400, "bad_request", "the request target is not a path of this host", ""};
        } else if (!host || url->authority() != expected || url->has_userinfo()) {
            problem = {421, "misdirected", "the Host field differs from the host of the CONNECT request", ""};
        }
        bool go_on = false;
        if (problem.reason.empty()) {
            go_on = co_await perform(session, client, std::move(*head), *url);
        } else {
            auto what = about(session, head->method, expected, head->target.starts_with('/') ? std::string_view(head->target) : "");
            go_on = co_await refuse(session, client, std::move(what), std::move(problem), !sends_body);
        }
        if (!go_on) co_return;
    }
}

net::Task<Result<void>> say_established(http::Connection& client) {
    const net::Deadline deadline = net::in(kAnswerTime);
    auto sent = co_await client.stream().write_all("HTTP/1.1 200 Connection Established\r\n\r\n", deadline);
    co_return sent;
}

net::Task<void> intercept(Session& session, http::Connection client, Authority authority) {
    auto context = session.leaves ? session.leaves->context_for(authority.host)
                                  : Result<net::TlsServerContext>(base::fail(ErrorCode::denied, "no host is routed"));
    if (!context) {
        Problem problem{502, "not_interceptable",
                        "the session's certificate authority may not speak for this host; in the definition name the host "
                        "exactly or as *.host instead of a regular expression",
                        ""};
        auto what = about(session, "CONNECT", authority_text(authority));
        co_await refuse(session, client, std::move(what), std::move(problem), false);
        co_return;
    }
    auto said = co_await say_established(client);
    if (!said) co_return;
    auto raw = client.release();
    if (!raw) co_return;
    const net::Deadline deadline = net::in(kHandshakeTime);
    const auto refused = [&session, &authority](const std::string& reason) {
        Recording(session.options.on_served, about(session, "CONNECT", authority_text(authority))).finish(0, reason, 0, 0);
    };
    auto accepted = co_await net::tls_accept(std::move(*raw), std::move(*context), deadline);
    if (!accepted) {
        session.log.info("proxy.tls_refused", {{"host", authority.host}, {"why", accepted.error().message}});
        refused("client_tls");
        co_return;
    }
    // PX-06: the handshake must speak to the CONNECT's host; only an address may go without a name (RFC 6066 section 3).
    const bool unnamed_address = accepted->sni.empty() && is_address(authority.host);
    if (accepted->sni != authority.host && !unnamed_address) {
        refused("misdirected");
        co_return;
    }
    co_await serve_intercepted(session, std::move(accepted->stream), std::move(authority));
}

// What went through is known also when the session ends under it.
struct TunnelRecording {
    TunnelRecording(OnServed to, Served what) : recording(std::move(to), std::move(what)) {}
    ~TunnelRecording() { recording.finish(200, "", count.from_client, count.from_upstream); }
    Recording recording;
    TunnelCount count{};
};

net::Task<void> pass_through(Session& session, http::Connection client, Authority authority, Served what) {
    net::TcpTarget target;
    target.host = dial_host(authority.host);
    target.port = authority.port;
    net::AddressPolicy policy = session.tunnel_addresses;
    policy.allow_loopback = reaches_loopback(session, authority.host, authority.port);
    const net::Deadline deadline = net::in(kConnectTime);
    http::OutboundProxyPtr proxy;
    if (session.options.proxies) proxy = session.options.proxies->proxy_for("https", authority.host, authority.port);
    net::Cancellation gone;
    client.stream().on_hang_up([&gone] { gone.cancel(); });
    auto upstream = co_await http::connect_through(session.loop, std::move(proxy), target, policy, deadline, &gone);
    client.stream().on_hang_up(nullptr);
    gone.on_cancel(nullptr);
    if (gone.cancelled()) co_return;
    if (!upstream) {
        auto problem = problem_from(upstream.error());
        co_await refuse(session, client, std::move(what), std::move(problem), false);
        co_return;
    }
    auto said = co_await say_established(client);
    if (!said) co_return;
    auto raw = client.release();
    if (!raw) co_return;
    const net::Deadline first_deadline = net::in(kAnswerTime);
    auto first = co_await (*raw)->write_all(upstream->first_bytes, first_deadline);
    if (!first) co_return;
    what.kind = Served::Kind::tunnel;
    TunnelRecording recording(session.options.on_served, std::move(what));
    co_await tunnel(session.loop, std::move(*raw), std::move(upstream->stream), recording.count);
}

// Of a tunnel to a host that no connection serves. What decided is noted in `what`.
net::Task<std::optional<Problem>> refusal_of_tunnel(Session& session, http::Connection& client, Authority authority, Served& what) {
    auto url = net::Url::parse("https://" + authority_text(authority) + "/");
    if (!url) co_return problem_from(url.error());
    ClientWatch watch(client);
    GateRequest asked{"CONNECT", std::move(*url), nullptr, true};
    auto admitted = co_await admission(session.options.gate, std::move(asked), watch.gone);
    what.rule = admitted.rule, what.approval = admitted.approval;
    if (admitted.refusal || session.options.unmatched == Unmatched::allow || admitted.reachable_by_name) co_return std::move(admitted.refusal);
    co_return Problem{403, "not_allowed", "no connection of this session serves " + base::printable(authority.host), "claviger login PROVIDER"};
}

net::Task<void> serve_connect(Session& session, http::Connection client, std::string target) {
    auto authority = parse_authority(target);
    if (!authority) {
        Problem problem{400, "bad_request", authority.error().message, ""};
        auto what = about(session, "CONNECT", "");
        co_await refuse(session, client, std::move(what), std::move(problem), false);
        co_return;
    }
    if (session.options.router.opens(authority->host, authority->port)) {
        co_await intercept(session, std::move(client), std::move(*authority));
        co_return;
    }
    auto what = about(session, "CONNECT", authority_text(*authority));
    auto refusal = co_await refusal_of_tunnel(session, client, *authority, what);
    if (!refusal) {
        co_await pass_through(session, std::move(client), std::move(*authority), std::move(what));
        co_return;
    }
    co_await refuse(session, client, std::move(what), std::move(*refusal), false);
}

// A request in absolute form: plain http. Never with a credential, unless the definition itself names a loopback
// http host; a routed host over plain http is refused, so that nobody mistakes it for served (PX-11).
Result<net::Url> check_plain(const Session& session, const http::RequestHead& head) {
    auto url = net::Url::parse(head.target);
    if (!url) return base::fail(ErrorCode::protocol, "a proxy request needs an absolute http URL");
    if (url->scheme() != "http" || url->has_userinfo()) {
        return base::fail(ErrorCode::protocol, "only plain http goes through the proxy without CONNECT");
    }
    if (session.options.router.wants_https(*url)) {
        return base::fail(ErrorCode::denied, "this host gets its credential over https only; use https://" + url->host());
    }
    return url;
}

net::Task<bool> serve_plain(Session& session, http::Connection& client, http::RequestHead head) {
    auto url = check_plain(session, head);
    if (url) {
        const bool go_on = co_await perform(session, client, std::move(head), *url);
        co_return go_on;
    }
    const bool bad = url.error().code == ErrorCode::protocol;
    Problem problem = bad ? Problem{400, "bad_request", url.error().message, ""} : problem_from(url.error());
    const auto shown = net::Url::parse(head.target);
    auto what = about(session, head.method, shown ? shown->authority() : "", shown ? std::string_view(shown->path()) : "");
    const bool go_on = co_await refuse(session, client, std::move(what), std::move(problem), !has_body(head));
    co_return go_on;
}

net::Task<bool> serve_reverse(Session& session, http::Connection& client, http::RequestHead head, ReversePath path) {
    const auto local = net::local_endpoint(client.stream());
    auto url = reverse_target(session, path, head, local ? local->port : 0);
    head.fields.remove("Referer");  // it would tell the token
    if (url) {
        const bool go_on = co_await perform(session, client, std::move(head), *url);
        co_return go_on;
    }
    const bool bad = url.error().code != ErrorCode::denied;
    Problem problem{bad ? 400 : 403, bad ? "bad_request" : "not_allowed", url.error().message, ""};
    auto what = about(session, head.method, "");
    const bool go_on = co_await refuse(session, client, std::move(what), std::move(problem), !has_body(head));
    co_return go_on;
}

}  // namespace

net::Task<void> serve_client(Session& session, net::StreamPtr stream) {
    Strangers::Seat seat(session.strangers, *stream);
    http::Connection client(std::move(stream), session.options.limits);
    bool known = false;  // as a program of the session, which holds for the whole connection
    for (;;) {
        const net::Deadline deadline = net::in(session.options.limits.idle_time);
        auto head = co_await client.read_request_head(deadline);
        if (!head) {
            const auto code = head.error().code;
            if (code != ErrorCode::protocol && code != ErrorCode::limit) co_return;
            auto what = about(session, "", "");
            auto problem = problem_of_bad_message(head.error());
            co_await refuse(session, client, std::move(what), std::move(problem), false);
            co_return;
        }
        if (auto reverse = reverse_path(session, head->target)) {
            seat.leave();
            const bool on = co_await serve_reverse(session, client, std::move(*head), std::move(*reverse));
            if (!on) co_return;
            continue;
        }
        const auto shown = head->fields.all("Proxy-Authorization");
        const bool credential = shown.size() == 1 && session.authorization.equals(shown.front());
        if (!known && shown.empty()) known = co_await session.own_clients.includes(client.stream());
        const bool ours = credential || (known && shown.empty());
        if (ours) seat.leave();
        if (!ours) {
            session.log.warn("proxy.unauthenticated", {});
            const bool keeps = !has_body(*head);
            Problem problem{407, "proxy_authentication_required", "this proxy serves one claviger run session only", ""};
            auto what = about(session, head->method, "");
            const bool go_on = co_await refuse(session, client, std::move(what), std::move(problem), keeps);
            if (!go_on) co_return;
            continue;
        }
        if (head->method == "CONNECT") {
            std::string target = head->target;
            co_await serve_connect(session, std::move(client), std::move(target));
            co_return;
        }
        const bool go_on = co_await serve_plain(session, client, std::move(*head));
        if (!go_on) co_return;
    }
}

}  // namespace claviger::proxy
