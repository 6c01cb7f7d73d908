#include "net/resolver.hpp"

#include <netdb.h>

#include <algorithm>
#include <memory>

#include "base/text.hpp"
#include "net/address_guard.hpp"
#include "net/loop_native.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

using Addresses = std::vector<IpAddress>;

// Shared by the coroutine, which may give up, and the job. Its Event is touched on the loop's thread only; it
// may die on the job's, when the loop is gone.
struct Lookup {
    Lookup(Loop& loop, std::string name) : host(std::move(name)), done(loop) {}
    std::string host;
    Event done;
    int status = 0;
    bool foreign = false;  // an answer that is no plain IPv4 or IPv6 address
    Addresses answers;
};

void ask(Lookup& lookup) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    lookup.status = ::getaddrinfo(lookup.host.c_str(), nullptr, &hints, &found);
    if (lookup.status != 0) return;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        const auto address = IpAddress::from(one->ai_addr);
        if (!address) {
            lookup.foreign = true;
        } else if (std::find(lookup.answers.begin(), lookup.answers.end(), *address) == lookup.answers.end()) {
            lookup.answers.push_back(*address);
        }
    }
}

void start(Loop& loop, std::shared_ptr<Lookup> lookup) {
    Loop::Native& native = loop.native();
    native.pool.run([reactor = native.reactor, lookup = std::move(lookup)]() mutable {
        ask(*lookup);
        reactor->post([lookup = std::move(lookup)] { lookup->done.set(); });
    }, BlockingPool::AtExit::leave);
}

Result<Addresses> local_answer(const std::string& host, bool& final) {
    final = true;
    if (const auto literal = IpAddress::parse(host)) return Addresses{*literal};
    if (host.empty() || host.size() > 253 || host.find_first_of(std::string_view(":%[]/@ \0", 8)) != std::string::npos) {
        return base::fail(ErrorCode::invalid_input, "'" + base::printable(host, 80) + "' is not a host name");
    }
    if (looks_like_ipv4(host)) {
        return base::fail(ErrorCode::address_refused, "host '" + base::printable(host, 80) + "' is an address in a form that is not canonical");
    }
    if (is_localhost_name(host)) return Addresses{*IpAddress::parse("127.0.0.1"), *IpAddress::parse("::1")};
    final = false;
    return Addresses{};
}

base::Error unresolved(const Lookup& lookup) {
    const std::string name = "'" + base::printable(lookup.host, 80) + "'";
    switch (lookup.status) {
        case 0: return base::Error::make(ErrorCode::address_refused, "name " + name + " has a scoped address");
        case EAI_NONAME:
#ifdef EAI_NODATA
        case EAI_NODATA:
#endif
            return base::Error::make(ErrorCode::network, "no such host " + name, "check the spelling and the network");
        case EAI_AGAIN:
            return base::Error::make(ErrorCode::network, "the name server does not answer for " + name, "check the network and try again");
        default: return base::Error::make(ErrorCode::network, "cannot resolve " + name + ": " + ::gai_strerror(lookup.status));
    }
}

}  // namespace

Task<Result<Addresses>> resolve(Loop& loop, std::string host, Deadline deadline, Cancellation* cancellation) {
    bool final = false;
    auto local = local_answer(host, final);
    if (final) co_return local;
    auto lookup = std::make_shared<Lookup>(loop, host);
    start(loop, lookup);
    if (cancellation != nullptr) {
        cancellation->on_cancel([weak = std::weak_ptr<Lookup>(lookup)] {
            if (const auto alive = weak.lock()) alive->done.set();
        });
    }
    auto waited = co_await lookup->done.wait(deadline);
    if (cancellation != nullptr) {
        cancellation->on_cancel(nullptr);
        // The answers may still be written by the other thread: they are not looked at.
        if (cancellation->cancelled()) co_return base::fail(ErrorCode::cancelled, "the name is not wanted any more");
    }
    if (!waited) {
        co_return base::fail(waited.error().code, "resolving '" + base::printable(host, 80) + "' took too long");
    }
    if (lookup->status != 0 || lookup->foreign || lookup->answers.empty()) co_return base::fail(unresolved(*lookup));
    co_return std::move(lookup->answers);
}

}  // namespace claviger::net
