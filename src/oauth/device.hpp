// The device authorization grant, RFC 8628: the request for a code, its answer, and the wait for the token.
// Thread rule: on the Loop's thread; the readers are pure.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/client.hpp"
#include "oauth/poll_schedule.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {

inline constexpr std::string_view kDeviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code";

// Section 3.2, checked: what is shown to the human is plain text, and links are http or https (OA-17).
struct DeviceAuthorization {
    base::Secret device_code;
    std::string user_code;
    net::Url verification_uri;
    std::optional<net::Url> verification_uri_complete;  // with the code in it; only of the same origin
    std::chrono::seconds expires_in{0}, interval{5};
};

// Section 3.1: `request` is one to the device authorization endpoint with an empty grant_type; `grant` holds scope and
// what else there is. Errors as the token endpoint's: authorization_failed, network, protocol.
base::Result<DeviceAuthorization> read_device_authorization(const http::Response& response);
net::Task<base::Result<DeviceAuthorization>> authorize_device(http::Client& http, TokenRequest request);

// What the waiting stands on, so that a test can do without it.
struct Waiting {
    std::function<net::Deadline()> now;
    std::function<net::Task<void>(net::Deadline)> until;
};
Waiting waiting_on(net::Loop& loop);

// Section 3.4: `make_request` gives the same token request each time. Returns the token, or: authorization_failed (the
// human or the server said no), cancelled (nobody approved while the code lived), protocol. Unreachable servers are
// asked again until the code has run out. `http` outlives the task.
net::Task<base::Result<TokenResponse>> await_device_token(http::Client& http, Waiting waiting,
                                                          PollSchedule schedule,
                                                          std::function<base::Result<TokenRequest>()> make_request);

}  // namespace claviger::oauth
