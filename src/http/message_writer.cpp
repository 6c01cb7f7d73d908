#include "http/message_writer.hpp"

#include <charconv>

#include "http/framing.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using base::Result;
using net::Deadline;
using net::Task;

// Up to this size a chunk is copied behind its size line, which makes one write of three pieces.
constexpr std::size_t kCopiedChunk = 16 * 1024;
constexpr std::size_t kKeptBuffer = 20 * 1024;

void append_chunk_size(std::size_t size, base::WipedString& out) {
    char digits[16];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), size, 16).ptr;
    out.append(std::begin(digits), end).append("\r\n");
}

}  // namespace

Result<void> MessageWriter::check_begin() {
    if (failed_) return base::fail(ErrorCode::network, "the connection has failed before");
    if (!complete_) return base::fail(ErrorCode::internal, "a head is written before the last body's end");
    out_.clear();
    return {};
}

Result<void> MessageWriter::begin(const RequestHead& head) {
    TRY_VOID(check_begin());
    TRY_VOID(append_head(head, out_));
    kind_ = head.framing.kind;
    remaining_ = head.framing.length;
    drops_body_ = false;
    persistent_ = persistent_ && keeps_alive(1, head.fields);
    complete_ = false;
    return {};
}

Result<void> MessageWriter::begin(const ResponseHead& head, const ResponseContext& context, bool keeps_open) {
    TRY_VOID(check_begin());
    TRY_VOID(append_head(head, context, out_));
    drops_body_ = context.answers_head || head.status == 304;
    kind_ = drops_body_ ? BodyFraming::Kind::none : head.framing.kind;
    switched_ = head.status == 101;
    if (switched_) kind_ = BodyFraming::Kind::until_close;
    remaining_ = head.framing.length;
    persistent_ = persistent_ && keeps_open;
    complete_ = false;
    return {};
}

// Counts body bytes before they are written, so that a wrong length is caught while it can do no harm.
Result<void> MessageWriter::account(std::size_t bytes) {
    if (kind_ == BodyFraming::Kind::none && bytes > 0) {
        return base::fail(ErrorCode::internal, "a body is written after a head that announced none");
    }
    if (kind_ == BodyFraming::Kind::length) {
        if (bytes > remaining_) return base::fail(ErrorCode::internal, "the body is longer than its head announced");
        remaining_ -= bytes;
    }
    return {};
}

// Writes the buffer and `second`, then wipes the buffer.
Task<Result<void>> MessageWriter::flush(std::string_view second, Deadline deadline) {
    Result<void> written;
    if (second.empty()) {
        written = co_await stream_.write_all(std::string_view(out_), deadline);
    } else if (out_.empty()) {
        written = co_await stream_.write_all(second, deadline);
    } else {
        written = co_await stream_.write_all2(std::string_view(out_), second, deadline);
    }
    base::wipe(out_.data(), out_.size());
    if (out_.capacity() > kKeptBuffer) {
        out_ = base::WipedString();
    } else {
        out_.clear();
    }
    if (!written) failed_ = true;
    co_return written;
}

// The buffer may already hold a head: it goes in front. `trailers`, which outlive the task, end the body.
Task<Result<void>> MessageWriter::send_chunk(std::string_view bytes, const Fields* trailers, Deadline deadline) {
    if (!bytes.empty()) append_chunk_size(bytes.size(), out_);
    if (bytes.size() > kCopiedChunk) {
        auto written = co_await flush(bytes, deadline);
        if (!written) co_return written;
    } else {
        out_.append(bytes);
    }
    if (!bytes.empty()) out_.append("\r\n");
    if (trailers != nullptr) {
        out_.append("0\r\n");
        if (auto appended = append_fields(*trailers, out_); !appended) {
            failed_ = true;  // half a body must not look whole
            co_return appended;
        }
        out_.append("\r\n");
    }
    if (out_.empty()) co_return Result<void>();
    const std::string_view nothing_more;
    auto written = co_await flush(nothing_more, deadline);
    co_return written;
}

Task<Result<void>> MessageWriter::send_head(std::string_view first_body, bool last, Deadline deadline) {
    if (drops_body_) first_body = {};
    if (auto counted = account(first_body.size()); !counted) {
        failed_ = true;
        co_return counted;
    }
    const bool length_kept = kind_ == BodyFraming::Kind::length && remaining_ == 0;
    if (last && kind_ == BodyFraming::Kind::length && !length_kept) {
        failed_ = true;
        co_return base::fail(ErrorCode::protocol, "the body is shorter than its head announced");
    }
    Result<void> written;
    if (kind_ == BodyFraming::Kind::chunked) {
        const Fields no_trailers;
        const Fields* end = nullptr;
        if (last) end = &no_trailers;
        written = co_await send_chunk(first_body, end, deadline);
    } else {
        written = co_await flush(first_body, deadline);
    }
    complete_ = last || length_kept || kind_ == BodyFraming::Kind::none;
    co_return written;
}

Task<Result<void>> MessageWriter::send_body(std::string_view bytes, Deadline deadline) {
    if (bytes.empty() || drops_body_) co_return Result<void>();
    if (failed_) co_return base::fail(ErrorCode::network, "the connection has failed before");
    if (complete_) co_return base::fail(ErrorCode::internal, "a body is written after its end");
    CO_TRY_VOID(account(bytes.size()));
    Result<void> written;
    if (kind_ == BodyFraming::Kind::chunked) {
        const Fields* not_yet = nullptr;
        written = co_await send_chunk(bytes, not_yet, deadline);
    } else {
        written = co_await flush(bytes, deadline);
    }
    if (kind_ == BodyFraming::Kind::length && remaining_ == 0) complete_ = true;
    co_return written;
}

Task<Result<void>> MessageWriter::finish(Fields trailers, Deadline deadline) {
    if (failed_) co_return base::fail(ErrorCode::network, "the connection has failed before");
    if (complete_) co_return Result<void>();
    complete_ = true;
    if (kind_ == BodyFraming::Kind::length) {
        failed_ = true;  // the peer waits for bytes that will not come: only closing tells it
        co_return base::fail(ErrorCode::protocol, "the body is shorter than its head announced");
    }
    if (kind_ != BodyFraming::Kind::chunked) co_return Result<void>();
    const std::string_view no_bytes;
    auto written = co_await send_chunk(no_bytes, &trailers, deadline);
    co_return written;
}

}  // namespace claviger::http
