#include "sys/staged_child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.hpp"
#include "base/text.hpp"
#include "sys/errno_error.hpp"
#include "sys/network_namespace.hpp"
#include "sys/sandbox_landlock.hpp"
#include "sys/sandbox_mounts.hpp"
#include "sys/sandbox_seccomp.hpp"
#include "sys/spawn.hpp"
#include "sys/staged_channel.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// The first text of a command.
constexpr std::string_view kBecome = "become", kListen = "listen";
// What a mount shows.
constexpr std::string_view kDirectory = "directory", kFile = "file";
// What is said in answer to one: nothing at all when the program runs.
constexpr std::string_view kReady = "ready", kNoIsolation = "no isolation", kNotExecuted = "not executed";

template <class Number>
Number number_of(const std::string& text) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// "become", the only port or 0, how many arguments, how many mounts; arguments, three texts of each mount, environment.
struct Orders {
    std::optional<std::uint16_t> only_port;
    Texts argv;
    std::vector<ShownMount> mounts;
    std::map<std::string, std::string> environment;

    static Orders of(const Texts& texts) {
        Orders orders;
        if (const auto port = number_of<std::uint16_t>(texts[1]); port != 0) orders.only_port = port;
        auto at = texts.begin() + 4;
        const auto arguments = number_of<std::ptrdiff_t>(texts[2]);
        orders.argv.assign(at, at + arguments);
        at += arguments;
        for (auto mounts = number_of<std::size_t>(texts[3]); mounts > 0; --mounts, at += 3) orders.mounts.push_back({at[0], at[1], at[2] == kDirectory});
        for (; at != texts.end(); ++at) {
            const auto equals = at->find('=', 1);
            orders.environment.emplace(at->substr(0, equals), at->substr(equals + 1));
        }
        return orders;
    }
};

bool forbids_unix_sockets(const SandboxPlan& plan, Isolation isolation) {
    if (isolation == Isolation::landlock) return plan.control.any();
    return plan.control.abstract_bus && !plan.own_network && landlock_abi() < kLandlockAbiScopes;  // a network's abstract sockets are its own
}

Result<void> enter(const SandboxPlan& plan, Isolation isolation, const Orders& orders) {
    if (isolation == Isolation::none) return {};
    for (const auto& mount : orders.mounts) TRY_VOID(show_mount(mount));
    drop_kernel_capabilities(plan.own_network);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(errno_error(errno, "cannot set", "no_new_privs"));
    const bool network = orders.only_port && landlock_abi() >= kLandlockAbiNetwork;
    LandlockRules files;
    if (isolation == Isolation::landlock) {
        for (const auto& directory : plan.hidden) {
            TRY(names, names_by_mounts(directory));
            files.hidden.insert(files.hidden.end(), names.begin(), names.end());
        }
    }
    if (network) files.only_port = orders.only_port;
    TRY_VOID(enter_landlock(files));
    SeccompRules calls;
    calls.only_tcp = orders.only_port.has_value();
    calls.usual_families = plan.own_network;
    calls.no_unix_sockets = forbids_unix_sockets(plan, isolation);
    return enter_seccomp(calls);
}

// A directory that was opened outside leads below what is mounted here: its ".." and its entries show no cover.
Result<void> refuse_open_directories() {
    for (const int fd : {0, 1, 2}) {
        struct stat info {};
        if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
            return fail(ErrorCode::denied, "descriptor " + std::to_string(fd) + " is an open directory, by which the program could reach what is hidden",
                        "redirect it to a file or to /dev/null");
        }
    }
    return {};
}

struct Prepared {
    bool ipv6 = false;  // in a network of its own
};

Result<Prepared> prepare(const SandboxPlan& plan, Isolation isolation) {
    Prepared prepared;
    if (isolation != Isolation::namespaces) return prepared;
    TRY_VOID(enter_namespaces(plan.own_network));
    TRY_VOID(cover(plan));
    if (plan.own_network) {
        TRY(ipv6, make_every_address_local());
        prepared.ipv6 = ipv6;
    }
    return prepared;
}

// False: the other end is gone.
bool listen_for(int channel, const Texts& texts, bool ipv6) {
    std::vector<std::uint16_t> ports;
    for (auto port = texts.begin() + 1; port != texts.end(); ++port) ports.push_back(number_of<std::uint16_t>(*port));
    auto sockets = open_namespace_sockets(ports, ipv6);
    if (!sockets) return send_texts(channel, {std::string(kNoIsolation), sockets.error().describe()});
    std::vector<Descriptor> descriptors;
    descriptors.push_back(std::move(sockets->proxy));
    descriptors.push_back(std::move(sockets->names));
    for (auto& socket : sockets->tcp) descriptors.push_back(std::move(socket));
    return send_texts(channel, {std::string(kReady), ipv6 ? "1" : "0"}) && send_descriptors(channel, descriptors);
}

// The life of the staged process.
[[noreturn]] void wait_and_become(const SandboxPlan& plan, Isolation isolation, int channel) {
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // nothing here is worth hiding yet, and an id map can be written so
    ::setrlimit(RLIMIT_CORE, &core_limit_at_start());
    ::close_range(3, static_cast<unsigned>(channel) - 1, 0);
    ::close_range(static_cast<unsigned>(channel) + 1, ~0U, 0);
    const auto prepared = prepare(plan, isolation);
    if (!prepared) {
        send_texts(channel, {std::string(kNoIsolation), prepared.error().describe()});
        ::_exit(1);
    }
    if (!send_texts(channel, {std::string(kReady)})) ::_exit(1);
    auto texts = receive_texts(channel);
    while (texts && texts->front() == kListen) {
        if (!listen_for(channel, *texts, prepared->ipv6)) ::_exit(1);
        texts = receive_texts(channel);
    }
    if (!texts || texts->size() < 4) ::_exit(0);  // the session ended before there was one
    const Orders orders = Orders::of(*texts);
    if (auto entered = enter(plan, isolation, orders); !entered) {
        send_texts(channel, {std::string(kNoIsolation), entered.error().describe()});
        ::_exit(1);
    }
    if (orders.argv.empty()) {
        send_texts(channel, {std::string(kReady)});
        ::_exit(0);
    }
    const int failure = become(orders.argv, orders.environment);
    send_texts(channel, {std::string(kNotExecuted), std::to_string(failure)});
    ::_exit(127);
}

// Without a way round: what the user asked for is the point.
base::Error no_network(std::string why) {
    const auto cause = why_no_user_namespace();
    if (!cause.empty()) why = cause + " (" + why + ")";
    return base::Error::make(ErrorCode::no_isolation, "cannot give the program a network of its own: " + std::move(why),
                             "without --transparent programs that use a proxy are served all the same");
}

base::Error no_isolation(std::string why) {
    return base::Error::make(ErrorCode::no_isolation, "cannot isolate the program: " + std::move(why),
                             "'claviger doctor' says what is missing; --no-sandbox runs it all the same, able to read whatever you can");
}

std::string directories_above(const std::vector<std::filesystem::path>& hidden) {
    std::vector<std::string> all;
    for (const auto& directory : hidden) {
        for (auto at = directory.parent_path(); ; at = at.parent_path()) {
            if (std::find(all.begin(), all.end(), at.string()) == all.end()) all.insert(all.begin(), at.string());
            if (at == at.parent_path()) break;
        }
    }
    std::sort(all.begin(), all.end());
    return base::join(all, ", ");
}

SandboxReport report_of(const SandboxPlan& plan, Isolation isolation, const std::string& why_no_namespace) {
    SandboxReport report{isolation, landlock_abi(), {}, plan.own_network};
    if (isolation == Isolation::none) return report;
    auto& limits = report.limits;
    if (isolation == Isolation::landlock) {
        if (!why_no_namespace.empty()) limits.push_back("no namespaces here: " + why_no_namespace);
        limits.push_back("the program cannot create, rename or delete anything directly in " + directories_above(plan.hidden));
    }
    if (forbids_unix_sockets(plan, isolation)) limits.emplace_back("the program cannot use Unix sockets, not those of agents and displays either");
    if (report.landlock_abi < kLandlockAbiRefer) limits.emplace_back("the program cannot move or link files from one directory to another (kernel before 5.19)");
    if (report.landlock_abi < kLandlockAbiScopes) limits.emplace_back("the program can send signals to your other processes (kernel before 6.12)");
    return report;
}

}  // namespace

Result<StagedChild> StagedChild::start(const SandboxPlan& plan, Isolation isolation) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno_error(errno, "cannot make", "a socket pair"));
    StagedChild child;
    child.channel_ = Descriptor(ends[0]);
    Descriptor theirs(ends[1]);
    child.pid_ = ::fork();
    if (child.pid_ < 0) return fail(errno_error(errno, "cannot start", "a process"));
    if (child.pid_ == 0) wait_and_become(plan, isolation, theirs.get());
    { const Descriptor closed(theirs.release()); }  // so that its end is seen
    const auto answer = receive_texts(child.channel_.get());
    if (!answer || answer->empty()) return fail(interrupted());
    if (answer->front() != kReady) return fail(ErrorCode::no_isolation, answer->back());
    child.report_ = report_of(plan, isolation, {});
    return child;
}

Result<StagedChild> StagedChild::stage(const SandboxPlan& plan) {
    if (plan.choice != SandboxChoice::none && landlock_abi() == 0) {
        return fail(no_isolation("this kernel offers no Landlock (it needs 5.13 or newer, with landlock among its security modules)"));
    }
    if (plan.choice != SandboxChoice::none) TRY_VOID(refuse_open_directories());
    core_limit_at_start();
    const auto finish = [&plan](Result<StagedChild> staged) -> Result<StagedChild> {
        if (staged) forbid_core_files();
        else if (staged.error().code == ErrorCode::no_isolation) return fail(plan.own_network ? no_network(staged.error().message) : no_isolation(staged.error().message));
        return staged;
    };
    if (plan.own_network) return finish(start(plan, Isolation::namespaces));
    if (plan.choice == SandboxChoice::none) return finish(start(plan, Isolation::none));
    if (plan.choice == SandboxChoice::landlock) return finish(start(plan, Isolation::landlock));
    auto staged = start(plan, Isolation::namespaces);
    const bool other_way = !staged && staged.error().code == ErrorCode::no_isolation && plan.choice == SandboxChoice::automatic;
    if (!other_way) return finish(std::move(staged));
    auto fallback = start(plan, Isolation::landlock);
    if (fallback) fallback->report_ = report_of(plan, Isolation::landlock, staged.error().message);
    return finish(std::move(fallback));
}

StagedChild::StagedChild(StagedChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), channel_(std::move(other.channel_)), report_(std::move(other.report_)) {}

StagedChild::~StagedChild() {
    if (pid_ <= 0) return;
    { const Descriptor closed(channel_.release()); }  // it ends by itself then
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

base::Error StagedChild::interrupted() { return base::Error::make(ErrorCode::cancelled, "interrupted before the program was started"); }

Result<NamespaceSockets> StagedChild::listen(const std::vector<std::uint16_t>& ports) {
    Texts texts{std::string(kListen)};
    for (const auto port : ports) texts.push_back(std::to_string(port));
    if (!send_texts(channel_.get(), texts)) return fail(interrupted());
    const auto answer = receive_texts(channel_.get());
    if (!answer || answer->empty()) return fail(interrupted());
    if (answer->front() != kReady) return fail(no_network(answer->back()));
    auto descriptors = receive_descriptors(channel_.get());
    if (!descriptors || descriptors->size() != ports.size() + 3) return fail(interrupted());
    NamespaceSockets sockets;
    sockets.ipv6 = answer->back() == "1";
    sockets.proxy = std::move((*descriptors)[0]);
    sockets.names = std::move((*descriptors)[1]);
    for (auto at = descriptors->begin() + 2; at != descriptors->end(); ++at) sockets.tcp.push_back(std::move(*at));
    return sockets;
}

Result<void> StagedChild::command(const Program& program) {
    Texts texts{std::string(kBecome), program.only_port ? std::to_string(*program.only_port) : "0", std::to_string(program.argv.size()),
                std::to_string(program.mounts.size())};
    texts.insert(texts.end(), program.argv.begin(), program.argv.end());
    for (const auto& mount : program.mounts) texts.insert(texts.end(), {mount.source.string(), mount.target.string(), std::string(mount.directory ? kDirectory : kFile)});
    for (const auto& [name, value] : program.environment) texts.push_back(name + "=" + value);
    const bool sent = send_texts(channel_.get(), texts);
    for (auto& text : texts) base::wipe(text.data(), text.size());
    if (!sent) return fail(interrupted());
    const auto answer = receive_texts(channel_.get());
    if (!answer || answer->front() == kReady) return {};
    if (answer->front() == kNoIsolation) return fail(no_isolation(answer->back()));
    int failure = 0;
    std::from_chars(answer->back().data(), answer->back().data() + answer->back().size(), failure);
    return fail(exec_error(failure, program.argv.front()));
}

Result<Child> StagedChild::launch(const Program& program) {
    if (program.argv.empty() || program.argv.front().empty()) return fail(ErrorCode::usage, "there is no program to run");
    TRY_VOID(command(program));
    return Child{std::exchange(pid_, -1)};
}

Result<void> StagedChild::rehearse() { return command({}); }

}  // namespace claviger::sys
