#include "proxy/interception.hpp"

#include "base/text.hpp"
#include "http2/server.hpp"
#include "net/endpoint.hpp"
#include "proxy/request_body.hpp"
#include "proxy/reverse_form.hpp"
#include "proxy/service.hpp"
#include "proxy/transparent.hpp"
#include "proxy/tunnel.hpp"

namespace claviger::proxy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::chrono::seconds kHandshakeTime{10};
constexpr std::chrono::seconds kConnectTime{30};
constexpr std::chrono::seconds kAnswerTime{30};

// The requests inside one opened TLS session. Every Host must be the CONNECT's authority (PX-06).
net::Task<void> serve_intercepted(Session& session, net::StreamPtr tls, Authority authority) {
    http::Connection client(std::move(tls), session.options.limits);
    const std::string expected = authority_text(authority);
    for (;;) {
        auto head = co_await next_request(session, client, expected);
        if (!head) co_return;
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

// What is no request of HTTP/2 is written down as such of HTTP/1.1 is; its client is told where it still can be.
net::Task<void> refuse_stream(Session& session, net::StreamPtr stream, std::string at, base::Error why) {
    auto what = about(session, "", std::move(at));
    auto problem = problem_of_bad_message(why);
    if (!stream || !session.has_room()) {
        Recording(session.options.on_served, std::move(what)).finish(0, problem.reason, 0, 0);
        co_return;
    }
    ++session.open_connections;
    http::Connection client(std::move(stream), session.options.limits);
    co_await refuse(session, client, std::move(what), std::move(problem), false);
    --session.open_connections;
}

// A stream of HTTP/2 costs as much as a connection, and counts as one (PX-31).
net::Task<void> serve_stream(Session& session, net::StreamPtr stream, Authority authority) {
    if (!session.has_room()) {
        record_no_room(session);
        co_return;
    }
    ++session.open_connections;
    co_await serve_intercepted(session, std::move(stream), std::move(authority));
    --session.open_connections;
}

// A connection that was led here waits for no answer to a CONNECT.
net::Task<Result<void>> say_established(http::Connection& client, bool asked) {
    if (!asked) co_return Result<void>{};
    const net::Deadline deadline = net::in(kAnswerTime);
    auto sent = co_await client.stream().write_all("HTTP/1.1 200 Connection Established\r\n\r\n", deadline);
    co_return sent;
}

net::Task<void> refuse_tunnel(Session& session, http::Connection client, Tunnel tunnel, Served what, Problem problem) {
    if (tunnel.asked) {
        co_await refuse(session, client, std::move(what), std::move(problem), false);
        co_return;
    }
    what.why = problem.why;
    Recording recording(session.options.on_served, std::move(what));
    recording.finish(0, problem.reason, 0, 0);
    co_await refuse_handshake(client.stream(), std::move(problem));
}

net::Task<void> intercept(Session& session, http::Connection client, Tunnel tunnel) {
    const Authority authority = tunnel.to;
    auto context = session.leaves ? session.leaves->context_for(authority.host)
                                  : Result<net::TlsServerContext>(base::fail(ErrorCode::denied, "no host is routed"));
    if (!context) {
        const bool ended = context.error().code == ErrorCode::limit;
        Problem problem{502, "not_interceptable", ended ?
                        "the session's certificate authority is not valid at this time: the session is too old, or the clock of this machine was set; "
                        "begin a new session" :
                        "the session's certificate authority may not speak for this host; in the definition name the host "
                        "exactly or as *.host instead of a regular expression",
                        ended ? "claviger run -- PROGRAM" : ""};
        auto what = about(session, "CONNECT", authority_text(authority));
        co_await refuse_tunnel(session, std::move(client), std::move(tunnel), std::move(what), std::move(problem));
        co_return;
    }
    auto said = co_await say_established(client, tunnel.asked);
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
    // PX-06: the handshake must speak to the tunnel's host; without a name (RFC 6066 section 3) only where there is none to
    // say, or the program's own question for the name's address says it.
    const bool unnamed = accepted->sni.empty() && (is_address(authority.host) || tunnel.host_was_asked_for);
    if (accepted->sni != authority.host && !unnamed) {
        refused("misdirected");
        co_return;
    }
    if (accepted->stream->protocol() == "h2") {
        const http::Limits& ours = session.options.limits;
        http2::Limits limits;
        limits.header_bytes = ours.header_bytes, limits.header_count = ours.header_count, limits.idle_time = ours.idle_time;
        http2::Service service;
        service.serve = [&session, authority](net::StreamPtr one) { return serve_stream(session, std::move(one), authority); };
        service.refuse = [&session, authority](net::StreamPtr one, base::Error why) { return refuse_stream(session, std::move(one), authority_text(authority), std::move(why)); };
        co_await http2::serve_connection(session.loop, std::move(accepted->stream), limits, std::move(service));
        co_return;
    }
    co_await serve_intercepted(session, std::move(accepted->stream), authority);
}

// What went through is known also when the session ends under it.
struct TunnelRecording {
    TunnelRecording(OnServed to, Served what) : recording(std::move(to), std::move(what)) {}
    ~TunnelRecording() { recording.finish(200, reason, count.from_client, count.from_upstream); }
    Recording recording;
    TunnelCount count{};
    std::string reason{};
};

net::Task<void> pass_through(Session& session, http::Connection client, Tunnel tunnel, Served what, GateRequest admitted) {
    const Authority authority = tunnel.to;
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
        co_await refuse_tunnel(session, std::move(client), std::move(tunnel), std::move(what), std::move(problem));
        co_return;
    }
    auto said = co_await say_established(client, tunnel.asked);
    if (!said) co_return;
    auto raw = client.release();
    if (!raw) co_return;
    const net::Deadline first_deadline = net::in(kAnswerTime);
    auto first = co_await (*raw)->write_all(upstream->first_bytes, first_deadline);
    if (!first) co_return;
    what.kind = Served::Kind::tunnel;
    TunnelRecording recording(session.options.on_served, std::move(what));
    net::Cancellation withdrawal;
    withdrawal.on_cancel([&from = **raw, &to = *upstream->stream] {
        from.close();
        to.close();
    });
    const OpenExchanges::Entry open(session.open_exchanges, std::move(admitted), withdrawal);
    co_await tunnel_between(session.loop, **raw, *upstream->stream, recording.count);
    if (open.withdrawn()) recording.reason = "withdrawn";
}

// Of a tunnel to a host that no connection serves. What decided is noted in `what`.
net::Task<std::optional<Problem>> refusal_of_tunnel(Session& session, http::Connection& client, GateRequest asked, Served& what) {
    ClientWatch watch(client);
    const std::string host = asked.url.host();
    auto admitted = co_await admission(session.options.gate, std::move(asked), watch.gone);
    what.rule = admitted.rule, what.approval = admitted.approval;
    if (admitted.refusal || session.options.unmatched == Unmatched::allow || admitted.reachable_by_name) co_return std::move(admitted.refusal);
    co_return Problem{403, "not_allowed", "no connection of this session serves " + base::printable(host), "claviger login PROVIDER"};
}

net::Task<void> serve_connect(Session& session, http::Connection client, std::string target) {
    auto authority = parse_authority(target);
    if (!authority) {
        Problem problem{400, "bad_request", authority.error().message, ""};
        auto what = about(session, "CONNECT", "");
        co_await refuse(session, client, std::move(what), std::move(problem), false);
        co_return;
    }
    Tunnel tunnel{std::move(*authority)};
    co_await serve_tunnel(session, std::move(client), std::move(tunnel));
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
        return base::fail(ErrorCode::denied, "this host gets its credential over https only; use https://" + url->authority());
    }
    return url;
}

}  // namespace

net::Task<void> serve_tunnel(Session& session, http::Connection client, Tunnel tunnel) {
    if (session.options.router.opens(tunnel.to.host, tunnel.to.port)) {
        co_await intercept(session, std::move(client), std::move(tunnel));
        co_return;
    }
    const Authority to = tunnel.to;
    auto what = about(session, "CONNECT", authority_text(to));
    auto url = net::Url::parse("https://" + authority_text(to) + "/");
    if (!url) {
        Problem problem{400, "bad_request", url.error().message, ""};
        co_await refuse_tunnel(session, std::move(client), std::move(tunnel), std::move(what), std::move(problem));
        co_return;
    }
    GateRequest asked{"CONNECT", std::move(*url), nullptr, true};
    auto refusal = co_await refusal_of_tunnel(session, client, asked, what);
    if (refusal) co_await refuse_tunnel(session, std::move(client), std::move(tunnel), std::move(what), std::move(*refusal));
    else co_await pass_through(session, std::move(client), std::move(tunnel), std::move(what), std::move(asked));
}

net::Task<bool> serve_plain(Session& session, http::Connection& client, http::RequestHead head) {
    auto url = check_plain(session, head);
    if (url) {
        const bool go_on = co_await perform(session, client, std::move(head), *url);
        co_return go_on;
    }
    const bool bad = url.error().code == ErrorCode::protocol;
    Problem problem = bad ? Problem{400, "bad_request", url.error().message, ""} : problem_of_request(url.error());
    const auto shown = net::Url::parse(head.target);
    auto what = about(session, head.method, shown ? shown->authority() : "", shown ? std::string_view(shown->path()) : "");
    const bool go_on = co_await refuse(session, client, std::move(what), std::move(problem), !has_body(head));
    co_return go_on;
}

namespace {

net::Task<bool> serve_reverse(Session& session, http::Connection& client, http::RequestHead head, ReversePath path) {
    const auto local = net::local_endpoint(client.stream());
    auto url = reverse_target(session, path, head, local ? local->port : 0);
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

// Where no exception from the proxy is left for this machine, programs ask the proxy for its own address, in absolute form.
std::string_view without_own_origin(http::Connection& client, std::string_view target) {
    const auto local = net::local_endpoint(client.stream());
    if (!local || target.starts_with('/')) return target;
    for (const auto* host : {"127.0.0.1", "localhost"}) {
        const auto origin = "http://" + std::string(host) + ":" + std::to_string(local->port);
        if (target.starts_with(origin + "/")) return target.substr(origin.size());
    }
    return target;
}

}  // namespace

net::Task<void> serve_client(Session& session, net::StreamPtr stream, bool known) {
    Strangers::Seat seat(session.strangers, *stream);
    if (seat.took_a_place()) record_no_room(session);
    if (known) seat.leave();
    http::Connection client(std::move(stream), session.options.limits);
    for (;;) {
        auto head = co_await next_request(session, client, "");
        if (!head) co_return;
        if (auto reverse = reverse_path(session, without_own_origin(client, head->target))) {
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
