// Strangers: client connections that have not shown the session's credential yet, oldest first. Every process of this machine can
// open some, so they have a few places of their own (PX-31): whoever is new takes that of the oldest, which is closed, and a
// client of the session shows its credential with its first bytes. Whose place was taken still counts as a stranger until its
// connection has ended, so that it never takes one of the session's clients'. Thread rule: on the Loop's thread. Seats share the
// list, since a loop that is destroyed ends its tasks after their session.
#pragma once

#include <list>
#include <memory>

#include "net/stream.hpp"

namespace claviger::proxy {

class Strangers {
    struct Room;

public:
    // A place, until it is known whose connection it is, or the connection ends. The stream outlives it.
    class Seat {
    public:
        Seat(Strangers& strangers, net::Stream& stream) : room_(strangers.room_), stream_(stream) {
            took_a_place_ = room_->seats.size() >= kMost;
            if (took_a_place_) room_->seats.front()->give_up();
            at_ = room_->seats.insert(room_->seats.end(), this);
            ++room_->count;
        }
        ~Seat() { leave(); }
        Seat(const Seat&) = delete;
        Seat& operator=(const Seat&) = delete;
        [[nodiscard]] bool took_a_place() const { return took_a_place_; }  // of another, whose connection was closed
        void leave() {
            if (stranger_) --room_->count;
            stranger_ = false;
            stand_up();
        }

    private:
        void give_up() {
            stand_up();
            stream_.close();
        }
        void stand_up() {
            if (seated_) room_->seats.erase(at_);
            seated_ = false;
        }
        std::shared_ptr<Room> room_;
        net::Stream& stream_;
        std::list<Seat*>::iterator at_;
        bool seated_ = true, stranger_ = true, took_a_place_ = false;
    };

    static constexpr std::size_t kMost = 64;
    [[nodiscard]] std::size_t count() const { return room_->count; }

private:
    struct Room {
        std::list<Seat*> seats{};
        std::size_t count = 0;
    };
    std::shared_ptr<Room> room_ = std::make_shared<Room>();
};

}  // namespace claviger::proxy
