// Test only: what a Connection makes of the bytes it is given, as one text, so that two ways of delivering the same
// bytes can be compared. Used by unit tests and by the fuzzers. Thread rule: one thread.
#pragma once

#include <fmt/core.h>

#include "http/codec.hpp"
#include "http/memory_stream_test_support.hpp"
#include "net/loop.hpp"

namespace claviger::http::test {

inline std::string describe(const Fields& fields, const BodyFraming& framing) {
    std::string text = fmt::format("framing {} {}\n", static_cast<int>(framing.kind), framing.length);
    for (const Field& field : fields.items()) {
        text += fmt::format("field [{}] [{}]\n", field.name, std::string_view(field.value));
    }
    return text;
}
inline std::string describe(const RequestHead& head) {
    return fmt::format("request [{}] [{}] 1.{}\n", head.method, head.target, head.minor_version) +
           describe(head.fields, head.framing);
}
inline std::string describe(const ResponseHead& head) {
    return fmt::format("response {} [{}] 1.{}\n", head.status, head.reason, head.minor_version) +
           describe(head.fields, head.framing);
}
inline std::string describe(const base::Error& error, int status) {
    return fmt::format("{}: {} ({})\n", base::to_string(error.code), error.message, status);
}

// `connection` outlives the task. Of a body that fails only the failure counts: how much of it was seen before
// depends on how it came.
inline net::Task<std::string> body_transcript(Connection& connection, std::size_t space, bool& failed) {
    const net::Deadline deadline = net::in(std::chrono::seconds(60));
    std::string body;
    std::vector<char> piece(space);
    while (true) {
        const std::span<char> into(piece);
        auto got = co_await connection.read_body(into, deadline);
        if (!got) {
            failed = true;
            co_return "body failed: " + describe(got.error(), connection.refusal_status());
        }
        if (*got == 0) break;
        body.append(piece.data(), *got);
    }
    failed = !connection.body_complete();
    co_return fmt::format("body [{}] complete {} continue {}\n", body, connection.body_complete(),
                          connection.may_continue());
}

inline net::Task<std::string> requests_transcript(Connection& connection, std::size_t space) {
    const net::Deadline deadline = net::in(std::chrono::seconds(60));
    std::string text;
    for (bool failed = false; !failed;) {
        auto head = co_await connection.read_request_head(deadline);
        if (!head) co_return text + describe(head.error(), connection.refusal_status());
        text += describe(*head);
        auto body = co_await body_transcript(connection, space, failed);
        text += body;
    }
    co_return text;
}

inline net::Task<std::string> responses_transcript(Connection& connection, std::string method, std::size_t space) {
    const net::Deadline deadline = net::in(std::chrono::seconds(60));
    std::string text;
    for (bool failed = false; !failed;) {
        auto head = co_await connection.read_response_head(method, deadline);
        if (!head) co_return text + describe(head.error(), connection.refusal_status());
        text += describe(*head);
        auto body = co_await body_transcript(connection, space, failed);
        text += body;
    }
    co_return text;
}

inline std::string transcript_of_requests(net::Loop& loop, std::deque<std::string> pieces, std::size_t space,
                                          const Limits& limits = {}) {
    auto wire = std::make_shared<Wire>();
    wire->pieces = std::move(pieces);
    Connection connection(std::make_unique<MemoryStream>(wire), limits);
    return loop.run_until(requests_transcript(connection, space));
}
inline std::string transcript_of_responses(net::Loop& loop, std::deque<std::string> pieces, const std::string& method,
                                           std::size_t space, const Limits& limits = {}) {
    auto wire = std::make_shared<Wire>();
    wire->pieces = std::move(pieces);
    Connection connection(std::make_unique<MemoryStream>(wire), limits);
    return loop.run_until(responses_transcript(connection, method, space));
}

}  // namespace claviger::http::test
