// The writing half of a Connection: a head, then a body framed as the head said. Internal to http/. Owned by its
// Connection, whose stream it borrows. What was written is wiped from the buffer at once. Thread rule: one task writes
// at a time.
#pragma once

#include "base/secret.hpp"
#include "http/head_writer.hpp"
#include "http/message.hpp"
#include "net/stream.hpp"

namespace claviger::http {

class MessageWriter {
public:
    explicit MessageWriter(net::Stream& stream) : stream_(stream) {}

    // Prepares a head; send_head then writes it with the first body bytes, all of them if `last`.
    base::Result<void> begin(const RequestHead& head);
    base::Result<void> begin(const ResponseHead& head, const ResponseContext& context, bool keeps_open);
    net::Task<base::Result<void>> send_head(std::string_view first_body, bool last, net::Deadline deadline);
    net::Task<base::Result<void>> send_body(std::string_view bytes, net::Deadline deadline);
    // Trailers go out behind a chunked body alone; others have no place for them.
    net::Task<base::Result<void>> finish(Fields trailers, net::Deadline deadline);

    [[nodiscard]] bool complete() const { return complete_; }
    // Whether a close now would be taken for the end of the body that is being written.
    [[nodiscard]] bool would_end_by_closing() const { return !complete_ && !switched_ && kind_ == BodyFraming::Kind::until_close; }
    [[nodiscard]] bool persistent() const { return persistent_ && !failed_; }
    void rest() { out_ = base::WipedString(); }

private:
    base::Result<void> check_begin();
    base::Result<void> account(std::size_t bytes);
    net::Task<base::Result<void>> send_chunk(std::string_view bytes, const Fields* trailers, net::Deadline deadline);
    net::Task<base::Result<void>> flush(std::string_view second, net::Deadline deadline);

    net::Stream& stream_;
    base::WipedString out_;
    BodyFraming::Kind kind_ = BodyFraming::Kind::none;
    std::uint64_t remaining_ = 0;
    bool drops_body_ = false;  // an answer to HEAD
    bool switched_ = false;    // to another protocol, whose ends are its own
    bool complete_ = true;
    bool persistent_ = true;
    bool failed_ = false;
};

}  // namespace claviger::http
