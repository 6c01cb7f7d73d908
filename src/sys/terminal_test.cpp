#include "sys/terminal.hpp"

#include <array>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace claviger::sys {
namespace {

using base::ErrorCode;

// A child process whose controlling terminal is a pseudo-terminal that the test types on.
class OnTerminal {
public:
    // `body` runs in the child; what it returns is the exit code.
    template <class Body>
    explicit OnTerminal(Body body) {
        EXPECT_EQ(::openpty(&ours_, &theirs_, nullptr, nullptr, nullptr), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ours_);
            ::setsid();
            ::ioctl(theirs_, TIOCSCTTY, 0);
            for (const int fd : {0, 1, 2}) ::dup2(theirs_, fd);
            ::_exit(body());
        }
    }
    ~OnTerminal() {
        if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
        ::close(ours_), ::close(theirs_);
    }
    void type(std::string_view keys) { EXPECT_EQ(::write(ours_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size())); }
    void signal(int number) { ::kill(pid_, number); }
    // Everything shown until `text` appears; fails after 10 seconds.
    std::string until(std::string_view text) {
        while (shown_.find(text, from_) == std::string::npos) {
            pollfd waiting{ours_, POLLIN, 0};
            if (::poll(&waiting, 1, 10'000) != 1) {
                ADD_FAILURE() << "not shown: " << text << "; shown: " << shown_;
                break;
            }
            std::array<char, 4096> buffer{};
            const auto got = ::read(ours_, buffer.data(), buffer.size());
            if (got <= 0) break;
            shown_.append(buffer.data(), static_cast<std::size_t>(got));
        }
        from_ = shown_.size();
        return shown_;
    }
    // As a shell would report.
    int exit_code() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    void wait_until_stopped() {
        int status = 0;
        ::waitpid(pid_, &status, WUNTRACED);
        EXPECT_TRUE(WIFSTOPPED(status));
    }
    [[nodiscard]] bool echoes() const {
        termios settings{};
        ::tcgetattr(theirs_, &settings);
        return (settings.c_lflag & ECHO) != 0 && (settings.c_lflag & ICANON) != 0 && (settings.c_lflag & ISIG) != 0;
    }

private:
    int ours_ = -1, theirs_ = -1;
    pid_t pid_ = -1;
    std::string shown_;
    std::size_t from_ = 0;
};

constexpr int kCancelled = 90, kOther = 91;

int ask_for(std::string_view expected) {
    const auto answer = ask_secret("secret: ");
    if (!answer) return answer.error().code == ErrorCode::cancelled ? kCancelled : kOther;
    return answer->equals(expected) ? 0 : 1;
}

struct Typing {
    const char* name;
    std::string keys, expected;
};

class TerminalKeys : public testing::TestWithParam<Typing> {};

TEST_P(TerminalKeys, give_the_answer_and_show_only_stars) {
    OnTerminal terminal([] { return ask_for(GetParam().expected); });
    terminal.until("secret: ");
    EXPECT_FALSE(terminal.echoes());
    terminal.type(GetParam().keys);
    const std::string shown = terminal.until("\r\n");
    EXPECT_EQ(terminal.exit_code(), 0);
    EXPECT_EQ(shown.find_first_of("abcxyz", shown.find(':')), std::string::npos) << shown;
    EXPECT_TRUE(terminal.echoes());
}

INSTANTIATE_TEST_SUITE_P(Terminal, TerminalKeys,
                         testing::Values(Typing{"plain", "abc\n", "abc"}, Typing{"empty", "\n", ""}, Typing{"carriage_return", "abc\r", "abc"},
                                         Typing{"backspace", "abx\x7f" "c\n", "abc"}, Typing{"backspace_over_nothing", "\x7f\x7f" "abc\n", "abc"},
                                         Typing{"backspace_over_two_bytes", "ab\xc3\xbc\x7f" "c\n", "abc"},
                                         Typing{"clear_line", "xyz\x15" "abc\n", "abc"}, Typing{"arrow_keys", "a\x1b[Ab\x1bOBc\n", "abc"},
                                         Typing{"bracketed_paste", "\x1b[200~abc\x1b[201~\n", "abc"}, Typing{"end_of_input_after_text", "abc\x04", "abc"},
                                         Typing{"longer_than_a_line_discipline_takes", std::string(8000, 'a') + "\n", std::string(8000, 'a')}),
                         [](const auto& info) { return std::string(info.param.name); });

// Lines go on until "end"; empty ones, as Windows line ends make them, are left out.
TEST(Terminal, an_answer_of_several_lines_ends_where_the_caller_says) {
    for (const char* keys : {"ab\ncd\nend\n", "ab\r\ncd\r\nend\r\n", "\x1b[200~ab\rcd\rend\r\x1b[201~", "ab\ncd\nend\nrm -rf x\n"}) {
        OnTerminal terminal([] {
            const auto answer = ask_secret("secret: ", [](std::string_view so_far) { return !so_far.ends_with("end"); });
            if (!answer || !answer->equals("ab\ncd\nend")) return 1;
            // What came after it waits for nobody.
            pollfd waiting{STDIN_FILENO, POLLIN, 0};
            return ::poll(&waiting, 1, 0) == 0 ? 0 : 2;
        });
        terminal.until("secret: ");
        terminal.type(keys);
        EXPECT_EQ(terminal.exit_code(), 0) << keys;
        EXPECT_TRUE(terminal.echoes());
    }
    OnTerminal terminal([] {
        const auto answer = ask_secret("secret: ", [](std::string_view) { return true; });
        return answer && answer->equals("ab\n") ? 0 : 1;
    });
    terminal.until("secret: ");
    terminal.type("ab\n\x04");  // a human who sees no end gives one
    EXPECT_EQ(terminal.exit_code(), 0);
}

TEST(Terminal, cancelled_by_control_c_and_end_of_input) {
    for (const char* keys : {"abc\x03", "\x04"}) {
        OnTerminal terminal([] { return ask_for(""); });
        terminal.until("secret: ");
        terminal.type(keys);
        EXPECT_EQ(terminal.exit_code(), kCancelled);
        EXPECT_TRUE(terminal.echoes());
    }
}

TEST(Terminal, CL02_echo_is_restored_when_a_signal_ends_the_program) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        OnTerminal terminal([] { return ask_for(""); });
        terminal.until("secret: ");
        ASSERT_FALSE(terminal.echoes());
        terminal.signal(number);
        EXPECT_EQ(terminal.exit_code(), 128 + number);
        EXPECT_TRUE(terminal.echoes()) << number;
    }
}

TEST(Terminal, CL02_echo_is_restored_while_stopped_and_the_prompt_comes_back) {
    OnTerminal terminal([] {
        // A session leader without a job-control parent is not stopped by SIGTSTP itself.
        const pid_t job = ::fork();
        if (job == 0) {
            ::setpgid(0, 0);
            ::signal(SIGTTOU, SIG_IGN);
            ::tcsetpgrp(0, ::getpid());
            ::_exit(ask_for("abc"));
        }
        int status = 0;
        ::waitpid(job, &status, WUNTRACED);
        if (!WIFSTOPPED(status)) return 70;
        termios settings{};
        ::tcgetattr(0, &settings);
        if ((settings.c_lflag & ECHO) == 0) return 71;
        ::kill(job, SIGCONT);
        ::waitpid(job, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 72;
    });
    terminal.until("secret: ");
    terminal.type("ab\x1a");
    terminal.until("secret: **");
    terminal.type("c\n");
    EXPECT_EQ(terminal.exit_code(), 0);
    EXPECT_TRUE(terminal.echoes());
}

TEST(Terminal, a_line_is_shown_as_typed_and_a_foreign_prompt_is_made_printable) {
    OnTerminal terminal([] {
        const auto answer = ask_line("name\x1b[2J: ");
        return answer && *answer == "abc" ? 0 : 1;
    });
    const std::string prompt = terminal.until(": ");
    EXPECT_EQ(prompt.find('\x1b'), std::string::npos) << "CL-09";
    terminal.type("abd\x7f" "c\n");
    EXPECT_NE(terminal.until("\r\n").find("abd\b \bc"), std::string::npos);
    EXPECT_EQ(terminal.exit_code(), 0);
}

TEST(Terminal, the_default_answer_is_no) {
    const std::pair<const char*, int> rows[] = {{"y\n", 1}, {"YES\n", 1}, {"\n", 0}, {"n\n", 0}, {"yo\n", 0}, {" y \n", 1}};
    for (const auto& [keys, expected] : rows) {
        OnTerminal terminal([] { return ask_yes_no("sure?").value() ? 1 : 0; });
        terminal.until("sure? [y/N] ");
        terminal.type(keys);
        EXPECT_EQ(terminal.exit_code(), expected) << keys;
    }
}

TEST(Terminal, without_a_terminal_there_is_nobody_to_ask) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::setsid();
        const bool right = !has_controlling_terminal() && ask_secret("x").error().code == ErrorCode::not_found &&
                           ask_yes_no("x").error().code == ErrorCode::not_found;
        ::_exit(right ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Terminal, width_is_the_terminals_own) {
    OnTerminal terminal([] {
        winsize size{40, 123, 0, 0};
        ::ioctl(0, TIOCSWINSZ, &size);
        return terminal_columns() == 123 && stdin_is_terminal() && stdout_is_terminal() && has_controlling_terminal() ? 0 : 1;
    });
    EXPECT_EQ(terminal.exit_code(), 0);
}

}  // namespace
}  // namespace claviger::sys
