#include "crypto/certificate_authority.hpp"

#include <algorithm>

#include "crypto/session_certificates.hpp"

namespace claviger::crypto {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::chrono::hours kLeafLifetime{24};
constexpr std::chrono::hours kMaxLifetime{367 * 24};  // a session's --for may be 366 days
constexpr std::chrono::minutes kClockSkew{5};  // a client's clock may be behind ours

}  // namespace

struct CertificateAuthority::State {
    std::vector<HostName> permitted;
    Validity validity;
    Key root_key, leaf_key;  // one leaf key for all leaves: they live and die with this process
    Certificate root;
    std::string root_pem;
    base::Secret leaf_key_pem;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state) : state_(std::move(state)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

Result<CertificateAuthority> CertificateAuthority::make(const Options& options) {
    if (options.permitted_hosts.empty()) {
        return base::fail(ErrorCode::invalid_input, "an authority without hosts would be without constraints");
    }
    if (options.lifetime <= base::Duration::zero() || options.lifetime > kMaxLifetime) {
        return base::fail(ErrorCode::invalid_input, "the lifetime of an authority must be between 0 and 367 days");
    }
    auto state = std::make_unique<State>();
    for (const auto& host : options.permitted_hosts) {
        auto permitted = host_name_from(host, true);
        if (!permitted) return base::fail(permitted.error().within("a host of the session"));
        state->permitted.push_back(*std::move(permitted));
    }
    state->validity = {options.now - kClockSkew, options.now + options.lifetime};
    TRY(root_key, generate_key());
    TRY(leaf_key, generate_key());
    TRY(root, make_root(root_key.get(), state->permitted, state->validity));
    TRY(root_pem, certificate_text(root.get()));
    TRY(leaf_key_pem, private_pem(leaf_key.get()));
    state->root_key = std::move(root_key);
    state->leaf_key = std::move(leaf_key);
    state->root = std::move(root);
    state->root_pem = std::move(root_pem);
    state->leaf_key_pem = std::move(leaf_key_pem);
    return CertificateAuthority(std::move(state));
}

const std::string& CertificateAuthority::certificate_pem() const { return state_->root_pem; }

Result<Leaf> CertificateAuthority::mint(std::string_view host, base::Instant now) const {
    TRY(name, host_name_from(host, false));
    const auto covers = [&name = name](const HostName& one) { return one.covers(name); };
    if (!std::any_of(state_->permitted.begin(), state_->permitted.end(), covers)) {
        return base::fail(ErrorCode::denied, "the host is not one of this session");
    }
    if (now < state_->validity.from || now >= state_->validity.until) {
        return base::fail(ErrorCode::limit, "the session's certificate authority is not valid at this time");
    }
    // The whole span stays within 24 hours, the allowance for clocks included.
    const auto from = std::max(now - kClockSkew, state_->validity.from);
    const Validity validity{from, std::min(from + base::Duration(kLeafLifetime), state_->validity.until)};
    TRY(leaf, make_leaf(state_->leaf_key.get(), state_->root.get(), state_->root_key.get(), name, validity));
    TRY(pem, certificate_text(leaf.get()));
    return Leaf{pem + state_->root_pem, state_->leaf_key_pem.duplicate(), validity.from, validity.until};
}

}  // namespace claviger::crypto
