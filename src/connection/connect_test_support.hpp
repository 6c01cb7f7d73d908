// What the tests of connect() share: a vault in an empty home, a dialog that answers by itself, and a small
// authorization server on the same Loop.
#pragma once

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <csignal>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/connect.hpp"
#include "http/server.hpp"
#include "json/parse.hpp"
#include "provider/read.hpp"

namespace claviger::connection::testing {

using Words = std::map<std::string, std::string>;

inline Words read_form(std::string_view encoded) {
    Words out;
    for (const auto& piece : base::split(encoded, '&')) {
        const auto equals = piece.find('=');
        if (equals == std::string::npos) continue;
        out[base::form_decode(piece.substr(0, equals)).value()] = base::form_decode(piece.substr(equals + 1)).value();
    }
    return out;
}

inline provider::ProviderDefinition define(const std::string& text) {
    auto read = provider::read_definition(text);
    if (!read.ok() || read.definitions.empty())
        throw std::runtime_error(provider::format_findings(read.findings, "test"));
    return std::move(read.definitions.front());
}

// An authorization server whose every answer a test can change.
class FakeServer {
public:
    struct Seen { std::string method, target; Words form; std::string body, authorization, type, dpop, sender; };
    using Handler = std::function<http::ServerResponse(const Seen&)>;

    explicit FakeServer(net::Loop& loop) {
        auto listener = net::Listener::loopback(loop, 0);
        origin_ = fmt::format("http://127.0.0.1:{}", listener->port());
        server_ = std::make_unique<http::Server>(
            loop, std::move(*listener), http::Server::Options{},
            [this](http::ServerRequest request) { return answer(this, std::move(request)); });
    }

    static http::ServerResponse json(int status, std::string body) {
        http::ServerResponse response;
        response.status = status;
        response.fields.set("Content-Type", "application/json");
        response.body = std::move(body);
        return response;
    }
    void on(const std::string& path, Handler handler) { handlers_[path] = std::move(handler); }
    void on(const std::string& path, int status, std::string body) {
        handlers_[path] = [status, body](const Seen&) { return json(status, body); };
    }
    [[nodiscard]] std::vector<Seen> requests(std::string_view path) const {
        std::vector<Seen> out;
        for (const auto& each : seen)
            if (std::string_view(each.target).substr(0, each.target.find('?')) == path) out.push_back(each);
        return out;
    }
    [[nodiscard]] const std::string& origin() const { return origin_; }
    // The metadata of a complete server.
    [[nodiscard]] std::string metadata(const std::string& more = "") const {
        return fmt::format(R"({{"issuer":"{0}","authorization_endpoint":"{0}/authorize","token_endpoint":"{0}/token",
            "registration_endpoint":"{0}/register","code_challenge_methods_supported":["S256"]{1}}})", origin_, more);
    }

    std::vector<Seen> seen;

private:
    static net::Task<http::ServerResponse> answer(FakeServer* self, http::ServerRequest request) {
        Seen seen{request.head.method, request.head.target, read_form(request.body), std::string(request.body),
                  std::string(request.head.fields.find("Authorization").value_or("")),
                  std::string(request.head.fields.find("Content-Type").value_or("")),
                  std::string(request.head.fields.find("DPoP").value_or("")),
                  std::string(request.head.fields.find("X-Sender").value_or(""))};
        self->seen.push_back(seen);
        const auto handler = self->handlers_.find(seen.target.substr(0, seen.target.find('?')));
        if (handler == self->handlers_.end()) co_return json(404, "{}");
        co_return handler->second(seen);
    }

    std::string origin_;
    std::map<std::string, Handler> handlers_;
    std::unique_ptr<http::Server> server_;
};

// Answers forms from a queue and authorizations by a function; notes all that it is told.
class FakeDialog final : public Dialog {
public:
    net::Task<base::Result<Answers>> ask(Form form, std::function<Words(const Answers&)> check, net::Deadline) override {
        forms.push_back(form);
        while (!queue.empty()) {
            Answers answers;
            for (const auto& [name, value] : queue.front()) answers.emplace(name, base::Secret(value));
            queue.pop_front();
            auto wrong = check(answers);
            if (wrong.empty()) co_return answers;
            complaints.push_back(std::move(wrong));
        }
        co_return base::fail(base::ErrorCode::cancelled, "the human went away");
    }
    net::Task<base::Result<AuthorizationResponse>> authorize(net::Url url, std::string state_param, base::Secret state,
                                                             net::Deadline) override {
        links.push_back(url.text());
        const auto query = read_form(url.query().value_or(""));
        if (browser) co_return browser(query);
        co_return AuthorizationResponse{{{"code", "code-for-" + query.at("client_id")}, {state_param, std::string(state.reveal())}}};
    }
    net::Task<void> show_device_code(DeviceCode code) override {
        codes.push_back(std::move(code));
        co_return;
    }
    base::Result<std::string> redirect_uri() override { return std::string(kRedirectUri); }
    void finished(const base::Result<void>& outcome) override {
        outcomes.push_back(outcome);
        if (on_finished) on_finished();
    }
    void say(std::string_view line) override {
        said.emplace_back(line);
        if (on_say) on_say();
    }

    std::deque<Words> queue;
    std::function<base::Result<AuthorizationResponse>(const Words& query)> browser;
    std::function<void()> on_finished, on_say;
    std::vector<Form> forms;
    std::vector<Words> complaints;
    std::vector<std::string> links, said;
    std::vector<DeviceCode> codes;
    std::vector<base::Result<void>> outcomes;
};

// While it lives, no file can be written: as on a disk that is full.
class FullDisk {
public:
    // Files can be written up to `bytes`.
    explicit FullDisk(rlim_t bytes = 0) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit most{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &most);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_);
    }

private:
    rlimit before_{};
    void (*signal_)(int);
};

class ConnectTest : public ::testing::Test {
protected:
    void SetUp() override {
        home = std::filesystem::path(::testing::TempDir()) / ("claviger-connect-" + random.token(9));
        vault::Vault::Options options;
        options.home = home;
        options.key_source.kind = vault::KeySourceKind::file;
        auto opened = vault::Vault::open(options, clock, random);
        ASSERT_TRUE(opened) << opened.error().describe();
        vault = std::make_unique<vault::Vault>(std::move(*opened));
        connections = std::make_unique<Connections>(*vault, std::string(vault::kLocalTenant), clock);
        http::Client::Options http_options;
        http_options.addresses.allow_loopback = true;
        auto client = http::Client::make(loop, http_options);
        ASSERT_TRUE(client) << client.error().describe();
        http = std::make_unique<http::Client>(std::move(*client));
    }
    void TearDown() override {
        vault.reset();
        std::filesystem::remove_all(home);
    }

    base::Result<ConnectOutcome> login(const provider::ProviderDefinition& definition, ConnectRequest request = {}) {
        return login(dialog, definition, std::move(request));
    }
    base::Result<ConnectOutcome> login(Dialog& with, const provider::ProviderDefinition& definition, ConnectRequest request) {
        Surroundings around{loop, *http, *connections, with, random, log};
        return loop.run_until(connect(around, definition, std::move(request)));
    }
    std::vector<std::string> events() {
        std::vector<std::string> out;
        const auto lines = vault->audit_tail(100).value();
        for (const auto& line : lines) out.push_back(line.event + " " + line.subject);
        return out;
    }

    net::Loop loop;
    base::FakeClock clock;
    base::SystemRandom random;
    base::Log log;
    std::filesystem::path home;
    std::unique_ptr<vault::Vault> vault;
    std::unique_ptr<Connections> connections;
    std::unique_ptr<http::Client> http;
    FakeDialog dialog;
};

}  // namespace claviger::connection::testing
