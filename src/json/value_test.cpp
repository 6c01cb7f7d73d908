#include "json/value.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "json/parse.hpp"

namespace claviger::json {
namespace {

Value from(std::string_view text) {
    auto value = parse(text);
    EXPECT_TRUE(value) << text << ": " << value.error().message;
    return value ? std::move(*value) : Value();
}

TEST(Write, compact_and_pretty) {
    const Value value = from(R"({"b":[1,{"c":null}],"a":{},"e":[],"s":"a\"\\\u0001é"})");
    EXPECT_EQ(to_text(value), "{\"b\":[1,{\"c\":null}],\"a\":{},\"e\":[],\"s\":\"a\\\"\\\\\\u0001é\"}");
    EXPECT_EQ(to_pretty_text(value),
              "{\n  \"b\": [\n    1,\n    {\n      \"c\": null\n    }\n  ],\n  \"a\": {},\n  \"e\": [],\n"
              "  \"s\": \"a\\\"\\\\\\u0001é\"\n}\n");
    EXPECT_EQ(to_pretty_text(Value(1)), "1\n");
}

// RFC 8785 section 3.2.2 and 3.2.3.
TEST(Canonical, the_examples_of_the_rfc) {
    EXPECT_EQ(to_canonical_text(from(R"({
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    })")),
              "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
              "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    const Value sorted = from(R"({
        "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    })");
    EXPECT_EQ(to_canonical_text(sorted),
              "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
              "\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\","
              "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

// RFC 8785 appendix B, by their IEEE 754 bits.
TEST(Canonical, the_numbers_of_the_rfc) {
    struct Sample {
        std::uint64_t bits;
        std::string_view text;
    };
    const Sample kCases[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };
    for (const auto& each : kCases) {
        double number = 0;
        std::memcpy(&number, &each.bits, sizeof number);
        EXPECT_EQ(to_canonical_text(Value(number)), each.text);
        EXPECT_EQ(to_text(Value(number)), each.text);
    }
    EXPECT_EQ(to_canonical_text(Value(std::nan(""))), "null");
    EXPECT_EQ(to_canonical_text(Value(-std::numeric_limits<double>::infinity())), "null");
}

TEST(Canonical, integers_are_exact_and_equal_numbers_look_alike) {
    EXPECT_EQ(to_canonical_text(from("9007199254740993")), "9007199254740993");
    EXPECT_EQ(to_canonical_text(from("-9223372036854775808")), "-9223372036854775808");
    EXPECT_EQ(to_canonical_text(from("18446744073709551615")), "18446744073709551615");
    EXPECT_EQ(to_canonical_text(from("[5,5.0,5e0,-0,-0.0]")), "[5,5,5,0,0]");
}

TEST(Canonical, does_not_depend_on_the_order_of_keys_at_any_depth) {
    EXPECT_EQ(to_canonical_text(from(R"({"b":{"y":1,"x":[{"q":1,"p":2}]},"a":0,"aa":1,"":2})")),
              to_canonical_text(from(R"({"":2,"aa":1,"a":0,"b":{"x":[{"p":2,"q":1}],"y":1}})")));
    EXPECT_NE(to_canonical_text(from("[1,2]")), to_canonical_text(from("[2,1]")));
}

TEST(SecretText, is_the_compact_text) {
    const Value value = from(R"({"access_token":"s3cr\u0000et\n","expires_in":3599.5,"list":[1,true,null,-2.5e-9]})");
    EXPECT_EQ(std::string(to_secret_text(value).reveal()), to_text(value));
}

TEST(SecretStorage, VA08_is_one_for_all_so_that_values_move_without_a_copy) {
    Value inner("a string too long to live in the value itself", secret_storage());
    const char* const bytes = inner.get_string().data();
    Array outer(secret_storage());
    outer.push_back(std::move(inner));
    EXPECT_EQ(outer[0].get_string().data(), bytes);
}

TEST(Find, gives_nothing_for_absent_or_other_types) {
    const Value value = from(R"({"s":"x","i":5,"d":5.0,"b":true,"o":{"k":1},"a":[1],"n":null})");
    const Object& object = value.get_object();
    EXPECT_EQ(find(object, "nope"), nullptr);
    EXPECT_TRUE(find(object, "n")->is_null());
    EXPECT_EQ(string_at(object, "s"), "x");
    EXPECT_EQ(string_at(object, "i"), std::nullopt);
    EXPECT_EQ(string_at(object, "nope"), std::nullopt);
    EXPECT_EQ(int_at(object, "i"), 5);
    EXPECT_EQ(int_at(object, "d"), std::nullopt);
    EXPECT_EQ(int_at(object, "s"), std::nullopt);
    EXPECT_EQ(bool_at(object, "b"), true);
    EXPECT_EQ(bool_at(object, "i"), std::nullopt);
    EXPECT_NE(object_at(object, "o"), nullptr);
    EXPECT_EQ(object_at(object, "a"), nullptr);
    EXPECT_NE(array_at(object, "a"), nullptr);
    EXPECT_EQ(array_at(object, "o"), nullptr);
}

// RFC 6901 section 5.
TEST(Pointer, the_examples_of_the_rfc) {
    const Value root = from(
        R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})");
    EXPECT_EQ(at_pointer(root, ""), &root);
    EXPECT_EQ(*at_pointer(root, "/foo/0"), Value("bar"));
    struct Sample {
        std::string_view pointer;
        int value;
    };
    for (const auto& each : {Sample{"/", 0}, Sample{"/a~1b", 1}, Sample{"/c%d", 2}, Sample{"/e^f", 3},
                             Sample{"/g|h", 4}, Sample{"/i\\j", 5}, Sample{"/k\"l", 6}, Sample{"/ ", 7},
                             Sample{"/m~0n", 8}}) {
        ASSERT_NE(at_pointer(root, each.pointer), nullptr) << each.pointer;
        EXPECT_EQ(at_pointer(root, each.pointer)->as_int64(), each.value) << each.pointer;
    }
    for (const auto* pointer : {"foo", "/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/", "/foo/0/x", "/m~n", "/m~2n",
                                "/m~", "/nope", "//", "/foo/99999999999999999999999"}) {
        EXPECT_EQ(at_pointer(root, pointer), nullptr) << pointer;
    }
}

TEST(Pointer, append_escapes) {
    EXPECT_EQ(pointer_append("", "a/b~c"), "/a~1b~0c");
    EXPECT_EQ(pointer_append("/x", ""), "/x/");
    EXPECT_EQ(pointer_append("/x", std::size_t{12}), "/x/12");
    const Value root = from(R"({"~1":{"/":"found"}})");
    EXPECT_EQ(*at_pointer(root, pointer_append(pointer_append("", "~1"), "/")), Value("found"));
}

}  // namespace
}  // namespace claviger::json
