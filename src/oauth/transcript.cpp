#include "oauth/transcript.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

constexpr std::size_t kMostSteps = 40, kMostOutlines = 60, kMostHidden = 200, kShortestHidden = 6;
constexpr int kDeepest = 2;

// Whose values say nothing that could be used: what is not listed is hidden.
constexpr std::array<std::string_view, 17> kHarmless{
    "response_type", "response_mode", "redirect_uri", "redirect_uris", "scope", "grant_type", "grant_types", "response_types",
    "code_challenge_method", "resource", "audience", "prompt", "access_type", "token_endpoint_auth_method", "client_name",
    "client_assertion_type", "application_type"};
// Of answers: the server's own words, cleaned.
constexpr std::array<std::string_view, 15> kWords{"error",   "error_description", "error_uri", "error_code", "message",
                                                  "detail",  "title",             "status",    "iss",        "scope",
                                                  "issuer",  "token_type",        "expires_in", "reason",    "resource"};
// Field names and values of requests that are always the same, and those of answers that explain something.
constexpr std::array<std::string_view, 2> kOpenFields{"accept", "content-type"};
constexpr std::array<std::string_view, 4> kTellingFields{"location", "retry-after", "www-authenticate", "server"};

constexpr std::string_view kHidden = "[hidden]";

template <std::size_t N>
bool has(const std::array<std::string_view, N>& names, std::string_view name) {
    const auto lower = base::to_lower(name);
    return std::find(names.begin(), names.end(), lower) != names.end();
}

std::string shortened(std::string_view id) {
    constexpr std::size_t kShown = 4;
    if (id.size() <= 2 * kShown) return base::printable(id);
    return fmt::format("{}... ({} characters)", base::printable(id.substr(0, kShown)), id.size());
}

// RFC 9110 section 5.6.7, the form that servers send.
std::optional<base::Instant> http_date(std::string_view text) {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int day = 0, year = 0, hour = 0, minute = 0, second = 0;
    char month[4] = {};
    const std::string copy(text.substr(0, 64));
    if (std::sscanf(copy.c_str(), "%*3c, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &hour, &minute, &second) != 6) return std::nullopt;
    const auto at = kMonths.find(month);
    if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
    const auto made = base::from_rfc3339(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", year, at / 3 + 1, day, hour, minute, second));
    return made ? std::optional(*made) : std::nullopt;
}

std::string media_type(const http::Fields& fields) {
    const auto found = fields.find("Content-Type");
    if (!found) return {};
    return base::printable(base::to_lower(base::trim(found->substr(0, found->find(';')))), 60);
}

bool is_json(std::string_view type) { return type == "application/json" || type.ends_with("+json") || type == "text/json"; }

Step::Kind kind_of(const http::Request& request, const std::vector<Outline>& body) {
    if (request.url.path().find("/.well-known/") != std::string::npos) return Step::Kind::metadata;
    const auto holds = [&](std::string_view name) {
        return std::any_of(body.begin(), body.end(), [&](const Outline& o) { return o.name == name; });
    };
    if (holds("redirect_uris")) return Step::Kind::registration;
    if (holds("grant_type")) return Step::Kind::token;
    return Step::Kind::other;
}

// What a page calls itself is often the whole error.
std::string title_of(std::string_view html) {
    const auto lower = base::to_lower(html.substr(0, 64 * 1024));
    const auto open = lower.find("<title");
    const auto from = open == std::string::npos ? open : lower.find('>', open);
    const auto to = from == std::string::npos ? from : lower.find("</title", from);
    if (to == std::string::npos) return {};
    return std::string(base::trim(html.substr(from + 1, to - from - 1)));
}

}  // namespace

std::string Step::error() const {
    for (const std::string_view name : {"error", "error/code", "error/status"}) {
        for (const auto& outline : answer) {
            if (outline.name == name && !outline.hidden) return outline.value;
        }
    }
    return {};
}

Step* Recorder::new_step() {
    if (transcript_.steps.size() == kMostSteps) transcript_.steps.erase(transcript_.steps.begin());  // the end is what matters
    transcript_.steps.emplace_back();
    return &transcript_.steps.back();
}

void Recorder::hide(std::string_view value) {
    if (value.size() < kShortestHidden || hidden_.size() >= kMostHidden) return;
    hidden_.emplace_back(value);
}

std::string Recorder::words(std::string_view foreign) const {
    std::string text(foreign.substr(0, 4096));
    for (const auto& secret : hidden_) {
        // What was put in is not looked at again: a value may be a part of it.
        for (auto at = text.find(secret.reveal()); at != std::string::npos; at = text.find(secret.reveal(), at + kHidden.size()))
            text.replace(at, secret.size(), kHidden);
    }
    return clean_text(text);
}

void Recorder::note(std::vector<Outline>& into, std::string_view name, std::string_view value) {
    if (into.size() >= kMostOutlines) return;
    Outline outline{clean_text(name), {}, false, value.size()};
    if (base::equal_ignoring_case(name, "client_id")) outline.value = shortened(value);
    else if (has(kHarmless, name)) outline.value = base::printable(value);
    else outline.hidden = true;
    if (outline.hidden) hide(value);
    into.push_back(std::move(outline));
}

void Recorder::note_words(std::vector<Outline>& into, std::string_view name, std::string_view value) {
    if (into.size() >= kMostOutlines) return;
    const auto leaf = name.substr(name.rfind('/') + 1);  // npos + 1 is 0
    const bool code_of_error = name == "error/code";
    Outline outline{words(name), {}, false, value.size()};
    if (code_of_error || has(kWords, leaf)) outline.value = words(value);
    else outline.hidden = true;
    if (outline.hidden) hide(value);
    into.push_back(std::move(outline));
}

void Recorder::note_json(std::vector<Outline>& into, const std::string& name, const json::Value& value, bool answer, int depth) {
    if (value.is_object() && depth < kDeepest) {
        for (const auto& member : value.get_object())
            note_json(into, name.empty() ? std::string(member.key()) : name + "/" + std::string(member.key()), member.value(), answer, depth + 1);
        return;
    }
    const auto text = value.is_string() ? base::Secret(std::string_view(value.get_string())) : json::to_secret_text(value);
    if (answer) note_words(into, name, text.reveal());
    else note(into, name, text.reveal());
}

void Recorder::note_form(std::vector<Outline>& into, std::string_view text, bool answer) {
    while (!text.empty()) {
        const auto pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        const auto equals = std::min(pair.find('='), pair.size());
        auto decoded = base::form_decode(pair.substr(std::min(pair.size(), equals + 1)));
        const auto value = decoded ? base::Secret::taking(*decoded) : base::Secret(pair.substr(std::min(pair.size(), equals + 1)));
        const auto name = base::form_decode(pair.substr(0, equals)).value_or("(unreadable)");
        if (answer) note_words(into, name, value.reveal());
        else note(into, name, value.reveal());
    }
}

void Recorder::note_body(Step& step, const http::Request& request) {
    step.body_type = media_type(request.fields);
    if (request.body.empty()) return;
    json::ParseOptions options;
    options.storage = json::secret_storage();
    const auto value = is_json(step.body_type) ? json::parse(request.body, options) : base::Result<json::Value>(base::fail(base::ErrorCode::invalid_input, ""));
    if (value) note_json(step.body, "", *value, false, 0);
    else if (step.body_type == "application/x-www-form-urlencoded") note_form(step.body, request.body, false);
    else note(step.body, "(body)", request.body);
}

void Recorder::note_answer(Step& step, const http::Response& response) {
    step.answered = true;
    step.status = response.status;
    step.answer_type = media_type(response.fields);
    step.answer_size = response.body.size();
    for (const auto& field : response.fields.items()) {
        if (!has(kTellingFields, field.name) || step.answer_fields.size() >= kMostOutlines) continue;
        std::string value = words(field.value);
        if (base::equal_ignoring_case(field.name, "location")) {
            const auto url = net::Url::parse(field.value);
            value = url ? url->redacted() : std::string("(a relative URL)");
        }
        step.answer_fields.push_back({base::to_lower(field.name), std::move(value), false, field.value.size()});
    }
    if (const auto date = response.fields.find("Date")) {
        if (const auto theirs = http_date(*date)) step.clock_difference = std::chrono::duration_cast<std::chrono::seconds>(*theirs - clock_.now()).count();
    }
    if (step.kind == Step::Kind::metadata && response.status == 200) return;  // public, and long
    json::ParseOptions options;
    options.storage = json::secret_storage();
    const std::string_view body = response.body;
    const auto value = json::parse(body, options);
    if (value && value->is_object()) note_json(step.answer, "", *value, true, 0);
    else if (step.answer_type == "application/x-www-form-urlencoded") note_form(step.answer, body, true);
    else if (const auto title = title_of(body); !title.empty()) note_words(step.answer, "title", title);
}

void Recorder::exchange(const http::Request& request, const base::Result<http::Response>& outcome) {
    Step& step = *new_step();
    step.method = request.method;
    step.url = request.url.redacted();
    if (const auto& query = request.url.query()) note_form(step.query, *query, false);
    for (const auto& field : request.fields.items()) {
        if (step.fields.size() >= kMostOutlines) break;
        const bool open = has(kOpenFields, field.name);
        Outline outline{base::printable(field.name, 60), open ? base::printable(field.value) : std::string(), !open, field.value.size()};
        if (base::equal_ignoring_case(field.name, "authorization")) {
            const std::string_view value = field.value;
            outline.name += " (" + clean_text(value.substr(0, value.find(' '))) + ")";
            hide(value.substr(std::min(value.size(), value.find(' ') + 1)));
        } else if (!open) {
            hide(field.value);
        }
        step.fields.push_back(std::move(outline));
    }
    note_body(step, request);
    step.kind = kind_of(request, step.body);
    if (step.kind == Step::Kind::other) step.kind = kind_of(request, step.query);
    if (outcome) return note_answer(step, *outcome);
    step.failure_code = base::to_string(outcome.error().code);
    step.failure = words(outcome.error().describe());
}

void Recorder::sent_to_browser(const net::Url& url) {
    Step& step = *new_step();
    step.kind = Step::Kind::authorization;
    step.method = "GET";
    step.url = url.redacted();
    if (url.query()) note_form(step.query, *url.query(), false);
}

void Recorder::browser_returned(const Parameters& parameters) {
    if (transcript_.steps.empty() || transcript_.steps.back().kind != Step::Kind::authorization) return;
    Step& step = transcript_.steps.back();
    step.answered = true;
    for (const auto& [name, value] : parameters) note_words(step.answer, name, value);
}

void Recorder::ended(const base::Error& error) {
    transcript_.at = clock_.now();
    transcript_.error_code = base::to_string(error.code);
    transcript_.error = words(error.describe());
}

}  // namespace claviger::oauth
