#include "sys/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.hpp"
#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Secret;

constexpr std::size_t kLongestAnswer = 64 * 1024;  // a pasted key file
constexpr char kControlC = 3, kControlD = 4, kBell = 7, kBackspace = 8, kControlU = 21, kControlW = 23, kControlZ = 26, kEscape = 27,
               kDelete = 127;

enum class Shown { typed, masked };

// The signals that would end or stop the program arrive as data while a prompt is open, so that the terminal is put
// back first (CL-02). No handler, so nothing global.
class SignalsAsData {
public:
    SignalsAsData() {
        ::sigemptyset(&set_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::sigaddset(&set_, number);
        ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
        fd_ = Descriptor(::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    SignalsAsData(const SignalsAsData&) = delete;
    SignalsAsData& operator=(const SignalsAsData&) = delete;
    ~SignalsAsData() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    [[nodiscard]] int fd() const { return fd_.get(); }
    std::optional<int> take() {
        signalfd_siginfo info{};
        if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
        return static_cast<int>(info.ssi_signo);
    }
    // Lets the signal do what it would have done.
    void deliver(int number) {
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        ::raise(number);
        ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }

private:
    sigset_t set_{}, before_{};
    Descriptor fd_;
};

// No echo, no line editing and no signal keys: this file does them. Put back when it goes.
class RawMode {
public:
    explicit RawMode(int tty) : tty_(tty) {
        if (::tcgetattr(tty_, &before_) != 0) return;
        known_ = true;
        enter();
    }
    RawMode(const RawMode&) = delete;
    RawMode& operator=(const RawMode&) = delete;
    ~RawMode() { leave(); }
    void enter() {
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
        raw.c_iflag |= ICRNL;
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        active_ = known_ && ::tcsetattr(tty_, TCSAFLUSH, &raw) == 0;
    }
    void leave() {
        if (active_) ::tcsetattr(tty_, TCSADRAIN, &before_);
        active_ = false;
    }
    [[nodiscard]] bool active() const { return active_; }

private:
    int tty_;
    termios before_{};
    bool known_ = false, active_ = false;
};

// The line being typed, in locked memory from the first key on.
class Line {
public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::string_view reveal() const { return buffer_.reveal().substr(0, size_); }
    [[nodiscard]] Secret take() const { return Secret(reveal()); }
    bool append(char byte) {
        if (size_ == kLongestAnswer) return false;
        buffer_.writable()[size_++] = static_cast<std::byte>(byte);
        return true;
    }
    // Removes one character, which may be several bytes; false when there is none.
    bool remove_last() {
        if (size_ == 0) return false;
        bool inside = true;
        while (inside && size_ > 0) {
            inside = is_continuation(buffer_.reveal()[--size_]);
            buffer_.writable()[size_] = std::byte{0};
        }
        return true;
    }
    static bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

private:
    Secret buffer_ = Secret::zeroed(kLongestAnswer);
    std::size_t size_ = 0;
};

class Prompt {
public:
    Prompt(int tty, std::string_view text, Shown shown, const GoesOn& goes_on)
        : tty_(tty), text_(base::printable(text, 1000)), shown_(shown), goes_on_(goes_on), raw_(tty) {}

    Result<Secret> run() {
        if (!raw_.active()) return fail(ErrorCode::not_found, "the terminal cannot be used for a question");
        say(text_);
        for (;;) {
            pollfd waiting[2] = {{tty_, POLLIN, 0}, {signals_.fd(), POLLIN, 0}};
            if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return fail(errno_error(errno, "cannot wait for", "the terminal"));
            if (const auto number = signals_.take()) {
                if (!interrupted(*number)) return cancelled();
                continue;
            }
            if ((waiting[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
            char byte = 0;
            const auto got = ::read(tty_, &byte, 1);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return cancelled();
            switch (key(byte)) {
                case Outcome::more: break;
                case Outcome::done: return answer();
                case Outcome::cancelled: return cancelled();
            }
        }
    }

private:
    enum class Outcome { more, done, cancelled };

    Outcome key(char byte) {
        const bool in_escape = std::exchange(escape_, false);
        if (byte == '\n' || byte == '\r') return ended_line();
        if (byte == kControlC) return Outcome::cancelled;
        if (byte == kControlD) return line_.size() == 0 ? Outcome::cancelled : Outcome::done;
        if (byte == kControlZ) return interrupted(SIGTSTP) ? Outcome::more : Outcome::cancelled;
        if (byte == kBackspace || byte == kDelete) {
            rub_out();
        } else if (byte == kControlU || byte == kControlW) {
            while (rub_out()) {
            }
        } else if (byte == kEscape) {
            escape_ = true;  // arrow keys and paste brackets: "\x1b[" ... letter or '~'
        } else if (in_escape || in_sequence_) {
            in_sequence_ = in_escape ? byte == '[' || byte == 'O' : !(byte >= '@' && byte <= '~');
        } else if (static_cast<unsigned char>(byte) >= 0x20) {
            take(byte);
        }
        return Outcome::more;
    }

    // What was pasted beyond a secret answer may be secret too: the shell must not get it as its next command.
    Secret answer() {
        if (shown_ == Shown::masked) ::tcflush(tty_, TCIFLUSH);
        say("\r\n");
        return line_.take();
    }

    // An empty line is left out: what is pasted may end each line twice.
    Outcome ended_line() {
        if (!goes_on_ || !goes_on_(line_.reveal())) return Outcome::done;
        if (line_.reveal().ends_with('\n')) return Outcome::more;
        if (!line_.append('\n')) say(std::string_view(&kBell, 1));
        else say("\r\n");
        return Outcome::more;
    }

    void take(char byte) {
        if (!line_.append(byte)) return say(std::string_view(&kBell, 1));
        if (shown_ == Shown::typed) say(std::string_view(&byte, 1));
        else if (!Line::is_continuation(byte)) say("*");
    }

    bool rub_out() {
        if (!line_.remove_last()) return false;
        say("\b \b");
        return true;
    }

    // The terminal is the user's own while the signal does its work; false when the prompt is over.
    bool interrupted(int number) {
        raw_.leave();
        if (number != SIGTSTP) say("\r\n");
        signals_.deliver(number);
        if (number != SIGTSTP) return false;
        raw_.enter();  // continued
        say(text_);
        const Secret typed = line_.take();
        if (shown_ == Shown::typed) say(typed.reveal());
        for (const char byte : typed.reveal()) {
            if (shown_ == Shown::masked && !Line::is_continuation(byte)) say("*");
        }
        return raw_.active();
    }

    tl::unexpected<base::Error> cancelled() {
        if (raw_.active()) say("\r\n");
        return fail(ErrorCode::cancelled, "cancelled");
    }

    void say(std::string_view text) { [[maybe_unused]] const auto ignored = write_all(tty_, text, "the terminal"); }

    int tty_;
    std::string text_;
    Shown shown_;
    const GoesOn& goes_on_;
    SignalsAsData signals_;
    RawMode raw_;  // after signals_: put back before they are let through again
    Line line_;
    bool escape_ = false, in_sequence_ = false;
};

Descriptor open_terminal() { return Descriptor(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)); }

Result<Secret> ask(std::string_view text, Shown shown, const GoesOn& goes_on = {}) {
    const Descriptor tty = open_terminal();
    if (!tty.valid()) return fail(ErrorCode::not_found, "there is no terminal to ask on", "give the answer on standard input");
    return Prompt(tty.get(), text, shown, goes_on).run();
}

}  // namespace

bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }
bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }
bool has_controlling_terminal() { return open_terminal().valid(); }

int terminal_columns() {
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO}) {
        winsize size{};
        if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    }
    return 80;
}

Result<Secret> ask_secret(std::string_view prompt, const GoesOn& goes_on) { return ask(prompt, Shown::masked, goes_on); }

Result<std::string> ask_line(std::string_view prompt) {
    TRY(line, ask(prompt, Shown::typed));
    return std::string(line.reveal());
}

Result<bool> ask_yes_no(std::string_view question) {
    TRY(answer, ask_line(std::string(question) + " [y/N] "));
    const std::string word = base::to_lower(base::trim(answer));
    return word == "y" || word == "yes";
}

}  // namespace claviger::sys
