#include <list>

#include "net/loop_native.hpp"

namespace claviger::net {

struct Event::State {
    explicit State(std::shared_ptr<Reactor> r) : reactor(std::move(r)) {}
    std::shared_ptr<Reactor> reactor;
    bool set = false;
    bool abandoned = false;
    std::list<Waiter*> waiting;
};

namespace {

void wake_all(Reactor& reactor, std::list<Waiter*>& waiting) {
    for (Waiter* waiter : waiting) reactor.wake(*waiter, Waiter::Outcome::ready);
    waiting.clear();
}

// Takes the waiter off the list also when the loop unwinds the coroutine.
struct Enrolment {
    std::list<Waiter*>& waiting;
    Waiter& waiter;
    Enrolment(std::list<Waiter*>& list, Waiter& one) : waiting(list), waiter(one) { waiting.push_back(&waiter); }
    Enrolment(const Enrolment&) = delete;
    Enrolment& operator=(const Enrolment&) = delete;
    ~Enrolment() { waiting.remove(&waiter); }
};

}  // namespace

Event::Event(Loop& loop) : state_(std::make_shared<State>(loop.native().reactor)) {}

Event::~Event() {
    state_->abandoned = true;
    wake_all(*state_->reactor, state_->waiting);
}

void Event::set() {
    state_->set = true;
    wake_all(*state_->reactor, state_->waiting);
}

bool Event::is_set() const { return state_->set; }

Task<base::Result<void>> Event::wait(Deadline deadline) {
    auto state = state_;
    if (state->set) co_return base::Result<void>{};
    Waiter waiter(*state->reactor);
    const Enrolment enrolment(state->waiting, waiter);
    co_await state->reactor->park(waiter, deadline);
    if (state->set) co_return base::Result<void>{};
    if (state->abandoned) co_return base::fail(base::ErrorCode::cancelled, "what was awaited is gone");
    co_return base::fail(base::ErrorCode::timeout, "waited too long");
}

}  // namespace claviger::net
