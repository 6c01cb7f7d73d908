// OpenExchanges: the exchanges and blind tunnels of a session that go on, with a credential or without. While there are some,
// each is looked at once a second: one whose connection was logged out, or whose rules or time refuse it now, is broken off,
// so that no event stream, no WebSocket and no tunnel outlives its permission by more than that (PX-29). Thread rule: on the Loop's thread. Entries share the
// list, since a loop that is destroyed ends its tasks after their session.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "net/cancellation.hpp"
#include "net/loop.hpp"
#include "proxy/request_gate.hpp"

namespace claviger::proxy {

class OpenExchanges {
public:
    using MayGoOn = std::function<bool(const GateRequest&)>;
    // `may_go_on` is called as long as there are entries.
    OpenExchanges(net::Loop& loop, MayGoOn may_go_on) : list_(std::make_shared<List>(List{std::move(may_go_on), {}})), loop_(&loop) {}

    class Entry;

private:
    struct List {
        MayGoOn may_go_on;
        std::list<Entry*> entries{};
        bool watched = false;
    };
    static net::Task<void> watch(net::Loop& loop, std::shared_ptr<List> list);
    std::shared_ptr<List> list_;
    net::Loop* loop_;
};

// One of them. `end`, which breaks it off, outlives it.
class OpenExchanges::Entry {
public:
    Entry(OpenExchanges& open, GateRequest request, net::Cancellation& end);
    ~Entry() { list_->entries.erase(at_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    [[nodiscard]] bool withdrawn() const { return withdrawn_; }

private:
    friend class OpenExchanges;
    std::shared_ptr<List> list_;
    GateRequest request_;
    net::Cancellation& end_;
    std::list<Entry*>::iterator at_;
    bool withdrawn_ = false;
};

}  // namespace claviger::proxy
