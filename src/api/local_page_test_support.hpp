// A browser of bytes for tests: raw HTTP over TCP to a real LocalPage on an ephemeral port, on one Loop.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "api/local_page.hpp"
#include "base/text.hpp"
#include "net/tcp.hpp"

namespace claviger::api::testing {

struct Reply {
    int status = 0;  // 0: no connection, or no answer
    std::multimap<std::string, std::string> headers;  // lower-case names
    std::string body;
    [[nodiscard]] std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};

inline Reply parse_reply(const std::string& text) {
    Reply reply;
    const auto end = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) return reply;
    reply.status = std::stoi(text.substr(9, 3));
    for (const auto& line : base::split(std::string_view(text).substr(0, end), '\n')) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || line.starts_with("HTTP/")) continue;
        reply.headers.emplace(base::to_lower(line.substr(0, colon)), base::trim(std::string_view(line).substr(colon + 1)));
    }
    reply.body = text.substr(end + 4);
    return reply;
}

inline net::Task<Reply> exchange(net::Loop& loop, std::uint16_t port, std::string bytes) {
    const auto deadline = net::in(std::chrono::seconds(20));
    net::AddressPolicy policy;
    policy.allow_loopback = true;
    const net::TcpTarget target{"127.0.0.1", port};
    auto stream = co_await net::connect_tcp(loop, target, policy, deadline);
    if (!stream) co_return Reply{};
    auto written = co_await (*stream)->write_all(bytes, deadline);
    static_cast<void>(written);  // a refusal may come before everything was taken
    std::string text;
    char buffer[8192];
    for (;;) {
        auto got = co_await (*stream)->read_some(buffer, deadline);
        if (!got || *got == 0) break;
        text.append(buffer, *got);
    }
    co_return parse_reply(text);
}

// One request as a browser would send it from our own page, unless told otherwise.
struct Sent {
    std::string method = "GET", target = "/", body = "", type = "application/x-www-form-urlencoded";
    std::optional<std::string> host = {}, origin = {}, fetch_site = {};
    std::vector<std::string> more = {};  // header lines

    [[nodiscard]] std::string text(std::uint16_t port) const {
        std::string out = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", method, target,
                                      host.value_or(fmt::format("127.0.0.1:{}", port)));
        if (origin) out += "Origin: " + *origin + "\r\n";
        if (fetch_site) out += "Sec-Fetch-Site: " + *fetch_site + "\r\n";
        for (const auto& line : more) out += line + "\r\n";
        if (method == "POST" || method == "PUT" || method == "PATCH")
            out += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", type, body.size());
        return out + "Connection: close\r\n\r\n" + body;
    }
};

class Browser {
public:
    Browser(net::Loop& loop, std::uint16_t port) : loop_(loop), port_(port) {}
    Reply raw(std::string bytes) { return loop_.run_until(exchange(loop_, port_, std::move(bytes))); }
    Reply send(const Sent& sent) { return raw(sent.text(port_)); }
    Reply get(std::string target) {
        Sent sent;
        sent.target = std::move(target);
        return send(sent);
    }
    Reply post(std::string target, std::string body) {
        Sent sent;
        sent.method = "POST";
        sent.target = std::move(target);
        sent.body = std::move(body);
        sent.origin = fmt::format("http://127.0.0.1:{}", port_);
        sent.fetch_site = "same-origin";
        return send(sent);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    net::Loop& loop_;
    std::uint16_t port_;
};

// The value of the hidden CSRF field; "" when there is none.
inline std::string csrf_of(const std::string& html) {
    constexpr std::string_view kBefore = "name=\"csrf\" value=\"";
    const auto at = html.find(kBefore);
    if (at == std::string::npos) return {};
    const auto from = at + kBefore.size();
    return html.substr(from, html.find('"', from) - from);
}

// A page with everything that it needs around it, and the dialogs' answers as they come.
class PageTest : public ::testing::Test {
protected:
    struct Asked { std::optional<base::Result<connection::Answers>> result; };
    struct Authorized { std::optional<base::Result<connection::AuthorizationResponse>> result; };

    void SetUp() override {
        LocalPageOptions options;
        options.port = 0;
        options.open_browser = [this](const net::Url& url) { opened.push_back(url.text()); };
        options.say = [this](std::string_view line) { said.emplace_back(line); };
        auto made = LocalPage::open(loop, std::move(options), random, log);
        ASSERT_TRUE(made) << made.error().message;
        page = std::move(*made);
    }

    static connection::Form simple_form() {
        connection::Form form;
        form.title = "Connect Acme";
        form.intro = "One key";
        connection::FormField key;
        key.name = "api_key";
        key.label = "API key";
        key.secret = true;
        form.fields.push_back(std::move(key));
        return form;
    }

    static net::Task<void> run_ask(LocalPage& dialog, connection::Form form, net::Deadline deadline, Asked& into) {
        std::function<std::map<std::string, std::string>(const connection::Answers&)> check =
            [](const connection::Answers& answers) {
                std::map<std::string, std::string> wrong;
                const auto key = answers.find("api_key");
                if (key == answers.end() || !key->second.reveal().starts_with("good")) wrong["api_key"] = "must begin with good";
                return wrong;
            };
        into.result = co_await dialog.ask(std::move(form), std::move(check), deadline);
    }

    static net::Task<void> run_authorize(LocalPage& dialog, std::string state, std::string query, net::Deadline deadline,
                                         Authorized& into) {
        auto url = net::Url::parse("https://as.example/authorize" + query);
        into.result = co_await dialog.authorize(std::move(*url), "state", base::Secret(state), deadline);
    }

    void ask(Asked& into) { ask(*page, into); }
    void ask(LocalPage& dialog, Asked& into) {
        loop.spawn("test.ask", run_ask(dialog, simple_form(), net::in(std::chrono::minutes(5)), into));
        settle();
    }
    void authorize(Authorized& into, const std::string& state, const std::string& query = "") {
        authorize(*page, into, state, query);
    }
    void authorize(LocalPage& dialog, Authorized& into, const std::string& state, const std::string& query = "") {
        loop.spawn("test.authorize", run_authorize(dialog, state, query, net::in(std::chrono::minutes(5)), into));
        settle();
    }
    // Lets spawned tasks come to their first wait.
    void settle() { loop.run_until(loop.sleep(std::chrono::milliseconds(1))); }

    Browser browser() { return {loop, page->port()}; }
    [[nodiscard]] std::string form_path() const {
        const auto url = net::Url::parse(opened.back());
        return url->path();
    }

    net::Loop loop;
    base::SystemRandom random;
    base::Log log;
    std::vector<std::string> opened, said;
    std::unique_ptr<LocalPage> page;
};

inline constexpr const char* kCallback = "/auth/callback/oauth";

}  // namespace claviger::api::testing
