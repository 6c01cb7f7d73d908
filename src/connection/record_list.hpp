// Reading the vault's records of connections and clients: keys, pages, damage. Internal to connection/. `Source` is a vault
// or a transaction. Thread rule: as the Source.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "connection/record.hpp"
#include "vault/vault.hpp"

namespace claviger::connection {

inline vault::RecordKey key_of(const std::string& tenant, std::string_view kind, std::string id) {
    return {tenant, std::string(kind), std::move(id)};
}

inline bool damaged(const base::Error& error) {
    return error.code == base::ErrorCode::corrupt || error.code == base::ErrorCode::unsupported;
}

// Whether there is one to be replaced: a damaged record is there too, and writing it anew is what mends it (VA-12).
inline base::Result<bool> exists(vault::Transaction& transaction, const vault::RecordKey& key) {
    const auto record = transaction.get(key);
    if (!record && !damaged(record.error())) return base::fail(record.error());
    return !record || *record;
}

// Every record of a kind, page by page: one page more costs less than one surprise.
template <class Source>
base::Result<std::vector<vault::RecordInfo>> all_of(Source& source, const std::string& tenant, std::string_view kind) {
    constexpr std::size_t kPage = 1000;
    std::vector<vault::RecordInfo> all;
    std::string after;
    for (;;) {
        TRY(page, source.list(tenant, kind, after, kPage));
        all.insert(all.end(), page.begin(), page.end());
        if (page.size() < kPage) return all;
        after = page.back().key.id;
    }
}

// "provider/name" of a connection's id.
inline std::pair<std::string, std::string> parts_of(const std::string& id) {
    const auto slash = id.rfind('/');
    if (slash == std::string::npos) return {id, std::string()};
    return {id.substr(0, slash), id.substr(slash + 1)};
}

template <class Source>
base::Result<std::vector<std::string>> names_in(Source& source, const std::string& tenant, std::string_view provider) {
    TRY(rows, all_of(source, tenant, kConnectionKind));
    std::vector<std::string> out;
    for (const auto& row : rows) {
        auto [of, name] = parts_of(row.key.id);
        if (of == provider && !name.empty()) out.push_back(std::move(name));
    }
    return out;
}

}  // namespace claviger::connection
