#include "cli/interruptible.hpp"

#include <array>
#include <csignal>
#include <stdexcept>
#include <vector>

#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

extern "C" void claviger_cli_do_nothing(int) {}

// While it lives a signal interrupts and does nothing else: the prompt itself notices it and gives up.
class SignalsOnlyInterrupt {
public:
    SignalsOnlyInterrupt() {
        for (std::size_t i = 0; i < kSignals.size(); ++i) {
            struct sigaction before {}, action {};
            known_[i] = ::sigaction(kSignals[i], nullptr, &before) == 0 && before.sa_handler == SIG_DFL;
            if (!known_[i]) continue;  // ignored (nohup), or awaited by a loop: that is as good
            action.sa_handler = claviger_cli_do_nothing;
            known_[i] = ::sigaction(kSignals[i], &action, &before_[i]) == 0;
        }
    }
    SignalsOnlyInterrupt(const SignalsOnlyInterrupt&) = delete;
    SignalsOnlyInterrupt& operator=(const SignalsOnlyInterrupt&) = delete;
    ~SignalsOnlyInterrupt() {
        for (std::size_t i = 0; i < kSignals.size(); ++i) {
            if (known_[i]) ::sigaction(kSignals[i], &before_[i], nullptr);
        }
    }

private:
    std::array<struct sigaction, kSignals.size()> before_{};
    std::array<bool, kSignals.size()> known_{};
};

}  // namespace

base::Result<base::Secret> ask_secret(std::string_view prompt) {
    const SignalsOnlyInterrupt quiet;
    return sys::ask_secret(prompt);
}

base::Result<std::string> ask_line(std::string_view prompt) {
    const SignalsOnlyInterrupt quiet;
    return sys::ask_line(prompt);
}

base::Result<bool> ask_yes_no(std::string_view question) {
    const SignalsOnlyInterrupt quiet;
    return sys::ask_yes_no(question);
}

namespace interruptible {

net::Task<void> watch_signals(net::Loop& loop, std::shared_ptr<Race> race) {
    std::vector<int> signals;
    for (const int number : kSignals) {
        struct sigaction present {};
        const bool ignored = ::sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_IGN;
        if (!ignored) signals.push_back(number);  // under nohup a hangup stays without effect
    }
    co_await loop.next_signal(signals);
    race->over.set();
}

void wait_for_end(net::Loop& loop, const std::shared_ptr<Race>& race) {
    loop.on_bug([race](const char* name, const std::string& what) {
        race->bug = std::string(name) + ": " + what;
        race->over.set();
    });
    static_cast<void>(loop.run_until(race->over.wait(net::Deadline::max())));
    if (!race->bug.empty()) throw std::runtime_error(race->bug);
}

}  // namespace interruptible

}  // namespace claviger::cli
