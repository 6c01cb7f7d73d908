// Responses over any bytes. The first byte chooses the cutting and the request's method. Beside memory errors: the
// verdict does not depend on the cutting, and what was accepted is written again as something that reads the same
// (PX-16, PX-17).
#include <cstdint>
#include <cstdlib>

#include "http/transcript_test_support.hpp"

namespace {

using namespace claviger;
using http::test::in_pieces;
using http::test::transcript_of_responses;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_rewriting(net::Loop& loop, const http::ResponseHead& head) {
    auto wire = std::make_shared<http::test::Wire>();
    http::Connection writer(std::make_unique<http::test::MemoryStream>(wire), http::Limits{});
    const net::Deadline deadline = net::in(std::chrono::seconds(60));
    require(loop.run_until(writer.write_head(head, "", deadline)).has_value());
    const auto read = http::parse_response_head(wire->written, "GET", http::Limits{});
    require(read.has_value());
    require(read->status == head.status && read->reason == head.reason);
    if (head.framing.kind == http::BodyFraming::Kind::chunked || head.framing.length > 0) {
        require(read->framing.kind == head.framing.kind && read->framing.length == head.framing.length);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static net::Loop loop;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const char* const methods[] = {"GET", "HEAD", "CONNECT", "POST"};
    const std::string method = methods[data[0] % 4];
    const std::size_t piece = 1 + data[0] / 4 % 8;
    http::Limits limits;
    limits.request_line = 100;
    limits.header_bytes = 400;
    limits.header_count = 8;
    const std::string whole = transcript_of_responses(loop, {text}, method, 4096, limits);
    require(transcript_of_responses(loop, in_pieces(text, piece), method, 1 + data[0] / 32, limits) == whole);
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const auto head = http::parse_response_head(text.substr(0, end + 4), "GET", limits);
    if (head) check_rewriting(loop, *head);
    return 0;
}
