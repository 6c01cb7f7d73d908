// What a human may look at after a failed login, one function for each thing, filled with what the login sent and got.
// Internal to oauth/. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oauth/transcript.hpp"

namespace claviger::oauth::diagnosis {

using Checks = std::vector<Check>;

struct Login {  // what the advice is derived from
    const Transcript& transcript;
    const Step& last;
    [[nodiscard]] const Outline* sent(std::string_view name) const;    // with the last request
    [[nodiscard]] std::string value(std::string_view name) const;      // as the last request said it, else as the last earlier one did
    [[nodiscard]] std::string redirect_uri() const;
    [[nodiscard]] bool sent_secret() const;
    [[nodiscard]] bool by_code() const;                                // a browser brings a code
    [[nodiscard]] std::string said() const;                            // the server's words, in lower case
};

Check redirect_url(const Login&);
Check client_id(const Login&);
Check pkce(const Login&);
Check scopes(const Login&);
Check client(const Login&);          // how it authenticates: secret, signature or nothing
Check kind_of_app(const Login&);
Check pushed(const Login&);
Check dpop(const Login&);
Check assertion(const Login&);       // the grant of a service account
Check body_form(const Login&);
Check endpoint(const Login&);        // the URL of the last request, by its name in the definition
Check resource(const Login&);
Check reachability(const Login&);
Check later();

// By OAuth 1: its problems, and what is wrong without one.
Checks by_problem(const Login&, const std::string& problem);
Checks by_oauth1_answer(const Login&);

}  // namespace claviger::oauth::diagnosis
