#include "http/message_reader.hpp"

#include <algorithm>

#include "http/framing.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using base::Result;
using net::Deadline;
using net::Task;

// From this many bytes of a chunk on, they are read straight into the caller's memory.
constexpr std::uint64_t kDirectRead = 4096;

}  // namespace

base::Error MessageReader::refused(const Refusal& refusal) {
    failed_ = true;
    refusal_status_ = refusal.status;
    return refusal.error();
}

base::Error MessageReader::ended_early(const char* what) {
    failed_ = true;
    return base::Error::make(ErrorCode::protocol, what);
}

base::Error MessageReader::stream_failed(base::Error error) {
    failed_ = true;
    if (error.code == ErrorCode::timeout && received_any_) refusal_status_ = 408;
    return error;
}

Result<void> MessageReader::begin_head() {
    if (failed_) return base::fail(ErrorCode::protocol, "the connection has failed before");
    if (!complete_) return base::fail(ErrorCode::internal, "a head is read before the last body's end");
    if (in_.empty()) in_.rest();
    received_any_ = interim_count_ > 0 || !in_.empty();  // an interim response is part of the answer
    refusal_status_ = 0;
    method_.clear();
    return {};
}

// Reads until the buffer holds one head; its size.
Task<Result<std::size_t>> MessageReader::head_block(Deadline deadline) {
    const std::size_t most = limits_.request_line + limits_.header_bytes + 1;
    HeadScanner scanner;
    Deadline until = deadline;
    if (!in_.empty()) until = std::min(deadline, net::in(limits_.header_time));
    while (true) {
        const auto size = scanner.scan(in_.view(), limits_);
        if (!size) co_return base::fail(refused(size.error()));
        if (*size != 0) co_return *size;
        in_.make_room(ReadBuffer::kFirst, most);
        auto got = co_await stream_.read_some(in_.free_space(), until);
        if (!got) co_return base::fail(stream_failed(std::move(got).error()));
        if (*got == 0) {
            if (!in_.empty()) co_return base::fail(ended_early("the peer closed the connection inside a header"));
            failed_ = true;
            co_return base::fail(ErrorCode::cancelled, "the peer closed the connection");
        }
        if (in_.empty()) until = std::min(deadline, net::in(limits_.header_time));
        in_.filled(*got);
        received_any_ = true;
    }
}

void MessageReader::begin_body(const BodyFraming& framing, bool present) {
    kind_ = present ? framing.kind : BodyFraming::Kind::none;
    remaining_ = framing.length;
    complete_ = kind_ == BodyFraming::Kind::none || (kind_ == BodyFraming::Kind::length && remaining_ == 0);
    chunks_ = ChunkedDecoder();
}

Task<Result<RequestHead>> MessageReader::request_head(Deadline deadline) {
    is_server_ = true;
    CO_TRY_VOID(begin_head());
    auto size = co_await head_block(deadline);
    if (!size) co_return base::fail(std::move(size).error());
    auto head = parse_request(in_.view().substr(0, *size), limits_);
    if (!head) co_return base::fail(refused(head.error()));
    in_.use(*size);
    method_ = head->method;
    peer_is_1_0_ = head->minor_version == 0;
    persistent_ = keeps_alive(head->minor_version, head->fields);
    begin_body(head->framing, true);
    co_return std::move(*head);
}

Task<Result<ResponseHead>> MessageReader::response_head(std::string request_method, Deadline deadline) {
    CO_TRY_VOID(begin_head());
    auto size = co_await head_block(deadline);
    if (!size) co_return base::fail(std::move(size).error());
    auto head = parse_response(in_.view().substr(0, *size), request_method, limits_);
    if (!head) co_return base::fail(refused(head.error()));
    in_.use(*size);
    const bool interim = head->status < 200 && head->status != 101;
    if (interim) {
        const Refusal too_many{ErrorCode::protocol, 502, "the peer sent too many interim responses"};
        if (++interim_count_ > kInterimResponses) co_return base::fail(refused(too_many));
        co_return std::move(*head);
    }
    interim_count_ = 0;
    begin_body(head->framing, response_has_body(head->status, request_method));
    const bool tunnel = request_method == "CONNECT" && head->status / 100 == 2;
    persistent_ = keeps_alive(head->minor_version, head->fields) && kind_ != BodyFraming::Kind::until_close && !tunnel;
    co_return std::move(*head);
}

base::WipedString MessageReader::take_unread() {
    base::WipedString unread(in_.view());
    in_.rest();
    return unread;
}

Task<Result<std::size_t>> MessageReader::body(std::span<char> into, Deadline deadline) {
    return kind_ == BodyFraming::Kind::chunked ? chunked_body(into, deadline) : plain_body(into, deadline);
}

Task<Result<std::size_t>> MessageReader::plain_body(std::span<char> into, Deadline deadline) {
    if (failed_) co_return base::fail(ErrorCode::protocol, "the connection has failed before");
    if (complete_) co_return std::size_t{0};
    if (into.empty()) co_return base::fail(ErrorCode::internal, "a body is read into no space");
    const bool delimited = kind_ == BodyFraming::Kind::length;
    if (delimited) into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), remaining_)));
    std::size_t n = 0;
    if (!in_.empty()) {
        n = in_.take(into);
    } else {
        auto got = co_await stream_.read_some(into, deadline);
        if (!got) co_return base::fail(stream_failed(std::move(got).error()));
        n = *got;
        if (n == 0 && delimited) co_return base::fail(ended_early("the peer closed the connection inside a body"));
    }
    if (delimited) remaining_ -= n;
    complete_ = delimited ? remaining_ == 0 : n == 0;
    co_return n;
}

Task<Result<std::size_t>> MessageReader::chunked_body(std::span<char> into, Deadline deadline) {
    if (failed_) co_return base::fail(ErrorCode::protocol, "the connection has failed before");
    if (complete_) co_return std::size_t{0};
    if (into.empty()) co_return base::fail(ErrorCode::internal, "a body is read into no space");
    while (true) {
        if (in_.empty()) {
            const bool direct = chunks_.data_ahead() >= kDirectRead;
            std::span<char> space = into;
            if (direct) {
                space = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), chunks_.data_ahead())));
            } else {
                in_.make_room(ReadBuffer::kBody, ReadBuffer::kBody);
                space = in_.free_space();
            }
            auto got = co_await stream_.read_some(space, deadline);
            if (!got) co_return base::fail(stream_failed(std::move(got).error()));
            if (*got == 0) co_return base::fail(ended_early("the peer closed the connection inside a body"));
            if (direct) {
                chunks_.took(*got);
                co_return *got;
            }
            in_.filled(*got);
        }
        const auto step = chunks_.decode(in_.view(), into);
        if (!step) co_return base::fail(refused(step.error()));
        in_.use(step->consumed);
        complete_ = chunks_.done();
        if (step->produced > 0 || complete_) co_return step->produced;
    }
}

}  // namespace claviger::http
