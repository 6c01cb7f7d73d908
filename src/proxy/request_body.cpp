#include "proxy/request_body.hpp"

#include <algorithm>

namespace claviger::proxy {
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

bool has_body(const http::RequestHead& head) {
    return head.framing.kind == http::BodyFraming::Kind::chunked ||
           (head.framing.kind == http::BodyFraming::Kind::length && head.framing.length > 0);
}

net::Task<void> pump_body(http::Connection& client, http::Connection& upstream, http::BodyFraming framing, RequestBody& body, KeptBody& kept) {
    Piece piece(framing);
    bool ok = true;
    while (ok && !client.body_complete()) {
        const net::Deadline read_deadline = net::in(kBodyIdle);
        auto got = co_await client.read_body(piece.space(), read_deadline);
        ok = got.has_value();
        if (!ok || *got == 0) break;
        const std::string_view bytes = piece.filled(*got);
        kept.take(bytes);
        const net::Deadline write_deadline = net::in(kWriteTime);
        auto sent = co_await upstream.write_body(bytes, write_deadline);
        ok = sent.has_value();
        if (ok) body.bytes += *got;
    }
    if (client.body_complete()) kept.ended();
    if (ok) {
        const net::Deadline deadline = net::in(kWriteTime);
        auto ended = co_await upstream.finish_body(deadline);
        ok = ended.has_value();
    }
    body.complete = ok;
    if (!ok && !client.body_complete()) upstream.close();
    body.done.set();
}

net::Task<void> send_kept(http::Connection& upstream, RequestBody& body, const KeptBody& kept) {
    const net::Deadline deadline = net::in(kWriteTime);
    auto sent = co_await upstream.write_body(kept.bytes(), deadline);
    if (sent) {
        auto ended = co_await upstream.finish_body(deadline);
        body.complete = ended.has_value();
        body.bytes = kept.bytes().size();
    }
    body.done.set();
}

net::Task<base::Result<void>> read_whole(http::Connection& client, http::BodyFraming framing, KeptBody& kept) {
    Piece piece(framing);
    while (!client.body_complete() && !kept.too_long()) {
        const net::Deadline deadline = net::in(kBodyIdle);
        auto got = co_await client.read_body(piece.space(), deadline);
        if (!got) co_return base::fail(std::move(got).error());
        if (*got == 0) break;
        kept.take(piece.filled(*got));
    }
    if (client.body_complete()) kept.ended();
    co_return base::Result<void>();
}

}  // namespace claviger::proxy
