#include "proxy/request_body.hpp"

#include <algorithm>

#include "proxy/request_gate.hpp"

namespace claviger::proxy {
namespace {

// As long as curl waits for an answer to "Expect: 100-continue".
constexpr std::chrono::seconds kHeldBack{1};

// A server may take trailers for fields of the head, where the credential is ours alone (PX-13).
http::Fields outgoing_trailers(http::Fields trailers, const CredentialPtr& credential) {
    if (credential) credential->injection.clean_trailers(trailers);
    strip_overrides(trailers);  // nobody means one in a trailer
    return trailers;
}

}  // namespace

std::size_t piece_size(const http::BodyFraming& framing) {
    if (framing.kind != http::BodyFraming::Kind::length) return Piece::kMost;
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(framing.length, 1, Piece::kMost));
}

Piece::Piece(const http::BodyFraming& framing)
    : size_(piece_size(framing)), memory_(std::make_unique_for_overwrite<char[]>(size_)) {}

std::string_view Piece::filled(std::size_t n) {
    used_ = std::max(used_, n);
    return {memory_.get(), n};
}

void KeptBody::take(std::string_view bytes) {
    if (too_long_) return;
    if (bytes_.size() + bytes.size() > most_) {
        too_long_ = true;
        bytes_ = base::WipedString();
        return;
    }
    bytes_.append(bytes);
}

http::BodyFraming KeptBody::framing() const {
    if (!trailers_.items().empty()) return {http::BodyFraming::Kind::chunked, 0};
    return {http::BodyFraming::Kind::length, bytes_.size()};
}

bool has_body(const http::RequestHead& head) {
    return head.framing.kind == http::BodyFraming::Kind::chunked ||
           (head.framing.kind == http::BodyFraming::Kind::length && head.framing.length > 0);
}

bool broke_a_rule(const http::Connection& client, const base::Error& error) {
    return client.refusal_status() != 0 && error.code != base::ErrorCode::timeout;
}

net::Task<void> pump_body(http::Connection& client, http::Connection& upstream, http::BodyFraming framing, RequestBody& body, KeptBody& kept,
                          CredentialPtr credential) {
    Piece piece(framing);
    bool ok = true;
    body.begun = true;
    while (ok && !client.body_complete()) {
        const net::Deadline read_deadline = net::in(kBodyIdle);
        auto got = co_await client.read_body(piece.space(), read_deadline);
        ok = got.has_value();
        if (!ok && broke_a_rule(client, got.error())) body.malformed = std::move(got).error();
        if (!ok || *got == 0) break;
        const std::string_view bytes = piece.filled(*got);
        kept.take(bytes);
        const net::Deadline write_deadline = net::in(kWriteTime);
        auto sent = co_await upstream.write_body(bytes, write_deadline);
        ok = sent.has_value();
        if (ok) body.bytes += *got;
    }
    if (client.body_complete()) kept.ended(client.trailers());
    if (ok) {
        const net::Deadline deadline = net::in(kWriteTime);
        auto trailers = outgoing_trailers(client.trailers(), credential);
        auto ended = co_await upstream.finish_body(std::move(trailers), deadline);
        ok = ended.has_value();
    }
    body.complete = ok;
    if (!ok && !client.body_complete()) upstream.close();
    body.done.set();
}

net::Task<void> pump_held_back(http::Connection& client, http::Connection& upstream, http::BodyFraming framing, RequestBody& body,
                               KeptBody& kept, CredentialPtr credential) {
    const net::Deadline patience = net::in(kHeldBack);
    auto waited = co_await body.wanted.wait(patience);
    (void)waited;
    if (body.called_off) {
        body.done.set();
    } else {
        co_await pump_body(client, upstream, framing, body, kept, std::move(credential));
    }
}

net::Task<void> call_off(RequestBody& body) {
    if (!body.started || body.begun || body.done.is_set()) co_return;
    body.called_off = true;
    body.wanted.set();
    auto ended = co_await body.done.wait(net::Deadline::max());
    (void)ended;
}

net::Task<void> send_kept(http::Connection& upstream, RequestBody& body, const KeptBody& kept, CredentialPtr credential) {
    body.begun = true;
    const net::Deadline deadline = net::in(kWriteTime);
    auto sent = co_await upstream.write_body(kept.bytes(), deadline);
    if (sent) {
        auto trailers = outgoing_trailers(kept.trailers(), credential);
        auto ended = co_await upstream.finish_body(std::move(trailers), deadline);
        body.complete = ended.has_value();
        body.bytes = kept.bytes().size();
    }
    body.done.set();
}

net::Task<base::Result<void>> read_whole(http::Connection& client, http::BodyFraming framing, KeptBody& kept, std::chrono::milliseconds idle) {
    Piece piece(framing);
    while (!client.body_complete() && !kept.too_long()) {
        const net::Deadline deadline = net::in(idle);
        auto got = co_await client.read_body(piece.space(), deadline);
        if (!got) co_return base::fail(std::move(got).error());
        if (*got == 0) break;
        kept.take(piece.filled(*got));
    }
    if (client.body_complete()) kept.ended(client.trailers());
    co_return base::Result<void>();
}

}  // namespace claviger::proxy
