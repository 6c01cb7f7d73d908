#include "http/client.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/idle_pool.hpp"

namespace claviger::http {

using base::ErrorCode;
using base::Result;
using net::Deadline;
using net::Task;

namespace {

// Under which send() pools; no caller of acquire() can name it.
constexpr std::string_view kOwnPool = "\n";
// A request that must not be sent twice goes only on a connection that was in use a moment ago, or on a new one.
constexpr std::chrono::milliseconds kFreshEnough{2'000};
// How long to look for an early answer of a peer that stopped reading the request.
constexpr std::chrono::milliseconds kEarlyAnswer{1'000};
constexpr std::size_t kPiece = 16 * 1024;

bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

// What a lost connection looks like, as opposed to a broken protocol or a passed deadline.
bool is_lost(ErrorCode code) {
    return code == ErrorCode::network || code == ErrorCode::cancelled || code == ErrorCode::tls;
}

std::string pool_key_of(std::string_view pool_key, const net::Url& url) {
    return std::string(pool_key).append("\n").append(url.origin());
}

// https anywhere, http to loopback only, where the address policy lets it (OA-09, PX-11); http elsewhere only when asked.
Result<void> check_url(const net::Url& url, const net::AddressPolicy& addresses, bool plain_http) {
    if (url.has_userinfo()) return base::fail(ErrorCode::invalid_input, "a URL with a user name is not used");
    if (url.scheme() == "https") return {};
    if (url.scheme() == "http" && plain_http) return {};
    if (url.scheme() == "http" && url.host_is_loopback() && addresses.allow_loopback) return {};
    return base::fail(ErrorCode::denied, "only https is used, not " + url.scheme() + ": for " + url.host());
}

RequestHead make_head(const Request& request, const std::string& user_agent) {
    RequestHead head;
    head.method = request.method;
    head.target = request.url.request_target();
    Fields given = request.fields;
    remove_hop_by_hop(given);
    for (const char* name : {"host", "accept-encoding", "expect", "content-length"}) given.remove(name);
    head.fields.add("Host", request.url.authority());
    if (given.count("user-agent") == 0) head.fields.add("User-Agent", user_agent);
    head.fields.add("Accept-Encoding", "identity");
    for (const Field& field : given.items()) head.fields.add(field.name, field.value);
    if (!request.body.empty()) head.framing = {BodyFraming::Kind::length, request.body.size()};
    return head;
}

Result<void> check_answer(const ResponseHead& head, bool has_body, std::size_t max_body) {
    if (head.status == 101) return base::fail(ErrorCode::protocol, "the server switched protocols unasked");
    if (!has_body) return {};
    if (head.framing.kind == BodyFraming::Kind::length && head.framing.length > max_body) {
        return base::fail(ErrorCode::limit, "the response is too large");
    }
    for (const std::string_view coding : head.fields.all("content-encoding")) {
        if (!coding.empty() && !base::equal_ignoring_case(coding, "identity")) {
            return base::fail(ErrorCode::protocol, "the server compressed its response although it was asked not to");
        }
    }
    return {};
}

// `connection` and the body outlive the task in each of these.
Task<Result<base::WipedString>> read_whole_body(Connection& connection, std::size_t max, Deadline deadline) {
    base::WipedString body;
    while (!connection.body_complete()) {
        const std::size_t have = body.size();
        body.resize(have + std::min(kPiece, max + 1 - have));  // one byte more tells too large from just right
        const std::span<char> space(body.data() + have, body.size() - have);
        auto got = co_await connection.read_body(space, deadline);
        if (!got) co_return base::fail(std::move(got).error());
        body.resize(have + *got);
        if (body.size() > max) co_return base::fail(ErrorCode::limit, "the response is too large");
    }
    co_return std::move(body);
}

Task<Result<ResponseHead>> read_final_head(Connection& connection, std::string method, Deadline deadline) {
    while (true) {  // Connection bounds the number of interim responses
        auto head = co_await connection.read_response_head(method, deadline);
        if (!head || head->status >= 200 || head->status == 101) co_return head;
    }
}

Task<Result<Response>> exchange(Connection& connection, RequestHead head, std::string_view body, std::size_t max,
                                Deadline deadline) {
    const std::string method = head.method;
    auto written = co_await connection.write_message(std::move(head), body, deadline);
    if (!written && !is_lost(written.error().code)) co_return base::fail(std::move(written).error());
    // A server may refuse a request before it has read it and close: its answer is worth more than our write error.
    const Deadline until = written ? deadline : std::min(deadline, net::in(kEarlyAnswer));
    auto answer = co_await read_final_head(connection, method, until);
    if (!answer && !written) co_return base::fail(std::move(written).error());
    if (!answer) co_return base::fail(std::move(answer).error());
    CO_TRY_VOID(check_answer(*answer, !connection.body_complete(), max));
    auto received = co_await read_whole_body(connection, max, deadline);
    if (!received) co_return base::fail(std::move(received).error());
    Response response;
    response.status = answer->status;
    response.fields = std::move(answer->fields);
    response.body = std::move(*received);
    co_return response;
}

// A stream on which the URL's server, or for plain http a proxy on the way, is spoken to.
Task<Result<net::StreamPtr>> reach(net::Loop& loop, net::Url url, OutboundProxyPtr proxy, net::AddressPolicy policy, Deadline deadline,
                                   net::Cancellation* cancellation) {
    net::TcpTarget target{url.dial_host(), url.port()};
    if (proxy != nullptr && url.scheme() == "http") {
        auto forwarded = co_await connect_to_proxy(loop, std::move(proxy), std::move(target), std::move(policy), deadline, cancellation);
        co_return forwarded;
    }
    auto tunnelled = co_await connect_through(loop, std::move(proxy), std::move(target), std::move(policy), deadline, cancellation);
    if (!tunnelled) co_return base::fail(std::move(tunnelled).error());
    if (!tunnelled->first_bytes.empty()) co_return base::fail(ErrorCode::protocol, "the server spoke before its TLS began");
    co_return std::move(tunnelled->stream);
}

}  // namespace

struct Client::State {
    State(net::Loop& on, Options chosen, net::TlsClientContext trust, net::TlsClientContext trust_of_http2)
        : loop(on), options(std::move(chosen)), tls(std::move(trust)), tls_http2(std::move(trust_of_http2)), idle(options.idle_per_key, options.idle_time) {}

    net::Loop& loop;
    Options options;
    net::TlsClientContext tls, tls_http2;
    IdlePool idle;

    [[nodiscard]] OutboundProxyPtr proxy_for(const net::Url& url) const {
        return options.proxies ? options.proxies->proxy_for(url.scheme(), url.host(), url.port()) : nullptr;
    }

    // The state outlives its tasks: each holds it.
    static Task<Result<std::unique_ptr<Connection>>> connect(std::shared_ptr<State> self, net::Url url,
                                                             Deadline deadline, AcquireOptions how);
    static Task<Result<Lease>> acquire(std::shared_ptr<State> self, std::string key, net::Url url,
                                       std::chrono::milliseconds longest_idle, Deadline deadline, AcquireOptions how);
    static Task<Result<Response>> send(std::shared_ptr<State> self, Request request, bool* left);
    // `request` outlives the task.
    static Task<Result<Response>> send_unobserved(std::shared_ptr<State> self, const Request& request, bool* left);
};

Task<Result<std::unique_ptr<Connection>>> Client::State::connect(std::shared_ptr<State> self, net::Url url,
                                                                 Deadline deadline, AcquireOptions how) {
    net::AddressPolicy policy = self->options.addresses;
    policy.allow_loopback = how.allow_loopback.value_or(policy.allow_loopback);
    CO_TRY_VOID(check_url(url, policy, how.plain_http));
    auto proxy = self->proxy_for(url);
    const bool forwarded = proxy != nullptr && url.scheme() == "http";
    auto stream = co_await reach(self->loop, url, std::move(proxy), std::move(policy), deadline, how.cancellation);
    if (!stream) co_return base::fail(std::move(stream).error());
    if (url.scheme() == "https") {
        net::TlsClientContext trust = how.http2 ? self->tls_http2 : self->tls;
        std::string host = url.dial_host();
        stream = co_await net::tls_connect(std::move(*stream), std::move(trust), std::move(host), deadline);
        if (!stream) co_return base::fail(std::move(stream).error());
        if ((*stream)->protocol() == "h2") {
            stream = self->options.speak_http2(self->loop, std::move(*stream));
            if (!stream) co_return base::fail(std::move(stream).error());
        }
    } else if (!how.plain_http && !forwarded) {
        // "localhost" is only a name: what counts for plain text is where the connection went.
        const std::string peer = (*stream)->peer_address();
        if (!peer.starts_with("127.") && peer != "::1") {
            co_return base::fail(ErrorCode::denied, "http is used to this machine only");
        }
    }
    co_return std::make_unique<Connection>(std::move(*stream), self->options.limits);
}

Task<Result<Client::Lease>> Client::State::acquire(std::shared_ptr<State> self, std::string key, net::Url url,
                                                   std::chrono::milliseconds longest_idle, Deadline deadline,
                                                   AcquireOptions how) {
    Lease lease;
    lease.connection = self->idle.take(key, std::chrono::steady_clock::now(), longest_idle);
    lease.reused = lease.connection != nullptr;
    if (url.scheme() == "http") lease.forwards = self->proxy_for(url);
    if (lease.reused) co_return std::move(lease);
    auto fresh = co_await connect(self, std::move(url), deadline, how);
    if (!fresh) co_return base::fail(std::move(fresh).error());
    lease.connection = std::move(*fresh);
    co_return std::move(lease);
}

Task<Result<Response>> Client::State::send(std::shared_ptr<State> self, Request request, bool* left) {
    auto outcome = co_await send_unobserved(self, request, left);
    if (self->options.observer) self->options.observer(request, outcome);
    co_return outcome;
}

Task<Result<Response>> Client::State::send_unobserved(std::shared_ptr<State> self, const Request& request, bool* left) {
    const Deadline deadline = net::in(self->options.total_time);
    CO_TRY_VOID(check_url(request.url, self->options.addresses, false));
    if (request.method == "CONNECT") co_return base::fail(ErrorCode::internal, "CONNECT is not sent by send()");
    const RequestHead head = make_head(request, self->options.user_agent);
    const std::string key = pool_key_of(kOwnPool, request.url);
    const std::size_t max = self->options.max_response_body;
    const bool safe = is_safe(request.method) && !request.once;
    const std::string_view body = request.body;
    std::chrono::milliseconds longest_idle = kFreshEnough;
    if (safe) longest_idle = self->options.idle_time;
    auto lease = co_await acquire(self, key, request.url, longest_idle, deadline, AcquireOptions());
    if (!lease) co_return base::fail(std::move(lease).error().within(request.url.origin()));
    if (left != nullptr) *left = true;
    RequestHead first_try = head;
    auto response = co_await exchange(*lease->connection, std::move(first_try), body, max, deadline);
    const bool stale = !response && lease->reused && is_lost(response.error().code) &&
                       !lease->connection->received_any();
    if (stale && safe) {
        // Only what changes nothing is sent again; a token request never is (RF-01).
        auto fresh = co_await connect(self, request.url, deadline, AcquireOptions());
        if (!fresh) co_return base::fail(std::move(fresh).error().within(request.url.origin()));
        lease->connection = std::move(*fresh);
        RequestHead second_try = head;
        response = co_await exchange(*lease->connection, std::move(second_try), body, max, deadline);
    }
    if (!response) {
        base::Error error = std::move(response).error();
        // To the caller a peer that hangs up is a network failure, not a cancellation of its own.
        if (error.code == ErrorCode::cancelled) error.code = ErrorCode::network;
        co_return base::fail(error.within(request.url.origin()));
    }
    self->idle.put(key, std::move(lease->connection), std::chrono::steady_clock::now());
    co_return response;
}

Client::Client(std::shared_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::make(net::Loop& loop, Options options) {
    net::TlsClientContext::Options trust;
    trust.extra_ca_pem = options.extra_ca_pem;
    TRY(tls, net::TlsClientContext::make(trust));
    auto tls_http2 = tls;
    if (options.speak_http2) {
        trust.http2 = true;
        TRY(both, net::TlsClientContext::make(trust));
        tls_http2 = std::move(both);
    }
    return Client(std::make_shared<State>(loop, std::move(options), std::move(tls), std::move(tls_http2)));
}

Task<Result<Response>> Client::send(Request request, bool* left) { return State::send(state_, std::move(request), left); }

Task<Result<Client::Lease>> Client::acquire(std::string pool_key, net::Url url, Deadline deadline) {
    return acquire(std::move(pool_key), std::move(url), deadline, AcquireOptions());
}

Task<Result<Client::Lease>> Client::acquire(std::string pool_key, net::Url url, Deadline deadline, AcquireOptions how) {
    std::string key = pool_key_of(pool_key, url);
    return State::acquire(state_, std::move(key), std::move(url), state_->options.idle_time, deadline, how);
}

void Client::give_back(std::string pool_key, const net::Url& url, std::unique_ptr<Connection> connection) {
    state_->idle.put(pool_key_of(pool_key, url), std::move(connection), std::chrono::steady_clock::now());
}

}  // namespace claviger::http
