// ContentDecoder: frees a body from its content coding as it streams (RFC 9110 section 8.4.1): gzip, also of several members,
// and deflate, also without zlib's header, as some servers send it. Owned by whoever reads the body. Thread rule: one task.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "http/message.hpp"

namespace claviger::http {

// The one coding of a message, in lower case: "" without one or for identity, "gzip" also for x-gzip; a list as it stands.
std::string content_coding(const Fields& fields);

class ContentDecoder {
public:
    static bool knows(std::string_view coding);
    // `coding` is one that it knows.
    explicit ContentDecoder(std::string_view coding);
    ~ContentDecoder();
    ContentDecoder(const ContentDecoder&) = delete;
    ContentDecoder& operator=(const ContentDecoder&) = delete;

    // All that was given is used up.
    [[nodiscard]] bool hungry() const;
    // More coded bytes, borrowed until hungry() again.
    void feed(std::string_view coded);
    // Into `into`, not empty; how many bytes, 0 when more has to be fed. ErrorCode::protocol for what is not of this coding.
    base::Result<std::size_t> decode(std::span<char> into);
    // Whether the coded body may end here: it was whole, or empty.
    [[nodiscard]] bool whole() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace claviger::http
