// The table of requests that must be refused (PX-15), each for the reason it stands there for: the error text is
// checked, so that a row cannot pass by another rule's accident. docs/formats/http-policy.md lists the rules.
#include <gtest/gtest.h>

#include "http/codec.hpp"

namespace claviger::http {
namespace {

using namespace std::string_literals;

struct Row {
    const char* name;
    std::string text;
    const char* why;  // part of the error
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: a.example\r\n";
const std::string kPost = "POST / HTTP/1.1\r\nHost: a.example\r\n";
const std::string kOld = "POST / HTTP/1.0\r\n";
const std::string kEnd = "\r\n";

std::vector<Row> framing_rows() {
    const char* te = "transfer-encoding is not chunked";
    const char* twice = "transfer-encoding is repeated";
    const char* both = "both content-length and transfer-encoding";
    const char* cl = "content-length is not a number";
    const char* cl2 = "content-length is repeated";
    const char* underscore = "spelled with '_'";
    const char* name = "name is malformed";
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    std::vector<Row> rows = {
        {"CL.TE", kPost + "Content-Length: 6\r\n" + chunked + kEnd, both},
        {"TE.CL", kPost + chunked + "Content-Length: 6\r\n" + kEnd, both},
        {"CL0.TE", kPost + "Content-Length: 0\r\n" + chunked + kEnd, both},
        {"TE.CL lower case", kPost + "transfer-encoding: chunked\r\ncontent-length: 6\r\n" + kEnd, both},
        {"CL far from TE", kPost + "Content-Length: 6\r\nA: b\r\nC: d\r\n" + chunked + kEnd, both},
        {"TE.TE", kPost + chunked + chunked + kEnd, twice},
        {"TE.TE identity second", kPost + chunked + "Transfer-Encoding: identity\r\n" + kEnd, twice},
        {"TE.TE identity first", kPost + "Transfer-Encoding: identity\r\n" + chunked + kEnd, te},
        {"TE.TE cow", kPost + chunked + "Transfer-encoding: cow\r\n" + kEnd, twice},
        {"TE space before colon", kPost + "Transfer-Encoding : chunked\r\n" + kEnd, name},
        {"TE tab before colon", kPost + "Transfer-Encoding\t: chunked\r\n" + kEnd, name},
        {"TE leading space", kPost + " Transfer-Encoding: chunked\r\n" + kEnd, "folded"},
        {"TE vertical tab", kPost + "Transfer-Encoding:\x0b""chunked\r\n" + kEnd, "forbidden byte"},
        {"TE form feed", kPost + "Transfer-Encoding: \x0c""chunked\r\n" + kEnd, "forbidden byte"},
        {"TE nul", kPost + "Transfer-Encoding: chunked\0\r\n"s + kEnd, "forbidden byte"},
        {"TE folded", kPost + "Transfer-Encoding:\r\n chunked\r\n" + kEnd, "folded"},
        {"TE folded tab", kPost + "Transfer-Encoding:\r\n\tchunked\r\n" + kEnd, "folded"},
        {"TE underscore", kPost + "Transfer_Encoding: chunked\r\n" + kEnd, underscore},
        {"TE underscore upper", kPost + "TRANSFER_ENCODING: chunked\r\n" + kEnd, underscore},
        {"CL underscore", kPost + "Content_Length: 5\r\n" + kEnd, underscore},
        {"CL and its underscore", kPost + "Content-Length: 5\r\nContent_Length: 6\r\n" + kEnd, underscore},
        {"TE in 1.0", kOld + chunked + kEnd, "HTTP/1.0"},
        {"TE in 1.0 with host", kOld + "Host: a.example\r\n" + chunked + kEnd, "HTTP/1.0"},
        {"TE and CL in 1.0", kOld + chunked + "Content-Length: 3\r\n" + kEnd, both},
        {"CL equal twice", kPost + "Content-Length: 3\r\nContent-Length: 3\r\n" + kEnd, cl2},
        {"CL unequal twice", kPost + "Content-Length: 3\r\nContent-Length: 4\r\n" + kEnd, cl2},
        {"CL twice, one zero", kPost + "Content-Length: 0\r\nContent-Length: 4\r\n" + kEnd, cl2},
        {"CL in CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 3\r\n\r\n", "CONNECT"},
        {"TE in CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n" + chunked + kEnd, "CONNECT"},
    };
    for (const char* value : {"xchunked", "chunkedx", "chunked, identity", "identity, chunked", "identity", "gzip",
                              "gzip, chunked", "chunked, chunked", "chunked,", ",chunked", "chunked;q=1", "\"chunked\"",
                              "chunk", "", "x", "chunked chunked", "chunked\tx", "cow", "chu\xc5\xbfked", "deflate"}) {
        rows.push_back({"TE value", kPost + "Transfer-Encoding: " + value + "\r\n" + kEnd, te});
    }
    for (const char* value : {"+3", "-1", "-0", "0x3", "3, 3", "3,3", "3 3", "3;", "", "three", "3.0", "1e3", "\"3\"",
                              "9223372036854775808", "18446744073709551616", "99999999999999999999", "3,", ",3", "3\t4",
                              "\xef\xbc\x93", "0b1", "3_0", "00000000000000000003"}) {
        rows.push_back({"CL value", kPost + "Content-Length: " + value + "\r\n" + kEnd, cl});
    }
    return rows;
}

std::vector<Row> syntax_rows() {
    const char* lf = "without carriage return";
    const char* byte = "forbidden byte";
    const char* name = "name is malformed";
    const char* line = "request line is malformed";
    const char* first = "first line is malformed";
    const char* target = "request target is not valid";
    const char* version = "version of HTTP is not supported";
    const auto get = [](const std::string& where) { return "GET " + where + " HTTP/1.1\r\nHost: a.example\r\n\r\n"; };
    const auto as = [](const std::string& what) { return "GET / " + what + "\r\nHost: a.example\r\n\r\n"; };
    const auto with = [](const std::string& field) { return kGet + field + "\r\n\r\n"; };
    return {
        {"bare LF everywhere", "GET / HTTP/1.1\nHost: a.example\n\n", lf},
        {"bare LF after request line", "GET / HTTP/1.1\nHost: a.example\r\n\r\n", lf},
        {"bare LF after field", "GET / HTTP/1.1\r\nHost: a.example\n\r\n", lf},
        {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a.example\r\n\n", lf},
        {"LF inside value", with("A: b\nContent-Length: 5"), lf},
        {"LF LF", with("A: b\n\nGET /admin HTTP/1.1"), lf},
        {"bare CR in value", with("A: b\rC: d"), byte},
        {"bare CR before field", with("\rA: b"), name},
        {"bare CR in name", with("A\rB: c"), name},
        {"CR CR LF", with("A: b\r"), byte},
        {"bare CR in request line", "GET /\r HTTP/1.1\r\nHost: a.example\r\n\r\n", target},
        {"bare CR as line end", "GET / HTTP/1.1\rHost: a.example\r\n\r\n", first},
        {"NUL in value", with("A: b\0c"s), byte},
        {"NUL in name", with("A\0: b"s), name},
        {"NUL in target", get("/\0"s), target},
        {"NUL in method", "GE\0T / HTTP/1.1\r\nHost: a.example\r\n\r\n"s, "method is malformed"},
        {"control 01 in value", with("A: \x01"), byte},
        {"escape in value", with("A: \x1b[0m"), byte},
        {"backspace in value", with("A: a\x08"), byte},
        {"DEL in value", with("A: \x7f"), byte},
        {"vertical tab in value", with("A: b\x0b""c"), byte},
        {"obs-fold space", with("A: b\r\n c"), "folded"},
        {"obs-fold tab", with("A: b\r\n\tc"), "folded"},
        {"obs-fold only blanks", with("A: b\r\n   "), "folded"},
        {"obs-fold in first field", "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n", "folded"},
        {"obs-fold makes a framing field", with("A: b\r\n Content-Length: 5"), "folded"},
        {"space before colon", with("A : b"), name},
        {"tab before colon", with("A\t: b"), name},
        {"space in name", with("A B: c"), name},
        {"empty name", with(": b"), name},
        {"no colon", with("Abc"), "no colon"},
        {"high byte in name", with("A\xc3\xa9: b"), name},
        {"slash in name", with("A/B: c"), name},
        {"bracket in name", with("A[]: c"), name},
        {"quote in name", with("\"A\": c"), name},
        {"at in name", with("A@: c"), name},
        {"semicolon in name", with("A;B: c"), name},
        {"equals in name", with("A=B: c"), name},
        {"parenthesis in name", with("(A): c"), name},
        {"pseudo header", with(":path: /admin"), name},
        {"soft hyphen in framing name", with("Content\xc2\xadLength: 4"), name},
        {"request line as field", with("GET /admin HTTP/1.1"), "no colon"},
        {"no version", "GET /\r\nHost: a.example\r\n\r\n", line},
        {"only method", "GET\r\nHost: a.example\r\n\r\n", line},
        {"two spaces before target", "GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n", first},
        {"two spaces before version", "GET /  HTTP/1.1\r\nHost: a.example\r\n\r\n", first},
        {"space at line end", "GET / HTTP/1.1 \r\nHost: a.example\r\n\r\n", first},
        {"tab as separator", "GET\t/\tHTTP/1.1\r\nHost: a.example\r\n\r\n", line},
        {"tab before version", "GET /\tHTTP/1.1\r\nHost: a.example\r\n\r\n", line},
        {"space in target", get("/a b"), first},
        {"version lower case", as("http/1.1"), first},
        {"version mixed case", as("Http/1.1"), first},
        {"version two digits", as("HTTP/1.10"), first},
        {"version leading zero", as("HTTP/01.1"), first},
        {"version without dot", as("HTTP/11"), first},
        {"version comma", as("HTTP/1,1"), first},
        {"version letter", as("HTTP/1.x"), first},
        {"version spaced", as("HTTP /1.1"), first},
        {"other protocol", as("XTTP/1.1"), first},
        {"junk behind version", as("HTTP/1.1x"), first},
        {"HTTP/0.9", as("HTTP/0.9"), version},
        {"HTTP/1.2", as("HTTP/1.2"), version},
        {"HTTP/1.9", as("HTTP/1.9"), version},
        {"HTTP/2.0", as("HTTP/2.0"), version},
        {"HTTP/3.0", as("HTTP/3.0"), version},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", version},
        {"empty line first", "\r\n" + kGet + kEnd, "not HTTP"},
        {"space first", " " + kGet + kEnd, "not HTTP"},
        {"LF first", "\n" + kGet + kEnd, "not HTTP"},
        {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"s, "not HTTP"},
        {"byte order mark", "\xef\xbb\xbf" + kGet + kEnd, "not HTTP"},
        {"method with bracket", "G[T / HTTP/1.1\r\nHost: a.example\r\n\r\n", "method is malformed"},
        {"method with high byte", "G\xc3\x89T / HTTP/1.1\r\nHost: a.example\r\n\r\n", "method is malformed"},
        {"method with colon", "GET: / HTTP/1.1\r\nHost: a.example\r\n\r\n", "method is malformed"},
        {"high byte in target", get("/\xc3\xa9"), target},
        {"DEL in target", get("/\x7f"), target},
        {"tab in target", get("/\t"), target},
        {"fragment in target", get("/a#b"), target},
        {"backslash in path", get("/a\\b"), target},
        {"backslash first", get("\\\\evil.example/"), target},
        {"relative target", get("a/b"), target},
        {"query only", get("?a=b"), target},
        {"star with GET", get("*"), target},
        {"two stars", "OPTIONS ** HTTP/1.1\r\nHost: a.example\r\n\r\n", target},
        {"authority with GET", get("a.example:443"), target},
        {"ftp", get("ftp://a.example/"), target},
        {"file", get("file:///etc/passwd"), target},
        {"javascript", get("javascript:alert(1)"), target},
        {"scheme without authority", get("http:///x"), target},
        {"one slash", get("http:/a.example/"), target},
        {"userinfo in target", get("http://user@a.example/"), target},
        {"password in target", get("http://u:p@a.example/"), target},
        {"backslash behind authority", get("http://a.example\\@evil.example/"), target},
        {"percent in authority", get("http://a%2eexample/"), target},
        {"port too large", get("http://a.example:65536/"), target},
        {"port zero", get("http://a.example:0/"), target},
        {"port empty", get("http://a.example:/"), target},
        {"port signed", get("http://a.example:+80/"), target},
        {"port six digits", get("http://a.example:000080/"), target},
        {"two ports", get("http://a.example:80:80/"), target},
        {"open bracket", get("http://[::1/"), target},
        {"zone", get("http://[fe80::1%25eth0]/"), target},
        {"empty bracket", get("http://[]/"), target},
        {"junk behind bracket", get("http://[::1]x/"), target},
        {"CONNECT without port", "CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n", target},
        {"CONNECT with path", "CONNECT a.example:443/x HTTP/1.1\r\nHost: a.example:443\r\n\r\n", target},
        {"CONNECT origin-form", "CONNECT / HTTP/1.1\r\nHost: a.example\r\n\r\n", target},
        {"CONNECT absolute-form", "CONNECT http://a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", target},
        {"CONNECT userinfo", "CONNECT u@a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", target},
        {"CONNECT port zero", "CONNECT a.example:0 HTTP/1.1\r\nHost: a.example:0\r\n\r\n", target},
        {"CONNECT empty host", "CONNECT :443 HTTP/1.1\r\nHost: a.example\r\n\r\n", target},
        {"incomplete", "GET / HTTP/1.1\r\nHost: a.example\r\n", "incomplete"},
        {"empty", "", "incomplete"},
        {"bytes behind", kGet + kEnd + "x", "bytes behind"},
    };
}

std::vector<Row> host_rows() {
    const char* missing = "host is missing";
    const char* repeated = "host is repeated";
    const char* invalid = "host is not valid";
    const char* differ = "host and request target differ";
    const auto host = [](const std::string& value) { return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n"; };
    const auto pair = [](const std::string& target, const std::string& value) {
        return "GET " + target + " HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
    };
    return {
        {"no host", "GET / HTTP/1.1\r\n\r\n", missing},
        {"no host, absolute-form", "GET http://a.example/ HTTP/1.1\r\n\r\n", missing},
        {"two hosts", kGet + "Host: b.example\r\n\r\n", repeated},
        {"two equal hosts", kGet + "Host: a.example\r\n\r\n", repeated},
        {"two hosts, other case", kGet + "hOST: b.example\r\n\r\n", repeated},
        {"two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", repeated},
        {"host with space before colon", "GET / HTTP/1.1\r\nHost : a.example\r\n\r\n", "name is malformed"},
        {"empty host", host(""), invalid},
        {"list", host("a.example, b.example"), invalid},
        {"space inside", host("a.example b.example"), invalid},
        {"tab inside", host("a.example\tb"), invalid},
        {"userinfo", host("user@a.example"), invalid},
        {"path", host("a.example/x"), invalid},
        {"query", host("a.example?x"), invalid},
        {"fragment", host("a.example#x"), invalid},
        {"backslash", host("a.example\\x"), invalid},
        {"scheme", host("http://a.example"), invalid},
        {"percent", host("a%2eexample"), invalid},
        {"high byte", host("\xc3\xa4.example"), invalid},
        {"empty port", host("a.example:"), invalid},
        {"bad port", host("a.example:80x"), invalid},
        {"negative port", host("a.example:-1"), invalid},
        {"port too large", host("a.example:99999"), invalid},
        {"port alone", host(":80"), invalid},
        {"IPv6 without brackets", host("::1"), invalid},
        {"IPv6 zone", host("[fe80::1%eth0]"), invalid},
        {"IPv6 open", host("[::1"), invalid},
        {"quotes", host("\"a.example\""), invalid},
        {"star", host("*"), invalid},
        {"name too long", host(std::string(256, 'a')), invalid},
        {"other host", pair("http://a.example/", "b.example"), differ},
        {"other port", pair("http://a.example/", "a.example:8080"), differ},
        {"port only in target", pair("http://a.example:8080/", "a.example"), differ},
        {"default port of the other scheme", pair("http://a.example/", "a.example:443"), differ},
        {"https port", pair("https://a.example/", "a.example:80"), differ},
        {"prefix", pair("http://a.example/", "a.example.evil.example"), differ},
        {"trailing dot", pair("http://a.example/", "a.example."), differ},
    };
}

std::string shown(const std::string& text) {
    return ::testing::PrintToString(text);
}

void expect_all_refused(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        const auto head = parse_request_head(row.text, Limits{});
        ASSERT_FALSE(head) << row.name << " " << shown(row.text);
        EXPECT_EQ(head.error().code, base::ErrorCode::protocol) << row.name;
        EXPECT_NE(head.error().message.find(row.why), std::string::npos)
            << row.name << " " << shown(row.text) << " was refused because " << head.error().message;
    }
}

TEST(HostileRequest, PX15_framing) { expect_all_refused(framing_rows()); }
TEST(HostileRequest, PX15_syntax) { expect_all_refused(syntax_rows()); }
TEST(HostileRequest, PX15_host) { expect_all_refused(host_rows()); }
TEST(HostileRequest, PX15_the_table_is_large_enough) {
    EXPECT_GE(framing_rows().size() + syntax_rows().size() + host_rows().size(), 150u);
}

TEST(HostileRequest, PX15_every_control_byte_is_refused_everywhere) {
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        const bool control = c < 0x20 || c == 0x7f;
        const std::string in_value = kGet + "A: x" + byte + "y\r\n\r\n";
        EXPECT_EQ(parse_request_head(in_value, Limits{}).has_value(), !control || c == '\t') << c;
        const std::string in_target = std::string("GET /x") + byte + "y HTTP/1.1\r\nHost: a\r\n\r\n";
        const bool target_ok = !control && c < 0x80 && c != ' ' && c != '#' && c != '\\';
        EXPECT_EQ(parse_request_head(in_target, Limits{}).has_value(), target_ok) << c;
    }
}

TEST(HostileRequest, PX31_limits) {
    Limits limits;
    limits.request_line = 64;
    limits.header_bytes = 64;
    limits.header_count = 3;
    const auto line_of = [](std::size_t n) {
        const std::string frame = "GET / HTTP/1.1\r\n";
        return "GET /" + std::string(n - frame.size(), 'a') + " HTTP/1.1\r\n";
    };
    EXPECT_TRUE(parse_request_head(line_of(64) + "Host: a\r\n\r\n", limits));
    const auto long_line = parse_request_head(line_of(65) + "Host: a\r\n\r\n", limits);
    ASSERT_FALSE(long_line);
    EXPECT_EQ(long_line.error().code, base::ErrorCode::limit);
    // "Host: a\r\n" 9, "\r\n" 2, so 53 are left for "B: ...\r\n".
    EXPECT_TRUE(parse_request_head("GET / HTTP/1.1\r\nHost: a\r\nB: " + std::string(48, 'b') + "\r\n\r\n", limits));
    const auto large = parse_request_head("GET / HTTP/1.1\r\nHost: a\r\nB: " + std::string(49, 'b') + "\r\n\r\n", limits);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, base::ErrorCode::limit);
    EXPECT_TRUE(parse_request_head("GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 1\r\n\r\n", limits));
    const auto many = parse_request_head("GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n", limits);
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().code, base::ErrorCode::limit);
}

TEST(HostileRequest, errors_never_show_what_the_peer_sent) {
    const std::string canary = "sEcReTcAnArY";
    for (const std::string& text : {"GET /" + canary + "\\ HTTP/1.1\r\nHost: a\r\n\r\n", kGet + canary + "\r\n\r\n",
                                    kGet + "A: " + canary + "\x01\r\n\r\n", canary + "\r\n\r\n",
                                    "GET / HTTP/1.1\r\nHost: " + canary + "/\r\n\r\n"}) {
        const auto head = parse_request_head(text, Limits{});
        ASSERT_FALSE(head);
        EXPECT_EQ(head.error().describe().find(canary), std::string::npos);
    }
}

// The counterpart: what the world sends and must pass.
TEST(Request, ordinary_messages_are_read) {
    struct Good {
        std::string text;
        BodyFraming::Kind kind;
        std::uint64_t length;
    };
    using Kind = BodyFraming::Kind;
    const std::vector<Good> rows = {
        {kGet + kEnd, Kind::none, 0},
        {"GET / HTTP/1.0\r\n\r\n", Kind::none, 0},
        {"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"GET //two/slashes HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"GET /a?b={c}|d^e\\f\"g\"<h> HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"GET /%zz HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"GET http://a.example/x HTTP/1.1\r\nHost: A.EXAMPLE:80\r\n\r\n", Kind::none, 0},
        {"GET HTTPS://a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"GET http://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"GET http://[2001:db8::1]:8080/ HTTP/1.1\r\nHost: [2001:DB8::1]:8080\r\n\r\n", Kind::none, 0},
        {"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", Kind::none, 0},
        {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
        {"CONNECT a.example:443 HTTP/1.1\r\nHost: proxy.example:8080\r\n\r\n", Kind::none, 0},
        {"CONNECT a.example:443 HTTP/1.0\r\n\r\n", Kind::none, 0},
        {"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nContent-Length: 0\r\n\r\n", Kind::length, 0},
        {"PATCH /x HTTP/1.1\r\nHost: under_score.example:1\r\nContent-Length: 7\r\n\r\n", Kind::length, 7},
        {kPost + "Content-Length:9223372036854775807\r\n\r\n", Kind::length, 9223372036854775807u},
        {kPost + "Content-Length: \t 003 \t\r\n\r\n", Kind::length, 3},
        {kPost + "Transfer-Encoding: chunked\r\n\r\n", Kind::chunked, 0},
        {kPost + "Transfer-Encoding: Chunked\r\n\r\n", Kind::chunked, 0},
        {kGet + "Content-Length: 2\r\n\r\n", Kind::length, 2},
        {kGet + "X-Empty:\r\nX-Utf8: \xc3\xa9\r\nX-Tab: a\tb\r\n!#$%&'*+-.^_`|~09: x\r\n\r\n", Kind::none, 0},
        {"M-SEARCH / HTTP/1.1\r\nHost: a.example\r\n\r\n", Kind::none, 0},
    };
    for (const Good& row : rows) {
        const auto head = parse_request_head(row.text, Limits{});
        ASSERT_TRUE(head) << shown(row.text) << head.error().message;
        EXPECT_EQ(head->framing.kind, row.kind) << shown(row.text);
        EXPECT_EQ(head->framing.length, row.length) << shown(row.text);
    }
}

TEST(Request, a_head_is_read_into_its_parts) {
    const auto head = parse_request_head("PUT /p?q=1 HTTP/1.1\r\nHost:  a.example \r\nX-A:1\r\nx-a: 2\t\r\n\r\n", Limits{});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->method, "PUT");
    EXPECT_EQ(head->target, "/p?q=1");
    EXPECT_EQ(head->minor_version, 1);
    EXPECT_EQ(head->fields.find("host"), "a.example");
    EXPECT_EQ(head->fields.all("X-A"), (std::vector<std::string_view>{"1", "2"}));
    EXPECT_EQ(head->fields.items()[1].name, "X-A");
}

}  // namespace
}  // namespace claviger::http
