#include "proxy/transparent.hpp"

#include <array>

#include "base/text.hpp"
#include "net/client_hello.hpp"
#include "net/endpoint.hpp"
#include "net/ip_address.hpp"
#include "net/peek.hpp"
#include "net/url.hpp"
#include "proxy/request_body.hpp"
#include "proxy/service.hpp"

namespace claviger::proxy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::chrono::seconds kHelloTime{10}, kAlertTime{5};
constexpr std::size_t kFirstLook = 4096;

struct Destination {
    std::string address;  // canonical; IPv6 in brackets
    std::string host;     // that was asked for; empty: the program knows addresses only
    std::uint16_t port = 0;
    bool lost = false;    // an address of our own that stands for nothing
};

Result<Destination> destination_of(const net::Stream& stream, const SyntheticAddresses& names) {
    const auto local = net::local_endpoint(stream);
    const auto address = local ? net::IpAddress::parse(local->address) : std::nullopt;
    if (!address) return base::fail(ErrorCode::cancelled, "the connection has ended");
    Destination to;
    to.address = address->is_v4() ? address->text() : "[" + address->text() + "]";
    to.host = names.host_of(*address);
    to.port = local->port;
    to.lost = to.host.empty() && SyntheticAddresses::includes(*address);
    return to;
}

Problem misdirected(const std::string& said, const Destination& to) {
    return {421, "misdirected", base::printable(said, 200) + " was named on a connection to " + (to.host.empty() ? to.address : to.host), ""};
}

Problem problem_of_lost() { return {502, "upstream_unreachable", "this address stands for no name of this session", ""}; }

// Whom a client means that says `named`, which may be nobody.
Result<Authority> authority_of(const Destination& to, const std::string& named) {
    Authority authority{to.host.empty() ? to.address : to.host, to.port};
    if (named.empty()) return authority;
    TRY(host, net::canonical_host(named));
    const bool free = to.host.empty() && !is_address(host);
    if (!free && host != authority.host) return base::fail(ErrorCode::denied, "another host");
    authority.host = std::move(host);
    return authority;
}

net::Task<Result<net::ClientHello>> look_at_hello(net::Stream& stream) {
    std::string bytes(kFirstLook, '\0');
    std::size_t there = 0;
    const net::Deadline deadline = net::in(kHelloTime);
    for (;;) {
        const std::size_t before = there;
        const std::span<char> room(bytes);
        auto seen = co_await net::peek(stream, room, before, deadline);
        if (!seen) co_return base::fail(std::move(seen).error());
        there = *seen;
        auto hello = net::read_client_hello(std::string_view(bytes).substr(0, there));
        if (!hello) co_return base::fail(std::move(hello).error());
        if (*hello) co_return std::move(**hello);
        if (there <= before && there < bytes.size()) co_return base::fail(ErrorCode::protocol, "the client ended within its TLS ClientHello");
        if (there < bytes.size()) continue;
        if (bytes.size() >= net::kLongestClientHello) co_return base::fail(ErrorCode::limit, "the TLS ClientHello is too long");
        bytes.resize(bytes.size() * 2);
    }
}

net::Task<void> refuse_tls(Session& session, net::StreamPtr stream, std::string host, Problem problem) {
    Recording recording(session.options.on_served, about(session, "CONNECT", std::move(host)));
    recording.finish(0, problem.reason, 0, 0);
    co_await refuse_handshake(*stream, std::move(problem));
}

net::Task<void> serve_tls(Session& session, net::StreamPtr stream, Destination to) {
    const std::string shown = authority_text({to.host.empty() ? to.address : to.host, to.port});
    auto hello = co_await look_at_hello(*stream);
    if (!hello) {
        Problem problem;  // never an HTTP answer: an alert, and a word in the log
        problem.reason = "client_tls";
        co_await refuse_tls(session, std::move(stream), shown, std::move(problem));
        co_return;
    }
    auto authority = authority_of(to, hello->server_name);
    if (to.lost || !authority) {
        Problem problem = to.lost ? problem_of_lost() : misdirected(hello->server_name, to);
        co_await refuse_tls(session, std::move(stream), shown, std::move(problem));
        co_return;
    }
    Tunnel tunnel{std::move(*authority), false, !to.host.empty()};
    http::Connection client(std::move(stream), session.options.limits);
    co_await serve_tunnel(session, std::move(client), std::move(tunnel));
}

// The same request as a client of a proxy would write it.
Result<std::string> absolute_target(const Destination& to, const http::RequestHead& head) {
    if (!head.target.starts_with('/')) return base::fail(ErrorCode::protocol, "the request target is not a path of this host");
    const std::string named(head.fields.find("Host").value_or(""));
    if (named.empty()) return base::fail(ErrorCode::protocol, "the request names no host");
    TRY(url, net::Url::parse("http://" + named + head.target));
    const auto authority = authority_of(to, url.host());
    if (url.has_userinfo() || url.port() != to.port || !authority) return base::fail(ErrorCode::denied, "another host");
    return url.text();
}

net::Task<bool> serve_request(Session& session, http::Connection& client, http::RequestHead head, Destination to) {
    auto target = absolute_target(to, head);
    if (target && !to.lost) {
        head.target = std::move(*target);
        const bool go_on = co_await serve_plain(session, client, std::move(head));
        co_return go_on;
    }
    Problem problem = problem_of_lost();
    if (!to.lost) {
        const bool other = target.error().code == ErrorCode::denied;
        problem = other ? misdirected(std::string(head.fields.find("Host").value_or("")), to) : Problem{400, "bad_request", target.error().message, ""};
    }
    auto what = about(session, head.method, (to.host.empty() ? to.address : to.host) + ":" + std::to_string(to.port));
    const bool go_on = co_await refuse(session, client, std::move(what), std::move(problem), !has_body(head));
    co_return go_on;
}

net::Task<void> serve_http(Session& session, net::StreamPtr stream, Destination to) {
    http::Connection client(std::move(stream), session.options.limits);
    for (;;) {
        std::string at = to.host.empty() ? to.address : to.host;
        auto head = co_await next_request(session, client, std::move(at));
        if (!head) co_return;
        const bool go_on = co_await serve_request(session, client, std::move(*head), to);
        if (!go_on) co_return;
    }
}

}  // namespace

net::Task<void> serve_led(Session& session, const SyntheticAddresses& names, net::StreamPtr stream) {
    auto to = destination_of(*stream, names);
    if (!to) co_return;
    std::array<char, 1> first{};
    const net::Deadline deadline = net::in(session.options.limits.idle_time);
    const std::span<char> room(first);
    auto seen = co_await net::peek(*stream, room, 0, deadline);
    if (!seen || *seen == 0) co_return;
    if (first[0] == net::kTlsHandshakeRecord) co_await serve_tls(session, std::move(stream), std::move(*to));
    else co_await serve_http(session, std::move(stream), std::move(*to));
}

net::Task<void> refuse_handshake(net::Stream& stream, Problem problem) {
    constexpr unsigned char kAccessDenied = 49, kUnrecognizedName = 112, kDecodeError = 50, kInternalError = 80;
    unsigned char description = problem.status == 403 || problem.status == 429 ? kAccessDenied : kInternalError;
    if (problem.reason == "misdirected") description = kUnrecognizedName;
    if (problem.reason == "client_tls") description = kDecodeError;
    const std::array<char, 7> alert{21, 3, 3, 0, 2, 2, static_cast<char>(description)};
    const net::Deadline deadline = net::in(kAlertTime);
    auto sent = co_await stream.write_all(std::string_view(alert.data(), alert.size()), deadline);
    if (!sent) co_return;
    auto ended = co_await stream.shutdown_write(deadline);
    if (!ended) co_return;
    // What is left unread would turn the end into a reset, by which the alert is lost.
    std::array<char, kFirstLook> rest{};
    for (std::size_t total = 0; total < net::kLongestClientHello;) {
        const std::span<char> into(rest);
        auto got = co_await stream.read_some(into, deadline);
        if (!got || *got == 0) break;
        total += *got;
    }
}

}  // namespace claviger::proxy
