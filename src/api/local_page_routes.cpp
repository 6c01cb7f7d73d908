#include <algorithm>

#include <fmt/format.h>

#include "api/form_pairs.hpp"
#include "api/local_page_flow.hpp"
#include "api/local_page_guard.hpp"
#include "api/local_page_html.hpp"
#include "base/text.hpp"

namespace claviger::api {
namespace {

using connection::Answers;
using http::ServerResponse;
using Step = PageFlow::Step;

// How long a request of a waiting page is held: long enough to answer most exchanges at once, well below what a
// browser or the server's own limits mind.
constexpr std::chrono::milliseconds kHold{4'000};
// The page with a device code asks again at once, so it hears of the end at once; each answer draws it anew.
constexpr std::chrono::milliseconds kHoldCode{20'000};
// A path as a fixed word for the log: tokens in paths are secrets of the moment.
std::string_view route_name(std::string_view path) {
    if (path == kCallbackPath) return "callback";
    if (path.starts_with(kFormPath)) return "form";
    if (path.starts_with(kFollowPath)) return "flow";
    if (path.starts_with(kGoPath)) return "go";
    if (path.starts_with(kCodePath)) return "code";
    return "other";
}

std::string follow_path(const PageFlow& flow) { return std::string(kFollowPath) + flow.page_token; }

}  // namespace

net::Task<ServerResponse> LocalSite::handle(std::weak_ptr<LocalSite> weak, http::ServerRequest request) {
    const auto self = weak.lock();
    if (!self) co_return refusal_page(404);
    const auto path = std::string_view(request.head.target).substr(0, request.head.target.find('?'));
    const auto name = route_name(path);
    const auto method = request.head.method;
    auto response = co_await self->route(std::move(request));
    self->log_.debug("local_page.request", {{"method", base::printable(method, 16)}, {"route", name}, {"status", response.status}});
    co_return response;
}

bool LocalSite::form_post_expected() const {
    return std::any_of(flows_.begin(), flows_.end(),
                       [](const auto& flow) { return flow->step == Step::leaving && flow->form_post; });
}

net::Task<ServerResponse> LocalSite::route(http::ServerRequest request) {
    const std::string_view target = request.head.target;
    const auto question = std::min(target.find('?'), target.size());
    const auto path = target.substr(0, question);
    const bool get = request.head.method == "GET";
    const bool callback = path == kCallbackPath;
    const auto admission = admit(request.head, port_, callback && form_post_expected());
    if (admission != Admission::admitted) co_return refusal_page(status_of(admission));
    if (!get && !is_form_content(request.head.fields)) co_return refusal_page(415);

    if (callback) {
        if (!get && !form_post_expected()) co_return refusal_page(405);
        co_return take_callback(get ? target.substr(std::min(question + 1, target.size())) : std::string_view(request.body));
    }
    if (path.starts_with(kFormPath)) {
        const auto token = path.substr(kFormPath.size());
        co_return get ? show_form(token) : take_form(token, request);
    }
    if (!get) co_return refusal_page(405);
    if (path == "/copy.js") co_return script_file();
    if (path.starts_with(kGoPath)) co_return leave(path.substr(kGoPath.size()));
    if (path.starts_with(kFollowPath)) {
        if (auto flow = with_page(path.substr(kFollowPath.size()))) {
            auto response = co_await follow(std::move(flow));
            co_return response;
        }
    }
    if (path.starts_with(kCodePath)) {
        if (auto flow = with_page(path.substr(kCodePath.size()))) {
            const bool wait = question < target.size();
            auto response = co_await show_code(std::move(flow), wait);
            co_return response;
        }
    }
    co_return refusal_page(404);
}

std::shared_ptr<PageFlow> LocalSite::with_page(std::string_view token) const {
    for (const auto& flow : flows_)
        if (base::equal_constant_time(flow->page_token, token)) return flow;
    return nullptr;
}

std::shared_ptr<PageFlow> LocalSite::with_form(std::string_view token) const {
    for (const auto& flow : flows_)
        if (!flow->form_token.empty() && base::equal_constant_time(flow->form_token, token)) return flow;
    return nullptr;
}

ServerResponse LocalSite::show_form(std::string_view token) {
    const auto flow = with_form(token);
    if (!flow || flow->step != Step::form) return refusal_page(404);
    flow->tab_here = true;
    flow->notify();
    const auto action = std::string(kFormPath) + flow->form_token;
    return form_page({flow->form, action, flow->csrf, flow->wrong});
}

ServerResponse LocalSite::take_form(std::string_view token, const http::ServerRequest& request) {
    const auto flow = with_form(token);
    if (!flow) return refusal_page(404);
    const auto pairs = read_pairs(request.body);
    if (!pairs) return refusal_page(400);
    const auto* csrf = only(*pairs, "csrf");
    if (csrf == nullptr || !csrf->equals(flow->csrf)) return refusal_page(403);
    // A second click on the button: the first one counted, this one only goes where that one went.
    if (flow->step != Step::form) return see_other(follow_path(*flow));

    Answers answers;
    for (const auto& field : flow->form.fields) {
        const auto times = std::count_if(pairs->begin(), pairs->end(), [&](const auto& p) { return p.first == field.name; });
        if (times > 1) return refusal_page(400);
        if (const auto* value = only(*pairs, field.name); value != nullptr) answers.emplace(field.name, value->duplicate());
    }
    flow->wrong = flow->check ? flow->check(answers) : std::map<std::string, std::string>();
    if (!flow->wrong.empty()) return see_other(std::string(kFormPath) + flow->form_token);
    flow->answers = std::move(answers);
    flow->step = Step::working;
    flow->tab_expected = true;
    flow->tab_here = false;
    flow->notify();
    return see_other(follow_path(*flow));
}

ServerResponse LocalSite::take_callback(std::string_view encoded) {
    auto pairs = read_pairs(encoded);
    if (!pairs) return refusal_page(400);
    std::shared_ptr<PageFlow> owner;
    for (const auto& flow : flows_) {
        if (flow->step != Step::leaving) continue;
        for (const auto& name : base::split(flow->state_param, ' ')) {
            const auto* state = only(*pairs, name);
            if (state != nullptr && !state->empty() && flow->state.equals(*state)) owner = flow;
        }
    }
    // Whatever this was, it ends nothing: the flows that wait go on waiting (OA-03, LB-12).
    if (!owner) return refusal_page(400);
    connection::AuthorizationResponse response;
    for (const auto& [name, value] : *pairs) response.parameters.emplace_back(name, value.reveal());
    owner->response = std::move(response);
    owner->state = base::Secret();
    owner->link.reset();
    owner->go_token.clear();
    owner->step = Step::working;
    owner->tab_expected = true;
    owner->tab_here = false;
    owner->notify();
    return see_other(follow_path(*owner));  // the code leaves the address bar and the history (LB-08)
}

ServerResponse LocalSite::leave(std::string_view token) {
    for (const auto& flow : flows_)
        if (flow->step == Step::leaving && flow->link && base::equal_constant_time(flow->go_token, token))
            return see_other(flow->link->text());
    return refusal_page(404);
}

// `wait`: the tab shows the page already and asks for the next one.
net::Task<ServerResponse> LocalSite::show_code(std::shared_ptr<PageFlow> flow, bool wait) {
    flow->tab_expected = true;
    flow->tab_here = true;
    flow->notify();
    const auto until = net::in(kHoldCode);
    while (wait && flow->step == Step::device) {
        const auto changed = flow->changed;
        auto moved = co_await changed->wait(until);
        if (!moved) break;
    }
    if (flow->step != Step::device || !flow->device_code) co_return see_other(follow_path(*flow));
    const auto next = std::string(kCodePath) + flow->page_token + "?next";
    co_return code_page(flow->name, *flow->device_code, next);
}

net::Task<ServerResponse> LocalSite::follow(std::shared_ptr<PageFlow> flow) {
    flow->tab_here = true;
    flow->notify();
    const auto until = net::in(kHold);
    while (flow->step == Step::working) {
        const auto changed = flow->changed;
        auto moved = co_await changed->wait(until);
        if (!moved) co_return waiting_page(flow->name);
    }
    switch (flow->step) {
        case Step::form: co_return see_other(std::string(kFormPath) + flow->form_token);
        case Step::leaving:
            flow->tab_here = true;
            flow->notify();
            co_return leaving_page(flow->name, std::string(kGoPath) + flow->go_token);
        case Step::device: co_return see_other(std::string(kCodePath) + flow->page_token);
        case Step::finished: break;
        case Step::idle:
        case Step::working: co_return waiting_page(flow->name);
    }
    flow->outcome_shown = true;
    flow->notify();
    co_return flow->failure ? failure_page(flow->name, *flow->failure) : success_page(flow->name);
}

}  // namespace claviger::api
