#include "inject/prove_dpop.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "inject/request_edit.hpp"
#include "oauth/dpop.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;

class FixedClock final : public base::Clock {
public:
    explicit FixedClock(base::Instant now) : now_(now) {}
    [[nodiscard]] base::Instant now() const override { return now_; }

private:
    base::Instant now_;
};

}  // namespace

bool DpopProver::needed(const connection::Connection& connection) {
    return base::equal_ignoring_case(connection.token_type, "DPoP");
}

base::Result<DpopProver> DpopProver::make(const connection::Connection& connection) {
    auto key = crypto::Jwk::private_key(connection.dpop_key.reveal());
    if (!key)
        return base::fail(ErrorCode::needs_login,
                          fmt::format("the key that the token of {} is bound to is not stored", connection.provider),
                          fmt::format("run: claviger login {} --connection {} --force", connection.provider, connection.name));
    return DpopProver(std::move(*key), connection.access_token.duplicate());
}

base::Result<void> DpopProver::apply(http::RequestHead& request, const net::Url& url, const Occasion* occasion) const {
    if (occasion == nullptr) return base::fail(ErrorCode::unsupported, "a request that must be proven cannot be made here");
    const FixedClock clock(occasion->now);
    TRY(proof, oauth::dpop_proof(key_, {request.method, url, token_.reveal(), occasion->server_nonce}, {&clock, &occasion->random}));
    remove_field(request.fields, "DPoP");
    request.fields.add("DPoP", proof.reveal());
    return {};
}

}  // namespace claviger::inject
