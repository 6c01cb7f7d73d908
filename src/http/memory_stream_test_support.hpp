// Test only: a Stream that delivers a script of pieces and records what is written. It never suspends, so a test of the
// codec needs no peer. Thread rule: one thread.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "net/stream.hpp"

namespace claviger::http::test {

// What the test keeps looking at after the Connection has taken the stream.
struct Wire {
    std::deque<std::string> pieces;  // each read gives at most one
    bool hangs = false;              // at the end of the script: time out rather than end
    std::string written;
    std::vector<std::size_t> writes;  // size of each write
    bool closed = false, aborted = false;
    bool fails_writes = false;
};

class MemoryStream final : public net::Stream {
public:
    explicit MemoryStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}

    net::Task<base::Result<std::size_t>> read_some(std::span<char> into, net::Deadline) override {
        if (wire_->pieces.empty()) {
            if (wire_->hangs) co_return base::fail(base::ErrorCode::timeout, "no bytes in time");
            co_return std::size_t{0};
        }
        std::string& piece = wire_->pieces.front();
        const std::size_t n = std::min(piece.size(), into.size());
        std::memcpy(into.data(), piece.data(), n);
        piece.erase(0, n);
        if (piece.empty()) wire_->pieces.pop_front();
        co_return n;
    }
    net::Task<base::Result<void>> write_all(std::string_view bytes, net::Deadline) override {
        if (wire_->fails_writes) co_return base::fail(base::ErrorCode::network, "the peer is gone");
        wire_->written.append(bytes);
        wire_->writes.push_back(bytes.size());
        co_return base::Result<void>();
    }
    net::Task<base::Result<void>> write_all2(std::string_view first, std::string_view second,
                                             net::Deadline deadline) override {
        const std::string both = std::string(first).append(second);
        auto written = co_await write_all(both, deadline);
        co_return written;
    }
    net::Task<base::Result<void>> shutdown_write(net::Deadline) override { co_return base::Result<void>(); }
    void close() noexcept override { wire_->closed = true; }
    void abort() noexcept override { wire_->closed = wire_->aborted = true; }
    [[nodiscard]] bool idle_and_open() const override { return !wire_->closed && wire_->pieces.empty(); }
    [[nodiscard]] std::string peer_address() const override { return "127.0.0.1"; }

private:
    std::shared_ptr<Wire> wire_;
};

// `text` as pieces of `size` bytes.
inline std::deque<std::string> in_pieces(std::string_view text, std::size_t size) {
    std::deque<std::string> pieces;
    for (std::size_t at = 0; at < text.size(); at += size) pieces.emplace_back(text.substr(at, size));
    return pieces;
}
inline std::deque<std::string> split_at(std::string_view text, std::size_t at) {
    std::deque<std::string> pieces;
    if (at > 0) pieces.emplace_back(text.substr(0, at));
    if (at < text.size()) pieces.emplace_back(text.substr(at));
    return pieces;
}

}  // namespace claviger::http::test
