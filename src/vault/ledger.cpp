#include "vault/ledger.hpp"

#include <algorithm>
#include <cstring>

#include "vault/encoding.hpp"
#include "vault/seal.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::uint8_t kFormat = 1;
constexpr std::uint64_t kErasedFlag = std::uint64_t{1} << 63;

base::WipedString random_bytes(base::Random& random) {
    base::WipedString bytes(kHashBytes, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

base::WipedString wiped(std::string_view bytes) { return base::WipedString(bytes); }

base::Error malformed(std::string_view what) {
    return base::Error::make(ErrorCode::corrupt, std::string(what) + " of the vault is malformed");
}

}  // namespace

Root Root::fresh(base::Random& random) {
    Root root;
    root.audit_head = base::WipedString(kHashBytes, '\0');
    root.name_key = random_bytes(random);
    root.audit_key = random_bytes(random);
    return root;
}

base::WipedString Root::encode() const {
    SecretEncoder encoder;
    encoder.reserve(8 * kPages + 256);
    encoder.u8(kFormat).u64(generation).u32(active_key).u64(records).u64(audit_entries);
    encoder.raw(audit_head).raw(name_key).raw(audit_key);
    for (const auto& mark : page_marks) encoder.raw({mark.data(), mark.size()});
    return wiped(encoder.view());
}

Result<Root> Root::decode(std::string_view bytes) {
    Decoder decoder(bytes);
    if (decoder.u8() != kFormat) return fail(ErrorCode::unsupported, "the root of the vault has an unknown format");
    Root root;
    root.generation = decoder.u64();
    root.active_key = decoder.u32();
    root.records = decoder.u64();
    root.audit_entries = decoder.u64();
    root.audit_head = wiped(decoder.raw(kHashBytes));
    root.name_key = wiped(decoder.raw(kHashBytes));
    root.audit_key = wiped(decoder.raw(kHashBytes));
    for (auto& mark : root.page_marks) {
        const auto raw = decoder.raw(mark.size());
        std::copy(raw.begin(), raw.end(), mark.begin());
    }
    if (!decoder.at_end()) return fail(malformed("the root"));
    return root;
}

std::string Root::name_of(const RecordKey& key) const {
    const Encoder encoder = std::move(Encoder().text(key.tenant).text(key.kind).text(key.id));
    return keyed_hash({name_key.data(), name_key.size()}, encoder.view(), kNameBytes);
}

std::string Root::chain(std::string_view previous, std::string_view line) const {
    const Encoder encoder = std::move(Encoder().text("claviger/audit").u8(1).text(previous).text(line));
    return keyed_hash({audit_key.data(), audit_key.size()}, encoder.view(), kHashBytes);
}

base::WipedString Page::encode() const {
    SecretEncoder encoder;
    encoder.reserve(8 + entries.size() * (kNameBytes + 8 + kMarkBytes));
    encoder.u8(kFormat).u32(static_cast<std::uint32_t>(entries.size()));
    for (const auto& [name, entry] : entries) {
        encoder.raw(name).u64(entry.version | (entry.erased ? kErasedFlag : 0)).raw(entry.mark);
    }
    return wiped(encoder.view());
}

Result<Page> Page::decode(std::string_view bytes) {
    Decoder decoder(bytes);
    if (decoder.u8() != kFormat) return fail(ErrorCode::unsupported, "a page of the vault's ledger has an unknown format");
    const std::uint32_t count = decoder.u32();
    Page page;
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        std::string name(decoder.raw(kNameBytes));
        const std::uint64_t version = decoder.u64();
        PageEntry entry{version & ~kErasedFlag, (version & kErasedFlag) != 0, std::string(decoder.raw(kMarkBytes))};
        page.entries.insert_or_assign(page.entries.end(), std::move(name), std::move(entry));
    }
    if (!decoder.at_end() || page.entries.size() != count) return fail(malformed("a page"));
    return page;
}

const PageEntry* Page::find(std::string_view name) const {
    const auto found = entries.find(name);
    return found == entries.end() ? nullptr : &found->second;
}

}  // namespace claviger::vault
