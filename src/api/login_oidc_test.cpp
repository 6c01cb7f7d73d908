// Whole logins: connect() with the real local page, a browser that follows redirects, a real vault and a real
// authorization server (tests/peers/oidc).
#include <signal.h>

#include <cstdio>
#include <filesystem>

#include "api/local_page_test_support.hpp"
#include "connection/connect.hpp"
#include "json/parse.hpp"
#include "oauth/token.hpp"
#include "provider/read.hpp"

namespace claviger::api::testing {
namespace {

using base::ErrorCode;
using connection::ConnectOutcome;
using connection::ConnectRequest;

class RealServer {
public:
    explicit RealServer(const std::string& switches) {
        const auto peers = std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/peers";
        if (!std::filesystem::exists(peers / "oidc/node_modules")) return;
        pipe_ = ::popen(fmt::format("exec '{}' '{}' {} 2>/dev/null", (peers / "node/run").string(), (peers / "oidc/server.mjs").string(), switches).c_str(), "r");
        char line[4096] = {};
        if (pipe_ == nullptr || std::fgets(line, sizeof line, pipe_) == nullptr) return;
        const auto value = json::parse(line);
        if (!value) return;
        issuer = std::string(json::string_at(value->get_object(), "issuer").value_or(""));
        pid_ = static_cast<pid_t>(json::int_at(value->get_object(), "pid").value_or(0));
    }
    ~RealServer() {
        if (pid_ > 0) ::kill(pid_, SIGTERM);
        if (pipe_ != nullptr) ::pclose(pipe_);
    }
    RealServer(const RealServer&) = delete;
    RealServer& operator=(const RealServer&) = delete;
    std::string issuer;  // empty: not installed

private:
    std::FILE* pipe_ = nullptr;
    pid_t pid_ = 0;
};

// A browser without JavaScript: keeps cookies, follows redirects and refreshes, and fills in the one form it meets.
class TabSession {
public:
    TabSession(net::Loop& loop, std::map<std::string, std::string> typed) : loop_(loop), typed_(std::move(typed)) {}

    static net::Task<void> visit(TabSession& self, std::string address) {
        std::string method = "GET", body;
        for (int steps = 0; steps < 40; ++steps) {
            const auto url = net::Url::parse(address).value();
            std::string cookies;
            for (const auto& [name, value] : self.cookies_[url.authority()]) cookies += name + "=" + value + "; ";
            Sent sent{method, url.request_target(), body};
            sent.host = url.authority();
            if (method == "POST") sent.origin = url.origin();
            if (!cookies.empty()) sent.more = {"Cookie: " + cookies.substr(0, cookies.size() - 2)};
            auto reply = co_await exchange(self.loop_, url.port(), sent.text(url.port()));
            self.last = reply;
            self.addresses.push_back(url.text());
            self.keep_cookies(url.authority(), reply);
            method = "GET";
            body.clear();
            if (reply.status >= 300 && reply.status < 400) {
                address = url.resolve(reply.header("location"))->text();
            } else if (const auto csrf = csrf_of(reply.body); !csrf.empty()) {
                method = "POST";
                body = "csrf=" + csrf;
                for (const auto& [name, value] : self.typed_) body += "&" + name + "=" + base::form_encode(value);
            } else if (const auto next = refresh_of(reply.body); next) {
                if (!next->empty()) address = url.resolve(*next)->text();
            } else {
                co_return;
            }
        }
    }
    Reply last;
    std::vector<std::string> addresses;

private:
    static std::optional<std::string> refresh_of(const std::string& html) {
        constexpr std::string_view kTag = "http-equiv=\"refresh\" content=\"";
        const auto at = html.find(kTag);
        if (at == std::string::npos) return std::nullopt;
        const auto content = html.substr(at + kTag.size(), html.find('"', at + kTag.size()) - at - kTag.size());
        const auto url = content.find("url=");
        return url == std::string::npos ? std::string() : content.substr(url + 4);
    }
    void keep_cookies(const std::string& host, const Reply& reply) {
        const auto [from, to] = reply.headers.equal_range("set-cookie");
        for (auto it = from; it != to; ++it) {
            const auto pair = it->second.substr(0, it->second.find(';'));
            const auto equals = pair.find('=');
            if (equals != std::string::npos) cookies_[host][pair.substr(0, equals)] = pair.substr(equals + 1);
        }
    }
    net::Loop& loop_;
    std::map<std::string, std::string> typed_;
    std::map<std::string, std::map<std::string, std::string>> cookies_;
};

class Login : public ::testing::Test {
protected:
    void start(const std::string& switches = "") {
        server = std::make_unique<RealServer>(switches);
        ASSERT_FALSE(server->issuer.empty()) << "no authorization server to test against: run ./dev setup";
        home = std::filesystem::path(::testing::TempDir()) / ("claviger-login-" + random.token(9));
        vault::Vault::Options options;
        options.home = home;
        options.key_source.kind = vault::KeySourceKind::file;
        auto opened = vault::Vault::open(options, clock, random);
        ASSERT_TRUE(opened) << opened.error().describe();
        vault.emplace(std::move(*opened));
        connections.emplace(*vault, std::string(vault::kLocalTenant), clock);
        http::Client::Options http_options;
        http_options.addresses.allow_loopback = true;
        auto made = http::Client::make(loop, http_options);
        ASSERT_TRUE(made);
        http.emplace(std::move(*made));
    }
    void TearDown() override {
        connections.reset();
        vault.reset();
        if (!home.empty()) std::filesystem::remove_all(home);
    }

    provider::ProviderDefinition definition(const std::string& flow, const std::string& members) {
        auto read = provider::read_definition(fmt::format(
            R"({{"name":"acme","display_name":"Acme CRM","auth_type":"oauth2","flow":"{}","api_url":"api.acme.example","oauth":{{{}}}}})", flow, members));
        EXPECT_TRUE(read.ok()) << provider::format_findings(read.findings, "test");
        return read.definitions.at(0);
    }
    base::Result<ConnectOutcome> login(const provider::ProviderDefinition& what, ConnectRequest request = {},
                                       std::map<std::string, std::string> typed = {}) {
        tab = std::make_unique<TabSession>(loop, std::move(typed));
        LocalPageOptions options;
        options.port = 0;
        options.open_browser = [this](const net::Url& url) { loop.spawn("test.browser", TabSession::visit(*tab, url.text())); };
        auto page = LocalPage::open(loop, std::move(options), random, log).value();
        connection::Surroundings around{loop, *http, *connections, *page, random, log};
        return loop.run_until(connection::connect(around, what, std::move(request)));
    }
    base::Result<oauth::TokenResponse> refresh(const base::Secret& token, const std::string& client_id) {
        oauth::TokenRequest request;
        request.endpoint = net::Url::parse(server->issuer + "/token").value();
        request.client.client_id = client_id;
        request.grant_type = "refresh_token";
        request.grant.emplace_back("refresh_token", token.duplicate());
        return loop.run_until(oauth::request_token(*http, std::move(request)));
    }

    net::Loop loop;
    base::SystemClock clock;
    base::SystemRandom random;
    base::Log log;
    std::filesystem::path home;
    std::unique_ptr<RealServer> server;
    std::optional<vault::Vault> vault;
    std::optional<connection::Connections> connections;
    std::optional<http::Client> http;
    std::unique_ptr<TabSession> tab;
};

TEST_F(Login, OA01_OA04_OA06_OA16_registers_logs_in_and_gets_a_rotating_token) {
    start();
    if (IsSkipped()) return;
    const auto outcome = login(definition("dcr_pkce", fmt::format(R"("issuer":"{}","supports_dcr":true,"scopes":["openid","read","offline_access"])", server->issuer)));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(outcome->warnings.empty());
    EXPECT_NE(tab->last.body.find("Acme CRM is connected"), std::string::npos);  // LB-14
    EXPECT_EQ(tab->addresses.back().find("code="), std::string::npos);           // LB-08
    const auto stored = connections->load("acme", "default").value();
    EXPECT_EQ(stored.issuer, server->issuer);
    EXPECT_FALSE(stored.access_token.empty());
    ASSERT_FALSE(stored.refresh_token.empty());
    const auto client = connections->client("acme", server->issuer).value().value();
    EXPECT_TRUE(client.dynamically_registered);
    EXPECT_FALSE(client.registration_access_token.empty());
    // The tokens are real: they refresh, and rotation revokes the family on replay.
    const auto second = refresh(stored.refresh_token, stored.client_id);
    ASSERT_TRUE(second) << second.error().describe();
    EXPECT_FALSE(second->refresh_token.equals(stored.refresh_token));
    EXPECT_NE(refresh(stored.refresh_token, stored.client_id).error().message.find("invalid_grant"), std::string::npos);
}

TEST_F(Login, a_client_entered_in_the_form_goes_on_to_the_provider_in_the_same_tab) {
    const auto clients = std::filesystem::path(::testing::TempDir()) / "oidc-clients.json";
    {
        std::FILE* file = std::fopen(clients.c_str(), "w");
        ASSERT_NE(file, nullptr);
        // The port of the page is not known yet; native clients may use any port on the loopback (RFC 8252 section 7.3).
        std::fputs(R"([{"client_id":"by-hand","client_secret":"s3cr:t %+","redirect_uris":["http://127.0.0.1/auth/callback/oauth"],
            "application_type":"native","token_endpoint_auth_method":"client_secret_basic","grant_types":["authorization_code","refresh_token"]}])", file);
        std::fclose(file);
    }
    start("--no-registration --clients '" + clients.string() + "'");
    if (IsSkipped()) return;
    const auto what = definition("pkce", fmt::format(R"("authorization_url":"{0}/auth","token_url":"{0}/token","issuer":"{0}",
        "token_auth_method":"client_secret_basic","scopes":["openid"])", server->issuer));
    const auto outcome = login(what, {}, {{"client_id", "by-hand"}, {"client_secret", "s3cr:t %+"}});
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_NE(tab->last.body.find("Acme CRM is connected"), std::string::npos);
    ConnectRequest second;
    second.connection_name = "work";
    ASSERT_TRUE(login(what, second));  // nothing typed: the client is known
    std::filesystem::remove(clients);
}

TEST_F(Login, LB14_a_denied_login_says_so_in_the_browser_and_stores_nothing) {
    start("--deny");
    if (IsSkipped()) return;
    const auto outcome = login(definition("dcr_pkce", fmt::format(R"("issuer":"{}","supports_dcr":true,"scopes":["openid"])", server->issuer)));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::authorization_failed);
    EXPECT_NE(outcome.error().message.find("access_denied"), std::string::npos);
    EXPECT_NE(tab->last.body.find("Acme CRM is not connected"), std::string::npos);
    EXPECT_EQ(tab->last.body.find("the test said no"), std::string::npos);  // LB-06
    EXPECT_TRUE(connections->list()->empty());
}

TEST_F(Login, OA04_a_response_without_its_announced_issuer_is_refused) {
    start("--no-iss");
    if (IsSkipped()) return;
    const auto outcome = login(definition("dcr_pkce", fmt::format(R"("issuer":"{}","supports_dcr":true,"scopes":["openid"])", server->issuer)));
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message.find("issuer"), std::string::npos) << outcome.error().message;
    EXPECT_TRUE(connections->list()->empty());
}

TEST_F(Login, granted_scopes_are_recorded_and_fewer_are_told) {
    start("--grant-only openid,read");
    if (IsSkipped()) return;
    const auto outcome = login(definition("dcr_pkce", fmt::format(R"("issuer":"{}","supports_dcr":true,"scopes":["openid","read","write"])", server->issuer)));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(outcome->warnings, (std::vector<std::string>{"granted fewer scopes than requested: missing write"}));
    EXPECT_EQ(connections->load("acme", "default")->scopes(), (std::vector<std::string>{"openid", "read"}));
}

}  // namespace
}  // namespace claviger::api::testing
