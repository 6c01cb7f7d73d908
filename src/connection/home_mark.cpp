#include "connection/home_mark.hpp"

#include "connection/refresh_aside.hpp"
#include "connection/refresh_store.hpp"
#include "sys/files.hpp"

namespace claviger::connection {

base::Result<void> recognise_home(vault::Vault& vault, const std::string& tenant, const std::filesystem::path& home, base::Instant now,
                                  base::Log& log) {
    TRY_VOID(sys::ensure_private_directory(refresh_directory(home)));
    TRY(mark, sys::birth_mark(refresh_directory(home) / "lock"));
    const auto known = RefreshStore(vault, tenant).recognise(mark, now);
    if (known && !*known) log.warn("refresh.copied_home");
    if (!known && known.error().code != base::ErrorCode::storage) return base::fail(known.error());
    return {};
}

}  // namespace claviger::connection
