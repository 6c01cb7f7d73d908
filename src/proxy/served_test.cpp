#include "proxy/served.hpp"

#include "proxy/session_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

struct ServedTest : ProxyTest {
    void TestBody() override {}
    std::vector<Served> records;

    void start_recording() {
        options.on_served = [this](const Served& served) { records.push_back(served); };
        options.addresses.allow_loopback = true;
        start();
    }
    [[nodiscard]] std::string connect(const std::string& target) const {
        return "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n" + authorization + "\r\n";
    }
    // Sends it alone and gives its record, which there must be one of.
    Served record_of(const std::string& request) {
        records.clear();
        (void)status_of(request);
        EXPECT_TRUE(eventually([&] { return !records.empty(); }));
        EXPECT_EQ(records.size(), 1u);
        return records.empty() ? Served{} : records.front();
    }
};

TEST_F(ServedTest, a_request_has_one_record) {
    start_recording();
    SilentServer server(loop, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    const auto before = clock.now();
    const auto served = record_of(get(server.authority()));
    EXPECT_EQ(served.kind, Served::Kind::request);
    EXPECT_EQ(served.method + " " + served.host + served.path, "GET " + server.authority() + "/slow");
    EXPECT_EQ(served.status, 200);
    EXPECT_EQ(served.reason, "");
    EXPECT_EQ(served.response_bytes, 2u);
    EXPECT_GE(served.at, before);
    EXPECT_LE(served.at, clock.now());
}

TEST_F(ServedTest, LG03_no_query_and_no_secret_in_the_path) {
    start_recording();
    SilentServer server(loop, "HTTP/1.1 204 No Content\r\n\r\n");
    const auto served = record_of("GET http://" + server.authority() + "/a/x7Kq9fQ2mL5vR8tY3wZ6?key=1 HTTP/1.1\r\nHost: " + server.authority() + "\r\n" + authorization + "\r\n");
    EXPECT_EQ(served.path, "/a/***");
}

// Not the server's, although that has got a part of it.
TEST_F(ServedTest, PX15_a_body_that_breaks_a_rule_is_its_client_s_mistake) {
    start_recording();
    SilentServer server(loop, "");
    const std::string head = "POST http://" + server.authority() + "/x HTTP/1.1\r\nHost: " + server.authority() + "\r\n" + authorization + "Transfer-Encoding: chunked\r\n\r\n";
    for (const std::string body : {"x\r\n", "3\r\nabcd", "3\r\nabc\r\n0\r\nHost: other\r\n\r\n"}) {
        EXPECT_EQ(status_of(head + body), 400) << body;
        const auto served = record_of(head + body);
        EXPECT_EQ(std::to_string(served.status) + " " + served.reason, "400 bad_request") << body;
    }
}

TEST_F(ServedTest, every_refusal_has_its_reason) {
    options.unmatched = Unmatched::deny;
    options.router = policy::Router({route_to({"api.acme.com", "http://127.0.0.1:9"})});
    ASSERT_TRUE(options.methods.add("ADDED"));
    start_recording();
    const auto reason_of = [&](const std::string& request) {
        const auto served = record_of(request);
        return std::to_string(served.status) + " " + served.reason + " " + served.method + " " + served.host + served.path + " " + served.provider;
    };
    EXPECT_EQ(reason_of(connect("evil.example:443")), "403 not_allowed CONNECT evil.example ");
    EXPECT_EQ(reason_of(connect("evil.example")), "400 bad_request   ") << "no request at all";
    EXPECT_EQ(reason_of(get("evil.example")), "403 not_allowed GET evil.example/slow ");
    EXPECT_EQ(reason_of(get("api.acme.com")), "403 not_allowed GET api.acme.com/slow ");
    EXPECT_EQ(reason_of("TRACE http://127.0.0.1:9/ HTTP/1.1\r\nHost: 127.0.0.1:9\r\n" + authorization + "\r\n"), "405 method_not_allowed TRACE 127.0.0.1:9/ ");
    EXPECT_EQ(reason_of("FETCH http://127.0.0.1:9/ HTTP/1.1\r\nHost: 127.0.0.1:9\r\n" + authorization + "\r\n"), "405 method_not_allowed FETCH 127.0.0.1:9/ ");
    EXPECT_EQ(reason_of("get http://127.0.0.1:9/ HTTP/1.1\r\nHost: 127.0.0.1:9\r\n" + authorization + "\r\n"), "405 method_not_allowed get 127.0.0.1:9/ ");
    EXPECT_EQ(reason_of("MKCALENDAR http://127.0.0.1:9/ HTTP/1.1\r\nHost: 127.0.0.1:9\r\n" + authorization + "\r\n"), "424 needs_login MKCALENDAR 127.0.0.1:9/ acme");
    EXPECT_EQ(reason_of("ADDED http://127.0.0.1:9/ HTTP/1.1\r\nHost: 127.0.0.1:9\r\n" + authorization + "\r\n"), "424 needs_login ADDED 127.0.0.1:9/ acme");
    EXPECT_EQ(reason_of(get("127.0.0.1:9")), "424 needs_login GET 127.0.0.1:9/slow acme");
    EXPECT_EQ(reason_of("GET http://api.acme.com/ HTTP/1.1\r\nHost: api.acme.com\r\n\r\n"), "407 proxy_authentication_required GET  ");
    EXPECT_EQ(reason_of("no request\r\n\r\n"), "400 bad_request   ");
    EXPECT_EQ(reason_of("GET http://a/" + std::string(200000, 'x') + " HTTP/1.1\r\n\r\n"), "431 limit   ");
}

TEST_F(ServedTest, a_handshake_for_another_name_is_recorded) {
    options.router = policy::Router({route_to({"api.acme.com"})});
    start_recording();
    auto client = dial();
    send(*client, connect("api.acme.com:443"));
    EXPECT_NE(receive(*client, "\r\n\r\n").find("200"), std::string::npos);
    send(*client, "no handshake at all, but long enough to be told from one");
    EXPECT_TRUE(eventually([&] { return records.size() == 1; }));
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].reason, "client_tls");
    EXPECT_EQ(records[0].host, "api.acme.com");
    EXPECT_EQ(records[0].status, 0);
}

TEST_F(ServedTest, a_client_that_leaves_has_abandoned_its_request) {
    start_recording();
    SilentServer server(loop, "");
    auto client = dial();
    send(*client, get(server.authority()));
    ASSERT_TRUE(eventually([&] { return server.requests == 1; }));
    EXPECT_TRUE(records.empty());
    client->close();
    ASSERT_TRUE(eventually([&] { return !records.empty(); }));
    EXPECT_EQ(records[0].status, 0);
    EXPECT_EQ(records[0].reason, "abandoned");
}

TEST_F(ServedTest, a_tunnel_is_recorded_at_its_end_with_the_bytes_of_both_ways) {
    start_recording();
    SilentServer server(loop, "four");
    auto client = dial();
    send(*client, connect(server.authority()));
    EXPECT_NE(receive(*client, "\r\n\r\n").find("200"), std::string::npos);
    send(*client, "12345\r\n\r\n");
    EXPECT_EQ(receive(*client, "four"), "four");
    EXPECT_TRUE(records.empty());
    client->close();
    ASSERT_TRUE(eventually([&] { return !records.empty(); }));
    EXPECT_EQ(records[0].kind, Served::Kind::tunnel);
    EXPECT_EQ(records[0].method + " " + records[0].host + records[0].path, "CONNECT " + server.authority());
    EXPECT_EQ(records[0].request_bytes, 9u);
    EXPECT_EQ(records[0].response_bytes, 4u);
    EXPECT_EQ(records[0].status, 200);
}

// The child may be gone, and with it the session, while a request or a tunnel is under way.
TEST(ServedAtTheEnd, what_is_under_way_when_the_loop_dies_is_recorded) {
    std::vector<Served> records;
    {
        ServedTest session;
        session.options.on_served = [&](const Served& served) { records.push_back(served); };
        session.options.addresses.allow_loopback = true;
        session.start();
        SilentServer server(session.loop, "");
        SilentServer talking(session.loop, "four");
        auto client = session.dial(), other = session.dial();
        session.send(*client, session.get(server.authority()));
        session.send(*other, session.connect(talking.authority()));
        EXPECT_NE(session.receive(*other, "\r\n\r\n").find("200"), std::string::npos);
        session.send(*other, "12345\r\n\r\n");
        EXPECT_EQ(session.receive(*other, "four"), "four");
        ASSERT_TRUE(session.eventually([&] { return server.requests == 1; }));
        EXPECT_TRUE(records.empty());
    }
    ASSERT_EQ(records.size(), 2u);
    const bool first = records[0].kind == Served::Kind::request;
    EXPECT_EQ(records[first ? 0 : 1].reason, "interrupted");
    EXPECT_EQ(records[first ? 1 : 0].response_bytes, 4u);
    EXPECT_EQ(records[first ? 1 : 0].request_bytes, 9u);
}

TEST_F(ServedTest, LG05_no_credential_is_asked_for_while_it_could_not_be_written_down) {
    options.router = policy::Router({route_to({"http://127.0.0.1:9"})});
    bool full = true;
    options.may_release = [&full]() -> base::Result<void> {
        if (full) return base::fail(base::ErrorCode::storage, "cannot write /home/ann/audit/1.jsonl: the disk is full");
        return {};
    };
    start_recording();
    auto client = dial();
    send(*client, get("127.0.0.1:9"));
    const std::string answer = receive(*client, "}\n");
    auto served = record_of(get("127.0.0.1:9"));
    EXPECT_EQ(std::to_string(served.status) + served.reason + served.provider, "503audit_unavailableacme");
    EXPECT_EQ(answer.find("/home"), std::string::npos) << "PX-35: " << answer;
    EXPECT_NE(served.why.find("/home/ann/audit"), std::string::npos) << "the owner is told";
    EXPECT_EQ(credentials.asked, 0);
    full = false;
    served = record_of(get("127.0.0.1:9"));
    EXPECT_EQ(served.status, 424);
    EXPECT_EQ(credentials.asked, 1);
}

}  // namespace
}  // namespace claviger::proxy
