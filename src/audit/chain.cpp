#include "audit/chain.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"
#include "vault/encoding.hpp"
#include "vault/seal.hpp"

namespace claviger::audit {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kMacBytes = 16;
constexpr std::size_t kSessionDigits = 16;
constexpr std::string_view kBeforeMac = ",\"mac\":\"", kAfterMac = "\"}";
constexpr std::size_t kEnding = kBeforeMac.size() + 2 * kMacBytes + kAfterMac.size();
constexpr std::int64_t kVersion = 1;

vault::RecordKey place() { return {std::string(vault::kLocalTenant), "setting", "audit_key"}; }

Result<base::Secret> checked(vault::Record record) {
    if (record.payload.size() == vault::kKeyBytes) return std::move(record.payload);
    return fail(ErrorCode::corrupt, "the key of the audit log has a wrong length", "restore a backup with: claviger vault restore");
}

base::Secret segment_key(const base::Secret& audit_key, const SegmentName& name) {
    vault::Encoder encoder;
    encoder.text("claviger/segment").u8(1).text(name.session).u32(name.number);
    std::string key = vault::keyed_hash(audit_key.reveal(), encoder.view(), vault::kKeyBytes);
    return base::Secret::taking(key);
}

}  // namespace

Result<std::optional<base::Secret>> audit_key_if_any(vault::Vault& vault) {
    TRY(record, vault.get(place()));
    if (!record) return std::optional<base::Secret>();
    TRY(key, checked(std::move(*record)));
    return std::optional<base::Secret>(std::move(key));
}

Result<base::Secret> audit_key(vault::Vault& vault, base::Random& random) {
    TRY(known, audit_key_if_any(vault));
    if (known) return std::move(*known);
    base::Secret key;
    TRY_VOID(vault.transact([&](vault::Transaction& transaction) -> Result<void> {
        TRY(record, transaction.get(place()));
        if (record) {  // another process was first
            TRY(theirs, checked(std::move(*record)));
            key = std::move(theirs);
            return {};
        }
        key = random.secret_bytes(vault::kKeyBytes);
        TRY_VOID(transaction.put(place(), key, 0));
        return {};
    }));
    return key;
}

std::optional<SegmentName> SegmentName::parse(std::string_view text) {
    SegmentName name;
    if (text.size() < kSessionDigits + 2 || text[kSessionDigits] != '-') return std::nullopt;
    name.session = text.substr(0, kSessionDigits);
    if (name.session.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
    const auto digits = text.substr(kSessionDigits + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), name.number);
    if (parsed.ec != std::errc{} || name.number == 0 || name.text() != text) return std::nullopt;  // one spelling each
    return name;
}

Chain::Chain(const base::Secret& audit_key, const SegmentName& name) : key_(segment_key(audit_key, name)), before_(kMacBytes, '\0') {}

std::string Chain::next(std::string_view body) const {
    vault::Encoder encoder;
    encoder.reserve(body.size() + 64);
    encoder.text("claviger/request").u8(1).text(before_).text(body);
    return vault::keyed_hash(key_.reveal(), encoder.view(), kMacBytes);
}

void Chain::seal(std::string& out, std::size_t from) {
    before_ = next(std::string_view(out).substr(from));
    ++lines_;
    out.append(kBeforeMac).append(base::hex_encode(before_)).append(kAfterMac).append("\n");
}

bool Chain::accepts(std::string_view line) {
    if (line.size() <= kEnding) return false;
    const auto body = line.substr(0, line.size() - kEnding);
    auto mac = next(body);
    const std::string ending = std::string(kBeforeMac) + base::hex_encode(mac) + std::string(kAfterMac);
    if (!base::equal_constant_time(line.substr(body.size()), ending)) return false;
    before_ = std::move(mac);
    ++lines_;
    return true;
}

std::string Chain::mac() const { return base::hex_encode(before_); }

std::string head_line(const SegmentName& name, base::Instant at, Chain& chain) {
    std::string line = fmt::format(R"({{"format":"claviger-audit","version":{},"session":"{}","segment":{},"at":{})", kVersion, name.session,
                                   name.number, at.time_since_epoch().count());
    chain.seal(line, 0);
    return line;
}

Result<base::Instant> read_head(std::string_view line, const SegmentName& name) {
    const auto value = json::parse(line);
    if (!value || !value->is_object()) return fail(ErrorCode::corrupt, "not a JSON object");
    const auto& object = value->get_object();
    if (json::string_at(object, "format") != "claviger-audit") return fail(ErrorCode::corrupt, "not the head of a segment");
    if (json::int_at(object, "version") != kVersion) return fail(ErrorCode::unsupported, "of a version that this program does not know", "a newer claviger wrote it");
    if (json::string_at(object, "session") != name.session || json::int_at(object, "segment") != name.number) {
        return fail(ErrorCode::corrupt, "the head of another segment");
    }
    return base::Instant(base::Duration(json::int_at(object, "at").value_or(0)));
}

}  // namespace claviger::audit
