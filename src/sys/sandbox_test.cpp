#include "sys/sandbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "sys/sandbox_mounts.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::sys {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

struct Row {
    const char* what;
    const char* path;
    int mount;
    std::vector<fs::path> names;
};

TEST(Sandbox, CL05_every_name_that_a_mount_gives_to_a_directory_is_found) {
    constexpr const char* kMounts =
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "23 22 8:2 / /home rw - ext4 /dev/sda2 rw\n"
        "24 22 8:2 /u /mnt/u rw - ext4 /dev/sda2 rw\n"
        "25 22 8:2 /u/.claviger/providers /srv/providers rw - ext4 /dev/sda2 rw\n"
        "26 22 8:2 /other /mnt/other rw - ext4 /dev/sda2 rw\n"
        "27 22 8:2 / /mnt/with\\040space rw - ext4 /dev/sda2 rw\n"
        "28 22 0:40 /@home /btrfs rw - btrfs /dev/sdb rw\n"
        "29 22 0:40 / /top rw - btrfs /dev/sdb rw\n"
        "bad line\n\n";
    const Row rows[] = {
        {"below a mount that is shown elsewhere", "/home/u/.claviger", 23,
         {"/home/u/.claviger", "/mnt/u/.claviger", "/mnt/with space/u/.claviger", "/srv/providers"}},
        {"on the root", "/opt/u/.claviger", 22, {"/opt/u/.claviger"}},
        {"a subvolume and the volume above it", "/btrfs/u/.claviger", 28, {"/btrfs/u/.claviger", "/top/@home/u/.claviger"}},
        {"a mount point itself", "/mnt/u", 24, {"/mnt/u", "/home/u", "/mnt/with space/u", "/srv/providers"}},
        {"an unknown mount", "/home/u/.claviger", 99, {"/home/u/.claviger"}},
    };
    for (const auto& row : rows) EXPECT_EQ(names_by_mounts(row.path, row.mount, kMounts), row.names) << row.what;
}

TEST(Sandbox, control_points_are_found_where_the_environment_and_custom_put_them) {
    const ScratchDirectory scratch;
    const fs::path base = fs::canonical(scratch.path()), runtime = base / "run", home = base / "home", here = base / "work";
    for (const auto& directory : {runtime, home, here, runtime / "systemd", runtime / "keyring", runtime / "gnupg", home / ".docker/run"}) fs::create_directories(directory);
    ::chmod(runtime.c_str(), 0700);
    for (const auto& file : {runtime / "bus", runtime / "keyring/ssh", runtime / "wayland-0", base / "bus", base / "nvim.1", base / "agent"}) std::ofstream(file) << "";
    std::map<std::string, std::string> environment{{"HOME", home}, {"XDG_RUNTIME_DIR", runtime}, {"DBUS_SESSION_BUS_ADDRESS", "unix:path=" + (base / "bus").string() + ",guid=1"},
                                                   {"NVIM", base / "nvim.1"}, {"SSH_AUTH_SOCK", base / "agent"}, {"DOCKER_HOST", "unix:///nonexistent"}};
    auto found = find_control_points(environment, ::geteuid(), here);
    EXPECT_THAT(found.paths, Contains(base / "bus"));
    EXPECT_THAT(found.paths, Contains(base / "nvim.1"));
    EXPECT_THAT(found.paths, Contains(home / ".docker/run"));
    EXPECT_THAT(found.paths, Not(Contains(base / "agent"))) << "agents keep their keys to themselves";
    EXPECT_EQ(found.runtime_directory, runtime);
    EXPECT_THAT(found.kept, ElementsAre(runtime / "gnupg", runtime / "keyring/ssh", runtime / "wayland-0"));
    EXPECT_FALSE(found.abstract_bus);

    // One that others may enter, or that the program works in, is not emptied; its sockets are hidden one by one.
    ::chmod(runtime.c_str(), 0755);
    found = find_control_points(environment, ::geteuid(), here);
    EXPECT_NE(found.runtime_directory, runtime);
    EXPECT_THAT(found.paths, Contains(runtime / "bus"));
    EXPECT_THAT(found.paths, Contains(runtime / "keyring"));
    ::chmod(runtime.c_str(), 0700);
    EXPECT_NE(find_control_points(environment, ::geteuid(), runtime / "systemd").runtime_directory, runtime);
    // Programs of a version manager stay; a directory for temporary files is needed whole.
    fs::create_directories(runtime / "shells/1/bin");
    environment["PATH"] = (runtime / "shells/1/bin").string() + ":/usr/bin:" + runtime.string();
    EXPECT_THAT(find_control_points(environment, ::geteuid(), here).kept, Contains(runtime / "shells"));
    environment["TMPDIR"] = runtime / "gnupg";
    EXPECT_NE(find_control_points(environment, ::geteuid(), here).runtime_directory, runtime);
    environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:abstract=/tmp/dbus-x,guid=1";
    EXPECT_TRUE(find_control_points(environment, ::geteuid(), here).abstract_bus);
    fs::create_directories(base / "a b");
    std::ofstream(base / "a b/bus") << "";
    environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + (base / "a%20b/bus").string() + ",guid=1";
    EXPECT_THAT(find_control_points(environment, ::geteuid(), here).paths, Contains(base / "a b/bus")) << "as D-Bus escapes it";
}

TEST(Sandbox, an_ordinary_directory_is_not_taken_for_a_cover) {
    const ScratchDirectory scratch = ScratchDirectory::in_memory();
    EXPECT_FALSE(is_covered(scratch.path()));
    ::chmod(scratch.path().c_str(), 0);
    EXPECT_FALSE(is_covered(scratch.path()));
    EXPECT_FALSE(is_covered(scratch / "none"));
    EXPECT_FALSE(inside_sandbox());
}

}  // namespace
}  // namespace claviger::sys
