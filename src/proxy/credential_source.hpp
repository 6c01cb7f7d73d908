// CredentialSource: where the proxy gets what it puts into requests, and a newer one when the API refused it. Asked per
// request; the implementation caches per version of a connection, so that a logout or a new login holds from the next
// request on (PX-29). Thread rule: on the Loop's thread; outlives the proxy.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "inject/injection.hpp"
#include "net/cancellation.hpp"
#include "net/task.hpp"
#include "scrub/needles.hpp"

namespace claviger::proxy {

struct Credential {
    inject::Injection injection;
    base::Secret access_token;  // what is in it, where a refused one can be replaced; empty: it cannot
    scrub::NeedlesPtr reflections{};  // what its answers must not show; null: nothing is long enough to be looked for
    std::optional<base::Instant> steps_at{};  // when what follows the access token was made: another time, another credential
};
using CredentialPtr = std::shared_ptr<const Credential>;

class CredentialSource {
public:
    virtual ~CredentialSource() = default;
    // One that is valid now. Whoever `gone` belongs to may stop waiting: ErrorCode::cancelled; what was begun for it goes
    // on. Errors are answered to the client as problem_of_credential() says.
    virtual net::Task<base::Result<CredentialPtr>> credential(std::string provider, std::string connection, net::Cancellation& gone) = 0;
    // The API answered 401 to `refused` (RF-10). Gives the one to try now, or null when there is none and the API's answer
    // stands. Error only when a human has to act: needs_login, suspended, not_connected.
    virtual net::Task<base::Result<CredentialPtr>> replacement(std::string provider, std::string connection, CredentialPtr refused,
                                                               net::Cancellation& gone) = 0;
    // Whether requests that carry the connection's credential may go on: false once it is logged out or suspended.
    virtual bool stands(const std::string& provider, const std::string& connection) = 0;
    // The API wants a login of another kind for this request (RFC 9470 section 3): no refresh can give it.
    virtual void wants_stronger_login(const std::string& provider, const std::string& connection) = 0;
};

}  // namespace claviger::proxy
