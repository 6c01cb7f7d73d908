// Vault::status: everything that can be checked without trusting the file.
#include <fmt/format.h>

#include "base/text.hpp"
#include "vault/seal.hpp"
#include "vault/state.hpp"

namespace claviger::vault {
namespace {

using base::Result;

constexpr std::size_t kMostFaults = 100;  // a ruined file must not fill the terminal

// SQLite's report has a heading between asterisks, then a line for each fault.
std::string in_one_line(std::string_view report) {
    std::vector<std::string> faults;
    for (const auto& line : base::split(report, '\n')) {
        const auto text = base::trim(line);
        if (!text.empty() && !text.starts_with("***")) faults.push_back(base::printable(text));
    }
    return faults.empty() ? "its pages do not fit together" : base::join(faults, "; ");
}

// One pass over one snapshot; faults are collected, only failures to look at all are errors.
class Inspection {
public:
    Inspection(VaultState& state, VaultStatus& status) : state_(state), status_(status) {}

    Result<void> run(bool full) {
        TRY(transaction, store::Transaction::begin(*state_.database_, store::Transaction::Kind::read));
        auto integrity = state_.database_->integrity_check();
        if (!integrity) fault(integrity.error().message);
        else if (*integrity != "ok") fault("the file is damaged: " + in_one_line(*integrity));
        auto view = View::open(state_);
        if (!view) {
            fault(view.error().message);
            return {};
        }
        status_.contents_known = true;
        status_.generation = view->root_.generation;
        status_.records = view->root_.records;
        status_.audit_entries = view->root_.audit_entries;
        check_pages(*view);
        note("records", check_records(*view, full));
        note("audit lines", check_audit(view->root_));
        note("keys", check_keys(view->root_));
        return {};
    }

private:
    void fault(std::string text) {
        if (status_.faults.size() < kMostFaults) status_.faults.push_back(std::move(text));
    }
    void note(std::string_view what, const Result<void>& result) {
        if (!result) fault(fmt::format("{}: {}", what, result.error().message));
    }

    void check_pages(View& view) {
        for (std::uint32_t number = 0; number < kPages; ++number) {
            const auto page = view.page(number);
            if (!page) {
                fault(page.error().message);
                continue;
            }
            for (const auto& entry : (*page)->entries) expected_ += entry.erased ? 0 : 1;
        }
        if (expected_ != view.root_.records) fault("the ledger's count of records is wrong");
    }

    Result<void> check_records(View& view, bool full) {
        status_.seals_ok = full;
        TRY(statement, state_.database_->prepare("SELECT tenant, kind, id FROM records ORDER BY tenant, kind, id"));
        std::uint64_t seen = 0;
        for (;;) {
            TRY(found, statement.step());
            if (!found) break;
            const auto row = statement.row();
            if (check_record(view, {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))}, full)) ++seen;
        }
        if (seen < expected_) fault(fmt::format("{} of {} records are missing or cannot be read", expected_ - seen, expected_));
        return {};
    }

    bool check_record(View& view, const RecordKey& key, bool full) {
        const auto bad = [&](std::string_view why) {
            status_.seals_ok = false;
            fault(fmt::format("{} {}: {}", base::printable(key.kind), base::printable(key.id), why));
            return false;
        };
        const auto entry = view.entry(key);
        if (!entry) return bad(entry.error().message);
        if (*entry == nullptr || (*entry)->erased) return bad("it was put in by somebody else");
        const auto row = read_record_row(*state_.database_, key);
        if (!row || !*row) return bad("its row cannot be read");
        if ((*row)->info.version != (*entry)->version || seal_mark((*row)->seal.sealed) != (*entry)->mark_view()) {
            return bad("it is not the version that was written last");
        }
        if (!full) return true;
        const auto record = view.unseal_record(**row, **entry);
        return record ? true : bad(record.error().message);
    }

    Result<void> check_audit(const Root& root) {
        TRY(statement, state_.database_->prepare("SELECT sequence, tenant, at, event, subject, detail, chain FROM audit "
                                                 "ORDER BY sequence"));
        std::string head(kHashBytes, '\0');
        std::uint64_t sequence = 0;
        for (;;) {
            TRY(found, statement.step());
            if (!found) break;
            const auto row = audit_row(statement.row());
            head = root.chain(head, row.line());
            if (row.sequence != ++sequence || row.chain != head) {
                fault(fmt::format("the audit journal was changed at line {}", row.sequence));
                return {};
            }
        }
        const bool whole = sequence == root.audit_entries && head == std::string_view(root.audit_head.data(), root.audit_head.size());
        if (!whole) fault("the audit journal was cut short or extended");
        return {};
    }

    Result<void> check_keys(const Root& root) {
        TRY(keys, read_data_keys(*state_.database_));
        for (const auto& key : keys) {
            if (key.id != root.active_key) continue;
            status_.data_key_known = true;
            status_.data_key_created_at = base::Instant(base::Duration(key.created_at));
            return {};
        }
        fault("the data key in use is missing");
        return {};
    }

    VaultState& state_;
    VaultStatus& status_;
    std::uint64_t expected_ = 0;
};

}  // namespace

Result<VaultStatus> Vault::status(bool full_check) {
    auto& state = *state_;
    TRY_VOID(state.database());
    VaultStatus status;
    status.path = state.file().native();
    status.format_version = static_cast<int>(kSchema.steps.size());
    status.vault_id = base::hex_encode(state.row_.vault_id);
    status.key_source = to_string(state.row_.source);
    status.key_source_detail = describe_key(state.row_.source, state.row_.parameters, state.place());
    status.created_at = base::Instant(base::Duration(state.row_.created_at));
    TRY_VOID(Inspection(state, status).run(full_check));
    status.integrity_ok = status.faults.empty();
    status.seals_ok = status.seals_ok && full_check && status.faults.empty();
    return status;
}

}  // namespace claviger::vault
