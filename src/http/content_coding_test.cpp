#include "http/content_coding.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace claviger::http {
namespace {

std::string coded(std::string_view text, int window) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

// The decoded text, or "error" when it is broken or ends too early.
std::string decoded(std::string_view coding, std::string_view body, std::size_t piece, std::size_t room) {
    ContentDecoder decoder(coding);
    std::string out, into(room, '\0');
    while (true) {
        if (decoder.hungry()) {
            if (body.empty()) return decoder.whole() ? out : "error";
            decoder.feed(body.substr(0, piece));
            body.remove_prefix(std::min(piece, body.size()));
        }
        const auto got = decoder.decode(into);
        if (!got) return "error";
        out.append(into, 0, *got);
    }
}

std::string long_text() {
    std::string text;
    for (int i = 0; i < 20000; ++i) text += "line " + std::to_string(i * i) + "\n";
    return text;
}

TEST(ContentDecoder, every_coding_however_it_is_cut) {
    for (const std::string& text : {std::string("x"), std::string("some text"), std::string(100000, 'a'), long_text()}) {
        for (const std::size_t piece : {1U, 3U, 1000U, 1000000U}) {
            if (piece == 1 && text.size() > 200000) continue;
            for (const std::size_t room : {7U, 4096U, 16384U}) {
                EXPECT_TRUE(decoded("gzip", coded(text, 31), piece, room) == text) << piece << " " << room;
                EXPECT_TRUE(decoded("deflate", coded(text, 15), piece, room) == text) << piece << " " << room;
                EXPECT_TRUE(decoded("deflate", coded(text, -15), piece, room) == text) << "without zlib's header";
                EXPECT_TRUE(decoded("gzip", coded(text, 31) + coded("and more", 31), piece, room) == text + "and more") << "two members";
            }
        }
    }
}

TEST(ContentDecoder, an_empty_body_is_whole) {
    EXPECT_EQ(decoded("gzip", "", 1, 10), "");
    EXPECT_EQ(decoded("deflate", coded("", 15), 1, 10), "");
}

TEST(ContentDecoder, what_is_broken_is_refused) {
    const auto gzip = coded(long_text(), 31), zlib = coded(long_text(), 15);
    auto damaged = gzip;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    for (const auto& [coding, body] : {std::pair<std::string, std::string>{"gzip", "plain text"}, {"gzip", damaged}, {"gzip", gzip.substr(0, gzip.size() - 1)},
                                       {"gzip", gzip.substr(0, 5)}, {"gzip", gzip + "rest"}, {"deflate", zlib + "rest"}, {"deflate", zlib.substr(0, 100)},
                                       {"deflate", "plain text"}, {"gzip", zlib}}) {
        EXPECT_EQ(decoded(coding, body, 1000, 4096), "error") << coding << " " << body.size();
    }
}

TEST(ContentDecoder, codings_of_messages) {
    const auto coding = [](std::initializer_list<std::string> values) {
        Fields fields;
        for (const auto& value : values) fields.add("Content-Encoding", value);
        return content_coding(fields);
    };
    EXPECT_EQ(coding({}), "");
    EXPECT_EQ(coding({"identity"}), "");
    EXPECT_EQ(coding({"GZip"}), "gzip");
    EXPECT_EQ(coding({"x-gzip"}), "gzip");
    EXPECT_EQ(coding({"br"}), "br");
    EXPECT_EQ(coding({"gzip, br"}), "gzip, br");
    EXPECT_EQ(coding({"gzip", "deflate"}), "gzip, deflate");
    EXPECT_TRUE(ContentDecoder::knows("deflate"));
    EXPECT_FALSE(ContentDecoder::knows("br"));
    EXPECT_FALSE(ContentDecoder::knows("gzip, deflate"));
}

}  // namespace
}  // namespace claviger::http
