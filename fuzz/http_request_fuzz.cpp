// Requests over any bytes. The first byte chooses how the rest is cut into pieces. Beside memory errors: the verdict
// does not depend on the cutting, what was accepted is written again as something that reads the same (PX-15, PX-16),
// and a head alone is judged as the connection judges it.
#include <cstdint>
#include <cstdlib>

#include "http/transcript_test_support.hpp"

namespace {

using namespace claviger;
using http::test::in_pieces;
using http::test::transcript_of_requests;

void require(bool holds) {
    if (!holds) std::abort();
}

http::Limits limits() {
    http::Limits small;
    small.request_line = 200;
    small.header_bytes = 400;
    small.header_count = 8;
    return small;
}

void check_rewriting(net::Loop& loop, const http::RequestHead& head) {
    auto wire = std::make_shared<http::test::Wire>();
    http::Connection writer(std::make_unique<http::test::MemoryStream>(wire), http::Limits{});
    http::RequestHead again = head;
    if (again.fields.count("host") == 0) again.fields.add("Host", "old.example");
    const net::Deadline deadline = net::in(std::chrono::seconds(60));
    const auto written = loop.run_until(writer.write_head(again, "", deadline));
    // Only a Host that HTTP/1.0 did not need can be at odds with the target.
    if (!written) return require(head.minor_version == 0);
    const auto read = http::parse_request_head(wire->written, http::Limits{});
    require(read.has_value());
    require(read->method == head.method && read->target == head.target);
    if (head.framing.kind != http::BodyFraming::Kind::none) {
        require(read->framing.kind == head.framing.kind && read->framing.length == head.framing.length);
    } else {
        require(read->framing.length == 0 && read->framing.kind != http::BodyFraming::Kind::chunked);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static net::Loop loop;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = 1 + data[0] % 16;
    const std::string whole = transcript_of_requests(loop, {text}, 4096, limits());
    require(transcript_of_requests(loop, in_pieces(text, piece), 1 + data[0] / 16, limits()) == whole);
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const auto head = http::parse_request_head(text.substr(0, end + 4), limits());
    require(head.has_value() == whole.starts_with("request ["));
    if (head) check_rewriting(loop, *head);
    return 0;
}
