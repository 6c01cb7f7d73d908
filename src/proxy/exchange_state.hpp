// Inside exchange*.cpp: one request with all that is known of it while it is served, and its two ways: the request's
// (exchange_request.cpp) and the answer's (exchange_answer.cpp). Owned by the coroutine exchange(); the tasks below end
// before it does. Thread rule: on the Loop's thread.
#pragma once

#include <optional>

#include "proxy/exchange.hpp"
#include "proxy/request_body.hpp"

namespace claviger::proxy {

constexpr std::chrono::seconds kEarlyAnswerTime{2};  // for the rest of a body whose answer is there already

// One request and all that is known of it while it is served.
struct Exchange {
    ExchangeSurroundings with;
    http::Connection& client;
    ClientWatch& watch;
    ExchangeRequest request;
    KeptBody kept;                // what can be sent again
    http::RequestHead head{};     // as it goes out now
    ExchangeOutcome outcome{};
    bool sends_body = false, replaced = false, told_nonce = false;
    bool held_back = false;       // the client has its body still, and waits to be told to send it
    bool told_continue = false;   // it was told
    bool begun = false;           // something of the final answer went to the client
    bool websocket = false;       // the client wants to switch, and may
    http::OutboundProxyPtr forwards{};  // plain http through a proxy of this machine

    [[nodiscard]] std::string server() const { return request.pool_key + " " + request.url.origin(); }
    [[nodiscard]] std::string pool_key() const { return client.stream().protocol() == "h2" ? request.pool_key + " h2" : request.pool_key; }
    // Whether the client's body was read, so that its connection can go on.
    [[nodiscard]] bool drained() const { return !sends_body || client.body_complete(); }
    [[nodiscard]] bool at_hand() const { return !sends_body || kept.whole() || held_back; }
};

// A problem to answer with, or none.
using MaybeProblem = std::optional<Problem>;

// What to do with the API's answer.
enum class Then { pass_on, ask_again, give_up };
struct Verdict {
    Then then = Then::pass_on;
    MaybeProblem problem{};  // of give_up; without one the client is gone
};

// RFC 9110 section 7.6.3: what is added to a message that came in this version.
std::string via(int minor_version);

// The request's way.

// The head for upstream, with the credential in it.
base::Result<void> make_head(Exchange& it);
// RFC 9110 section 10.1.1.
bool expects_continue(const http::RequestHead& head);
// Why a request is not sent, as far as its head tells.
MaybeProblem refusal_of(const Exchange& it);
// Section 7.6.2: an OPTIONS request that may be forwarded no further.
bool ends_here(const http::RequestHead& head);
// Tells the client to send a body that it holds back.
net::Task<base::Result<void>> let_body_come(Exchange& it);
// A signature covers the body: it has to be here whole before anything is sent.
net::Task<base::Result<MaybeProblem>> read_covered(Exchange& it);
// Head and body to an upstream connection, the body beside the answer; the answer's head back.
net::Task<base::Result<http::ResponseHead>> ask(Exchange& it, http::Connection& upstream, RequestBody& body);
// The end of a body whose answer is not wanted, or is there already (RFC 9112 section 9.3): the sender gets a moment to
// finish, unless nothing of the answer was passed on.
net::Task<void> settle(Exchange& it, http::Connection& upstream, RequestBody& body, bool answered_whole);

// The answer's way. What is changed in an answer for the client's sake is changed at two places only: its fields in
// outgoing_answer() and guard_head(), which interim answers pass too, its body in AnswerBody::next() and
// AnswerBody::trailers().

// The head that is not an interim one; those go to the client. 101 is final where it was asked for.
net::Task<base::Result<http::ResponseHead>> read_final_head(Exchange& it, http::Connection& upstream, RequestBody& body);
// Whether the answer goes to the client, or the request is sent once more.
net::Task<Verdict> judge(Exchange& it, http::Connection& upstream, RequestBody& body, http::ResponseHead& answer);
// The whole answer to the client; then the connection to the pool, if it is fit.
net::Task<void> pass_on(Exchange& it, std::unique_ptr<http::Connection> upstream, RequestBody& body, http::ResponseHead answer);
void keep_for_reuse(Exchange& it, std::unique_ptr<http::Connection> upstream, const RequestBody& body);

}  // namespace claviger::proxy
