#include "app/approval_door.hpp"

#include <algorithm>

#include "api/approval_html.hpp"
#include "app/isolation.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr std::size_t kMostFileBytes = 4096;

fs::path directory_of(const fs::path& home) { return home / "approvals"; }
fs::path lock_of(const fs::path& home) { return directory_of(home) / "lock"; }

fs::path file_of(const fs::path& home, const std::string& session) { return directory_of(home) / (session + ".json"); }

void remove_site(const fs::path& home, const std::string& session) {
    std::error_code error;
    fs::remove(file_of(home, session), error);
    fs::remove(approval_page_file(home, session), error);
}

// Two live sites never have one port; a session's digits alone could not be a place in a file.
Result<std::optional<sys::FileLock>> lock_port(const fs::path& home, std::uint16_t port) { return sys::FileLock::try_byte(lock_of(home), port); }

std::optional<FoundSite> read_site(const fs::path& path) {
    const auto text = sys::read_private_file(path, kMostFileBytes);
    if (!text) return std::nullopt;
    json::ParseOptions options;
    options.storage = json::secret_storage();
    const auto value = json::parse(text->reveal(), options);
    if (!value || !value->is_object()) return std::nullopt;
    const auto& object = value->get_object();
    const auto port = json::int_at(object, "port");
    const auto key = json::string_at(object, "key");
    if (json::int_at(object, "format") != kFormat || !port || *port < 1 || *port > 65535 || !key || key->empty()) return std::nullopt;
    return FoundSite{path.stem().string(), static_cast<std::uint16_t>(*port), base::Secret(*key)};
}

}  // namespace

ApprovalDoor::ApprovalDoor(Surroundings with)
    : with_(std::move(with)), approvals_({with_.loop, with_.clock, with_.about.session.substr(0, 4), with_.patience,
                                          [this](const policy::WaitingRequest& waiting) { return announce(waiting); }}) {}

ApprovalDoor::~ApprovalDoor() {
    if (!file_.empty()) remove_site(with_.home, with_.about.session);
}

Result<void> ApprovalDoor::open() {
    TRY_VOID(sys::ensure_private_directory(directory_of(with_.home)));
    TRY(site, api::ApprovalSite::open(with_.loop, approvals_, with_.about, with_.random, with_.log));
    TRY(lock, lock_port(with_.home, site->port()));
    if (!lock) return base::fail(ErrorCode::busy, "another session has the same approval port");
    const fs::path file = file_of(with_.home, with_.about.session);
    json::Object object(json::secret_storage());
    object["format"] = kFormat;
    object["port"] = site->port();
    object["key"] = site->key().reveal();
    TRY_VOID(sys::create_file_exclusively(file, json::to_secret_text(object).reveal()));
    file_ = file;
    lock_ = std::move(*lock);
    site_ = std::move(site);
    return {};
}

Result<void> ApprovalDoor::announce(const policy::WaitingRequest& waiting) {
    if (!site_) {
        auto opened = open();
        if (!opened) {
            with_.log.warn("approvals.unavailable", {{"why", opened.error().message}});
            return opened;
        }
    }
    with_.log.info("approvals.waiting", {{"id", waiting.id}, {"rule", waiting.request.rule}});
    if (with_.say) with_.say("note: " + api::approval_subject(waiting.request) + " waits for your approval; in another terminal run: claviger approve " + waiting.id);
    return {};
}

fs::path approval_page_file(const fs::path& home, const std::string& session) { return directory_of(home) / (session + ".html"); }

Result<std::vector<FoundSite>> find_approval_sites(const fs::path& home) {
    TRY_VOID(check_reachable(home));
    std::vector<FoundSite> sites;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory_of(home), error)) {
        if (entry.path().extension() != ".json") continue;
        auto site = read_site(entry.path());
        if (!site) continue;
        TRY(dead, lock_port(home, site->port));
        if (dead) remove_site(home, site->session);
        else sites.push_back(std::move(*site));
    }
    std::sort(sites.begin(), sites.end(), [](const auto& a, const auto& b) { return a.session < b.session; });
    return sites;
}

}  // namespace claviger::app
