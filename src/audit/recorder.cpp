#include "audit/recorder.hpp"

#include <unistd.h>

#include <algorithm>

#include "audit/anchors.hpp"
#include "base/text.hpp"
#include "sys/files.hpp"

namespace claviger::audit {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kWriteAt = 64 * 1024;
constexpr std::size_t kMostWaiting = 1024 * 1024;  // while the disk is full
constexpr std::chrono::seconds kFoldedFor{1}, kRotateAgain{10};

std::string new_session(base::Random& random) {
    std::string bytes(8, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    return base::hex_encode(bytes);
}

// Requests without the session's credential come from any process of this machine: they must not be able to push the
// others out of a log of bounded size.
bool is_strangers(const Entry& entry) { return entry.kind == Entry::Kind::request && entry.host.empty(); }

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::make(Surroundings with) {
    TRY(key, audit_key(with.vault, with.random));
    std::string session = new_session(with.random);
    return std::unique_ptr<Recorder>(new Recorder(std::move(with), std::move(key), std::move(session)));
}

Recorder::Recorder(Surroundings with, base::Secret key, std::string session)
    : with_(std::move(with)), key_(std::move(key)), name_{std::move(session), 1} {}

bool Recorder::fold(Entry& entry) {
    if (!is_strangers(entry)) return false;
    auto& [last, written] = folded_[entry.reason];
    entry.count = last ? last->count + 1 : 0;
    if (entry.at - written < kFoldedFor && entry.at >= written) {
        last = std::move(entry);
        return true;
    }
    written = entry.at;
    last.reset();
    return false;
}

void Recorder::record(Entry entry) {
    if (fold(entry)) return;
    if (lines_.size() >= kMostWaiting) {
        ++lost_;
        return;
    }
    append(entry);
    if (lines_.size() >= kWriteAt && !trouble_) (void)flush();
}

void Recorder::append(const Entry& entry) {
    if (!chain_) {
        begun_ = with_.clock.now();
        chain_.emplace(key_, name_);
        head_ = head_line(name_, begun_, *chain_);
        entries_ = 0;
    }
    const auto from = lines_.size();
    append_entry(lines_, ++entries_, entry);
    chain_->seal(lines_, from);
}

Result<void> Recorder::flush() {
    auto written = write_out();
    if (written) trouble_.reset();
    else trouble_ = written.error();
    return written;
}

// Those that nothing of their kind follows must not wait for the session's end.
void Recorder::append_folded(base::Duration after) {
    const auto now = with_.clock.now();
    for (auto& [reason, folded] : folded_) {
        if (!folded.last || (now >= folded.written && now - folded.written < after)) continue;
        if (lines_.size() >= kMostWaiting) ++lost_;
        else append(*folded.last);
        folded.written = now;
        folded.last.reset();
    }
}

bool Recorder::waiting() const {
    return !lines_.empty() || lost_ > 0 || std::any_of(folded_.begin(), folded_.end(), [](const auto& one) { return one.second.last.has_value(); });
}

Result<void> Recorder::write_out() {
    append_folded(kFoldedFor);
    if (lines_.empty() && lost_ == 0) return {};
    if (lost_ > 0 && lines_.size() < kMostWaiting) {
        Entry lost;
        lost.kind = Entry::Kind::lost;
        lost.at = with_.clock.now();
        lost.count = std::exchange(lost_, 0);
        append(lost);
    }
    if (!file_) TRY_VOID(open());
    TRY_VOID(file_->append(lines_));
    lines_.clear();
    if (!full()) return {};
    // Its failure stops nobody: the old segment goes on.
    if (!rotate()) rotate_after_ = with_.clock.now() + kRotateAgain;
    return {};
}

Result<sys::AppendFile> Recorder::create_file(const SegmentName& name, std::string_view head) const {
    const auto directory = directory_of(with_.home);
    TRY_VOID(sys::ensure_private_directory(directory));
    const auto path = path_of(with_.home, name);
    TRY(file, sys::AppendFile::create(path));
    auto durable = file.append(head);
    if (durable) durable = file.sync();
    if (durable) durable = sys::sync_directory(directory);
    if (durable) return file;
    ::unlink(path.c_str());
    return fail(std::move(durable).error());
}

// The head is on the disk before the journal speaks of it, and the journal before there is an entry: after a crash a
// segment that the journal does not know has none.
Result<void> Recorder::open() {
    TRY(file, create_file(name_, head_));
    auto anchored = with_.vault.transact([&](vault::Transaction& transaction) { return transaction.audit(opened_entry(name_.text(), with_.program)); });
    if (!anchored) {
        ::unlink(path_of(with_.home, name_).c_str());
        return anchored;
    }
    file_ = std::move(file);
    (void)remove_old_segments(with_.vault, with_.home, with_.limits, with_.clock.now());  // the next session tries again
    return {};
}

bool Recorder::full() const {
    const auto now = with_.clock.now();
    return now >= rotate_after_ && (file_->size() >= with_.limits.segment_bytes || now - begun_ >= with_.limits.segment_age);
}

// Nothing waits.
Result<void> Recorder::rotate() {
    const SegmentName next{name_.session, name_.number + 1};
    const auto now = with_.clock.now();
    Chain chain(key_, next);
    const auto head = head_line(next, now, chain);
    TRY_VOID(file_->sync());
    TRY(file, create_file(next, head));
    auto anchored = with_.vault.transact([&](vault::Transaction& transaction) -> Result<void> {
        TRY_VOID(transaction.audit(closed_entry(name_.text(), chain_->lines(), chain_->mac())));
        return transaction.audit(opened_entry(next.text(), with_.program));
    });
    if (!anchored) {
        ::unlink(path_of(with_.home, next).c_str());
        return anchored;
    }
    name_ = next;
    chain_.emplace(std::move(chain));
    head_ = head;
    entries_ = 0;
    begun_ = now;
    file_ = std::move(file);
    (void)remove_old_segments(with_.vault, with_.home, with_.limits, now);
    return {};
}

Result<void> Recorder::close() {
    append_folded(base::Duration(0));
    TRY_VOID(flush());
    if (!file_) return {};
    TRY_VOID(file_->sync());
    TRY_VOID(with_.vault.transact([&](vault::Transaction& transaction) { return transaction.audit(closed_entry(name_.text(), chain_->lines(), chain_->mac())); }));
    file_.reset();
    return {};
}

Result<void> Recorder::may_release() const {
    if (!trouble_) return {};
    return fail(ErrorCode::storage, "no credential is handed out while requests cannot be recorded: " + trouble_->message);
}

}  // namespace claviger::audit
