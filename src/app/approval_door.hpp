// The session's side of approvals: opens the site when a rule asks for the first time, leaves its address and key in the home,
// which programs of a session cannot read, and says on the terminal that something waits. The file goes with this; one
// whose session was killed is recognised by a lock that nobody holds. Thread rule: main thread, dies before the loop.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/approval_site.hpp"
#include "sys/files.hpp"

namespace claviger::app {

class ApprovalDoor {
public:
    struct Surroundings {
        net::Loop& loop;
        const base::Clock& clock;
        base::Random& random;
        base::Log& log;
        std::filesystem::path home;
        api::ApprovalSite::About about;
        base::Duration patience;
        std::function<void(std::string_view)> say;
    };
    explicit ApprovalDoor(Surroundings with);
    ~ApprovalDoor();
    ApprovalDoor(const ApprovalDoor&) = delete;
    ApprovalDoor& operator=(const ApprovalDoor&) = delete;

    [[nodiscard]] policy::Approvals& approvals() { return approvals_; }

private:
    base::Result<void> announce(const policy::WaitingRequest& waiting);
    base::Result<void> open();

    Surroundings with_;
    policy::Approvals approvals_;
    std::unique_ptr<api::ApprovalSite> site_;
    std::optional<sys::FileLock> lock_;
    std::filesystem::path file_;
};

// What the owner's command finds of it.
struct FoundSite {
    std::string session;
    std::uint16_t port = 0;
    base::Secret key;
};
// Of the sessions that live; files of dead ones are removed. ErrorCode::denied inside a session.
base::Result<std::vector<FoundSite>> find_approval_sites(const std::filesystem::path& home);
// Where a page of ours leads the browser on to a session's; it goes with the session's file.
std::filesystem::path approval_page_file(const std::filesystem::path& home, const std::string& session);

}  // namespace claviger::app
