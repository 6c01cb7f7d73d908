#include "proxy/exchange.hpp"

#include <algorithm>

namespace claviger::proxy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kPiece = 16 * 1024;
constexpr std::chrono::seconds kConnectTime{30};
// A model may think for minutes before its first byte, and pause as long between two.
constexpr std::chrono::minutes kAnswerTime{10};
constexpr std::chrono::minutes kBodyIdle{10};
constexpr std::chrono::minutes kWriteTime{5};
constexpr int kMostInterim = 16;  // PX-17

// Memory for the pieces of one body, no larger than the body; what was used of it is wiped.
class Piece {
public:
    explicit Piece(const http::BodyFraming& framing) : size_(size_for(framing)), memory_(std::make_unique_for_overwrite<char[]>(size_)) {}
    ~Piece() { base::wipe(memory_.get(), used_); }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;

    [[nodiscard]] std::span<char> space() { return {memory_.get(), size_}; }
    std::string_view filled(std::size_t n) {
        used_ = std::max(used_, n);
        return {memory_.get(), n};
    }

private:
    static std::size_t size_for(const http::BodyFraming& framing) {
        if (framing.kind != http::BodyFraming::Kind::length) return kPiece;
        return static_cast<std::size_t>(std::clamp<std::uint64_t>(framing.length, 1, kPiece));
    }
    std::size_t size_, used_ = 0;
    std::unique_ptr<char[]> memory_;
};

// The request body on its way upstream, beside the answer on its way back: a server may answer before it has read
// everything, and may stop reading then.
struct RequestBody {
    explicit RequestBody(net::Loop& loop) : done(loop) {}
    net::Event done;
    bool started = false, complete = false;
    std::uint64_t bytes = 0;
};

net::Task<void> pump_request_body(http::Connection& client, http::Connection& upstream, http::BodyFraming framing, RequestBody& body) {
    Piece piece(framing);
    bool ok = true;
    while (ok && !client.body_complete()) {
        const net::Deadline read_deadline = net::in(kBodyIdle);
        auto got = co_await client.read_body(piece.space(), read_deadline);
        ok = got.has_value();
        if (!ok || *got == 0) break;
        const net::Deadline write_deadline = net::in(kWriteTime);
        auto sent = co_await upstream.write_body(piece.filled(*got), write_deadline);
        ok = sent.has_value();
        if (ok) body.bytes += *got;
    }
    if (ok) {
        const net::Deadline deadline = net::in(kWriteTime);
        auto ended = co_await upstream.finish_body(deadline);
        ok = ended.has_value();
    }
    body.complete = ok;
    // A half-sent body must never look whole: the upstream sees the connection break.
    if (!ok && !client.body_complete()) upstream.close();
    body.done.set();
}

http::RequestHead outgoing_head(const http::RequestHead& received, const net::Url& url) {
    http::RequestHead head = received;
    http::remove_hop_by_hop(head.fields);
    head.fields.remove("Expect");  // answered by us
    head.fields.remove("Content-Length");
    head.fields.set("Host", url.authority());
    head.target = url.request_target();
    head.minor_version = 1;
    return head;
}

http::ResponseHead outgoing_head(http::ResponseHead received, const http::RequestHead& request, bool close) {
    http::remove_hop_by_hop(received.fields);
    // Without a body the length still tells something (HEAD, 304); otherwise the writer derives it.
    if (received.framing.kind != http::BodyFraming::Kind::none) received.fields.remove("Content-Length");
    received.minor_version = 1;
    const bool needs_chunks = received.framing.kind == http::BodyFraming::Kind::until_close;
    if (needs_chunks && request.minor_version >= 1) received.framing.kind = http::BodyFraming::Kind::chunked;
    if (received.framing.kind == http::BodyFraming::Kind::chunked && request.minor_version < 1) {
        received.framing.kind = http::BodyFraming::Kind::until_close;
    }
    if (close || received.framing.kind == http::BodyFraming::Kind::until_close) received.fields.add("Connection", "close");
    return received;
}

bool has_body(const http::RequestHead& head) {
    return head.framing.kind == http::BodyFraming::Kind::chunked ||
           (head.framing.kind == http::BodyFraming::Kind::length && head.framing.length > 0);
}

// RFC 9110 section 9.2.2: what may be sent again when a pooled connection turns out to be dead.
bool idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

// Whether the client is still there, watched from outside of any read: the exchange may be waiting for the upstream
// alone. What is to be closed then is told stage by stage through `gone`.
class ClientWatch {
public:
    explicit ClientWatch(http::Connection& client) : client_(client) {
        client_.stream().on_hang_up([this] { gone.cancel(); });
    }
    ~ClientWatch() { client_.stream().on_hang_up(nullptr); }
    ClientWatch(const ClientWatch&) = delete;
    ClientWatch& operator=(const ClientWatch&) = delete;

    net::Cancellation gone;

private:
    http::Connection& client_;
};

net::Task<Result<http::ResponseHead>> read_final_head(http::Connection& upstream, std::string method) {
    const net::Deadline deadline = net::in(kAnswerTime);
    for (int interim = 0; interim <= kMostInterim; ++interim) {
        auto head = co_await upstream.read_response_head(method, deadline);
        if (!head) co_return base::fail(std::move(head).error());
        if (head->status == 101) co_return base::fail(ErrorCode::protocol, "the upstream server switched protocols unasked");
        if (head->status >= 200) co_return std::move(*head);
    }
    co_return base::fail(ErrorCode::protocol, "the upstream server sent too many interim answers");
}

net::Task<Result<void>> stream_answer(http::Connection& upstream, http::Connection& client, http::ResponseHead head,
                                      std::uint64_t& bytes) {
    const net::Deadline head_deadline = net::in(kWriteTime);
    if (upstream.body_complete()) {
        auto sent = co_await client.write_head(std::move(head), std::string_view(), head_deadline);
        if (!sent) co_return sent;
        auto ended = co_await client.finish_body(head_deadline);
        co_return ended;
    }
    Piece piece(head.framing);
    // The head goes with the first piece only if that piece is there at once; an event stream's head must not wait.
    std::string_view first;
    if (upstream.body_at_hand()) {
        auto got = co_await upstream.read_body(piece.space(), head_deadline);
        if (!got) co_return base::fail(std::move(got).error());
        first = piece.filled(*got);
        bytes += *got;
    }
    if (upstream.body_complete()) {
        auto whole = co_await client.write_message(std::move(head), first, head_deadline);
        co_return whole;
    }
    auto sent = co_await client.write_head(std::move(head), first, head_deadline);
    Result<void> result = std::move(sent);
    while (result && !upstream.body_complete()) {
        const net::Deadline read_deadline = net::in(kBodyIdle);
        auto got = co_await upstream.read_body(piece.space(), read_deadline);
        if (!got) {
            result = base::fail(std::move(got).error());
            break;
        }
        if (*got == 0) break;
        bytes += *got;
        const net::Deadline write_deadline = net::in(kWriteTime);
        auto written = co_await client.write_body(piece.filled(*got), write_deadline);
        result = std::move(written);
    }
    if (!result) co_return result;
    const net::Deadline end_deadline = net::in(kWriteTime);
    auto ended = co_await client.finish_body(end_deadline);
    co_return ended;
}

// Head (and body, through `body`) to an upstream connection; the answer's head back.
net::Task<Result<http::ResponseHead>> ask(net::Loop& loop, http::Connection& upstream, http::Connection& client,
                                          http::RequestHead head, RequestBody& body) {
    const std::string method = head.method;
    const bool sends_body = has_body(head);
    const http::BodyFraming framing = head.framing;
    const net::Deadline deadline = net::in(kWriteTime);
    auto sent = co_await upstream.write_head(std::move(head), std::string_view(), deadline);
    if (!sent) co_return base::fail(std::move(sent).error());
    if (sends_body) {
        body.started = true;
        loop.spawn("request body", pump_request_body(client, upstream, framing, body));
    } else {
        body.complete = true;
    }
    auto answer = co_await read_final_head(upstream, method);
    co_return answer;
}

net::Task<void> settle(http::Connection& client, http::Connection& upstream, RequestBody& body, bool answered_whole) {
    if (!body.started || body.done.is_set()) co_return;
    if (!answered_whole) {
        client.close();
        upstream.close();
    } else {
        // Answered early (RFC 9112 section 9.3): give the sender a moment to finish, then end both.
        const net::Deadline moment = net::in(std::chrono::seconds(2));
        auto waited = co_await body.done.wait(moment);
        if (waited) co_return;
        client.close();
        upstream.close();
    }
    auto finished = co_await body.done.wait(net::Deadline::max());
    (void)finished;
}

}  // namespace

net::Task<ExchangeOutcome> answer_problem(http::Connection& client, Problem problem, bool drained) {
    ExchangeOutcome outcome;
    outcome.status = problem.status;
    auto message = to_message(problem, !drained);
    const net::Deadline deadline = net::in(kWriteTime);
    const std::string body = std::move(message.body);
    auto sent = co_await client.write_head(std::move(message.head), body, deadline);
    if (!sent) co_return outcome;
    auto ended = co_await client.finish_body(deadline);
    outcome.response_bytes = body.size();
    outcome.client_usable = ended.has_value() && drained && client.may_continue();
    co_return outcome;
}

net::Task<ExchangeOutcome> exchange(net::Loop& loop, http::Client& upstreams, http::Connection& client,
                                    ExchangeRequest request) {
    ExchangeOutcome outcome;
    const bool client_sends_body = has_body(request.head);
    http::RequestHead head = outgoing_head(request.head, request.url);
    if (request.injection) {
        const auto applied = request.injection->apply(head, request.url);
        if (!applied) {
            outcome = co_await answer_problem(client, problem_from(applied.error()), !client_sends_body);
            co_return outcome;
        }
    }
    if (request.head.fields.count("Expect") != 0 && client_sends_body) {
        const net::Deadline deadline = net::in(kWriteTime);
        auto sent = co_await client.stream().write_all("HTTP/1.1 100 Continue\r\n\r\n", deadline);
        if (!sent) co_return outcome;
    }

    ClientWatch watch(client);
    http::Client::AcquireOptions how;
    how.plain_http = !request.injection;
    how.allow_loopback = request.reaches_loopback;
    how.cancellation = &watch.gone;
    for (int attempt = 0;; ++attempt) {
        const net::Deadline connect_deadline = net::in(kConnectTime);
        auto lease = co_await upstreams.acquire(request.pool_key, request.url, connect_deadline, how);
        if (watch.gone.cancelled()) {
            client.close();
            co_return outcome;
        }
        if (!lease) {
            outcome = co_await answer_problem(client, problem_from(lease.error()), !client_sends_body);
            co_return outcome;
        }
        http::Connection& upstream = *lease->connection;
        watch.gone.on_cancel([&upstream, &client] {
            upstream.close();
            client.close();
        });
        RequestBody body(loop);
        http::RequestHead copy = head;
        auto answer = co_await ask(loop, upstream, client, std::move(copy), body);
        if (!answer) {
            upstream.close();
            co_await settle(client, upstream, body, false);
            watch.gone.on_cancel(nullptr);  // the connection is about to go
            if (watch.gone.cancelled()) co_return outcome;
            const bool again = lease->reused && attempt == 0 && !client_sends_body && idempotent(head.method);
            if (again) continue;
            const bool drained = !client_sends_body;
            if (!drained && body.bytes > 0 && !body.complete) co_return outcome;  // both sides already closed
            outcome = co_await answer_problem(client, problem_from(answer.error()), drained);
            co_return outcome;
        }
        outcome.status = answer->status;
        const bool close_after = body.started && !body.done.is_set() && !body.complete;
        auto out = outgoing_head(std::move(*answer), request.head, close_after || !client.may_continue());
        auto streamed = co_await stream_answer(upstream, client, std::move(out), outcome.response_bytes);
        co_await settle(client, upstream, body, streamed.has_value());
        outcome.request_bytes = body.bytes;
        watch.gone.on_cancel(nullptr);
        if (!streamed) {
            upstream.close();
            client.close();  // an early end must be visible to the client (PX-17)
            co_return outcome;
        }
        outcome.client_usable = client.may_continue() && body.complete && client.body_complete() && !close_after;
        if (body.complete && upstream.may_continue()) {
            upstreams.give_back(request.pool_key, request.url, std::move(lease->connection));
        }
        co_return outcome;
    }
}

}  // namespace claviger::proxy
