#include "api/local_page_flow.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace claviger::api {

base::Result<std::shared_ptr<LocalSite>> LocalSite::open(net::Loop& loop, LocalPageOptions options,
                                                         base::Random& random, base::Log& log) {
    const auto port = options.port;
    auto listener = net::Listener::loopback(loop, port);
    if (!listener && options.another_port && listener.error().code == base::ErrorCode::busy) {
        auto free = net::Listener::loopback(loop, 0);
        if (free && options.say) options.say(fmt::format("Port {} is taken: this login uses port {}.", port, free->port()));
        if (free) listener = std::move(free);
    }
    if (!listener) {
        auto error = listener.error();
        if (error.code == base::ErrorCode::busy) {
            if (error.message.empty()) error.message = fmt::format("port {} is in use by another program", port);
            error.hint = fmt::format("the redirect URI needs port {}: end the program that holds it, or finish the "
                                     "other login, and try again; or give another one with --port, if the app is registered for it", port);
        }
        return base::fail(std::move(error));
    }
    auto site = std::make_shared<LocalSite>(loop, std::move(options), random, log);
    site->port_ = listener->port();
    http::Server::Options limits;  // LB-05
    limits.limits.header_bytes = 16 * 1024;
    limits.max_body = 64 * 1024;
    limits.max_connections = 64;
    limits.request_time = std::chrono::seconds(10);
    limits.limits.header_time = std::chrono::seconds(10);
    const std::weak_ptr<LocalSite> weak = site;
    http::Server::Handler handler = [weak](http::ServerRequest request) { return handle(weak, std::move(request)); };
    site->server_ = std::make_unique<http::Server>(loop, std::move(*listener), limits, std::move(handler));
    return site;
}

base::Result<std::shared_ptr<PageFlow>> LocalSite::add_flow() {
    if (server_ == nullptr) return base::fail(base::ErrorCode::cancelled, "the local page is closed");
    if (flows_.size() >= LocalPage::kMaxFlows)
        return base::fail(base::ErrorCode::limit, "too many logins wait in the browser at once",
                          "finish or stop one of them");
    flows_.push_back(std::make_shared<PageFlow>(loop_, new_token()));
    return flows_.back();
}

void LocalSite::remove_flow(const std::shared_ptr<PageFlow>& flow) {
    std::erase(flows_, flow);
    flow->notify();
    if (flows_.empty()) server_.reset();  // closes the listener and what is connected
}

std::string LocalSite::origin() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::string LocalSite::new_token() {
    constexpr std::size_t kTokenBytes = 16;
    return random_.token(kTokenBytes);
}

}  // namespace claviger::api
