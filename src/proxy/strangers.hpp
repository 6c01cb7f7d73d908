// Strangers: client connections that have not shown the session's credential yet, oldest first. Every process of this machine can
// open some, so they have a few places of their own (PX-31): whoever is new takes that of the oldest, which is closed, and a
// client of the session shows its credential with its first bytes. Thread rule: on the Loop's thread. Seats share the list, since a
// loop that is destroyed ends its tasks after their session.
#pragma once

#include <list>
#include <memory>

#include "net/stream.hpp"

namespace claviger::proxy {

class Strangers {
public:
    // A place, until it is known whose connection it is, or the connection ends. The stream outlives it.
    class Seat {
    public:
        Seat(Strangers& strangers, net::Stream& stream) : seats_(strangers.seats_), stream_(stream) {
            if (seats_->size() >= kMost) seats_->front()->give_up();
            at_ = seats_->insert(seats_->end(), this);
        }
        ~Seat() { leave(); }
        Seat(const Seat&) = delete;
        Seat& operator=(const Seat&) = delete;
        void leave() {
            if (taken_) seats_->erase(at_);
            taken_ = false;
        }

    private:
        void give_up() {
            leave();
            stream_.close();
        }
        std::shared_ptr<std::list<Seat*>> seats_;
        net::Stream& stream_;
        std::list<Seat*>::iterator at_;
        bool taken_ = true;
    };

    static constexpr std::size_t kMost = 64;
    [[nodiscard]] std::size_t size() const { return seats_->size(); }

private:
    std::shared_ptr<std::list<Seat*>> seats_ = std::make_shared<std::list<Seat*>>();
};

}  // namespace claviger::proxy
