#include "json/parse.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace claviger::json {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> files(const fs::path& folder, char prefix) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto name = entry.path().filename().string();
        if (name.size() > 2 && name[0] == prefix && name[1] == '_') found.push_back(entry.path());
    }
    return found;
}

ParseOptions with_comments() {
    ParseOptions options;
    options.comments = true;
    return options;
}

std::string error_of(std::string_view text, const ParseOptions& options = {}) {
    const auto result = parse(text, options);
    return result ? "accepted" : result.error().message;
}

struct Refusal {
    std::string_view text;
    std::string_view message;
};

TEST(Parse, says_where_and_what_is_wrong) {
    const Refusal kCases[] = {
        {"", "line 1, column 1: the text ends where a value should be"},
        {"{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7: expected ':' after the key"},
        {"{\"a\" ", "line 1, column 6: the text ends before the ':' after a key"},
        {"{\"a\":1 \"b\":2}", "line 1, column 8: expected a comma or '}' after an object's member"},
        {"[1 2]", "line 1, column 4: expected a comma or ']' after an array's element"},
        {"[1,]", "line 1, column 4: a comma may not stand before ']'"},
        {"{\"a\":1,}", "line 1, column 8: a comma may not stand before '}'"},
        {"[1", "line 1, column 3: the text ends before the closing ']'"},
        {"[,1]", "line 1, column 2: a value is missing before the comma"},
        {"{\"a\":}", "line 1, column 6: a value is missing before '}'"},
        {"{a:1}", "line 1, column 2: expected a key in double quotes"},
        {"{'a':1}", "line 1, column 2: expected a key in double quotes"},
        {"['a']", "line 1, column 2: strings stand in double quotes"},
        {"// no\n1", "line 1, column 1: comments are not allowed here"},
        {"True", "line 1, column 1: expected a value (a string, number, object, array, true, false or null)"},
        {"[1]\n x", "line 2, column 2: nothing may follow the value"},
        {"\"abc", "line 1, column 5: the text ends inside a string"},
        {"\"a\nb\"", "line 1, column 3: a control character in a string must be escaped"},
        {"\"\\x41\"", "line 1, column 2: unknown escape in a string; a backslash itself is written \\\\"},
        {"\"\\u12\"", "line 1, column 4: \\u needs four hexadecimal digits"},
        {"\"\\u+123\"", "line 1, column 4: \\u needs four hexadecimal digits"},
        {"\"\\u-123\"", "line 1, column 4: \\u needs four hexadecimal digits"},
        {"\"x\\ud800\"", "line 1, column 3: half of a surrogate pair stands alone"},
        {"\"\\udc00\\ud800\"", "line 1, column 2: half of a surrogate pair stands alone"},
        {"\"\\ud800\\u0041\"", "line 1, column 2: half of a surrogate pair stands alone"},
        {"\"\\ud800\\ud800\"", "line 1, column 2: half of a surrogate pair stands alone"},
        {"01", "line 1, column 1: a number may not begin with 0"},
        {"-", "line 1, column 2: expected a digit after '-'"},
        {"1.", "line 1, column 3: expected a digit after the point"},
        {"1e+", "line 1, column 4: expected a digit in the exponent"},
        {"+1", "line 1, column 1: a number does not begin with '+'"},
        {".5", "line 1, column 1: a number needs a digit before its point"},
        {"1e999", "line 1, column 1: the number is out of range"},
        {"\xef\xbb\xbf{}", "line 1, column 1: begins with a byte order mark; save the text without it"},
        {"[\"ok\",\n \"\xff\"]", "line 2, column 3: not valid utf-8; save the text as utf-8"},
        {"\"\xed\xa0\x80\"", "line 1, column 2: not valid utf-8; save the text as utf-8"},
        {std::string_view("[\0]", 3),
         "line 1, column 2: expected a value (a string, number, object, array, true, false or null)"},
        {"{\"a\":1,\n \"a\":2}", "line 2, column 2: the key \"a\" is there twice"},
        {"{\"a\":1,\"\\u0061\":2}", "line 1, column 8: the key \"a\" is there twice"},
    };
    for (const auto& each : kCases) EXPECT_EQ(error_of(each.text), each.message) << each.text;
    EXPECT_EQ(parse("[").error().code, base::ErrorCode::invalid_input);
}

TEST(Parse, RS10_size_is_checked_before_anything_is_read) {
    ParseOptions options;
    options.max_bytes = 8;
    EXPECT_TRUE(parse("\"123456\"", options));
    EXPECT_THAT(error_of("\"1234567\"", options), HasSubstr("limit of 8 bytes"));
    EXPECT_FALSE(parse(std::string((1 << 20) + 1, ' ')));
}

TEST(Parse, OA10_depth_is_limited) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parse(nested(64)));
    EXPECT_THAT(error_of(nested(65)), HasSubstr("column 65: nested too deeply"));
    EXPECT_THAT(error_of(std::string(1'000'000, '[')), HasSubstr("nested too deeply"));
    ParseOptions boundless;
    boundless.max_depth = SIZE_MAX;
    EXPECT_TRUE(parse(nested(512), boundless));
    EXPECT_THAT(error_of(nested(513), boundless), HasSubstr("nested too deeply"));
    std::string objects;
    for (int i = 0; i < 65; ++i) objects += "{\"a\":";
    EXPECT_THAT(error_of(objects), HasSubstr("nested too deeply"));
}

TEST(Parse, repeated_keys_are_told_with_their_place_when_they_are_not_refused) {
    ParseOptions options;
    options.refuse_duplicate_keys = false;
    const auto document = Document::parse("{\"a\": 1,\n \"b\": {\"c/d\": 1,\n  \"c/d\": 2},\n \"a\": 3}", options);
    ASSERT_TRUE(document);
    ASSERT_EQ(document->repeated().size(), 2u);
    EXPECT_EQ(document->repeated()[0].pointer, "/b/c~1d");
    EXPECT_EQ(document->repeated()[0].place.line, 3u);
    EXPECT_EQ(document->repeated()[1].pointer, "/a");
    EXPECT_EQ(document->repeated()[1].place.line, 4u);
    EXPECT_TRUE(Document::parse("{\"a\": 1, \"b\": [1, 1]}", options)->repeated().empty());
}

TEST(Parse, OA10_duplicate_keys_are_refused_unless_asked_for) {
    EXPECT_FALSE(parse(R"({"a":{"b":1,"b":1}})"));
    ParseOptions options;
    options.refuse_duplicate_keys = false;
    EXPECT_EQ(to_text(*parse(R"({"a":1,"b":2,"a":3})", options)), R"({"a":3,"b":2})");
}

TEST(Parse, a_message_shows_foreign_keys_only_in_printable_form) {
    EXPECT_THAT(error_of("{\"\\u001b[2J\":1,\"\\u001b[2J\":2}"), HasSubstr("\"\\u{1b}[2J\""));
    const std::string long_key(5000, 'k');
    EXPECT_LT(error_of("{\"" + long_key + "\":1,\"" + long_key + "\":2}").size(), 200u);
}

TEST(Parse, reads_every_kind) {
    const auto value = parse(" {\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\uDD1E\\u0000\",\"i\":-7,\"u\":18446744073709551615,"
                             "\"d\":1.5e3,\"t\":true,\"f\":false,\"n\":null,\"a\":[],\"o\":{}}\n");
    ASSERT_TRUE(value) << value.error().message;
    const Object& object = value->get_object();
    EXPECT_EQ(string_at(object, "s"), std::string_view("\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9d\x84\x9e\0", 15));
    EXPECT_EQ(int_at(object, "i"), -7);
    EXPECT_EQ(find(object, "u")->as_uint64(), UINT64_MAX);
    EXPECT_EQ(find(object, "d")->as_double(), 1500.0);
    EXPECT_EQ(bool_at(object, "t"), true);
    EXPECT_EQ(bool_at(object, "f"), false);
    EXPECT_TRUE(find(object, "n")->is_null());
    EXPECT_TRUE(array_at(object, "a")->empty());
    EXPECT_TRUE(object_at(object, "o")->empty());
    EXPECT_EQ(parse("-9223372036854775808")->as_int64(), INT64_MIN);
    EXPECT_EQ(parse("-9223372036854775809")->as_double(), -9223372036854775808.0);
    EXPECT_EQ(parse("-0")->as_int64(), 0);
}

TEST(Parse, comments_and_a_trailing_comma_only_when_asked_for) {
    constexpr std::string_view kText = "// head\r\n{ /* a * b */ \"a\": [1, /**/ 2,], // tail\n \"url\": \"http://x/*y*/\",\n}//";
    EXPECT_FALSE(parse(kText));
    const auto value = parse(kText, with_comments());
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(to_text(*value), R"({"a":[1,2],"url":"http://x/*y*/"})");

    const Refusal kRefused[] = {
        {"[1,,]", "line 1, column 4: a value is missing before the comma"},
        {"[,]", "line 1, column 2: a value is missing before the comma"},
        {"{,}", "line 1, column 2: expected a key in double quotes"},
        {"1,", "line 1, column 2: nothing may follow the value"},
        {"/* x", "line 1, column 1: the comment is not closed with */"},
        {"/*/ 1", "line 1, column 1: the comment is not closed with */"},
        {"/ 1", "line 1, column 1: comments begin with // or /*"},
        {"# x\n1", "line 1, column 1: comments begin with // or /*"},
        {"/* a\n b */ x", "line 2, column 7: expected a value (a string, number, object, array, true, false or null)"},
        {"// a\n// b\n x", "line 3, column 2: expected a value (a string, number, object, array, true, false or null)"},
        {"1 // \xff", "line 1, column 6: not valid utf-8; save the text as utf-8"},
    };
    for (const auto& each : kRefused) EXPECT_EQ(error_of(each.text, with_comments()), each.message) << each.text;
}

TEST(Parse, values_live_in_the_storage_of_the_options) {
    ParseOptions options;
    options.storage = secret_storage();
    const auto value = parse(R"({"token":["a long string that does not fit in the value itself",1,null]})", options);
    ASSERT_TRUE(value);
    const StoragePtr other = secret_storage();  // all wiping storages are equal
    EXPECT_EQ(*value->storage(), *other);
    const Array& array = *array_at(value->get_object(), "token");
    EXPECT_EQ(*array.storage(), *other);
    EXPECT_EQ(*array[0].storage(), *other);
    const auto document = Document::parse(R"({"token":"x"})", options);
    EXPECT_EQ(*document->root().storage(), *other);
}

TEST(Document, knows_where_each_value_stands) {
    const auto document = Document::parse("// c\n{\n  \"a\": [10,\n    {\"b/c\": 1, \"d~e\": 2}],\n\t\"\": \"é\", \"z\": null\n}\n",
                                          with_comments());
    ASSERT_TRUE(document) << document.error().message;
    struct Place {
        std::string_view pointer;
        std::uint32_t line, column;
    };
    const Place kCases[] = {
        {"", 2, 1},         {"/a", 3, 3},      {"/a/0", 3, 9},    {"/a/1", 4, 5},      {"/a/1/b~1c", 4, 6},
        {"/a/1/d~0e", 4, 16}, {"/", 5, 2},       {"/z", 5, 12},
        // The nearest parent that exists.
        {"/missing", 2, 1}, {"/a/7/x", 3, 3},  {"/a/1/b", 4, 5},  {"/z/deeper", 5, 12}, {"no slash", 2, 1},
    };
    for (const auto& each : kCases) {
        const Position at = document->position(each.pointer);
        EXPECT_EQ(at.line, each.line) << each.pointer;
        EXPECT_EQ(at.column, each.column) << each.pointer;
    }
    EXPECT_EQ(Document().position("").line, 0u);
}

TEST(Document, RS10_its_size_does_not_grow_with_the_length_of_paths) {
    // Sixty levels of long keys over many elements: pointers into this text would take gigabytes.
    std::string text;
    for (int i = 0; i < 60; ++i) text += "{\"" + std::string(8000, 'k') + "\":";
    text += "[0";
    for (int i = 0; i < 50'000; ++i) text += ",0";
    text += "]" + std::string(60, '}');
    const auto document = Document::parse(text);
    ASSERT_TRUE(document) << document.error().message;
    EXPECT_EQ(document->position("").line, 1u);
}

TEST(ParseVectors, RS10_own_texts_are_accepted_and_refused) {
    const fs::path folder = fs::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/json";
    const auto good = files(folder, 'y'), bad = files(folder, 'n');
    ASSERT_GE(good.size(), 10u);
    ASSERT_GE(bad.size(), 20u);
    for (const auto& path : good) EXPECT_TRUE(parse(read_file(path))) << path << ' ' << error_of(read_file(path));
    for (const auto& path : bad) EXPECT_FALSE(parse(read_file(path))) << path;
}

TEST(ParseVectors, RS10_JSONTestSuite) {
    const fs::path folder = fs::path(CLAVIGER_SOURCE_DIR) / "../shared/peers/corpora/json";
    if (!fs::exists(folder)) GTEST_SKIP() << "JSONTestSuite is not here: " << folder;
    ParseOptions options;
    options.refuse_duplicate_keys = false;
    const auto good = files(folder, 'y'), bad = files(folder, 'n'), either = files(folder, 'i');
    EXPECT_EQ(good.size(), 95u);
    EXPECT_EQ(bad.size(), 188u);
    EXPECT_EQ(either.size(), 35u);
    std::size_t refused_duplicates = 0;
    for (const auto& path : good) {
        const auto text = read_file(path);
        const auto value = parse(text, options);
        EXPECT_TRUE(value) << path << ' ' << error_of(text, options);
        if (value) {
            EXPECT_EQ(to_text(*parse(to_text(*value))), to_text(*value)) << path;
        }
        if (!parse(text)) ++refused_duplicates;
        EXPECT_TRUE(Document::parse(text, options)) << path;
    }
    EXPECT_EQ(refused_duplicates, 2u);
    for (const auto& path : bad) EXPECT_FALSE(parse(read_file(path), options)) << path;
    for (const auto& path : either) {
        const auto value = parse(read_file(path), options);
        if (value) {
            EXPECT_EQ(to_text(*parse(to_text(*value))), to_text(*value)) << path;
        }
    }
}

}  // namespace
}  // namespace claviger::json
