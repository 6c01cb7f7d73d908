// A chunked body over any bytes. The first byte chooses the cutting. Beside memory errors: the verdict, the body and
// what is left over do not depend on the cutting, and the framing is nowhere larger than what came in.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/chunked.hpp"

namespace {

using claviger::http::ChunkedDecoder;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    bool good = true, done = false;
    std::size_t used = 0;
    std::string body;
    bool operator==(const Outcome& other) const {
        // How much of a bad body was seen before depends on the cutting.
        return good == other.good && (!good || (done == other.done && used == other.used && body == other.body));
    }
};

Outcome decode(std::string_view text, std::size_t piece, std::size_t space) {
    ChunkedDecoder decoder;
    Outcome outcome;
    std::string out(space, '\0');
    while (outcome.used < text.size() && !decoder.done()) {
        const auto step = decoder.decode(text.substr(outcome.used, piece), out);
        if (!step) {
            outcome.good = false;
            return outcome;
        }
        require(step->consumed > 0 || step->produced > 0);
        require(step->consumed <= piece && step->produced <= space && step->produced <= step->consumed);
        outcome.used += step->consumed;
        outcome.body.append(out, 0, step->produced);
        // Reading past the decoder is the same as reading through it.
        if (const std::size_t ahead = static_cast<std::size_t>(decoder.data_ahead()); ahead > 2 && piece == 3) {
            const std::size_t n = std::min(ahead, text.size() - outcome.used);
            outcome.body.append(text.substr(outcome.used, n));
            outcome.used += n;
            decoder.took(n);
        }
    }
    outcome.done = decoder.done();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = decode(text, size, size);
    require(decode(text, 1, 1) == whole);
    require(decode(text, 3, 5) == whole);
    require(decode(text, std::size_t{1} + data[0] % 16, std::size_t{1} + data[0] / 16) == whole);
    return 0;
}
