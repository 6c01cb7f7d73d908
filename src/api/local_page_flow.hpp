// The state of one flow in the browser, and the site that serves several of them on one port. Internal to the local
// page. Ownership: a site is shared by its flows' dialogs; a flow is shared by its dialog and the requests that wait
// on it. Thread rule: on the Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/local_page.hpp"
#include "http/server.hpp"

namespace claviger::api {

using FormCheck = std::function<std::map<std::string, std::string>(const connection::Answers&)>;

struct PageFlow {
    enum class Step { idle, form, leaving, device, working, finished };

    PageFlow(net::Loop& on, std::string token) : loop(on), page_token(std::move(token)) {
        changed = std::make_shared<net::Event>(on);
    }

    net::Loop& loop;
    std::string page_token;  // path of the page that follows the flow; only a tab that was in it knows it
    std::string name = "The provider";
    Step step = Step::idle;

    // Step::form. The token is in the link; both go with a valid answer (LB-04).
    std::string form_token, csrf;
    connection::Form form;
    FormCheck check;
    std::map<std::string, std::string> wrong;
    std::optional<connection::Answers> answers;

    // Step::leaving. The state is the only thing that makes a callback belong here (OA-03).
    std::optional<net::Url> link;
    std::string go_token, state_param;
    base::Secret state;
    bool form_post = false;
    std::optional<connection::AuthorizationResponse> response;

    std::optional<connection::DeviceCode> device_code;  // Step::device

    std::optional<base::ErrorCode> failure;  // Step::finished: nullopt = connected
    bool tab_expected = false;   // a browser was just told to come back
    bool tab_here = false;       // it has come for the present step
    bool outcome_shown = false;

    std::shared_ptr<net::Event> changed;
    // Wakes everybody who waits for the flow to move.
    void notify() {
        auto old = std::move(changed);
        changed = std::make_shared<net::Event>(loop);
        old->set();
    }
};

class LocalSite : public std::enable_shared_from_this<LocalSite> {
public:
    static base::Result<std::shared_ptr<LocalSite>> open(net::Loop& loop, LocalPageOptions options,
                                                         base::Random& random, base::Log& log);
    LocalSite(net::Loop& loop, LocalPageOptions options, base::Random& random, base::Log& log)
        : loop_(loop), options_(std::move(options)), random_(random), log_(log) {}

    base::Result<std::shared_ptr<PageFlow>> add_flow();
    void remove_flow(const std::shared_ptr<PageFlow>& flow);  // the last one closes the listener (LB-15)

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string origin() const;
    [[nodiscard]] net::Loop& loop() const { return loop_; }
    [[nodiscard]] const LocalPageOptions& options() const { return options_; }
    std::string new_token();  // 128 bits
    base::Log& log() { return log_; }

private:
    static net::Task<http::ServerResponse> handle(std::weak_ptr<LocalSite> weak, http::ServerRequest request);
    net::Task<http::ServerResponse> route(http::ServerRequest request);
    net::Task<http::ServerResponse> follow(std::shared_ptr<PageFlow> flow);
    net::Task<http::ServerResponse> show_code(std::shared_ptr<PageFlow> flow, bool wait);
    http::ServerResponse show_form(std::string_view token);
    http::ServerResponse take_form(std::string_view token, const http::ServerRequest& request);
    http::ServerResponse take_callback(std::string_view encoded);
    http::ServerResponse leave(std::string_view token);
    std::shared_ptr<PageFlow> with_form(std::string_view token) const;
    std::shared_ptr<PageFlow> with_page(std::string_view token) const;
    bool form_post_expected() const;

    net::Loop& loop_;
    LocalPageOptions options_;
    base::Random& random_;
    base::Log& log_;
    std::uint16_t port_ = 0;
    std::vector<std::shared_ptr<PageFlow>> flows_;
    std::unique_ptr<http::Server> server_;
};

inline constexpr std::string_view kCallbackPath = "/auth/callback/oauth";
inline constexpr std::string_view kFormPath = "/connect/";
inline constexpr std::string_view kFollowPath = "/flow/";
inline constexpr std::string_view kGoPath = "/go/";
inline constexpr std::string_view kCodePath = "/code/";

}  // namespace claviger::api
