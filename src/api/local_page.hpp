// The local page on http://127.0.0.1:7998: forms generated out of definitions, and the OAuth callback. Works
// without JavaScript; every LB-* requirement. It exists only while a flow is pending (LB-15).
// Thread rule: on the Loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "base/log.hpp"
#include "base/random.hpp"
#include "connection/dialog.hpp"
#include "net/loop.hpp"

namespace claviger::api {

struct LocalPageOptions {
    std::uint16_t port = 7998;
    // Opens a URL for the human; called with the one-time link of a form or the authorization URL. Says the link too.
    std::function<void(const net::Url&)> open_browser;
    std::function<void(std::string_view)> say;
};

// A Dialog shown in the browser.
class LocalPage : public connection::Dialog {
public:
    // Binds the port at once: ErrorCode::busy names what to do (LB-09).
    static base::Result<std::unique_ptr<LocalPage>> open(net::Loop& loop, LocalPageOptions options, base::Random& random,
                                                         base::Log& log);
};

}  // namespace claviger::api
