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
    std::uint16_t port = 7998;   // of the redirect URI; 0 = any free one (RFC 8252 section 7.3)
    // Where `port` is taken, any free one is: only for a redirect URI that nobody has registered yet (LB-09, OA-15).
    bool another_port = false;
    // Opens a URL for the human; called with the one-time link of a form or the authorization URL. Says the link too.
    std::function<void(const net::Url&)> open_browser;
    std::function<void(std::string_view)> say;
    // Shows a device code beside the page: on the terminal.
    std::function<void(const connection::DeviceCode&)> show_code;
};

// A Dialog shown in the browser: one flow. The listener is closed when the last flow of the port is gone or done.
class LocalPage : public connection::Dialog {
public:
    static constexpr std::size_t kMaxFlows = 32;  // LB-13

    // Binds the port at once: ErrorCode::busy names what to do (LB-09).
    static base::Result<std::unique_ptr<LocalPage>> open(net::Loop& loop, LocalPageOptions options, base::Random& random,
                                                         base::Log& log);
    // One more flow on the same port, sharing nothing with this one. ErrorCode::limit beyond kMaxFlows.
    virtual base::Result<std::unique_ptr<LocalPage>> another() = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace claviger::api
