#include "http2/relay.hpp"

#include <algorithm>
#include <array>

#include "http2/translation.hpp"

namespace claviger::http2 {

using net::Task;

namespace {

constexpr std::size_t kPiece = 16 * 1024;

// The first `size` bytes that have come.
Task<bool> pass_on(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1, std::size_t size) {
    const base::WipedString piece(stream->body, 0, size);
    base::wipe(stream->body.data(), size);
    stream->body.erase(0, size);
    session->taken(*stream, size);
    const net::Deadline deadline = net::in(kWriteTime);
    auto written = co_await h1.write_body(piece, deadline);
    co_return written.has_value();
}

}  // namespace

Task<std::optional<http::Fields>> next_head(StreamPtr stream, net::Deadline deadline) {
    while (stream->heads.empty()) {
        if (stream->closed) co_return std::nullopt;
        const auto change = stream->changed.next();
        auto waited = co_await change->wait(deadline);
        if (!waited) co_return std::nullopt;
    }
    http::Fields head = std::move(stream->heads.front());
    stream->heads.pop_front();
    co_return head;
}

Task<void> wait_for_end(StreamPtr stream) {
    const net::Deadline deadline = net::in(kBodyIdle);
    while (!stream->ended && !stream->closed) {
        const auto change = stream->changed.next();
        auto waited = co_await change->wait(deadline);
        if (!waited) co_return;
    }
}

Task<bool> body_to_http1(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1, http::BodyFraming framing, bool at_once) {
    const bool told = framing.kind == http::BodyFraming::Kind::length;
    for (;;) {
        const bool last = told && !stream->ended && stream->body.size() >= framing.length;
        const std::size_t held = !last ? 0 : at_once ? std::min<std::size_t>(stream->body.size(), 1) : stream->body.size();
        if (stream->body.size() > held) {
            const auto size = stream->body.size() - held;
            auto written = co_await pass_on(session, stream, h1, size);
            if (!written) co_return false;
            framing.length -= std::min<std::uint64_t>(framing.length, size);
            continue;
        }
        if (stream->ended) break;
        if (stream->closed) co_return false;
        const auto change = stream->changed.next();
        const net::Deadline deadline = last && at_once ? net::in(kEndTime) : net::in(kBodyIdle);
        auto waited = co_await change->wait(deadline);
        if (waited) continue;
        if (last && at_once && held > 0) co_await pass_on(session, stream, h1, held);
        co_return false;
    }
    const net::Deadline deadline = net::in(kWriteTime);
    http::Fields trailers = stream->trailers;
    http::remove_hop_by_hop(trailers);
    auto ended = co_await h1.finish_body(std::move(trailers), deadline);
    co_return ended.has_value();
}

Task<bool> body_to_http2(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1) {
    const auto buffer = std::make_unique<std::array<char, kPiece>>();
    while (!h1.body_complete()) {
        const std::span<char> space(*buffer);
        const net::Deadline read_deadline = net::in(kBodyIdle);
        auto got = co_await h1.read_body(space, read_deadline);
        if (!got) co_return false;
        const std::string_view bytes(buffer->data(), *got);
        const net::Deadline write_deadline = net::in(kBodyIdle);
        const bool sent = co_await Session::send(session, stream, bytes, write_deadline);
        if (!sent) co_return false;
    }
    session->end(*stream, trailers_of(h1.trailers()));
    co_return true;
}

}  // namespace claviger::http2
