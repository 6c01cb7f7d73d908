#include "proxy/leaf_cache.hpp"

namespace claviger::proxy {

base::Result<net::TlsServerContext> LeafCache::context_for(const std::string& canonical_host) {
    const auto now = clock_.now();
    // A clock that was set back makes a new one too: the old one is not valid yet.
    const auto known = contexts_.find(canonical_host);
    if (known != contexts_.end() && now >= known->second.from && now + kLeast < known->second.until) return known->second.context;
    TRY(leaf, authority_.mint(canonical_host, now));
    TRY(context, net::TlsServerContext::make(leaf.chain_pem, leaf.key_pem, true));
    if (contexts_.size() >= kMostHosts) contexts_.clear();
    contexts_.insert_or_assign(canonical_host, Known{context, leaf.from, leaf.until});
    return context;
}

}  // namespace claviger::proxy
