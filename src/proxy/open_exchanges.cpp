#include "proxy/open_exchanges.hpp"

#include <vector>

namespace claviger::proxy {
namespace {

constexpr std::chrono::milliseconds kLook{700};  // a second with what a busy machine adds (PX-29)

}  // namespace

OpenExchanges::Entry::Entry(OpenExchanges& open, GateRequest request, net::Cancellation& end)
    : list_(open.list_), request_(std::move(request)), end_(end), at_(list_->entries.insert(list_->entries.end(), this)) {
    if (std::exchange(list_->watched, true)) return;
    open.loop_->spawn("open exchanges", watch(*open.loop_, list_));
}

net::Task<void> OpenExchanges::watch(net::Loop& loop, std::shared_ptr<List> list) {
    while (!list->entries.empty()) {
        co_await loop.sleep(kLook);
        std::vector<Entry*> withdrawn;
        for (auto* entry : list->entries)
            if (!list->may_go_on(entry->request_)) withdrawn.push_back(entry);
        for (auto* entry : withdrawn) {
            entry->withdrawn_ = true;
            entry->end_.cancel();  // closes streams; whoever waits for them goes on later, from the loop
        }
    }
    list->watched = false;
}

}  // namespace claviger::proxy
