#include "api/approval_site.hpp"

#include <charconv>
#include <deque>

#include <fmt/format.h>

#include "api/approval_html.hpp"
#include "api/form_pairs.hpp"
#include "api/local_page_guard.hpp"
#include "api/local_page_headers.hpp"
#include "api/local_page_html.hpp"
#include "base/text.hpp"
#include "http/server.hpp"
#include "json/value.hpp"
#include "net/tcp.hpp"

namespace claviger::api {
namespace {

using base::ErrorCode;
using base::Result;
using http::ServerResponse;
using policy::Answer;

// A page that nobody can answer asks again after this; it hears of a request at once.
constexpr std::chrono::milliseconds kHold{20'000};
constexpr std::size_t kMostTokens = 64;  // of pages that were left open

json::Object as_json(const policy::WaitingRequest& waiting, const base::Clock& clock) {
    const auto& asked = waiting.request;
    const auto text_or_null = [](const std::string& text) { return text.empty() ? json::Value(nullptr) : json::Value(text); };
    return {{"id", waiting.id},
            {"provider", text_or_null(asked.provider)},
            {"connection", text_or_null(asked.connection)},
            {"method", asked.method},
            {"host", asked.host},
            {"target", asked.target},
            {"tunnel", asked.tunnel},
            {"subject", approval_subject(asked)},
            {"rule", asked.rule},
            {"since", base::to_rfc3339(waiting.since)},
            {"seconds_left", std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(waiting.until - clock.now()).count())}};
}

ServerResponse json_response(int status, const json::Value& value) {
    ServerResponse response;
    response.status = status;
    response.fields.set("Content-Type", "application/json");
    response.fields.set("Cache-Control", "no-store");
    response.fields.set("Connection", "close");
    response.body = json::to_text(value) + "\n";
    return response;
}

ServerResponse json_error(const base::Error& error) {
    const int status = error.code == ErrorCode::not_found ? 404 : error.code == ErrorCode::denied ? 403 : 400;
    return json_response(status, json::Object{{"code", std::string(to_string(error.code))}, {"message", error.message}, {"hint", error.hint}});
}

Result<Answer> read_answer(const FormPairs& pairs) {
    const auto bad = base::fail(ErrorCode::invalid_input, "not an answer");
    const auto* answer = only(pairs, "answer");
    if (answer == nullptr) return bad;
    if (answer->reveal() == "once") return Answer{Answer::Kind::once, {}};
    if (answer->reveal() == "deny") return Answer{Answer::Kind::deny, {}};
    if (answer->reveal() == "deny_like") return Answer{Answer::Kind::deny_like, {}};
    const auto* text = only(pairs, "seconds");
    if (answer->reveal() != "for" || text == nullptr) return bad;
    std::int64_t seconds = 0;
    const auto digits = text->reveal();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error != std::errc{} || end != digits.data() + digits.size() || seconds < 1 || seconds > 1'000'000) return bad;
    return Answer{Answer::Kind::for_a_time, std::chrono::seconds(seconds)};
}

std::string said_of(const Answer& answer) {
    switch (answer.kind) {
        case Answer::Kind::deny: return "was denied";
        case Answer::Kind::deny_like: return "was denied, and its like while the session lives";
        case Answer::Kind::once: return "was approved, this once";
        case Answer::Kind::for_a_time: break;
    }
    return fmt::format("was approved, and its like for {} minutes", std::chrono::ceil<std::chrono::minutes>(answer.lasting).count());
}

}  // namespace

struct ApprovalSite::State : std::enable_shared_from_this<State> {
    State(policy::Approvals& of, About whose, base::Random& with, base::Log& into, base::Secret secret)
        : approvals(of), about(std::move(whose)), random(with), log(into), key(std::move(secret)) {}

    policy::Approvals& approvals;
    About about;
    base::Random& random;
    base::Log& log;
    base::SystemClock clock;
    base::Secret key;
    std::deque<std::string> tokens{};  // each is good for one request
    std::unique_ptr<http::Server> server{};

    std::string new_path() {
        if (tokens.size() >= kMostTokens) tokens.pop_front();
        tokens.push_back(random.token(16));
        return std::string(kPagePath) + tokens.back();
    }
    bool take(std::string_view token) {
        for (auto one = tokens.begin(); one != tokens.end(); ++one) {
            if (!base::equal_constant_time(*one, token)) continue;
            tokens.erase(one);
            return true;
        }
        return false;
    }
    bool shows_key(const http::Fields& fields) const {
        constexpr std::string_view kScheme = "Bearer ";
        const auto shown = fields.all("Authorization");
        return shown.size() == 1 && shown.front().starts_with(kScheme) && key.equals(shown.front().substr(kScheme.size()));
    }

    static net::Task<ServerResponse> handle(std::weak_ptr<State> weak, http::ServerRequest request);
    net::Task<ServerResponse> route(http::ServerRequest request);
    ServerResponse machine(std::string_view path, const http::ServerRequest& request);
    ServerResponse take_answer(const http::ServerRequest& request);
    net::Task<ServerResponse> show(bool wait);
    ServerResponse page(std::string_view notice);
    ServerResponse take_form(const http::ServerRequest& request);
};

net::Task<ServerResponse> ApprovalSite::State::handle(std::weak_ptr<State> weak, http::ServerRequest request) {
    const auto self = weak.lock();
    if (!self) co_return approval_refusal_page(404);
    const bool page = request.head.target.starts_with(kPagePath);
    auto response = co_await self->route(std::move(request));
    self->log.debug("approval_site.request", {{"route", page ? "page" : "other"}, {"status", response.status}});
    co_return response;
}

net::Task<ServerResponse> ApprovalSite::State::route(http::ServerRequest request) {
    const std::string target = request.head.target;
    const bool get = request.head.method == "GET";
    if (target == kWaitingPath || target == kAnswerPath || target == kLinkPath) co_return machine(target, request);
    const auto admission = admit(request.head, server->port(), false);
    if (admission != Admission::admitted) co_return approval_refusal_page(status_of(admission));
    if (!get && !is_form_content(request.head.fields)) co_return approval_refusal_page(415);
    if (!target.starts_with(kPagePath)) co_return approval_refusal_page(404);
    const auto question = target.find('?');  // "?next": the tab shows that nothing waits
    if (!take(target.substr(kPagePath.size(), question == std::string::npos ? question : question - kPagePath.size()))) co_return approval_refusal_page(404);
    if (!get) co_return take_form(request);
    auto shown = co_await show(question != std::string::npos);
    co_return shown;
}

ServerResponse ApprovalSite::State::machine(std::string_view path, const http::ServerRequest& request) {
    if (!shows_key(request.head.fields)) {
        log.warn("approval_site.unauthenticated", {});
        return json_error(base::Error(ErrorCode::denied, "this takes the key of the session's owner"));
    }
    const bool get = request.head.method == "GET";
    if (get != (path == kWaitingPath) || (!get && request.head.method != "POST")) return approval_refusal_page(405);
    if (path == kAnswerPath) return take_answer(request);
    if (path == kLinkPath) return json_response(200, json::Object{{"path", new_path()}});
    json::Array waiting;
    for (const auto& one : approvals.waiting()) waiting.emplace_back(as_json(one, clock));
    return json_response(200, json::Object{{"session", about.session}, {"program", about.program}, {"waiting", std::move(waiting)}});
}

ServerResponse ApprovalSite::State::take_answer(const http::ServerRequest& request) {
    const auto pairs = read_pairs(request.body);
    const auto* id = pairs ? only(*pairs, "id") : nullptr;
    if (id == nullptr) return json_error(base::Error(ErrorCode::invalid_input, "not an answer"));
    const auto answer = read_answer(*pairs);
    if (!answer) return json_error(answer.error());
    if (const auto taken = approvals.answer(std::string(id->reveal()), *answer); !taken) return json_error(taken.error());
    return json_response(200, json::Object{{"id", std::string(id->reveal())}});
}

net::Task<ServerResponse> ApprovalSite::State::show(bool wait) {
    if (wait && approvals.waiting().empty()) {
        const net::Deadline until = net::in(kHold);
        co_await approvals.changed(until);
    }
    co_return page("");
}

ServerResponse ApprovalSite::State::page(std::string_view notice) {
    const auto waiting = approvals.waiting();
    const std::string action = new_path(), next = new_path() + (waiting.empty() ? "?next" : "");
    return approval_page({about.program, about.session, waiting, clock.now(), notice, action, next});
}

ServerResponse ApprovalSite::State::take_form(const http::ServerRequest& request) {
    const auto pairs = read_pairs(request.body);
    const auto* id = pairs ? only(*pairs, "id") : nullptr;
    if (id == nullptr) return page("That was no answer.");
    const auto answer = read_answer(*pairs);
    if (!answer) return page("That was no answer.");
    std::string subject;
    for (const auto& one : approvals.waiting()) {
        if (one.id == id->reveal()) subject = approval_subject(one.request);
    }
    const auto taken = approvals.answer(std::string(id->reveal()), *answer);
    if (!taken) return page(taken.error().code == ErrorCode::not_found ? "Too late: that request waits no more." : taken.error().message);
    return page(subject + " " + said_of(*answer));
}

ApprovalSite::ApprovalSite(std::shared_ptr<State> state) : state_(std::move(state)) {}
ApprovalSite::~ApprovalSite() { state_->server->close(); }
std::uint16_t ApprovalSite::port() const { return state_->server->port(); }
const base::Secret& ApprovalSite::key() const { return state_->key; }

Result<std::unique_ptr<ApprovalSite>> ApprovalSite::open(net::Loop& loop, policy::Approvals& approvals, About about, base::Random& random, base::Log& log) {
    TRY(listener, net::Listener::loopback(loop, 0));
    auto state = std::make_shared<State>(approvals, std::move(about), random, log, random.secret_token(32));
    const std::weak_ptr<State> weak = state;
    state->server = std::make_unique<http::Server>(loop, std::move(listener), http::Server::Options{},
                                                   [weak](http::ServerRequest request) { return State::handle(weak, std::move(request)); });
    return std::unique_ptr<ApprovalSite>(new ApprovalSite(std::move(state)));
}

}  // namespace claviger::api
