// How fast bodies are looked through for secrets, by kind of body, beside copying them: 16 KiB pieces, as the proxy reads.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "scrub/scrubber.hpp"

namespace {

using namespace claviger;

constexpr std::size_t kPiece = 16384, kBody = 8U << 20;

std::string repeated(std::string_view unit) {
    std::string body;
    while (body.size() < kBody) body += unit;
    return body;
}

std::string random_of(std::string_view alphabet) {
    std::string body(kBody, ' ');
    std::uint64_t state = 1;
    for (char& c : body) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        c = alphabet[(state >> 33) % alphabet.size()];
    }
    return body;
}

std::string every_byte() {
    std::string all(256, ' ');
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
    return all;
}

void copy(benchmark::State& state, std::string (*make)()) {
    const auto body = make();
    std::string piece(kPiece, ' ');
    for (auto _ : state) {
        for (std::size_t at = 0; at + kPiece <= body.size(); at += kPiece) {
            std::memcpy(piece.data(), body.data() + at, kPiece);
            benchmark::DoNotOptimize(piece.data());
            benchmark::ClobberMemory();
        }
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}

void scrub_it(benchmark::State& state, std::string (*make)()) {
    const auto body = make();
    base::SystemRandom random;
    // A token and a refresh token, say.
    const auto needles = scrub::Needles::make({"gho_16C7e42F292c6912E7710c838347Ae178B4a", "ghr_1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498"}, random);
    std::size_t passed = 0;
    for (auto _ : state) {
        scrub::Scrubber scrubber(needles, kPiece);
        for (std::size_t at = 0; at < body.size();) {
            const auto space = scrubber.space();
            const auto size = std::min(space.size(), body.size() - at);
            std::memcpy(space.data(), body.data() + at, size);
            at += size;
            passed += scrubber.take(size, at == body.size()).size();
        }
    }
    benchmark::DoNotOptimize(passed);
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}

void needles(benchmark::State& state) {
    base::SystemRandom random;
    for (auto _ : state) benchmark::DoNotOptimize(scrub::Needles::make({"gho_16C7e42F292c6912E7710c838347Ae178B4a", "user@acme.example:password-of-some-length"}, random));
}

std::string json() { return repeated(R"({"id": 4711, "name": "A name of something", "tags": ["a", "b"], "text": "two words, \"quoted\"\n", "at": "2024-05-01T12:00:00Z"}, )"); }
std::string urls() { return repeated(R"({"id":4711,"url":"https:\/\/api.acme.example\/items\/4711","html":"https:\/\/acme.example\/i\/4711"},)"); }
std::string html() { return repeated("<li class=\"item\"><a href=\"/items?id=4711&amp;sort=up\">A name &lt;of&gt; something</a>&nbsp;and more text beside it</li>\n"); }
std::string words() { return repeated("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.\n"); }
std::string base64() { return random_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"); }
std::string binary() { return random_of(every_byte()); }
std::string escapes() { return random_of("%0123456789abcdefABCDEF"); }
std::string unicode() { return repeated(R"(\u0441\u043b\u043e\u0432\u043e )"); }

BENCHMARK_CAPTURE(copy, words, words);
BENCHMARK_CAPTURE(scrub_it, words, words);
BENCHMARK_CAPTURE(scrub_it, json, json);
BENCHMARK_CAPTURE(scrub_it, json_with_escaped_slashes, urls);
BENCHMARK_CAPTURE(scrub_it, json_in_unicode_escapes, unicode);
BENCHMARK_CAPTURE(scrub_it, html, html);
BENCHMARK_CAPTURE(scrub_it, base64, base64);
BENCHMARK_CAPTURE(scrub_it, binary, binary);
BENCHMARK_CAPTURE(scrub_it, percent_signs, escapes);
BENCHMARK(needles);

}  // namespace

BENCHMARK_MAIN();
