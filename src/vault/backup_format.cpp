#include "vault/backup_format.hpp"

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"
#include "vault/ledger.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kLongestLine = 48 << 20;  // a record of 16 MiB in base64, escaped names around it
constexpr std::string_view kFormat = "claviger-backup";
constexpr std::int64_t kVersion = 1;

base::Error malformed(std::string_view what) {
    return base::Error::make(ErrorCode::corrupt, "the backup is malformed: " + std::string(what));
}

std::int64_t milliseconds(base::Instant instant) { return instant.time_since_epoch().count(); }

json::Object object() { return json::Object(json::secret_storage()); }

// Through locked memory, as the encoder returns an ordinary string.
void put_base64(json::Object& object, std::string_view name, const base::Secret& bytes) {
    std::string text = base::base64_encode(bytes.reveal());
    const base::Secret held = base::Secret::taking(text);
    object[name] = held.reveal();
}

json::Object to_json(const BackupHead& head) {
    auto line = object();
    line["format"] = kFormat;
    line["version"] = kVersion;
    line["vault_id"] = head.vault_id;
    line["taken_at"] = milliseconds(head.taken_at);
    line["generation"] = head.generation;
    put_base64(line, "name_key", head.name_key);
    line["records"] = head.records;
    line["erased"] = head.erased;
    line["audit_entries"] = head.audit_entries;
    return line;
}

json::Object to_json(const Record& record) {
    auto inner = object();
    inner["tenant"] = record.key.tenant;
    inner["kind"] = record.key.kind;
    inner["id"] = record.key.id;
    inner["version"] = record.version;
    inner["created_at"] = milliseconds(record.created_at);
    inner["updated_at"] = milliseconds(record.updated_at);
    put_base64(inner, "payload", record.payload);
    auto line = object();
    line["record"] = std::move(inner);
    return line;
}

json::Object to_json(const BackupErased& erased) {
    auto inner = object();
    inner["name"] = base::hex_encode(erased.name);
    inner["version"] = erased.version;
    auto line = object();
    line["erased"] = std::move(inner);
    return line;
}

json::Object to_json(const BackupAudit& audit) {
    auto inner = object();
    inner["tenant"] = audit.entry.tenant;
    inner["at"] = milliseconds(audit.at);
    inner["event"] = audit.entry.event;
    inner["subject"] = audit.entry.subject;
    inner["detail"] = audit.entry.detail;
    auto line = object();
    line["audit"] = std::move(inner);
    return line;
}

json::Object to_json(const BackupEnd&) {
    auto line = object();
    line["end"] = true;
    return line;
}

// Fields of one object; the first that is missing or of another type makes ok() false.
class Fields {
public:
    explicit Fields(const json::Object& object) : object_(object) {}
    std::string text(std::string_view name) { return std::string(taken(json::string_at(object_, name))); }
    std::int64_t integer(std::string_view name) { return taken(json::int_at(object_, name)); }
    std::uint64_t count(std::string_view name) {
        const auto value = integer(name);
        ok_ = ok_ && value >= 0;
        return static_cast<std::uint64_t>(value);
    }
    base::Instant instant(std::string_view name) { return base::Instant(base::Duration(integer(name))); }
    base::Secret base64(std::string_view name) {
        auto bytes = base::base64_decode(taken(json::string_at(object_, name)));
        ok_ = ok_ && bytes.has_value();
        return bytes ? base::Secret::taking(*bytes) : base::Secret();
    }
    [[nodiscard]] bool ok() const { return ok_; }

private:
    template <class T>
    T taken(const std::optional<T>& value) {
        ok_ = ok_ && value.has_value();
        return value.value_or(T{});
    }
    const json::Object& object_;
    bool ok_ = true;
};

Result<BackupLine> read_head(const json::Object& line) {
    Fields fields(line);
    if (fields.text("format") != kFormat) return fail(malformed("it is not a backup of a vault"));
    if (fields.integer("version") != kVersion) {
        return fail(ErrorCode::unsupported, "the backup has a format this program does not know", "upgrade claviger");
    }
    BackupHead head;
    head.vault_id = fields.text("vault_id");
    head.taken_at = fields.instant("taken_at");
    head.generation = fields.count("generation");
    head.name_key = fields.base64("name_key");
    head.records = fields.count("records");
    head.erased = fields.count("erased");
    head.audit_entries = fields.count("audit_entries");
    if (!fields.ok() || head.name_key.size() != kHashBytes) return fail(malformed("its first line"));
    return BackupLine(std::move(head));
}

Result<BackupLine> read_record(const json::Object& inner) {
    Fields fields(inner);
    Record record;
    record.key = {fields.text("tenant"), fields.text("kind"), fields.text("id")};
    record.version = fields.count("version");
    record.created_at = fields.instant("created_at");
    record.updated_at = fields.instant("updated_at");
    record.payload = fields.base64("payload");
    if (!fields.ok() || record.version == 0) return fail(malformed("a record"));
    return BackupLine(std::move(record));
}

}  // namespace

base::Secret write_line(const BackupLine& line) {
    const json::Value value(std::visit([](const auto& one) { return to_json(one); }, line), json::secret_storage());
    const base::Secret text = json::to_secret_text(value);
    base::WipedString with_newline(text.reveal());
    with_newline += '\n';
    return base::Secret::taking(with_newline);
}

Result<BackupLine> read_line(std::string_view text) {
    json::ParseOptions options;
    options.max_bytes = kLongestLine;
    options.max_depth = 4;
    options.storage = json::secret_storage();
    auto parsed = json::parse(text, options);
    if (!parsed) return fail(malformed("a line is not JSON"));
    const auto* line = parsed->if_object();
    if (line == nullptr) return fail(malformed("a line is not an object"));
    if (line->contains("format")) return read_head(*line);
    if (const auto* inner = json::object_at(*line, "record")) return read_record(*inner);
    if (const auto* inner = json::object_at(*line, "erased")) {
        Fields fields(*inner);
        const auto name = base::hex_decode(fields.text("name"));
        BackupErased erased{name.value_or(""), fields.count("version")};
        if (!fields.ok() || erased.name.size() != kNameBytes) return fail(malformed("an erased record"));
        return BackupLine(std::move(erased));
    }
    if (const auto* inner = json::object_at(*line, "audit")) {
        Fields fields(*inner);
        BackupAudit audit{fields.instant("at"), {fields.text("event"), fields.text("subject"), fields.text("detail"), fields.text("tenant")}};
        if (!fields.ok()) return fail(malformed("an audit line"));
        return BackupLine(std::move(audit));
    }
    if (json::bool_at(*line, "end") == true) return BackupLine(BackupEnd{});
    return fail(malformed("an unknown line"));
}

Result<void> BackupReader::check_order(const BackupLine& line) {
    const auto counted = [](std::uint64_t& left, bool after_the_rest) {
        if (left == 0 || !after_the_rest) return false;
        --left;
        return true;
    };
    bool right = begun_ && !ended_;
    if (const auto* head = std::get_if<BackupHead>(&line)) {
        right = !begun_;
        begun_ = true;
        records_left_ = head->records;
        erased_left_ = head->erased;
        audit_left_ = head->audit_entries;
    } else if (std::holds_alternative<Record>(line)) {
        right = right && counted(records_left_, true);
    } else if (std::holds_alternative<BackupErased>(line)) {
        right = right && counted(erased_left_, records_left_ == 0);
    } else if (std::holds_alternative<BackupAudit>(line)) {
        right = right && counted(audit_left_, records_left_ + erased_left_ == 0);
    } else {
        right = right && records_left_ + erased_left_ + audit_left_ == 0;
        ended_ = true;
    }
    if (!right) return fail(malformed("its lines are not in order or some are missing"));
    return {};
}

Result<void> BackupReader::line(std::string_view text) {
    TRY(parsed, read_line(text));
    TRY_VOID(check_order(parsed));
    return take_(std::move(parsed));
}

Result<void> BackupReader::piece(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto taken = bytes.substr(0, end);
        if (pending_.size() + taken.size() > kLongestLine) return fail(malformed("a line is too long"));
        pending_.append(taken.data(), taken.size());
        if (end == std::string_view::npos) return {};
        TRY_VOID(line({pending_.data(), pending_.size()}));
        base::wipe(pending_.data(), pending_.size());
        pending_.clear();
        bytes.remove_prefix(end + 1);
    }
    return {};
}

Result<void> BackupReader::finish() const {
    if (!ended_ || !pending_.empty()) return fail(malformed("it has no end"));
    return {};
}

}  // namespace claviger::vault
