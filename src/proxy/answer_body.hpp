// The body of an answer piece by piece, as the client is to see it: freed from its content coding where it has to be looked
// into, and without the secrets of its request's credential, or only until the first of them (PX-20). Owned by the coroutine that passes the answer on.
// Thread rule: on the Loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "http/codec.hpp"
#include "http/content_coding.hpp"
#include "proxy/credential_source.hpp"
#include "proxy/grpc_messages.hpp"
#include "proxy/request_body.hpp"
#include "scrub/scrubber.hpp"

namespace claviger::proxy {

class AnswerBody {
public:
    // `credential` null: nothing is looked for; `decoder` null: the bytes as they come. `messages`: a dialogue of gRPC, whose
    // other side may wait for each: so each is looked through by itself, and nothing of it waits for the next.
    // `stops`: what shows a secret is not given at all; next() fails with ErrorCode::denied from there on.
    AnswerBody(http::Connection& upstream, const http::BodyFraming& framing, CredentialPtr credential,
               std::unique_ptr<http::ContentDecoder> decoder, bool messages, bool stops);
    // Nothing comes any more.
    [[nodiscard]] bool over() const { return over_; }
    // next() need not wait.
    [[nodiscard]] bool at_hand() const { return upstream_.body_at_hand() || (decoder_ && !decoder_->hungry()); }
    // Valid until the next call. Empty: nothing to write now; look at over().
    net::Task<base::Result<std::string_view>> next(net::Deadline deadline);
    // Once it is over. Fails as next() does.
    base::Result<http::Fields> trailers();
    [[nodiscard]] bool has_trailers() const { return !upstream_.trailers().items().empty(); }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // given so far
    [[nodiscard]] std::uint64_t scrubbed() const { return scrubber_.found() + in_trailers_; }
    [[nodiscard]] bool stopped() const { return stops_ && scrubbed() > 0; }

private:
    net::Task<base::Result<std::size_t>> read_decoded(net::Deadline deadline);
    http::Connection& upstream_;
    CredentialPtr credential_;
    std::unique_ptr<http::ContentDecoder> decoder_;
    std::optional<Piece> coded_;
    std::optional<GrpcMessages> messages_;
    scrub::Scrubber scrubber_;
    std::uint64_t bytes_ = 0, in_trailers_ = 0;
    bool over_, stops_;
};

}  // namespace claviger::proxy
