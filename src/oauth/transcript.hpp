// Transcript: what a login sent and what came back, without its secrets: names, sizes, and only those values that are
// known to be harmless. Kept for `claviger explain` (docs/formats/transcript.md).
// Ownership: a Recorder is filled by the flow and by the HTTP client's observer, and outlives both. Thread rule: on the
// Loop's thread; Transcript is a value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/hidden_values.hpp"
#include "http/client.hpp"
#include "json/value.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

// A parameter, header field or member: its value, or how large the hidden value is.
struct Outline {
    std::string name, value;
    bool hidden = false;
    std::size_t size = 0;
};

struct Step {
    enum class Kind {
        metadata, registration, authorization, pushed_authorization, device_authorization, token,
        temporary_credentials, token_credentials,  // OAuth 1
        keys, userinfo, revocation, other
    };
    Kind kind = Kind::other;
    int times = 1;  // that the same was sent and answered the same, one after the other: polling
    std::string method, url;  // the URL without its query
    std::vector<Outline> query, fields, body;
    std::string body_type;

    bool answered = false;
    int status = 0;  // 0 for the browser's answer
    std::vector<Outline> answer_fields, answer;
    std::string answer_type;
    std::size_t answer_size = 0;
    std::optional<std::int64_t> clock_difference;  // seconds that the server's clock is ahead
    std::string failure_code, failure;             // when nothing usable came: base::to_string(ErrorCode), words
    // The OAuth error code of the answer, of OAuth 1 the problem; "" when there is none.
    [[nodiscard]] std::string error() const;
    [[nodiscard]] const Outline* answered_with(std::string_view name) const;  // of the answer's body; null: not there
};

struct Transcript {
    std::string provider, connection, flow;
    base::Instant at;
    std::string redirect_uri, client_authentication;  // "" until known, and where the flow has none
    bool pkce = true;
    std::vector<Step> steps;
    std::string error_code, error;  // how the login ended
};

// Masks at the source, by structure: what is not on the list of harmless names never enters. Beside, the hidden values are
// kept in locked memory for as long as this lives, so that a server which repeats one in its answer gives nothing away.
class Recorder {
public:
    explicit Recorder(const base::Clock& clock) : clock_(clock) {}
    [[nodiscard]] Transcript& transcript() { return transcript_; }

    // What must not be shown wherever it stands, in the URL's path too; before the first request.
    void hide_everywhere(base::HiddenValues values) { everywhere_ = std::move(values); }
    // What requests to this URL are, whatever their query. Else it is told by their form.
    void expect(const net::Url& url, Step::Kind kind);
    // For http::Client::Options::observer.
    void exchange(const http::Request& request, const base::Result<http::Response>& outcome);
    // The human was sent to `url`; then what the browser brought back.
    void sent_to_browser(const net::Url& url);
    void browser_returned(const Parameters& parameters);
    void ended(const base::Error& error);
    // What is exchanged from now on tidies up after the login, and is no step of it.
    void stop() { stopped_ = true; }
    // What a server repeats of the hidden values goes out of the error too, before it is shown.
    [[nodiscard]] base::Error masked(base::Error error) const;

private:
    Step* new_step();
    void hide(std::string_view value);
    void hide_plaintext(std::string_view signature);
    [[nodiscard]] std::string without_hidden(std::string_view foreign) const;
    [[nodiscard]] std::string words(std::string_view foreign) const;  // cleaned, and without what was hidden
    [[nodiscard]] std::string path_words(std::string_view path) const;
    void note(std::vector<Outline>& into, std::string_view name, std::string_view value);
    void note_json(std::vector<Outline>& into, const std::string& name, const json::Value& value, bool answer, int depth);
    void note_form(std::vector<Outline>& into, std::string_view text, bool answer);
    void note_claims(std::vector<Outline>& into, std::string_view name, std::string_view jwt);
    void note_field(Step& step, std::string_view name, std::string_view value);
    void note_authorization(Step& step, std::string_view value);
    [[nodiscard]] Step::Kind kind_of(const http::Request& request, const Step& step) const;
    [[nodiscard]] std::string shown(const net::Url& url) const { return everywhere_.masked(url.redacted()); }
    void fold_repetition();
    void note_body(Step& step, const http::Request& request);
    void note_answer(Step& step, const http::Response& response);
    void note_words(std::vector<Outline>& into, std::string_view name, std::string_view value);

    const base::Clock& clock_;
    bool stopped_ = false;
    Transcript transcript_;
    std::vector<base::Secret> hidden_;
    base::HiddenValues everywhere_;
    std::vector<std::string> shown_;  // values of requests: in an answer they give nothing away either
    std::vector<std::pair<std::string, Step::Kind>> expected_;  // by URL without its query; the last word counts
};

std::string_view to_string(Step::Kind kind);

// docs/formats/transcript.md. Reading: invalid_input or unsupported.
json::Value to_json(const Transcript& transcript);
base::Result<Transcript> transcript_from_json(std::string_view text);

// What to look at, most likely first.
struct Check {
    std::string subject;  // "redirect URL"
    std::string advice;
};
std::vector<Check> what_to_check(const Transcript& transcript);

}  // namespace claviger::oauth
