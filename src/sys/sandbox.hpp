// What a program under `run` may not reach, and by which of the kernel's means that holds (CL-05). A mount namespace
// covers what is hidden with empty directories, and a Landlock domain on top keeps the program from changing mounts
// and from reaching into processes outside; where no namespace can be made, Landlock alone allows everything but
// what is hidden. A seccomp filter takes the system calls that would go round both. Thread rule: values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/error.hpp"

namespace claviger::sys {

enum class SandboxChoice { automatic, namespaces, landlock, none };
enum class Isolation { none, namespaces, landlock };

// Sockets of programs outside that would do what they are asked: open a terminal, start a service, mount a directory.
struct ControlPoints {
    std::vector<std::filesystem::path> paths;              // files and directories that exist
    std::optional<std::filesystem::path> runtime_directory;  // emptied but for what is known to be harmless
    std::vector<std::filesystem::path> kept;               // below runtime_directory: agents, display, sound
    bool abstract_bus = false;                             // a message bus that has no path
    [[nodiscard]] bool any() const { return !paths.empty() || runtime_directory.has_value() || abstract_bus; }
};
// `environment` is the user's, `here` the working directory: it stays reachable. Makes tmux's directory if it is
// missing, as a server started later would make its socket there.
ControlPoints find_control_points(const std::map<std::string, std::string>& environment, uid_t uid,
                                  const std::filesystem::path& here);
// Those that would look up names, or change networks, for a program whose network is its own.
void add_name_services(ControlPoints& control);
// Whether a variable leads to a control point, so that the program need not have it.
bool names_a_control_point(std::string_view variable);

struct SandboxPlan {
    SandboxChoice choice = SandboxChoice::automatic;
    std::vector<std::filesystem::path> hidden;  // directories that exist, canonical; their contents are out of reach
    ControlPoints control;
    // A network without a way out, whose connections arrive at sockets of the session (StagedChild::listen). Namespaces or nothing.
    bool own_network = false;
};

// What shows at `target` to the program, which exists: a file of the session's, or a directory's entries and what `target` has
// besides.
struct ShownMount {
    std::filesystem::path source, target;
    bool directory = false;
};

struct SandboxReport {
    Isolation isolation = Isolation::none;
    int landlock_abi = 0;
    std::vector<std::string> limits;  // what a user may trip over, or what does not hold on this kernel; sentences
    bool own_network = false;
};

// What the kernel's Landlock can do: 0 = none. See landlock(7) for what each number brings.
int landlock_abi();
inline constexpr int kLandlockAbiRefer = 2, kLandlockAbiTruncate = 3, kLandlockAbiNetwork = 4, kLandlockAbiScopes = 6;

// Whether `path` is one that a sandbox around this process has covered.
bool is_covered(const std::filesystem::path& path);
// Whether a sandbox of ours is around this process, as far as it can be seen: with Landlock alone it cannot.
bool inside_sandbox();

}  // namespace claviger::sys
