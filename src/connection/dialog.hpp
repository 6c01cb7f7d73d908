// Dialog: how a flow talks to the human, whoever shows it (local page, terminal, standard input, later the
// server's connect page). Flows never know which. Thread rule: on the Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "net/task.hpp"
#include "net/url.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

struct FormField {
    std::string name, label, help, pattern, pattern_hint, placeholder, default_value;
    std::vector<std::string> choices;
    bool secret = false, required = true;
    bool multiline = false;  // may hold line breaks: a key in PEM
};

// Everything the local page needs to draw one form, generated out of the definition.
struct Form {
    std::string title;         // "Connect Acme CRM"
    std::string intro;         // one sentence: what is asked and why
    provider::SetupGuide guide;
    std::string docs_url;
    std::string redirect_uri;  // shown with a copy button when not empty
    std::vector<FormField> fields;
    std::string error;         // set when the form is shown again
};

using Answers = std::map<std::string, base::Secret>;

// The query (or form_post body) of an authorization response that carries the right `state`.
struct AuthorizationResponse {
    std::vector<std::pair<std::string, std::string>> parameters;
};

// What the human of a device flow needs (RFC 8628 section 3.3), on whichever device has a browser.
struct DeviceCode {
    std::string user_code;
    net::Url url;
    std::optional<net::Url> complete_url;  // the same page with the code filled in
    net::Deadline end;                     // of the code
};

class Dialog {
public:
    virtual ~Dialog() = default;
    // The name of what is being connected, for pages that stand beside the forms. Called once, first.
    virtual void introduce(std::string_view display_name) { static_cast<void>(display_name); }
    // Shows the form until it is answered validly. `check` returns a message per wrong field (empty = all good).
    virtual net::Task<base::Result<Answers>> ask(
        Form form, std::function<std::map<std::string, std::string>(const Answers&)> check, net::Deadline deadline) = 0;
    // Sends the human to `url` and waits for the response whose state parameter equals `state` in constant time;
    // stray requests never end the wait (OA-03, LB-12). `state_param`: usually "state"; of several names, with a space
    // between, the state stands under one.
    virtual net::Task<base::Result<AuthorizationResponse>> authorize(net::Url url, std::string state_param,
                                                                     base::Secret state, net::Deadline deadline) = 0;
    // Shows it and goes on showing it until `finished`; returns at once or as soon as it is in view.
    virtual net::Task<void> show_device_code(DeviceCode code) = 0;
    // The redirect URI that the next authorize() will listen on; opens the listener (ErrorCode::busy, LB-09).
    virtual base::Result<std::string> redirect_uri() = 0;
    // The page behind the callback waits for this before it tells the human anything (LB-14).
    virtual void finished(const base::Result<void>& outcome) = 0;
    // After finished(): returns when the human has been shown the outcome, or has had the time to look; at the latest
    // at the deadline. connect() awaits it, so that whoever owns the dialog may close it right afterwards.
    virtual net::Task<void> farewell(net::Deadline deadline) {
        static_cast<void>(deadline);
        co_return;
    }
    // A line on the side: "waiting for the browser ...".
    virtual void say(std::string_view line) = 0;
};

}  // namespace claviger::connection
