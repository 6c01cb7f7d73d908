// PX-20, G11: no secret comes through in a promised spelling, wherever it stands and however the body was cut; nothing else
// changes.
#include "scrub/scrubber.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "scrub/spelling_test_support.hpp"

namespace claviger::scrub {
namespace {

using namespace testing;

// Like a key of an API, with the characters that escapes are for.
constexpr std::string_view kSecret = "sk-live_9fQ/3+kZ.7aB~x=Yw:41";

NeedlesPtr needles_of(const std::vector<std::string_view>& secrets) {
    base::FakeRandom random(7);
    return Needles::make(secrets, random);
}

// The body cut into pieces by `next_size`.
template <class NextSize>
std::string scrubbed(const NeedlesPtr& needles, std::string_view body, NextSize next_size, std::size_t piece = 4096) {
    Scrubber scrubber(needles, piece);
    std::string out;
    do {
        const auto space = scrubber.space();
        const std::size_t size = std::min({space.size(), body.size(), std::max<std::size_t>(1, next_size())});
        std::memcpy(space.data(), body.data(), size);
        body.remove_prefix(size);
        out += scrubber.take(size, body.empty());
    } while (!body.empty());
    return out;
}

std::string scrubbed(const NeedlesPtr& needles, std::string_view body) {
    return scrubbed(needles, body, [] { return 4096; });
}

// "" when `out` is what `text` says must become of it.
std::string complaint(const Text& text, std::string_view out) {
    if (out.size() != text.bytes.size()) return "the length changed";
    for (std::size_t i = 0; i < out.size(); ++i) {
        const bool star = out[i] == kMask;
        if (text.fate[i] == 'x' && !star) return "byte " + std::to_string(i) + " came through: " + std::string(out.substr(i > 20 ? i - 20 : 0, 60));
        if (text.fate[i] == '.' && out[i] != text.bytes[i]) return "byte " + std::to_string(i) + " changed: " + std::string(out.substr(i > 20 ? i - 20 : 0, 60));
    }
    return "";
}

struct Place {
    std::string name, before, after;
};

const std::vector<Place>& places() {
    static const std::vector<Place> all{
        {"alone", "", ""},
        {"json", R"({"headers":{"Accept":"*\/*","Authorization":"Bearer )", R"("},"url":"https:\/\/httpbin.example\/x?a=%20b"})"},
        {"html", "<p class=\"x\">You said &lt;Authorization: Bearer ", "&gt; &amp; more</p>\n"},
        {"url", "https://api.example/cb?state=%7B1%7D&token=", "&scope=a+b%2Fc#frag"},
        {"event", "event: message\ndata: {\"text\": \"", "\"}\n\n"},
        {"words", "the key is ", " and that is it. \\ 100% & done"},
        {"binary", std::string("\x00\x01\xff\x89PNG\r\n\x1a\n\x00", 12), std::string("\x00\xfe\x7f\x00\x10", 5)},
        {"csv", "a,b\r\n1,", "\r\n2,3\r\n"}};
    return all;
}

Text placed(const Place& place, const Text& secret) {
    Text text;
    text.add(place.before, '.');
    text.add(secret.bytes, '.');
    text.fate.replace(place.before.size(), secret.fate.size(), secret.fate);
    text.add(place.after, '.');
    return text;
}

// How a body is cut: sizes that are gone through in turn, 0 = at the middle of the secret.
const std::vector<std::vector<std::size_t>>& splits() {
    static const std::vector<std::vector<std::size_t>> all{{100000}, {1}, {2}, {3}, {5}, {7}, {8}, {9}, {13}, {16}, {17}, {31}, {64}, {100}, {1, 50}, {37, 2, 11}};
    return all;
}

std::string cut(const NeedlesPtr& needles, std::string_view body, const std::vector<std::size_t>& sizes) {
    std::size_t turn = 0;
    return scrubbed(needles, body, [&] { return sizes[turn++ % sizes.size()]; });
}

// Every 43rd of them; all with CLAVIGER_LONG_TESTS.
TEST(Scrubber, PX20_G11_every_spelling_place_and_split) {
    const auto needles = needles_of({kSecret});
    const auto all = spellings();
    EXPECT_GE(all.size(), 200U);
    const std::size_t every = std::getenv("CLAVIGER_LONG_TESTS") != nullptr ? 1 : 43;
    std::size_t combinations = 0, number = 0;
    for (const auto& spelling : all) {
        const Text secret = spelling.write(kSecret);
        for (const auto& place : places()) {
            const Text text = placed(place, secret);
            for (const auto& sizes : splits()) {
                if (number++ % every != 0) continue;
                if (every > 1 && text.bytes.size() > 700 && sizes.back() < 8) continue;  // slow without optimisation
                ++combinations;
                const auto wrong = complaint(text, cut(needles, text.bytes, sizes));
                ASSERT_EQ(wrong, "") << spelling.name << ", " << place.name << ", pieces of " << sizes[0] << ": " << text.bytes;
            }
        }
    }
    EXPECT_GE(combinations, 2500U);
    std::printf("%zu spellings x %zu places x %zu splits: %zu combinations tried\n", all.size(), places().size(), splits().size(), combinations);
}

TEST(Scrubber, secrets_of_many_shapes) {
    const std::string token = "eyJhbGciOiJSUzI1NiJ9." + std::string(250, 'p') + ".c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4";
    const std::string key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2Y1j9wA\n-----END PRIVATE KEY-----\n";
    for (const std::string& secret : {std::string("12345678"), std::string("correct horse battery staple"), std::string("p\xc3\xa4ssw\xc3\xb6rter!"),
                                      std::string("a%41b\\u0041c&#65;d&amp;e"), std::string("\"quoted\\back\\\\slash\""), std::string("amp&Tnx/per%cent-back\\slash_1"), token, key, std::string("user@acme.example:p%20ss/word+1")}) {
        const auto needles = needles_of({secret});
        for (const auto& spelling : spellings()) {
            const bool ascii = std::all_of(secret.begin(), secret.end(), [](char c) { return (c & 0x80) == 0; });
            if (!ascii && (spelling.name.find("utf-16") != std::string::npos || spelling.name.find_first_of("uU#") != std::string::npos ||
                           spelling.name.find("kinds") != std::string::npos || spelling.name.find("json here") != std::string::npos)) {
                continue;  // these write code points, not bytes
            }
            const bool partly = spelling.name.find("here") != std::string::npos || spelling.name.find("turn") != std::string::npos;
            if (partly && next_introducer(secret, 0) < secret.size()) continue;  // whose escapes they are cannot be told
            const Text text = placed(places()[1], spelling.write(secret));
            if (text.bytes.size() > kLongestHeld) continue;
            ASSERT_EQ(complaint(text, scrubbed(needles, text.bytes, [] { return 4096; }, 65536)), "") << spelling.name << ": " << secret;
        }
    }
}

// One of a single character is in base64 at every place, so that its neighbours go with it.
TEST(Scrubber, secrets_that_repeat_themselves) {
    for (const std::string& secret : {std::string("%%%%%%%%%%"), std::string("aaaaaaaaaaaaaaaa"), std::string("abababababab")}) {
        const auto needles = needles_of({secret});
        for (const auto& form : forms()) {
            Text text = form.write(secret);
            std::replace(text.fate.begin(), text.fate.end(), '.', '?');
            EXPECT_EQ(complaint(text, scrubbed(needles, text.bytes)), "") << form.name << ": " << secret;
        }
    }
}

TEST(Scrubber, code_points_of_a_secret_in_utf8) {
    const auto needles = needles_of({"p\xc3\xa4ssw\xc3\xb6rter"});
    for (const std::string body : {R"({"p":"p\u00e4ssw\u00f6rter"})", "<b>p&#228;ssw&#xF6;rter</b>", "p=p%C3%A4ssw%c3%b6rter", R"(b'p\xc3\xa4ssw\xc3\xb6rter')"}) {
        const auto out = scrubbed(needles, body);
        EXPECT_EQ(out.find("rter"), std::string::npos) << out;
        EXPECT_EQ(out.size(), body.size());
    }
}

TEST(Scrubber, a_short_secret_is_not_searched) {
    EXPECT_EQ(needles_of({"1234567", ""}), nullptr);
    const auto both = needles_of({"1234567", "12345678"});
    EXPECT_EQ(scrubbed(both, "1234567 12345678 "), "1234567 ******** ");
}

TEST(Scrubber, several_secrets_and_repetitions) {
    const auto needles = needles_of({"first-secret-1", "second/secret+2", "first-secret-1"});
    Scrubber scrubber(needles, 1000);
    const std::string body = "first-secret-1second/secret+2 first-secret-1first-secret-1,first-secret-2 second\\/secret+2";
    std::memcpy(scrubber.space().data(), body.data(), body.size());
    EXPECT_EQ(scrubber.take(body.size(), true), std::string(29, '*') + " " + std::string(28, '*') + ",first-secret-2 " + std::string(16, '*'));
    EXPECT_EQ(scrubber.found(), 3U) << "what touches counts once";
}

// A pair is overwritten whole although its half is a secret by itself.
TEST(Scrubber, a_secret_inside_another) {
    const auto needles = needles_of({"key-12345678", "key-12345678:and-more"});
    for (const std::size_t size : {1U, 3U, 12U, 13U, 100U}) {
        EXPECT_EQ(cut(needles, "x key-12345678:and-more y key-12345678:and-mo", {size}), "x ********************* y ************:and-mo") << size;
    }
}

TEST(Scrubber, the_end_of_a_long_secret_is_what_is_looked_for) {
    std::string secret(kLongestSecret + 100, 'k');
    for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<char>('a' + i * i / 7 % 26);
    const auto out = scrubbed(needles_of({secret}), secret, [] { return 999; });
    EXPECT_TRUE(out == secret.substr(0, 100) + std::string(kLongestSecret, '*'));
}

// What goes at once: an event's end, a closing brace, anything that no secret holds.
TEST(Scrubber, a_stream_is_not_held_back_at_its_natural_ends) {
    const auto needles = needles_of({kSecret});
    struct Row {
        std::string body;
        std::size_t held;
    };
    for (const auto& row : {Row{"data: {\"a\": 1}\n\n", 0}, Row{"{\"a\":1}", 0}, Row{"{\"a\":1}\n", 0}, Row{"<p>text</p>", 0}, Row{"[1,2,3]", 0}, Row{"done!\r\n", 0},
                            Row{"a\n\n", 0}, Row{"a b c", 1}, Row{"token=abc", 9}, Row{"x sk-live_", 8}, Row{"x zz-zzzz_", 8}, Row{"x %4", 2},
                            Row{"data: " + std::string(60, 'Q') + "\n\n", 0}, Row{"data: " + std::string(60, 'Q') + "\r\n\r\n", 0}}) {
        Scrubber scrubber(needles, 1000);
        std::memcpy(scrubber.space().data(), row.body.data(), row.body.size());
        EXPECT_EQ(scrubber.take(row.body.size(), false).size(), row.body.size() - row.held) << row.body;
        EXPECT_EQ(scrubber.take(0, true).size(), row.held == 0 ? 0 : row.held);
    }
}

// How much waits depends on which characters stand there and never on the secret's: else a program that lets a service
// repeat its guesses could see when one is the beginning of the secret.
TEST(Scrubber, what_waits_tells_nothing_of_the_secret) {
    const auto needles = needles_of({kSecret});
    for (std::size_t length = 1; length < kSecret.size(); ++length) {
        const std::string right(kSecret.substr(0, length));
        std::string wrong = right;
        wrong.back() = wrong.back() == 'x' ? 'y' : 'x';
        std::size_t passed[2] = {};
        for (const bool guessed : {false, true}) {
            const std::string& body = guessed ? right : wrong;
            Scrubber scrubber(needles, 1000);
            std::memcpy(scrubber.space().data(), body.data(), body.size());
            passed[guessed ? 1 : 0] = scrubber.take(body.size(), false).size();
        }
        EXPECT_EQ(passed[0], passed[1]) << right;
    }
}

TEST(Scrubber, memory_stays_bounded) {
    const auto needles = needles_of({kSecret});
    for (const std::string unit : {"a", "%41", "\\u0041", "&#x0000000041;", "%2541", "\n"}) {
        Scrubber scrubber(needles, 16384);
        std::size_t in = 0, out = 0;
        for (int round = 0; round < 8; ++round) {
            const auto space = scrubber.space();
            ASSERT_GE(space.size(), 8192U);
            ASSERT_LE(space.size(), 16384U);
            for (std::size_t i = 0; i < space.size(); ++i) space[i] = unit[(in + i) % unit.size()];
            in += space.size();
            out += scrubber.take(space.size(), false).size();
            EXPECT_LE(in - out, kLongestHeld) << unit;
        }
        EXPECT_EQ(scrubber.take(0, true).size(), in - out);
    }
}

TEST(Scrubber, without_needles_everything_passes) {
    const std::string body = std::string(kSecret) + " and " + std::string(kSecret);
    EXPECT_EQ(cut(nullptr, body, {1}), body);
    EXPECT_EQ(cut(nullptr, body, {100}), body);
}

TEST(Scrubber, small_bodies_and_pieces_of_one_byte) {
    const auto needles = needles_of({kSecret});
    for (std::size_t piece = 1; piece < 40; ++piece) {
        EXPECT_EQ(scrubbed(needles, "<" + std::string(kSecret) + ">", [] { return 1000; }, piece), "<" + std::string(kSecret.size(), '*') + ">") << piece;
    }
}

// -- nothing else changes ----------------------------------------------------------------------------------------------
std::string noise(std::string_view alphabet, std::size_t size, unsigned seed) {
    std::string out(size, ' ');
    std::uint64_t state = seed * 2654435761U + 1;
    for (char& c : out) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        c = alphabet[(state >> 33) % alphabet.size()];
    }
    return out;
}

TEST(Scrubber, G11_no_false_hit) {
    const auto needles = needles_of({kSecret, "12345678", "hunter22", "aaaaaaaaaaaa"});
    std::string any(256, ' ');
    for (std::size_t i = 0; i < any.size(); ++i) any[i] = static_cast<char>(i);
    const std::size_t size = std::getenv("CLAVIGER_LONG_TESTS") != nullptr ? 100U << 20 : 1U << 18;
    for (const std::string& alphabet : {any, std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), std::string("0123456789abcdef"),
                                        std::string("%0123456789abcdefABCDEF"), std::string("\\u0123456789abcdef\"nrt/"), std::string("&#x;0123456789abampltg"),
                                        std::string("{}[]\":, \nabcdefgh1234567\\"), std::string("<>/=\"' \n&;abcdefghijklm"), std::string("1234567"), std::string("hunter")}) {
        const auto body = noise(alphabet, size, static_cast<unsigned>(alphabet.size()));
        EXPECT_TRUE(scrubbed(needles, body, [] { return 16384; }, 16384) == body) << alphabet;
    }
}

RC_GTEST_PROP(ScrubberProperties, PX20_any_secret_spelling_and_split, ()) {
    static const auto all = spellings();
    const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=:";
    std::string secret;
    const auto length = *rc::gen::inRange<std::size_t>(kShortestSecret, 80);
    for (std::size_t i = 0; i < length; ++i) secret += alphabet[*rc::gen::inRange<std::size_t>(0, alphabet.size())];
    const auto& spelling = all[*rc::gen::inRange<std::size_t>(0, all.size())];
    const auto& place = places()[*rc::gen::inRange<std::size_t>(0, places().size())];
    const Text text = placed(place, spelling.write(secret));
    const auto sizes = *rc::gen::container<std::vector<std::size_t>>(5, rc::gen::inRange<std::size_t>(1, 120));
    const auto wrong = complaint(text, cut(needles_of({secret}), text.bytes, sizes));
    if (!wrong.empty()) RC_FAIL(wrong + " in " + spelling.name + ", " + place.name + ": " + text.bytes);
}

// Whatever the body and however it is cut: the same comes out as for the whole, of the same length.
RC_GTEST_PROP(ScrubberProperties, cutting_changes_nothing, ()) {
    const std::string pieces[] = {"sk-live", "_9fQ/3+kZ", ".7aB~x=Yw:41", "%73%6b", "\\u0073", "&#115;k", "%", "\\", "&", "\n", "=", "{\"a\": ", "c2stbGl2ZV85ZlEvMytrWi43YUJ-eD1Zdzo0MQ",
                                  "736b2d6c6976655f3966512f332b6b5a2e3761427e783d59773a3431", std::string(40, 'Q'), "\r\n", " ", std::string(kSecret)};
    std::string body;
    const auto count = *rc::gen::inRange(0, 40);
    for (int i = 0; i < count; ++i) body += pieces[*rc::gen::inRange<std::size_t>(0, std::size(pieces))];
    const auto needles = needles_of({kSecret});
    std::string whole = body;
    const auto found = needles->mask(whole);
    const auto sizes = *rc::gen::container<std::vector<std::size_t>>(4, rc::gen::inRange<std::size_t>(1, 60));
    const auto out = cut(needles, body, sizes);
    RC_ASSERT(out == whole);
    RC_ASSERT(needles->find(out).empty());
    RC_ASSERT((found > 0) == (out != body));
}

}  // namespace
}  // namespace claviger::scrub
