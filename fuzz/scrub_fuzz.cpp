// Bodies of any bytes, cut in any way, looked through for one secret (PX-20): the first byte says how many pieces' sizes
// follow. Length and all that is not overwritten stay; however the body is cut, the same comes out; afterwards nothing is
// found any more, not by a simple reader either.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "scrub/scrubber.hpp"

namespace {

using namespace claviger;

constexpr std::string_view kSecret = "k3y+with/all=kinds~of_9:";

void require(bool holds) {
    if (!holds) std::abort();
}

std::string cut(const scrub::NeedlesPtr& needles, std::string_view body, std::string_view sizes) {
    scrub::Scrubber scrubber(needles, 512);
    std::string out;
    std::size_t turn = 0;
    do {
        const auto space = scrubber.space();
        const std::size_t wanted = sizes.empty() ? 512 : static_cast<unsigned char>(sizes[turn++ % sizes.size()]) + 1U;
        const auto size = std::min({space.size(), body.size(), wanted});
        require(size > 0 || body.empty());
        std::memcpy(space.data(), body.data(), size);
        body.remove_prefix(size);
        out += scrubber.take(size, body.empty());
    } while (!body.empty());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto needles = [] {
        base::FakeRandom random(3);
        return scrub::Needles::make({kSecret, "another-secret-value"}, random);
    }();
    std::string_view body(reinterpret_cast<const char*>(data), size);
    std::string_view sizes;
    if (!body.empty()) {
        const auto count = std::min<std::size_t>(static_cast<unsigned char>(body[0]) % 8, body.size() - 1);
        sizes = body.substr(1, count);
        body.remove_prefix(1 + count);
    }
    std::string whole(body);
    needles->mask(whole);
    const auto out = cut(needles, body, sizes);
    require(out == whole);
    require(needles->find(out).empty());
    for (std::size_t i = 0; i < out.size(); ++i) require(out[i] == body[i] || out[i] == scrub::kMask);

    require(out.find(kSecret) == std::string::npos);
    require(out.find(base::base64_encode(kSecret)) == std::string::npos);  // 24 bytes: without padding
    require(base::to_lower(out).find(base::hex_encode(kSecret)) == std::string::npos);
    if (const auto decoded = base::percent_decode(out)) require(decoded->find(kSecret) == std::string::npos);
    if (const auto decoded = base::percent_decode(body)) require((decoded->find(kSecret) == std::string::npos) || out != body);
    return 0;
}
