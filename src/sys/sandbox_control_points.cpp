// Where programs outside the sandbox listen that would do for the child what it may not do itself.
#include <algorithm>
#include <array>

#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "sys/sandbox.hpp"

namespace claviger::sys {
namespace {

namespace fs = std::filesystem;
using Environment = std::map<std::string, std::string>;

// Terminals, editors, message buses, container engines: each takes commands on a socket.
constexpr std::array<std::string_view, 19> kVariables = {
    "DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_ADDRESS", "DBUS_STARTER_BUS_TYPE", "AT_SPI_BUS_ADDRESS", "GNOME_KEYRING_CONTROL",
    "GNOME_KEYRING_PID", "NOTIFY_SOCKET", "TMUX", "TMUX_PANE", "STY", "ZELLIJ_SESSION_NAME", "KITTY_LISTEN_ON",
    "WEZTERM_UNIX_SOCKET", "NVIM", "NVIM_LISTEN_ADDRESS", "VSCODE_IPC_HOOK_CLI", "VSCODE_GIT_IPC_HANDLE", "DOCKER_HOST",
    "CONTAINER_HOST"};

// Whoever may write to a container engine's socket may mount any directory of this machine.
constexpr std::array kMachineWide = {"/run/docker.sock", "/run/podman", "/run/containerd", "/run/crio", "/run/libvirt",
                                     "/var/lib/incus/unix.socket", "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket",
                                     "/run/screen", "/tmp/screens", "/tmp/uscreens"};
// What the system's own services do for root without asking.
constexpr std::array kForRoot = {"/run/dbus/system_bus_socket", "/run/systemd/private"};
// What looks up names for others, over a socket with a path; the system's bus leads to several of them.
constexpr std::array kNameServices = {"/run/systemd/resolve/io.systemd.Resolve", "/run/systemd/resolve/io.systemd.Resolve.Monitor",
                                      "/run/nscd/socket", "/run/avahi-daemon/socket", "/run/dbus/system_bus_socket"};
constexpr std::array kBelowHome = {".screen", ".docker/run", ".docker/desktop", ".colima/default/docker.sock", ".rd/docker.sock"};
// Agents that keep keys to themselves, and the display; not sound, whose servers load modules for whoever asks. A
// trailing '*' stands for the rest of a name.
constexpr std::array<std::string_view, 11> kHarmless = {"gnupg", "gcr", "ssh-agent*", "openssh_agent", "keyring/ssh", "wayland-*",
                                                        ".mutter-Xwaylandauth*", "xauth_*", "ICEauthority", ".Xauthority", "gdm"};

std::string value_of(const Environment& environment, const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

std::optional<fs::path> existing(const fs::path& path) {
    std::error_code error;
    fs::path real = fs::canonical(path, error);
    if (error || real == "/") return std::nullopt;
    return real;
}

bool contains(const fs::path& directory, const fs::path& path) {
    return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

// "unix:path=/run/user/1000/bus,guid=0123;unix:abstract=/tmp/x": the paths, whose odd bytes stand as "%20"; whether one
// has none.
std::vector<fs::path> paths_of_address(const std::string& address, bool& abstract) {
    std::vector<fs::path> paths;
    for (const auto& one : base::split(address, ';')) {
        for (const auto& pair : base::split(one.substr(std::min(one.size(), one.find(':') + 1)), ',')) {
            if (pair.starts_with("path=")) paths.emplace_back(base::percent_decode(pair.substr(5)).value_or(pair.substr(5)));
            if (pair.starts_with("abstract=")) abstract = true;
        }
    }
    return paths;
}

// A server that is started while the session lasts makes its socket here, where the child could have made it as well.
void ensure_tmux_directory(const fs::path& directory) {
    if (::access("/usr/bin/tmux", X_OK) == 0) ::mkdir(directory.c_str(), 0700);
}

// Where each user's session keeps its sockets, if it is one that may be emptied.
std::optional<fs::path> runtime_directory(const fs::path& path, uid_t uid, const std::vector<fs::path>& needed) {
    const auto real = existing(path);
    struct stat info {};
    if (!real || ::stat(real->c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return std::nullopt;
    if (info.st_uid != uid || (info.st_mode & 077) != 0) return std::nullopt;
    if (std::any_of(needed.begin(), needed.end(), [&](const fs::path& one) { return contains(*real, one); })) return std::nullopt;
    return real;
}

std::vector<fs::path> harmless_in(const fs::path& directory, const Environment& environment) {
    std::vector<fs::path> kept;
    const auto add = [&](const fs::path& path) {
        std::error_code error;
        if (fs::exists(path, error) && std::find(kept.begin(), kept.end(), path) == kept.end()) kept.push_back(path);
    };
    std::error_code error;
    for (const auto pattern : kHarmless) {
        if (!pattern.ends_with('*')) {
            add(directory / pattern);
            continue;
        }
        const auto start = pattern.substr(0, pattern.size() - 1);
        for (const auto& entry : fs::directory_iterator(directory, error)) {
            if (entry.path().filename().native().starts_with(start)) add(entry.path());
        }
    }
    // Version managers put the programs of one shell there.
    for (const fs::path path : base::split(value_of(environment, "PATH"), ':')) {
        if (contains(directory, path) && path != directory) add(directory / *path.lexically_relative(directory).begin());
    }
    for (const char* name : {"SSH_AUTH_SOCK", "XAUTHORITY", "WAYLAND_DISPLAY"}) {
        const auto path = existing(value_of(environment, name));
        if (path && contains(directory, *path) && *path != directory) add(*path);
    }
    return kept;
}

}  // namespace

void add_name_services(ControlPoints& control) {
    for (const char* path : kNameServices) {
        const auto real = existing(path);
        if (real && std::find(control.paths.begin(), control.paths.end(), *real) == control.paths.end()) control.paths.push_back(*real);
    }
}

bool names_a_control_point(std::string_view variable) {
    return std::find(kVariables.begin(), kVariables.end(), variable) != kVariables.end();
}

ControlPoints find_control_points(const Environment& environment, uid_t uid, const fs::path& here) {
    ControlPoints found;
    const auto hide = [&](const fs::path& path) {
        const auto real = path.is_absolute() ? existing(path) : std::nullopt;
        if (!real || contains(*real, here)) return;
        if (std::find(found.paths.begin(), found.paths.end(), *real) == found.paths.end()) found.paths.push_back(*real);
    };
    const std::string id = std::to_string(uid);
    const fs::path home = value_of(environment, "HOME"), temporary_files = value_of(environment, "TMPDIR");

    for (const char* path : kMachineWide) hide(path);
    if (uid == 0) std::for_each(kForRoot.begin(), kForRoot.end(), hide);
    if (home.is_absolute()) {
        for (const char* path : kBelowHome) hide(home / path);
    }
    for (const std::string& temporary : {std::string("/tmp"), value_of(environment, "TMUX_TMPDIR")}) {
        if (temporary.empty()) continue;
        const fs::path tmux = temporary + "/tmux-" + id;
        ensure_tmux_directory(tmux);
        hide(tmux);
    }
    for (const std::string& path : {"/tmp/zellij-" + id, "/tmp/emacs" + id, value_of(environment, "SCREENDIR")}) hide(path);
    hide(base::split(value_of(environment, "TMUX") + ",", ',').front());
    for (const char* name : {"NVIM", "NVIM_LISTEN_ADDRESS", "VSCODE_IPC_HOOK_CLI", "VSCODE_GIT_IPC_HANDLE", "WEZTERM_UNIX_SOCKET"}) {
        hide(value_of(environment, name));
    }
    for (const char* name : {"KITTY_LISTEN_ON", "DOCKER_HOST", "CONTAINER_HOST"}) {
        std::string address = value_of(environment, name);
        if (!address.starts_with("unix:")) continue;
        address.erase(0, address.starts_with("unix://") ? 7 : 5);
        if (address.starts_with('@')) found.abstract_bus = true;
        hide(address);
    }
    for (const char* name : {"DBUS_SESSION_BUS_ADDRESS", "AT_SPI_BUS_ADDRESS"}) {
        for (const auto& path : paths_of_address(value_of(environment, name), found.abstract_bus)) hide(path);
    }

    const fs::path told = value_of(environment, "XDG_RUNTIME_DIR"), usual = "/run/user/" + id;
    for (const fs::path& directory : {told, usual}) {
        if (!directory.is_absolute()) continue;
        if (!found.runtime_directory) {
            found.runtime_directory = runtime_directory(directory, uid, {here, existing(home).value_or("/"), existing(temporary_files).value_or("/tmp")});
            if (found.runtime_directory) continue;
        }
        if (const auto real = existing(directory); real && real == found.runtime_directory) continue;
        for (const char* name : {"bus", "systemd", "keyring", "at-spi", "podman", "docker.sock", "emacs"}) hide(directory / name);
    }
    if (found.runtime_directory) found.kept = harmless_in(*found.runtime_directory, environment);
    return found;
}

}  // namespace claviger::sys
