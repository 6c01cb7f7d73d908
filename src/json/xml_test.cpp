#include "json/xml.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace claviger::json {
namespace {

std::string nested(std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "<a>";
    text += "t";
    for (std::size_t i = 0; i < depth; ++i) text += "</a>";
    return text;
}

TEST(Xml, elements_become_values_that_pointers_lead_into) {
    struct Row { std::string xml; const char* json; };
    const Row rows[] = {
        {"<a>text</a>", R"({"a":"text"})"},
        {"<a/>", R"({"a":""})"},
        {"<?xml version='1.0' encoding='UTF-8'?>\n<a>\n  <b> t </b>\n</a>\n", R"({"a":{"b":"t"}})"},
        {"<?xml version='1.0' encoding='us-ascii' standalone='yes'?><a>t</a>", R"({"a":"t"})"},
        {"\xef\xbb\xbf<a>\xc3\xa4</a>", "{\"a\":\"\xc3\xa4\"}"},
        {"<a><b>1</b><b>2</b><b><c>3</c></b><d>4</d></a>", R"({"a":{"b":["1","2",{"c":"3"}],"d":"4"}})"},
        {"<a id='7' n=\"&lt;x&gt;\"/>", R"({"a":{"@id":"7","@n":"<x>"}})"},
        {"<a id='7'>t</a>", R"({"a":{"@id":"7","#text":"t"}})"},
        {"<a>x<b>1</b>y</a>", R"({"a":{"b":"1","#text":"xy"}})"},
        {"<a><![CDATA[<b>&amp;]]>c</a>", R"({"a":"<b>&amp;c"})"},
        {"<!-- c --><a>to<!-- k -->ken<?pi x?></a><!-- e -->", R"({"a":"token"})"},
        {"<a>&amp;&#x41;&#66;&quot;</a>", R"({"a":"&AB\""})"},
        {"<s:a xmlns:s='urn:x'><s:b>1</s:b></s:a>", R"({"s:a":{"@xmlns:s":"urn:x","s:b":"1"}})"},
    };
    for (const auto& row : rows) {
        const auto value = parse_xml(row.xml);
        ASSERT_TRUE(value) << row.xml << value.error().message;
        EXPECT_EQ(*value, parse(row.json).value()) << row.xml << to_text(*value);
    }
}

TEST(Xml, what_is_refused_is_refused_without_a_word_of_it) {
    const std::string rows[] = {
        "",
        "s3cr3t",
        "<a>s3cr3t",
        "<a>s3cr3t</b>",
        "<s3cr3t>&s3cr3t;</s3cr3t>",
        "<a x='s3cr3t' x='s3cr3t'/>",
        "<a>s3cr3t</a><a/>",
        "<a>s3cr3t\x01</a>",
        "<a>s3cr3t&#0;</a>",
        "<a>s3cr3t\xff</a>",
        "<!DOCTYPE s3cr3t><a>s3cr3t</a>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///s3cr3t'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY x 's3cr3t'><!ENTITY y '&x;&x;&x;&x;&x;&x;&x;&x;'><!ENTITY z '&y;&y;&y;&y;&y;&y;&y;&y;'>]><a>&z;</a>",
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1/s3cr3t.dtd'><a/>",
        "<?xml version='1.0' encoding='iso-8859-1'?><a>s3cr3t</a>",
        std::string("\xff\xfe<\0a\0/\0>\0", 10),
        std::string("<\0a\0/\0>\0", 8),
        nested(65),
        "<a>" + std::string(1 << 20, 's') + "</a>",
    };
    for (const auto& row : rows) {
        const auto value = parse_xml(row);
        ASSERT_FALSE(value) << row.substr(0, 99);
        EXPECT_EQ(value.error().code, base::ErrorCode::invalid_input);
        EXPECT_TRUE(value.error().message.starts_with("the XML ")) << value.error().message;
        EXPECT_EQ(value.error().describe().find("s3cr3t"), std::string::npos) << value.error().describe();
    }
    EXPECT_NE(parse_xml(rows[10]).error().message.find("DOCTYPE"), std::string::npos);
    EXPECT_TRUE(parse_xml(nested(64)));
}

TEST(Xml, what_is_escaped_reads_as_itself) {
    for (const std::string text : {"a&b<c>\"d'", "\xc3\xa4 \xf0\x9f\x94\x91", "]]>", "&amp;", "<!-- -->", "a\tb\nc\rd", "a  b"}) {
        base::WipedString body("<a n=\"");
        ASSERT_TRUE(append_xml_escaped(body, text));
        body.append("\">");
        ASSERT_TRUE(append_xml_escaped(body, text));
        body.append("</a>");
        const auto value = parse_xml(body);
        ASSERT_TRUE(value) << body;
        EXPECT_EQ(string_at(*at_pointer(*value, "/a")->if_object(), "@n"), text);
        EXPECT_EQ(string_at(*at_pointer(*value, "/a")->if_object(), "#text"), text);
    }
    base::WipedString out;
    for (const auto& text : {std::string("s3cr3t\0", 7), std::string("s3cr3t\x01"), std::string("s3cr3t\x1f"), std::string("s3cr3t\xff"), std::string("s3cr3t\xef\xbf\xbf"), std::string("s3cr3t\xed\xa0\x80")}) {
        const auto refused = append_xml_escaped(out, text);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().describe().find("s3cr3t"), std::string::npos);
    }
}

}  // namespace
}  // namespace claviger::json
