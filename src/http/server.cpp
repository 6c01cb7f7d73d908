#include "http/server.hpp"

#include <list>
#include <set>

#include "base/text.hpp"

namespace claviger::http {

using base::ErrorCode;
using base::Result;
using net::Deadline;
using net::Task;

namespace {

constexpr std::size_t kPiece = 4 * 1024;
constexpr std::chrono::milliseconds kAnswerTime{2'000};   // for a refusal
constexpr std::chrono::milliseconds kLingerTime{1'000};   // for the peer to take it
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};

ResponseHead head_of(int status, std::size_t body_size) {
    ResponseHead head;
    head.status = status;
    head.framing = {BodyFraming::Kind::length, body_size};
    if (status == 204 || status == 304) head.framing = {};
    return head;
}

// An answer that closes, then a bounded wait while the peer takes it: closing over unread bytes would reset the
// connection and could destroy the answer (RFC 9112 section 9.6). `connection` outlives the task.
Task<void> refuse(Connection& connection, int status) {
    ResponseHead head = head_of(status, 0);
    if (status == 405) head.fields.add("Allow", "");  // of the host that CONNECT names nothing (RFC 9110 section 15.5.6)
    head.fields.add("Connection", "close");
    const std::string_view no_body;
    const Deadline soon = net::in(kAnswerTime);
    auto written = co_await connection.write_message(std::move(head), no_body, soon);
    if (!written) co_return;
    const Deadline until = net::in(kLingerTime);
    auto shut = co_await connection.stream().shutdown_write(until);
    if (!shut || status == 408) co_return;
    char sink[kPiece];
    const std::span<char> space(sink);
    for (std::size_t drained = 0; drained < kLingerBytes;) {
        auto got = co_await connection.stream().read_some(space, until);
        if (!got || *got == 0) co_return;
        drained += *got;
    }
}

// The status to refuse a request with on account of its head, 0 when it may go on. Sends 100 where it is awaited.
Task<int> admit(Connection& connection, const RequestHead& head, std::size_t max_body, Deadline deadline) {
    if (head.method == "CONNECT") co_return 405;
    if (head.framing.kind == BodyFraming::Kind::length && head.framing.length > max_body) co_return 413;
    bool wants_continue = false;
    for (const std::string_view expected : head.fields.all("expect")) {
        if (!base::equal_ignoring_case(expected, "100-continue")) co_return 417;
        wants_continue = true;
    }
    if (!wants_continue || connection.body_complete()) co_return 0;
    ResponseHead interim;
    interim.status = 100;
    interim.reason = "Continue";
    const std::string_view no_body;
    auto written = co_await connection.write_head(std::move(interim), no_body, deadline);
    co_return written ? 0 : -1;
}

// Reads the whole body into `into`; the status to refuse with, 0 when well, -1 when there is nobody to answer.
Task<int> read_whole_body(Connection& connection, base::WipedString& into, std::size_t max, Deadline deadline) {
    while (!connection.body_complete()) {
        const std::size_t have = into.size();
        into.resize(have + std::min(kPiece, max + 1 - have));
        const std::span<char> space(into.data() + have, into.size() - have);
        auto got = co_await connection.read_body(space, deadline);
        if (!got) co_return connection.refusal_status() == 0 ? -1 : connection.refusal_status();
        into.resize(have + *got);
        if (into.size() > max) co_return 413;
    }
    co_return 0;
}

}  // namespace

struct Server::State {
    State(net::Loop& on, net::Listener bound, Options chosen, Handler handle)
        : loop(on), listener(std::move(bound)), options(std::move(chosen)), handler(std::move(handle)) {}

    net::Loop& loop;
    net::Listener listener;
    Options options;
    Handler handler;
    std::set<Connection*> open;        // each lives in its serve() task, which takes it out
    std::list<Connection*> requesting;  // those of them whose request is not whole yet, who waits longest first
    std::size_t serving = 0;           // tasks, counted from accept() on; those that gave way until they have ended
    bool closed = false;

    void close() noexcept;
    bool make_room();
    // The state outlives its tasks: each holds it.
    static Task<void> accept_all(std::shared_ptr<State> self);
    static Task<void> serve(std::shared_ptr<State> self, net::StreamPtr stream);
    static Task<bool> serve_one(std::shared_ptr<State> self, Connection& connection, bool first);
    static Task<Result<void>> answer(std::shared_ptr<State> self, Connection& connection, ServerResponse response);
};

void Server::State::close() noexcept {
    closed = true;
    listener.close();
    for (Connection* connection : open) connection->close();
}

// Whoever opens connections and says nothing must not keep out who does: the one that has been silent longest gives way. What a
// handler works on stays.
bool Server::State::make_room() {
    if (serving < options.max_connections) return true;
    if (requesting.empty() || serving >= 2 * options.max_connections) return false;
    requesting.front()->close();
    requesting.pop_front();
    return true;
}

Task<void> Server::State::accept_all(std::shared_ptr<State> self) {
    while (!self->closed) {
        auto stream = co_await self->listener.accept();
        if (self->closed) co_return;
        if (!stream) {
            if (stream.error().code == ErrorCode::cancelled) co_return;
            co_await self->loop.sleep(kAcceptPause);  // out of descriptors: others must finish first
            continue;
        }
        if (!self->make_room()) {
            (*stream)->close();
            continue;
        }
        ++self->serving;
        self->loop.spawn("http.server.serve", serve(self, std::move(*stream)));
    }
}

Task<void> Server::State::serve(std::shared_ptr<State> self, net::StreamPtr stream) {
    Connection connection(std::move(stream), self->options.limits);
    struct Registered {
        State& state;
        Connection* connection;
        ~Registered() {
            state.open.erase(connection);
            state.requesting.remove(connection);
            --state.serving;
        }
    };
    self->open.insert(&connection);
    const Registered registered{*self, &connection};
    bool more = co_await serve_one(self, connection, true);
    while (more && !self->closed) more = co_await serve_one(self, connection, false);
    connection.close();
}

// One request and its answer; false when the connection is to be closed.
Task<bool> Server::State::serve_one(std::shared_ptr<State> self, Connection& connection, bool first) {
    const Options& options = self->options;
    self->requesting.remove(&connection);
    self->requesting.push_back(&connection);
    const Deadline head_deadline = net::in(first ? options.request_time : options.limits.idle_time);
    auto head = co_await connection.read_request_head(head_deadline);
    if (!head) {
        const int status = connection.refusal_status();
        if (status != 0) co_await refuse(connection, status);
        co_return false;
    }
    const Deadline deadline = net::in(options.request_time);
    ServerRequest request;
    int refused = co_await admit(connection, *head, options.max_body, deadline);
    if (refused == 0) refused = co_await read_whole_body(connection, request.body, options.max_body, deadline);
    if (refused != 0) {
        if (refused > 0) co_await refuse(connection, refused);
        co_return false;
    }
    self->requesting.remove(&connection);
    request.head = std::move(*head);
    request.peer_address = connection.stream().peer_address();
    auto response = co_await self->handler(std::move(request));
    if (self->closed) co_return false;
    auto written = co_await answer(self, connection, std::move(response));
    co_return written.has_value() && connection.may_continue();
}

Task<Result<void>> Server::State::answer(std::shared_ptr<State> self, Connection& connection,
                                         ServerResponse response) {
    const Deadline deadline = net::in(self->options.request_time);
    if (response.status < 200) response = ServerResponse{500, {}, {}};
    ResponseHead head = head_of(response.status, response.body.size());
    head.fields = std::move(response.fields);
    const std::string_view body = head.framing.kind == BodyFraming::Kind::none ? std::string_view() : response.body;
    auto written = co_await connection.write_message(std::move(head), body, deadline);
    if (!written && written.error().code == ErrorCode::invalid_input) {
        // The handler made something that is not a response; nothing of it has been written.
        ResponseHead failure = head_of(500, 0);
        const std::string_view no_body;
        written = co_await connection.write_message(std::move(failure), no_body, deadline);
    }
    co_return written;
}

Server::Server(net::Loop& loop, net::Listener listener, Options options, Handler handler)
    : state_(std::make_shared<State>(loop, std::move(listener), std::move(options), std::move(handler))) {
    loop.spawn("http.server.accept", State::accept_all(state_));
}
Server::~Server() { state_->close(); }
std::uint16_t Server::port() const { return state_->listener.port(); }
void Server::close() { state_->close(); }

}  // namespace claviger::http
