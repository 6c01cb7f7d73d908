#include "http/chunked.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace claviger::http {
namespace {

using namespace std::string_literals;

struct Outcome {
    bool good = false;
    bool done = false;
    std::string body, rest, why, trailers;
};

Outcome decode(std::string_view text, std::size_t piece, std::size_t space) {
    ChunkedDecoder decoder;
    Outcome outcome;
    std::string out(space, '\0');
    std::size_t at = 0;
    while (at < text.size() && !decoder.done()) {
        const std::string_view input = text.substr(at, piece);
        const auto step = decoder.decode(input, out);
        if (!step) {
            outcome.why = step.error().what;
            return outcome;
        }
        EXPECT_TRUE(step->consumed > 0 || step->produced > 0) << "no progress";
        if (step->consumed == 0 && step->produced == 0) return outcome;
        outcome.body.append(out, 0, step->produced);
        at += step->consumed;
    }
    outcome.good = true;
    outcome.done = decoder.done();
    outcome.rest = text.substr(at);
    for (const Field& field : decoder.trailers().items()) outcome.trailers.append(field.name + "=").append(field.value).append(";");
    return outcome;
}

void for_each_delivery(const std::string& text, const std::function<void(const Outcome&)>& check) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, text.size() + 1}) {
        for (const std::size_t space : {1u, 3u, 100u}) check(decode(text, piece, space));
    }
}

TEST(Chunked, good_bodies) {
    struct Row {
        std::string text, body, rest;
    };
    for (const Row& row : std::vector<Row>{
             {"0\r\n\r\n", "", ""},
             {"000\r\n\r\nGET", "", "GET"},
             {"3\r\nabc\r\n0\r\n\r\n", "abc", ""},
             {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""},
             {"00000000000000a\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""},
             {"1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n", ""},
             {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""},
             {"5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", ""},
             {"3;a\r\nabc\r\n0;b;c\r\n\r\n", "abc", ""},
             {"3;a=b;c=\"d;\\\"\t\xc3\xa9\"\r\nabc\r\n0\r\n\r\n", "abc", ""},
             {"3;a=\"\"\r\nabc\r\n0\r\n\r\n", "abc", ""},
             {"3\r\nabc\r\n0\r\nX-Checksum: 1\r\nServer-Timing:\r\n\r\nrest", "abc", "rest"},
         }) {
        for_each_delivery(row.text, [&](const Outcome& outcome) {
            EXPECT_TRUE(outcome.good) << row.text << outcome.why;
            EXPECT_TRUE(outcome.done) << row.text;
            EXPECT_EQ(outcome.body, row.body);
            EXPECT_EQ(outcome.rest, row.rest);
        });
    }
}

TEST(Chunked, PX15_bad_bodies) {
    const std::string ok = "3\r\nabc\r\n";
    const std::string last = "0\r\n\r\n";
    const std::vector<std::string> rows = {
        "\r\n", "\n", " 3\r\nabc\r\n", "3 \r\nabc\r\n", "\t3\r\n", "3\t\r\n", "+3\r\nabc\r\n", "-3\r\nabc\r\n",
        "0x3\r\nabc\r\n", "3h\r\n", "g\r\n", "3,3\r\n", "3.0\r\n", "3_\r\n", "\"3\"\r\n", ";a\r\n", "\xef\xbc\x93\r\n",
        "3\nabc\r\n", "3\rabc\r\n", "3\r\rabc", "3\0\r\nabc\r\n"s, "3\x0b\r\nabc\r\n",
        "0000000000000000\r\n\r\n", "1000000000000000\r\n", "ffffffffffffffff\r\n", "FFFFFFFFFFFFFFFFF\r\n",
        "00000000000000000000000000000003\r\nabc\r\n",
        "3\r\nabcd\r\n", "3\r\nabc\n", "3\r\nabc\r0", "3\r\nabc0\r\n", "3\r\nab\r\n\r\n", "3\r\nabc\r\r\n", "3\r\nabc \r\n",
        ok + "\r\n" + last, ok + "\n", ok + " 0\r\n\r\n",
        "3;\r\nabc\r\n", "3; a\r\nabc\r\n", "3 ;a\r\nabc\r\n", "3;a \r\nabc\r\n", "3;a=\r\nabc\r\n", "3;a= b\r\nabc\r\n",
        "3;a =b\r\nabc\r\n", "3;a=b c\r\nabc\r\n", "3;a=\"b\r\nabc\r\n", "3;a=\"b\"c\r\nabc\r\n", "3;a=\"\\\r\n\"\r\nabc\r\n",
        "3;a\nabc\r\n", "3;a\rabc\r\n", "3;\n", "3;a=\"\n\"\r\nabc\r\n", "3;a=\"\0\"\r\nabc\r\n"s, "3;a\x7f\r\nabc\r\n",
        "3;a/b\r\nabc\r\n", "3;a=b=c\r\nabc\r\n", "3;;a\r\nabc\r\n", "3;" + std::string(256, 'a') + "\r\nabc\r\n",
        "0;a=\n\r\n", "0\n\n", "0\r\n\n", "0\r\n\rX", "0\r\nA: b\n\r\n", "0\r\nA: b\rX", "0\r\n A: b\r\n\r\n",
        "0\r\nA: b\r\n c\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\nA\r\n\r\n", "0\r\n: b\r\n\r\n", "0\r\nA: \x01\r\n\r\n",
        "0\r\nA: b\0\r\n\r\n"s, "0\r\nGET / HTTP/1.1\r\n\r\n",
        "0\r\nA: " + std::string(ChunkedDecoder::kTrailerBytes, 'a') + "\r\n\r\n",
    };
    EXPECT_GE(rows.size(), 60u);
    for (const std::string& row : rows) {
        for_each_delivery(row, [&](const Outcome& outcome) {
            EXPECT_FALSE(outcome.good) << ::testing::PrintToString(row);
        });
    }
}

TEST(Chunked, PX15_trailers_that_could_change_the_message_are_refused) {
    for (const char* name : {"Content-Length", "Transfer-Encoding", "Host", "Trailer", "TE", "Connection", "Upgrade",
                             "Keep-Alive", "Authorization", "Proxy-Authorization", "Proxy-Anything", "Cookie",
                             "Set-Cookie", "WWW-Authenticate", "Content-Type", "Content-Encoding", "Content-Range",
                             "Expect", "Max-Forwards", "Cache-Control", "Location", "Range", "Vary", "Age",
                             "content_length", "TRANSFER_ENCODING", "sEt-cOOkie"}) {
        const auto outcome = decode("0\r\n" + std::string(name) + ": x\r\n\r\n", 1000, 10);
        EXPECT_FALSE(outcome.good) << name;
        EXPECT_NE(outcome.why.find("not allowed"), std::string::npos) << name;
    }
}

TEST(Chunked, trailers_are_kept) {
    for_each_delivery("1\r\na\r\n0\r\nX-Checksum: 12 34 \r\nServer-Timing:\r\nx-checksum: 5\r\n\r\nrest", [](const Outcome& outcome) {
        EXPECT_EQ(outcome.trailers, "X-Checksum=12 34;Server-Timing=;x-checksum=5;");
        EXPECT_EQ(outcome.rest, "rest");
    });
}

TEST(Chunked, endless_trailers_and_extensions_end) {
    std::string trailers = "0\r\n";
    for (int i = 0; i < 33; ++i) trailers += "A: b\r\n";
    EXPECT_FALSE(decode(trailers + "\r\n", 1000, 10).good);
    std::string body;
    for (int i = 0; i < 200; ++i) body += "1;" + std::string(200, 'e') + "\r\nx\r\n";
    EXPECT_FALSE(decode(body, 100'000, 1000).good) << "extensions in all are bounded";
    const std::string plain = "1;" + std::string(200, 'e') + "\r\nx\r\n0\r\n\r\n";
    EXPECT_TRUE(decode(plain, 100'000, 1000).good);
}

TEST(Chunked, PX15_every_byte_behind_a_chunk_size) {
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        const bool hex = std::string_view("0123456789abcdefABCDEF").find(byte) != std::string_view::npos;
        // The size ends only in CR or ';' (or goes on with a digit).
        ChunkedDecoder decoder;
        std::string out(10, '\0');
        const bool taken = decoder.decode(std::string("3") + byte, out).has_value();
        EXPECT_EQ(taken, hex || byte == '\r' || byte == ';') << c;
    }
}

}  // namespace
}  // namespace claviger::http
