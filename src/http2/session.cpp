#include "http2/session.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "http2/wiping_memory.hpp"

namespace claviger::http2 {

using base::ErrorCode;
using base::Result;
using net::Task;

namespace {

constexpr std::size_t kPiece = 16 * 1024;
constexpr std::size_t kFrame = 16 * 1024;  // SETTINGS_MAX_FRAME_SIZE: nobody was told another
constexpr std::size_t kWrite = 64 * 1024;  // at once
constexpr std::chrono::minutes kWriteTime{1};
// A peer that opens streams only to break them off makes work for nothing (CVE-2023-44487).
constexpr std::uint64_t kResetsForNothing = 200;
constexpr std::uint64_t kEmptyFrames = 10'000;
// Frames that a peer makes us send and does not read; acknowledgements have a limit of the library's.
constexpr std::size_t kUnsentFrames = 4096;
// Of all streams together: a few that nobody reads must not hold up the others.
constexpr std::int32_t kConnectionWindow = 1 << 20;

nghttp2_nv pair_of(const http::Field& field) {
    nghttp2_nv pair{};
    pair.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.name.data()));
    pair.namelen = field.name.size();
    pair.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.value.data()));
    pair.valuelen = field.value.size();
    pair.flags = NGHTTP2_NV_FLAG_NO_INDEX;
    return pair;
}

std::vector<nghttp2_nv> pairs_of(const http::Fields& fields) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& field : fields.items()) pairs.push_back(pair_of(field));
    return pairs;
}

std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

base::Error too_much() { return base::Error::make(ErrorCode::limit, "the client makes work for nothing"); }

}  // namespace

// What the library calls while it takes bytes in or makes them.
struct Session::Callbacks {
    static Session& of(void* user) { return *static_cast<Session*>(user); }
    static Stream* find(Session& self, std::int32_t id) {
        const auto found = self.streams_.find(id);
        return found == self.streams_.end() ? nullptr : found->second.get();
    }

    // The library does not look at the size of this one (RFC 9113 section 4.2).
    static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
        return head->type == NGHTTP2_CONTINUATION && head->length > kFrame ? give_up(of(user)) : 0;
    }

    static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        auto& self = of(user);
        const auto id = frame->hd.stream_id;
        if (self.side_ == Side::server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) self.streams_.emplace(id, std::make_shared<Stream>(self.loop_, id));
        if (auto* stream = find(self, id)) stream->arriving = http::Fields();
        return 0;
    }

    static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                      std::size_t value_size, std::uint8_t, void* user) {
        auto& self = of(user);
        auto* stream = find(self, frame->hd.stream_id);
        if (stream == nullptr) return 0;
        const std::size_t size = name_size + value_size + 32;
        const Limits& limits = self.limits_;
        const bool fits = stream->head_bytes + size <= limits.header_bytes && self.head_bytes_ + size <= limits.all_header_bytes && stream->arriving.items().size() < limits.header_count;
        if (!fits && (self.side_ == Side::client || stream->head_done)) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        if (fits && !stream->too_long) {
            stream->head_bytes += size, self.head_bytes_ += size;
            stream->arriving.add(text_of(name, name_size), text_of(value, value_size));
        } else if (!stream->too_long) {  // the rest of a request is decoded for nothing, so that its client can be told
            stream->too_long = true;
            self.head_bytes_ -= std::exchange(stream->head_bytes, 0);
            stream->arriving = http::Fields();
        }
        return 0;
    }

    // What no message may hold ends its stream; left out in silence, it would be read otherwise elsewhere.
    static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }

    // The library has ended the stream of a head that is no request. What it ends the connection for, it says by GOAWAY.
    static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
        auto& self = of(user);
        const bool head = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
        const bool malformed = error == NGHTTP2_ERR_HTTP_HEADER || error == NGHTTP2_ERR_HTTP_MESSAGING;
        if (head && malformed && self.calls_.refused) self.calls_.refused(base::Error::make(ErrorCode::protocol, nghttp2_strerror(error)));
        return 0;
    }

    static int give_up(Session& self) {
        self.broken(too_much());
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }

    // Frames that carry nothing (CVE-2019-9513, CVE-2019-9518, CVE-2023-44487).
    static bool too_many_for_nothing(Session& self, const nghttp2_frame& frame) {
        const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (frame.hd.type == NGHTTP2_RST_STREAM) return ++self.resets_ > kResetsForNothing + 2 * self.completed_;
        if (frame.hd.type == NGHTTP2_PRIORITY || (frame.hd.type == NGHTTP2_DATA && frame.hd.length == frame.data.padlen && !ends)) return ++self.empty_ > kEmptyFrames;
        return false;
    }

    static int frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        auto& self = of(user);
        ++self.activity_;
        const auto type = frame->hd.type;
        if (too_many_for_nothing(self, *frame)) return give_up(self);
        auto* stream = find(self, frame->hd.stream_id);
        if (stream != nullptr && type == NGHTTP2_RST_STREAM) stream->peer_reset = true;
        if (stream == nullptr || (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA)) return 0;
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->ended = true;
        if (type == NGHTTP2_HEADERS) head_complete(self, *stream);
        stream->changed.notify();
        return 0;
    }

    static void head_complete(Session& self, Stream& stream) {
        if (stream.head_done) {
            stream.trailers = std::move(stream.arriving);
            return;
        }
        const bool interim = stream.arriving.find(":status").value_or("").starts_with('1');
        stream.head_done = self.side_ == Side::server || !interim;
        stream.heads.push_back(std::move(stream.arriving));
        if (self.side_ == Side::server) self.calls_.request(self.shared_from_this(), self.streams_.at(stream.id));
    }

    static int data_chunk(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* user) {
        auto& self = of(user);
        auto* stream = find(self, id);
        if (stream != nullptr && stream->abandoned) {
            (void)nghttp2_session_consume(self.native_, id, size);
        } else if (stream != nullptr) {
            stream->body.append(text_of(data, size));
            stream->changed.notify();
        }
        return 0;
    }

    static int frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        const auto type = frame->hd.type;
        if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) of(user).broken(base::Error::make(ErrorCode::protocol, "the client broke HTTP/2"));
        if ((type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
        if (auto* stream = find(of(user), frame->hd.stream_id)) {
            stream->all_sent = true;
            stream->changed.notify();
        }
        return 0;
    }

    static int stream_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
        auto& self = of(user);
        const auto found = self.streams_.find(id);
        if (found == self.streams_.end()) return 0;
        const auto stream = found->second;
        self.streams_.erase(found);
        self.head_bytes_ -= stream->head_bytes;
        if (error == NGHTTP2_NO_ERROR && !stream->refused) ++self.completed_;
        // A peer may also make us break its streams off (CVE-2025-8671); those that we wanted to end are abandoned.
        const bool for_nothing = (stream->refused && !stream->peer_reset) || (error != NGHTTP2_NO_ERROR && !stream->peer_reset && !stream->abandoned);
        if (for_nothing) ++self.resets_;
        stream->closed = true;
        stream->changed.notify();
        return for_nothing && self.resets_ > kResetsForNothing + 2 * self.completed_ ? give_up(self) : 0;
    }

    static ssize_t read_body(nghttp2_session* native, std::int32_t id, std::uint8_t* into, std::size_t size, std::uint32_t* flags, nghttp2_data_source*, void* user) {
        auto* stream = find(of(user), id);
        if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        const std::size_t n = std::min(size, stream->outgoing.size());
        if (n > 0) {
            std::memcpy(into, stream->outgoing.data(), n);
            stream->outgoing.erase(0, n);
            stream->changed.notify();
        }
        if (!stream->outgoing.empty()) return static_cast<ssize_t>(n);
        if (!stream->outgoing_ended) return n > 0 ? static_cast<ssize_t>(n) : NGHTTP2_ERR_DEFERRED;
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->outgoing_trailers.items().empty()) return static_cast<ssize_t>(n);
        const auto pairs = pairs_of(stream->outgoing_trailers);
        if (nghttp2_submit_trailer(native, id, pairs.data(), pairs.size()) == 0) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        return static_cast<ssize_t>(n);
    }
};

Session::Session(Key, net::Loop& loop, net::StreamPtr stream, Side side, Limits limits, Calls calls)
    : loop_(loop), stream_(std::move(stream)), side_(side), limits_(limits), calls_(std::move(calls)), to_write_(loop), ended_(loop) {}

Session::~Session() { nghttp2_session_del(native_); }

Result<std::shared_ptr<Session>> Session::make(net::Loop& loop, net::StreamPtr stream, Side side, Limits limits, Calls calls) {
    auto made = std::make_shared<Session>(Key(), loop, std::move(stream), side, limits, std::move(calls));
    TRY_VOID(made->begin());
    return made;
}

Result<void> Session::begin() {
    nghttp2_session_callbacks* raw = nullptr;
    nghttp2_option* raw_option = nullptr;
    if (nghttp2_session_callbacks_new(&raw) != 0 || nghttp2_option_new(&raw_option) != 0) {
        nghttp2_session_callbacks_del(raw);
        return base::fail(ErrorCode::internal, "no memory for HTTP/2");
    }
    const std::unique_ptr<nghttp2_session_callbacks, void (*)(nghttp2_session_callbacks*)> callbacks(raw, nghttp2_session_callbacks_del);
    const std::unique_ptr<nghttp2_option, void (*)(nghttp2_option*)> option(raw_option, nghttp2_option_del);
    nghttp2_session_callbacks_set_on_begin_frame_callback(raw, Callbacks::begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(raw, Callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(raw, Callbacks::header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(raw, Callbacks::invalid_header);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(raw, Callbacks::invalid_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(raw, Callbacks::frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(raw, Callbacks::frame_send);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw, Callbacks::data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(raw, Callbacks::stream_close);
    nghttp2_option_set_no_auto_window_update(raw_option, 1);
    nghttp2_option_set_max_outbound_ack(raw_option, 100);
    nghttp2_option_set_max_settings(raw_option, 32);
    nghttp2_option_set_max_deflate_dynamic_table_size(raw_option, 0);
    const int made = side_ == Side::server ? nghttp2_session_server_new3(&native_, raw, this, raw_option, wiping_memory())
                                           : nghttp2_session_client_new3(&native_, raw, this, raw_option, wiping_memory());
    if (made != 0) return base::fail(ErrorCode::internal, "no memory for HTTP/2");
    const std::array settings{nghttp2_settings_entry{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0},  // else one byte may stand for a field of 4 KiB
                              nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, side_ == Side::server ? limits_.streams : 0},
                              nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                              nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.header_bytes)}};
    if (nghttp2_submit_settings(native_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0 ||
        nghttp2_session_set_local_window_size(native_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow) != 0) {
        return base::fail(ErrorCode::internal, "HTTP/2 does not begin");
    }
    return {};
}

Task<void> Session::run(std::shared_ptr<Session> self) {
    self->loop_.spawn("http2 write", write_all(self));
    self->loop_.spawn("http2 idleness", watch_idleness(self));
    const auto buffer = std::make_unique<std::array<char, kPiece>>();
    while (!self->closed()) {
        const std::span<char> space(*buffer);
        auto got = co_await self->stream_->read_some(space, net::Deadline::max());
        if (!got || *got == 0) break;
        const bool taken = self->take({buffer->data(), *got});
        ::sodium_memzero(buffer->data(), *got);
        self->to_write_.notify();
        if (!taken) break;
    }
    self->close();
}

bool Session::take(std::string_view bytes) {
    const auto used = nghttp2_session_mem_recv(native_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    const bool flooded = used == NGHTTP2_ERR_FLOODED || nghttp2_session_get_outbound_queue_size(native_) > kUnsentFrames;
    if (used < 0 || flooded) broken(flooded ? too_much() : base::Error::make(ErrorCode::protocol, nghttp2_strerror(static_cast<int>(used))));
    return used >= 0 && !flooded;
}

void Session::broken(base::Error why) {
    if (!std::exchange(broken_, true) && calls_.refused) calls_.refused(std::move(why));
}

Task<void> Session::write_all(std::shared_ptr<Session> self) {
    for (;;) {
        const auto more = self->to_write_.next();
        base::WipedString bytes;
        while (bytes.size() < kWrite && !self->closed()) {
            const std::uint8_t* data = nullptr;
            const auto size = nghttp2_session_mem_send(self->native_, &data);
            if (size < 0) self->close();
            if (size <= 0) break;
            bytes.append(text_of(data, static_cast<std::size_t>(size)));
        }
        if (self->closed()) co_return;
        if (!bytes.empty()) {
            const net::Deadline deadline = net::in(kWriteTime);
            auto written = co_await self->stream_->write_all(bytes, deadline);
            if (!written) break;
            continue;
        }
        if (nghttp2_session_want_read(self->native_) == 0 && nghttp2_session_want_write(self->native_) == 0) break;
        auto woken = co_await more->wait(net::Deadline::max());
        (void)woken;
    }
    self->close();
}

Task<void> Session::watch_idleness(std::shared_ptr<Session> self) {
    while (!self->closed()) {
        const auto before = self->activity_;
        const net::Deadline deadline = net::in(self->limits_.idle_time);
        auto ended = co_await self->ended_.wait(deadline);
        if (ended) co_return;
        if (self->streams_.empty() && self->activity_ == before) self->close();
    }
}

void Session::close() {
    if (closed()) return;
    ended_.set();
    stream_->close();
    to_write_.notify();
    auto streams = std::exchange(streams_, {});
    for (const auto& [id, stream] : streams) {
        stream->closed = true;
        stream->changed.notify();
    }
    if (auto call = std::exchange(on_close_, nullptr)) call();
}

StreamPtr Session::request(const http::Fields& head, bool has_body) {
    if (closed()) return nullptr;
    const auto pairs = pairs_of(head);
    const nghttp2_data_provider body{{}, Callbacks::read_body};
    const auto id = nghttp2_submit_request(native_, nullptr, pairs.data(), pairs.size(), has_body ? &body : nullptr, nullptr);
    if (id < 0) return nullptr;
    auto stream = std::make_shared<Stream>(loop_, id);
    streams_.emplace(id, stream);
    to_write_.notify();
    return stream;
}

bool Session::answer(Stream& stream, const http::Fields& head, bool interim, bool has_body) {
    if (stream.closed) return false;
    const auto pairs = pairs_of(head);
    const nghttp2_data_provider body{{}, Callbacks::read_body};
    const int done = interim ? nghttp2_submit_headers(native_, NGHTTP2_FLAG_NONE, stream.id, nullptr, pairs.data(), pairs.size(), nullptr)
                             : nghttp2_submit_response(native_, stream.id, pairs.data(), pairs.size(), has_body ? &body : nullptr);
    to_write_.notify();
    return done == 0;
}

Task<bool> Session::send(std::shared_ptr<Session> self, StreamPtr stream, std::string_view bytes, net::Deadline deadline) {
    if (stream->closed) co_return false;
    stream->outgoing.append(bytes);
    (void)nghttp2_session_resume_data(self->native_, stream->id);
    self->to_write_.notify();
    while (!stream->closed && !stream->outgoing.empty()) {
        const auto change = stream->changed.next();
        auto waited = co_await change->wait(deadline);
        if (!waited && !stream->outgoing.empty()) co_return false;
    }
    co_return !stream->closed;
}

void Session::end(Stream& stream, http::Fields trailers) {
    if (stream.closed) return;
    stream.outgoing_trailers = std::move(trailers);
    stream.outgoing_ended = true;
    (void)nghttp2_session_resume_data(native_, stream.id);
    to_write_.notify();
}

Task<void> Session::wait_until_sent(StreamPtr stream, net::Deadline deadline) {
    while (!stream->closed && !stream->all_sent) {
        const auto change = stream->changed.next();
        auto waited = co_await change->wait(deadline);
        if (!waited) co_return;
    }
}

void Session::abandon(Stream& stream) {
    stream.abandoned = true;
    const auto bytes = std::exchange(stream.body, base::WipedString()).size();
    taken(stream, bytes);
}

void Session::reset(Stream& stream, std::uint32_t error) {
    abandon(stream);
    if (stream.closed) return;
    (void)nghttp2_submit_rst_stream(native_, NGHTTP2_FLAG_NONE, stream.id, error);
    to_write_.notify();
}

void Session::taken(Stream& stream, std::size_t bytes) {
    if (bytes == 0 || closed()) return;
    // Of a closed stream the connection's window is still owed.
    if (stream.closed) (void)nghttp2_session_consume_connection(native_, bytes);
    else (void)nghttp2_session_consume(native_, stream.id, bytes);
    to_write_.notify();
}

}  // namespace claviger::http2
