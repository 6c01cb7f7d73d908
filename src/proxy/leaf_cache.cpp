#include "proxy/leaf_cache.hpp"

namespace claviger::proxy {

base::Result<net::TlsServerContext> LeafCache::context_for(const std::string& canonical_host) {
    if (const auto known = contexts_.find(canonical_host); known != contexts_.end()) return known->second;
    TRY(leaf, authority_.mint(canonical_host));
    TRY(context, net::TlsServerContext::make(leaf.chain_pem, leaf.key_pem, true));
    if (contexts_.size() >= kMostHosts) contexts_.clear();
    contexts_.emplace(canonical_host, context);
    return context;
}

}  // namespace claviger::proxy
