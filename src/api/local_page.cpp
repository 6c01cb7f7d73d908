#include "api/local_page.hpp"

#include <fmt/format.h>

#include "api/local_page_flow.hpp"
#include "base/text.hpp"

namespace claviger::api {
namespace {

using connection::Answers;
using connection::AuthorizationResponse;
using Step = PageFlow::Step;

// A tab that has just posted a form asks for the next page within milliseconds; after this it is taken for closed.
constexpr std::chrono::milliseconds kTabReturns{1'500};
constexpr std::chrono::milliseconds kLastBytes{60};  // from the answer being made to its being on the wire

bool asks_for_form_post(const net::Url& url) {
    for (const auto& pair : base::split(url.query().value_or(""), '&'))
        if (pair == "response_mode=form_post") return true;
    return false;
}

class LocalPageDialog final : public LocalPage {
public:
    LocalPageDialog(std::shared_ptr<LocalSite> site, std::shared_ptr<PageFlow> flow)
        : site_(std::move(site)), flow_(std::move(flow)) {}
    ~LocalPageDialog() override { site_->remove_flow(flow_); }
    LocalPageDialog(const LocalPageDialog&) = delete;
    LocalPageDialog& operator=(const LocalPageDialog&) = delete;

    base::Result<std::unique_ptr<LocalPage>> another() override {
        TRY(flow, site_->add_flow());
        return std::make_unique<LocalPageDialog>(site_, std::move(flow));
    }
    std::uint16_t port() const override { return site_->port(); }
    void introduce(std::string_view display_name) override { flow_->name = std::string(display_name); }

    net::Task<base::Result<Answers>> ask(connection::Form form, FormCheck check, net::Deadline deadline) override;
    net::Task<base::Result<AuthorizationResponse>> authorize(net::Url url, std::string state_param, base::Secret state,
                                                             net::Deadline deadline) override;
    net::Task<void> show_device_code(connection::DeviceCode code) override;
    base::Result<std::string> redirect_uri() override { return site_->origin() + std::string(kCallbackPath); }
    void finished(const base::Result<void>& outcome) override;
    net::Task<void> farewell(net::Deadline deadline) override;
    void say(std::string_view line) override {
        if (site_->options().say) site_->options().say(line);
    }

private:
    // Sends the human on: by the tab that is already here, else by a new one.
    net::Task<void> present(net::Url link, std::string words);

    std::shared_ptr<LocalSite> site_;
    std::shared_ptr<PageFlow> flow_;
};

net::Task<void> LocalPageDialog::present(net::Url link, std::string words) {
    const auto until = net::in(kTabReturns);
    const auto step = flow_->step;
    while (flow_->tab_expected && !flow_->tab_here && flow_->step == step) {
        const auto changed = flow_->changed;
        auto moved = co_await changed->wait(until);
        if (!moved) break;
    }
    say(words + " " + link.text());
    if (!flow_->tab_here && flow_->step == step && site_->options().open_browser) site_->options().open_browser(link);
}

net::Task<base::Result<Answers>> LocalPageDialog::ask(connection::Form form, FormCheck check, net::Deadline deadline) {
    flow_->form = std::move(form);
    flow_->check = std::move(check);
    flow_->wrong.clear();
    flow_->answers.reset();
    flow_->form_token = site_->new_token();
    flow_->csrf = site_->new_token();
    flow_->step = Step::form;
    flow_->notify();
    CO_TRY(link, net::Url::parse(site_->origin() + std::string(kFormPath) + flow_->form_token));
    co_await present(std::move(link), "enter what is asked for at");
    while (!flow_->answers) {
        const auto changed = flow_->changed;
        auto moved = co_await changed->wait(deadline);
        if (moved) continue;
        flow_->step = Step::idle;
        flow_->form_token.clear();
        // Nobody answered: for the caller that is a human who left, not a slow server.
        co_return base::fail(base::ErrorCode::cancelled, "nobody filled in the form in time", "log in again");
    }
    flow_->check = nullptr;
    co_return std::move(*flow_->answers);
}

net::Task<base::Result<AuthorizationResponse>> LocalPageDialog::authorize(net::Url url, std::string state_param,
                                                                          base::Secret state, net::Deadline deadline) {
    flow_->form_post = asks_for_form_post(url);
    flow_->link = url;
    flow_->go_token = site_->new_token();
    flow_->state_param = std::move(state_param);
    flow_->state = std::move(state);
    flow_->response.reset();
    flow_->step = Step::leaving;
    flow_->notify();
    co_await present(std::move(url), "approve the access at");
    while (!flow_->response) {
        const auto changed = flow_->changed;
        auto moved = co_await changed->wait(deadline);
        if (moved) continue;
        flow_->step = Step::idle;
        flow_->state = base::Secret();
        co_return base::fail(base::ErrorCode::cancelled, "the browser did not come back from the provider in time",
                             "log in again; if the provider showed an error, check the client id and the redirect URI");
    }
    co_return std::move(*flow_->response);
}

net::Task<void> LocalPageDialog::show_device_code(connection::DeviceCode code) {
    if (site_->options().show_code) site_->options().show_code(code);
    flow_->device_code = std::move(code);
    flow_->step = Step::device;
    flow_->notify();
    auto link = net::Url::parse(site_->origin() + std::string(kCodePath) + flow_->page_token);
    if (!link) co_return;  // never: the page's own address
    co_await present(std::move(*link), "the same is shown at");
}

void LocalPageDialog::finished(const base::Result<void>& outcome) {
    flow_->device_code.reset();
    flow_->failure.reset();
    if (!outcome) flow_->failure = outcome.error().code;
    flow_->step = Step::finished;
    flow_->notify();
}

net::Task<void> LocalPageDialog::farewell(net::Deadline deadline) {
    const auto until = flow_->tab_here ? deadline : std::min(deadline, net::in(kTabReturns));
    while (flow_->tab_expected && !flow_->outcome_shown) {
        const auto changed = flow_->changed;
        auto moved = co_await changed->wait(until);
        if (!moved) break;
    }
    if (flow_->outcome_shown) co_await site_->loop().sleep(kLastBytes);
    site_->remove_flow(flow_);
}

}  // namespace

base::Result<std::unique_ptr<LocalPage>> LocalPage::open(net::Loop& loop, LocalPageOptions options,
                                                         base::Random& random, base::Log& log) {
    TRY(site, LocalSite::open(loop, std::move(options), random, log));
    TRY(flow, site->add_flow());
    return std::make_unique<LocalPageDialog>(std::move(site), std::move(flow));
}

}  // namespace claviger::api
