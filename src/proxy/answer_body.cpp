#include "proxy/answer_body.hpp"

#include <utility>

#include "proxy/answer_guard.hpp"

namespace claviger::proxy {

using base::ErrorCode;
using base::Result;

namespace {

tl::unexpected<base::Error> shown() { return base::fail(ErrorCode::denied, "the answer shows the credential"); }

}  // namespace

AnswerBody::AnswerBody(http::Connection& upstream, const http::BodyFraming& framing, CredentialPtr credential,
                       std::unique_ptr<http::ContentDecoder> decoder, bool messages, bool stops)
    : upstream_(upstream), credential_(std::move(credential)), decoder_(std::move(decoder)),
      scrubber_(credential_ ? credential_->reflections : nullptr, decoder_ ? Piece::kMost : piece_size(framing)), over_(upstream.body_complete()), stops_(stops) {
    if (decoder_) coded_.emplace(framing);
    if (messages) messages_.emplace();
}

net::Task<Result<std::string_view>> AnswerBody::next(net::Deadline deadline) {
    Result<std::size_t> got{0};
    const std::span<char> space = scrubber_.space();
    if (decoder_) got = co_await read_decoded(deadline);
    else got = co_await upstream_.read_body(space, deadline);
    if (!got) co_return base::fail(std::move(got).error());
    over_ = upstream_.body_complete() && (!decoder_ || decoder_->hungry());
    const bool message_over = messages_ && messages_->take({space.data(), *got});
    const auto piece = scrubber_.take(*got, over_ || message_over);
    if (stopped()) co_return shown();
    bytes_ += piece.size();
    co_return piece;
}

Result<http::Fields> AnswerBody::trailers() {
    http::Fields fields = upstream_.trailers();
    if (credential_) in_trailers_ = guard_fields(fields, *credential_);
    if (stopped()) return shown();
    return fields;
}

net::Task<Result<std::size_t>> AnswerBody::read_decoded(net::Deadline deadline) {
    if (decoder_->hungry() && !upstream_.body_complete()) {
        auto got = co_await upstream_.read_body(coded_->space(), deadline);
        if (!got) co_return got;
        decoder_->feed(coded_->filled(*got));
    }
    auto decoded = decoder_->decode(scrubber_.space());
    if (!decoded) co_return decoded;
    if (upstream_.body_complete() && decoder_->hungry() && !decoder_->whole()) {
        co_return base::fail(ErrorCode::protocol, "the coded body of the answer ended early");
    }
    co_return decoded;
}

}  // namespace claviger::proxy
