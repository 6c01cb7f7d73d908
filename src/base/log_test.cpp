#include "base/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::base {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A pipe that is read without waiting.
class Pipe {
public:
    Pipe() {
        EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
        EXPECT_EQ(fcntl(ends_[0], F_SETFL, O_NONBLOCK), 0);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(ends_[0]);
        close(ends_[1]);
    }
    [[nodiscard]] int in() const { return ends_[1]; }
    [[nodiscard]] std::string take() const {
        std::string all;
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = read(ends_[0], part.data(), part.size())) > 0;) all.append(part.data(), static_cast<std::size_t>(n));
        return all;
    }

private:
    std::array<int, 2> ends_{};
};

// What follows the time, which is not for a test to know.
std::string after_time(const std::string& line) {
    EXPECT_THAT(line, StartsWith("{\"at\":\""));
    return line.size() < 30 ? line : line.substr(28);
}

TEST(Log, writes_one_json_object_a_line) {
    const Pipe pipe;
    Log log(pipe.in(), LogLevel::debug);
    const std::string text = "eu";
    log.info("token_refreshed", {{"provider", "acme"}, {"region", text}, {"tries", 2}, {"bytes", std::size_t{70}}, {"live", true},
                                 {"late", std::int64_t{-5}}, {"port", 443u}});
    EXPECT_EQ(after_time(pipe.take()),
              ",\"level\":\"info\",\"event\":\"token_refreshed\",\"provider\":\"acme\",\"region\":\"eu\",\"tries\":2,\"bytes\":70,"
              "\"live\":true,\"late\":-5,\"port\":443}\n");
    log.debug("bare");
    EXPECT_EQ(after_time(pipe.take()), ",\"level\":\"debug\",\"event\":\"bare\"}\n");
}

TEST(Log, keeps_to_its_level) {
    const Pipe pipe;
    Log log(pipe.in(), LogLevel::warn);
    log.trace("a");
    log.debug("b");
    log.info("c");
    EXPECT_EQ(pipe.take(), "");
    log.warn("d");
    log.error("e");
    const auto text = pipe.take();
    EXPECT_THAT(text, HasSubstr("\"d\""));
    EXPECT_THAT(text, HasSubstr("\"e\""));
    EXPECT_FALSE(log.enabled(LogLevel::info));
    Log off(pipe.in(), LogLevel::off);
    off.error("f");
    Log().error("g");
    EXPECT_EQ(pipe.take(), "");
}

TEST(Log, level_names) {
    EXPECT_EQ(log_level_from("trace"), LogLevel::trace);
    EXPECT_EQ(log_level_from("off"), LogLevel::off);
    EXPECT_EQ(log_level_from("WARN"), std::nullopt);
    EXPECT_EQ(log_level_from(""), std::nullopt);
}

TEST(Log, LG04_a_value_cannot_forge_a_line_or_a_field) {
    const Pipe pipe;
    Log log(pipe.in(), LogLevel::info);
    log.info("seen", {{"text", "x\"}\n{\"event\":\"forged\",\"a\":\"\\\x1b[2J\xff\xe2\x80\xae"}});
    const auto text = pipe.take();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    EXPECT_EQ(after_time(text), ",\"level\":\"info\",\"event\":\"seen\",\"text\":\"x\\\"}\\\\u{a}{\\\"event\\\":\\\"forged\\\",\\\"a\\\":\\\""
                                "\\\\\\\\u{1b}[2J\\\\xff\\\\u{202e}\"}\n");
}

TEST(Log, a_long_value_is_cut) {
    const Pipe pipe;
    Log log(pipe.in(), LogLevel::info);
    log.info("seen", {{"text", std::string(100'000, 'x')}});
    EXPECT_LT(pipe.take().size(), 700u);
}

TEST(Log, LG05_what_cannot_be_written_does_not_stop_the_work) {
    Log full(open("/dev/full", O_WRONLY | O_CLOEXEC), LogLevel::info);
    full.error("no_space");
    Log closed(1'000'000, LogLevel::info);
    closed.error("no_such_descriptor");
    const Pipe pipe;  // nobody reads: more than a pipe holds
    Log stuck(pipe.in(), LogLevel::info);
    for (int i = 0; i < 1000; ++i) stuck.info("line", {{"text", std::string(400, 'x')}});
    const auto text = pipe.take();
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.back(), '\n');  // whole lines
}

TEST(Log, threads_do_not_mix_their_lines) {
    const Pipe pipe;
    Log log(pipe.in(), LogLevel::info);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&log, t] {
            for (int i = 0; i < 50; ++i) log.info("line", {{"text", std::string(100, static_cast<char>('a' + t))}});
        });
    }
    threads.clear();
    const auto lines = split(pipe.take(), '\n');
    ASSERT_EQ(lines.size(), 201u);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        EXPECT_THAT(lines[i], StartsWith("{\"at\":"));
        EXPECT_EQ(lines[i].back(), '}');
    }
}

}  // namespace
}  // namespace claviger::base
