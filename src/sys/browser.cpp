// open_browser: argv, no shell, a fixed list of openers in fixed places, and an environment of known names only, so
// that neither $BROWSER nor $PATH nor $LD_PRELOAD decides what sees the address (OA-28, T2).
#include "sys/browser.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <unistd.h>

#include "base/text.hpp"
#include "sys/process.hpp"
#include "sys/spawn.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::array<const char*, 4> kOpeners = {"/usr/bin/xdg-open", "/usr/bin/wslview", "/usr/bin/sensible-browser", "/usr/bin/x-www-browser"};
constexpr std::array kKept = {"DBUS_SESSION_BUS_ADDRESS", "DESKTOP_SESSION", "DISPLAY", "HOME", "LANG", "LOGNAME", "USER",
                              "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "WSL_INTEROP", "XAUTHORITY", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME",
                              "XDG_CURRENT_DESKTOP", "XDG_DATA_DIRS", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE"};

constexpr std::string_view kHttp = "http://", kHttps = "https://";

bool is_on_this_machine(std::string_view url) {
    if (!url.starts_with(kHttp)) return false;
    auto host = url.substr(kHttp.size());
    host = host.substr(0, host.find_first_of("/?#"));
    const auto port = host.find_last_not_of("0123456789");
    if (port != std::string_view::npos && host[port] == ':') host = host.substr(0, port);
    return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

// An opener may hand the address to a shell after all: only characters that mean nothing there, or that URLs need
// and openers are known to quote. The address was validated before; this is the last door.
bool is_openable(std::string_view url) {
    const bool web = url.starts_with("https://") ? url.find('@') >= url.find_first_of("/?#", kHttps.size()) : is_on_this_machine(url);
    return web && std::ranges::all_of(url, [](unsigned char c) {
        return c > 0x20 && c < 0x7f && std::string_view("\"'`\\<>|;^{}$()!").find(static_cast<char>(c)) == std::string_view::npos;
    });
}

Result<void> open_address(std::span<const char* const> openers, const std::string& url) {
    const auto current = environment();
    const auto has = [&](const char* name) {
        const auto found = current.find(name);
        return found != current.end() && !found->second.empty();
    };
    if (!has("DISPLAY") && !has("WAYLAND_DISPLAY") && !has("WSL_DISTRO_NAME")) {
        return fail(ErrorCode::unsupported, "there is no display to open a browser on", "open the address yourself");
    }
    std::map<std::string, std::string> clean{{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
    for (const char* name : kKept) {
        if (const auto found = current.find(name); found != current.end()) clean.insert(*found);
    }
    for (const char* opener : openers) {
        if (::access(opener, X_OK) != 0) continue;
        if (spawn({opener, url}, clean, Manner::detached)) return {};
    }
    return fail(ErrorCode::unsupported, "no program here opens a browser", "install xdg-utils, or open the address yourself");
}

}  // namespace

Result<void> open_browser_by(std::span<const char* const> openers, const std::string& url) {
    if (!is_openable(url)) return fail(ErrorCode::invalid_input, "the address is not one a browser may be sent to");
    return open_address(openers, url);
}

Result<void> open_browser(const std::string& url) { return open_browser_by(kOpeners, url); }

Result<void> open_browser_on_file(const std::filesystem::path& file) {
    std::string url = "file://";
    for (const auto& part : file) {
        if (part != "/") url += "/" + base::percent_encode(part.string());
    }
    return open_address(kOpeners, url);
}

}  // namespace claviger::sys
