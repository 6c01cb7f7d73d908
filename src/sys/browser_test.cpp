// OA-28, T2: what an opener is run with, as the kernel tells of it.
#include "sys/browser.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "sys/files.hpp"
#include "sys/process.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;

constexpr const char* kHostile[] = {
    "", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ftp://a/", "http://example.com/", "HTTPS://a", "https:/a", "//a/", "a",
    "-https://a/", "--help", "-x https://a/", " https://a/", "https://a/ b", "https://a/\n", "https://a/\r\nx", "https://a/\tb", "https://a/\x01", "https://a/\x7f",
    "https://a/\xc3\xa9", "https://a/$(id)", "https://a/${HOME}", "https://a/`id`", "https://a/;id", "https://a/|id", "https://a/x>y", "https://a/x<y", "https://a/\"x", "https://a/'x",
    "https://a/\\x", "https://a/^x", "https://a/{a,b}", "https://a/(x)", "https://a/!x", "http://127.0.0.1.example.com/", "http://localhost.example.com/", "http://127.0.0.1@example.com/", "http://localhost:80@example.com/", "http://[::1]@example.com/",
    "http://[::1].example.com/", "https://bank.example@example.com/", "https://a:b@example.com"};
static_assert(std::size(kHostile) >= 30);

// Notes its own arguments and environment as execve(2) was given them, before the shell that reads it changes anything.
struct Opener {
    explicit Opener(const std::string& name) : path(directory / name) {
        const std::string out = (directory / "told").string();
        EXPECT_TRUE(write_file_atomically(path, "#!/bin/sh\n{ /bin/cat /proc/$$/cmdline; echo; /bin/cat /proc/$$/environ; } > " + out + ".new; /bin/mv " + out + ".new " + out + "\n"));
        EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
    }
    // It runs on its own.
    [[nodiscard]] std::optional<std::string> told() const {
        for (int i = 0; i < 6000; ++i) {
            if (auto text = read_file(directory / "told", 1 << 20)) return *text;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return std::nullopt;
    }
    [[nodiscard]] bool ran() const { return std::filesystem::exists(directory / "told"); }
    ScratchDirectory directory;
    std::filesystem::path path;
};

struct Browser : testing::Test {
    Browser() {
        for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"}) ::unsetenv(name);
    }
};

TEST_F(Browser, OA28_hostile_addresses_reach_no_opener) {
    ::setenv("DISPLAY", ":0", 1);
    const Opener opener("opener");
    const char* const openers[] = {opener.path.c_str()};
    for (const char* bad : kHostile) {
        const auto opened = open_browser_by(openers, bad);
        ASSERT_FALSE(opened) << bad;
        EXPECT_EQ(opened.error().code, ErrorCode::invalid_input) << bad;
    }
    // What is begun later ends later.
    ASSERT_TRUE(open_browser_by(openers, "https://last.example/"));
    const auto told = opener.told();
    ASSERT_TRUE(told);
    EXPECT_NE(told->find("https://last.example/"), std::string::npos) << *told;
}

TEST_F(Browser, OA28_T2_the_opener_gets_the_address_alone_and_an_environment_of_known_names) {
    const Opener opener("opener"), trap("xdg-open");
    const char* const openers[] = {"/nonexistent/opener", opener.path.c_str()};
    ::setenv("DISPLAY", ":7", 1);
    ::setenv("BROWSER", trap.path.c_str(), 1);
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (trap.directory.path().string() + ":" + path).c_str(), 1);
    for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "XDG_UTILS_DEBUG_LEVEL", "ACME_TOKEN"}) ::setenv(name, "/trap", 1);
    const std::string url = "https://auth.example.com/authorize?client_id=a&scope=b%20c&state=-x";
    const auto opened = open_browser_by(openers, url);
    for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "XDG_UTILS_DEBUG_LEVEL", "ACME_TOKEN", "BROWSER"}) ::unsetenv(name);
    ::setenv("PATH", path.c_str(), 1);
    ASSERT_TRUE(opened) << opened.error().describe();
    const auto told = opener.told();
    ASSERT_TRUE(told) << "the opener never ran";
    const auto line = told->find('\n');
    // The kernel put the script's interpreter before it.
    const auto arguments = base::split(told->substr(0, line), '\0');
    EXPECT_EQ(arguments, (std::vector<std::string>{"/bin/sh", opener.path.string(), url, ""}));
    bool display = false;
    for (const auto& variable : base::split(told->substr(line + 1), '\0')) {
        const auto name = variable.substr(0, variable.find('='));
        for (const auto* wrong : {"BROWSER", "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "XDG_UTILS_DEBUG_LEVEL", "ACME_TOKEN"}) EXPECT_NE(name, wrong);
        EXPECT_EQ(variable.find(trap.directory.path().string()), std::string::npos) << variable;
        if (name == "PATH") EXPECT_EQ(variable, "PATH=/usr/local/bin:/usr/bin:/bin");
        display = display || variable == "DISPLAY=:7";
    }
    EXPECT_TRUE(display) << "what it needs it has";
    EXPECT_FALSE(trap.ran());
}

TEST_F(Browser, OA28_without_a_display_nothing_is_opened) {
    for (const char* good : {"https://auth.example.com/authorize?a=b&c=%20d+e~f", "https://a.example?x=a@b", "https://a.example", "http://127.0.0.1:7998/x", "http://localhost:1/", "http://[::1]:1/", "http://127.0.0.1/a@b"}) {
        EXPECT_EQ(open_browser(good).error().code, ErrorCode::unsupported) << good;
    }
    for (const char* bad : kHostile) EXPECT_EQ(open_browser(bad).error().code, ErrorCode::invalid_input) << bad;
}

}  // namespace
}  // namespace claviger::sys
