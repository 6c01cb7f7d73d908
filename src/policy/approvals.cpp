#include "policy/approvals.hpp"

#include <algorithm>
#include <list>
#include <optional>

#include <fmt/format.h>

#include "base/masked_path.hpp"
#include "base/text.hpp"
#include "net/recurring_event.hpp"

namespace claviger::policy {

using base::ErrorCode;
using base::Result;

namespace {

std::string_view counted_as(const std::string& method) { return method == "HEAD" ? "GET" : std::string_view(method); }

struct Held {
    WaitingRequest what;
    std::optional<Approvals::Answered> answer;
    net::Event done;
};

// What an answer about one says of the other too.
bool is_like(const AskedRequest& one, const AskedRequest& other) {
    return one.provider == other.provider && one.connection == other.connection && one.rule == other.rule && one.host == other.host &&
           one.tunnel == other.tunnel && one.websocket == other.websocket && counted_as(one.method) == counted_as(other.method);
}

struct Grant {
    AskedRequest request;
    base::Instant until;
};

template <class T>
void add_to(std::vector<T>& kept, T one) {
    if (kept.size() >= Approvals::kMostGrants) kept.erase(kept.begin());
    kept.push_back(std::move(one));
}

}  // namespace

struct Approvals::State {
    explicit State(Surroundings surroundings) : with(std::move(surroundings)), questions(kMostQuestions, with.clock.now()), changed(with.loop) {}

    Surroundings with;
    std::list<std::shared_ptr<Held>> held{};
    std::vector<Grant> grants{};
    std::vector<AskedRequest> refusals{};
    TokenBucket questions;
    std::uint64_t asked = 0;
    net::RecurringEvent changed;

    bool is_granted(const AskedRequest& request) {
        const auto now = with.clock.now();
        std::erase_if(grants, [&](const Grant& grant) { return now >= grant.until; });
        return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) { return is_like(grant.request, request); });
    }
    [[nodiscard]] bool is_refused(const AskedRequest& request) const {
        return std::any_of(refusals.begin(), refusals.end(), [&](const AskedRequest& refused) { return is_like(refused, request); });
    }
    void end_like(const AskedRequest& request, const Answered& answer) {
        const auto all = held;  // end() takes them out
        for (const auto& one : all) {
            if (is_like(request, one->what.request)) end(*one, answer);
        }
    }
    void end(Held& one, Answered answer) {
        if (one.answer) return;
        one.answer = std::move(answer);
        one.done.set();
        held.remove_if([&](const auto& other) { return other.get() == &one; });
        changed.notify();
    }
};

std::string shown_target(const net::Url& url) {
    constexpr std::size_t kMostNames = 20, kMostOfName = 40;
    std::string text = base::masked_path(url.path());
    if (!url.query()) return text;
    const auto pairs = base::split(*url.query(), '&');
    for (std::size_t i = 0; i < pairs.size() && i < kMostNames; ++i) {
        const auto equals = pairs[i].find('=');
        // Without "=" it is a value as likely as a name.
        const auto name = equals == std::string::npos ? std::string() : base::masked_path(pairs[i].substr(0, equals), kMostOfName);
        text += (i == 0 ? "?" : "&") + (equals == std::string::npos ? "..." : name + "=...");
    }
    return pairs.size() > kMostNames ? text + "&..." : text;
}

Approvals::Approvals(Surroundings with) : state_(std::make_shared<State>(std::move(with))) {}

net::Task<Approvals::Answered> Approvals::ask(AskedRequest request, net::Cancellation& gone) {
    return ask_in(state_, std::move(request), gone);
}

net::Task<Approvals::Answered> Approvals::ask_in(std::shared_ptr<State> state, AskedRequest request, net::Cancellation& gone) {
    if (gone.cancelled()) co_return Answered{Outcome::gone, {}, {}};
    if (state->is_refused(request)) co_return Answered{Outcome::denied_earlier, {}, {}};
    if (state->is_granted(request)) co_return Answered{Outcome::earlier, {}, {}};
    if (state->held.size() >= kMostWaiting) co_return Answered{Outcome::too_many, {}, {}};
    const auto now = state->with.clock.now();
    if (state->questions.take(now)) co_return Answered{Outcome::too_often, {}, {}};
    const net::Deadline deadline = net::in(state->with.patience);
    WaitingRequest what{fmt::format("{}-{}", state->with.prefix, ++state->asked), std::move(request), now, now + state->with.patience};
    if (state->with.on_waiting) {
        if (const auto told = state->with.on_waiting(what); !told) co_return Answered{Outcome::unavailable, {}, told.error().message};
    }
    const auto held = std::make_shared<Held>(Held{std::move(what), std::nullopt, net::Event(state->with.loop)});
    state->held.push_back(held);
    state->changed.notify();
    gone.on_cancel([state, held] { state->end(*held, {Outcome::gone, {}, {}}); });
    auto waited = co_await held->done.wait(deadline);
    gone.on_cancel(nullptr);
    if (!waited) state->end(*held, {Outcome::timed_out, {}, {}});
    co_return *held->answer;
}

std::vector<WaitingRequest> Approvals::waiting() const {
    std::vector<WaitingRequest> all;
    for (const auto& held : state_->held) all.push_back(held->what);
    return all;
}

Result<void> Approvals::answer(const std::string& id, const Answer& answer) {
    const auto& waiting = state_->held;
    const auto found = std::find_if(waiting.begin(), waiting.end(), [&](const auto& held) { return held->what.id == id; });
    if (found == waiting.end()) {
        return base::fail(ErrorCode::not_found, "no request waits as " + base::printable(id, 40), "it was answered, or given up; what waits now: claviger approve");
    }
    const auto chosen = *found;
    const AskedRequest request = chosen->what.request;
    if (answer.kind == Answer::Kind::deny_like) {
        add_to(state_->refusals, request);
        state_->end(*chosen, {Outcome::denied, {}, {}});
        state_->end_like(request, {Outcome::denied_earlier, {}, {}});
        return {};
    }
    if (answer.kind != Answer::Kind::for_a_time) {
        state_->end(*chosen, {answer.kind == Answer::Kind::once ? Outcome::once : Outcome::denied, {}, {}});
        return {};
    }
    if (answer.lasting <= base::Duration::zero() || answer.lasting > kLongest) {
        return base::fail(ErrorCode::usage, "an approval lasts 24 hours at most", "what is to be let through for good is a matter of rules: claviger rule");
    }
    add_to(state_->grants, Grant{request, state_->with.clock.now() + answer.lasting});
    state_->end(*chosen, {Outcome::for_a_time, answer.lasting, {}});
    state_->end_like(request, {Outcome::earlier, {}, {}});
    return {};
}

net::Task<void> Approvals::changed(net::Deadline deadline) { return changed_in(state_, deadline); }

net::Task<void> Approvals::changed_in(std::shared_ptr<State> state, net::Deadline deadline) {
    const auto event = state->changed.next();
    auto waited = co_await event->wait(deadline);
    (void)waited;  // either way whoever asked looks again
}

}  // namespace claviger::policy
