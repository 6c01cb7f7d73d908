#include "http/content_coding.hpp"

#include <algorithm>
#include <limits>

#include <zlib.h>

#include "base/text.hpp"

namespace claviger::http {

using base::ErrorCode;
using base::Result;

namespace {

constexpr int kWindow = 15, kGzip = 16;  // windowBits of zlib

tl::unexpected<base::Error> broken(const char* why) { return base::fail(ErrorCode::protocol, std::string("the coded body of the answer is broken: ") + why); }

}  // namespace

struct ContentDecoder::State {
    z_stream stream{};
    bool gzip = false;
    bool started = false, ended = false;
    bool filled = false;  // the output, so that more may be inside
};

std::string content_coding(const Fields& fields) {
    std::string all;
    for (const auto value : fields.all("Content-Encoding")) all += (all.empty() ? "" : ", ") + base::to_lower(base::trim(value));
    if (all == "identity") return "";
    return all == "x-gzip" ? "gzip" : all;
}

bool ContentDecoder::knows(std::string_view coding) { return coding == "gzip" || coding == "deflate"; }

ContentDecoder::ContentDecoder(std::string_view coding) : state_(std::make_unique<State>()) { state_->gzip = coding == "gzip"; }

ContentDecoder::~ContentDecoder() {
    if (state_->started) inflateEnd(&state_->stream);
}

bool ContentDecoder::hungry() const { return state_->stream.avail_in == 0 && !state_->filled; }

void ContentDecoder::feed(std::string_view coded) {
    state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));  // zlib only reads it
    state_->stream.avail_in = static_cast<uInt>(coded.size());
}

bool ContentDecoder::whole() const { return state_->ended || !state_->started; }

Result<std::size_t> ContentDecoder::decode(std::span<char> into) {
    State& it = *state_;
    if (hungry()) return std::size_t{0};
    it.filled = false;
    if (it.ended) {  // gzip: another member
        if (!it.gzip || inflateReset(&it.stream) != Z_OK) return broken("something follows its end");
        it.ended = false;
    }
    if (!it.started) {
        // The first byte of zlib's header names its method, 8 (RFC 1950 section 2.2); no block of raw deflate begins so.
        const bool raw = !it.gzip && (*it.stream.next_in & 15) != 8;
        if (inflateInit2(&it.stream, it.gzip ? kWindow + kGzip : raw ? -kWindow : kWindow) != Z_OK) return broken("there is no memory for it");
        it.started = true;
    }
    const auto room = static_cast<uInt>(std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max()));
    it.stream.next_out = reinterpret_cast<Bytef*>(into.data());
    it.stream.avail_out = room;
    const int result = inflate(&it.stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return broken("it does not decode");
    it.ended = result == Z_STREAM_END;
    it.filled = it.stream.avail_out == 0 && !it.ended;
    return std::size_t{room - it.stream.avail_out};
}

}  // namespace claviger::http
