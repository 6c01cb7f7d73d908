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
constexpr std::size_t kEntryBytes = kNameBytes + 8 + kMarkBytes;
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

PageEntry PageEntry::of(std::string_view name, std::uint64_t version, std::string_view mark) {
    PageEntry entry;
    std::ranges::copy(name.substr(0, kNameBytes), entry.name.begin());
    std::ranges::copy(mark.substr(0, kMarkBytes), entry.mark.begin());
    entry.version = version;
    return entry;
}

PageEntry PageEntry::erased_one(std::string_view name, std::uint64_t version) {
    PageEntry entry = of(name, version, {});
    entry.erased = true;
    return entry;
}

base::WipedString Page::encode() const {
    SecretEncoder encoder;
    encoder.reserve(8 + entries.size() * kEntryBytes);
    encoder.u8(kFormat).u32(static_cast<std::uint32_t>(entries.size()));
    for (const auto& entry : entries) {
        encoder.raw(entry.name_view()).u64(entry.version | (entry.erased ? kErasedFlag : 0)).raw(entry.mark_view());
    }
    return wiped(encoder.view());
}

Result<Page> Page::decode(std::string_view bytes) {
    Decoder decoder(bytes);
    if (decoder.u8() != kFormat) return fail(ErrorCode::unsupported, "a page of the vault's ledger has an unknown format");
    const std::uint32_t count = decoder.u32();
    Page page;
    page.entries.reserve(std::min<std::size_t>(count, bytes.size() / kEntryBytes));
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const auto name = decoder.raw(kNameBytes);
        const std::uint64_t version = decoder.u64();
        PageEntry entry = PageEntry::of(name, version & ~kErasedFlag, decoder.raw(kMarkBytes));
        entry.erased = (version & kErasedFlag) != 0;
        if (!page.entries.empty() && page.entries.back().name_view() >= name) return fail(malformed("a page"));
        page.entries.push_back(entry);
    }
    if (!decoder.at_end() || page.entries.size() != count) return fail(malformed("a page"));
    return page;
}

const PageEntry* Page::find(std::string_view name) const {
    const auto found = std::ranges::lower_bound(entries, name, {}, &PageEntry::name_view);
    return found == entries.end() || found->name_view() != name ? nullptr : &*found;
}

void Page::put(const PageEntry& entry) {
    const auto place = std::ranges::lower_bound(entries, entry.name_view(), {}, &PageEntry::name_view);
    if (place != entries.end() && place->name_view() == entry.name_view()) *place = entry;
    else entries.insert(place, entry);
}

void LedgerCache::keep_root(std::uint32_t version, const Root& root) {
    root_ = root;
    version_ = version;
}

std::shared_ptr<const Page> LedgerCache::page(std::uint32_t number, const std::array<char, 8>& mark) const {
    const auto found = pages_.find(number);
    return found != pages_.end() && found->second.mark == mark ? found->second.page : nullptr;
}

void LedgerCache::keep_page(std::uint32_t number, const std::array<char, 8>& mark, std::shared_ptr<const Page> page) {
    if (entries_ + page->entries.size() > kMostEntries) {
        pages_.clear();
        entries_ = 0;
    }
    auto& kept = pages_[number];
    if (kept.page != nullptr) entries_ -= kept.page->entries.size();
    entries_ += page->entries.size();
    kept = {mark, std::move(page)};
}

void LedgerCache::clear() { *this = {}; }

}  // namespace claviger::vault
