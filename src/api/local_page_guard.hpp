// Who may talk to the local page: Host, Origin, Sec-Fetch-Site and method, judged before any route is looked at
// (LB-02, LB-03, LB-10). Thread rule: a pure function.
#pragma once

#include <cstdint>

#include "http/message.hpp"

namespace claviger::api {

enum class Admission {
    admitted,
    misdirected,      // 421: a name for this server that is not ours (DNS rebinding)
    forbidden,        // 403: another site is asking, or a preflight, or an upgrade
    not_allowed,      // 405: no route takes this method
};

// `form_post_expected`: a pending flow asked its provider for response_mode=form_post and the path is the callback's.
// Such a POST comes from the provider's page by design; its state is what proves it.
Admission admit(const http::RequestHead& head, std::uint16_t port, bool form_post_expected);
int status_of(Admission admission);

}  // namespace claviger::api
