#include "oauth/transcript.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/transcript_masking.hpp"

namespace claviger::oauth {
namespace {

constexpr std::size_t kMostSteps = 40, kMostOutlines = 60, kMostHidden = 200, kShortestHidden = 6;
constexpr int kDeepest = 3;

constexpr std::string_view kHidden = "[hidden]";

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

bool names_a_client(std::string_view name) { return base::equal_ignoring_case(name, "client_id") || base::equal_ignoring_case(name, "oauth_consumer_key"); }

bool holds(const std::vector<Outline>& outlines, std::string_view name) {
    return std::any_of(outlines.begin(), outlines.end(), [&](const Outline& o) { return o.name == name; });
}

// error="..." or oauth_problem="..." of a challenge (RFC 6750 section 3, RFC 9449 section 8, the problem extension of OAuth 1).
std::string error_of_challenge(std::string_view challenge) {
    for (const std::string_view name : {"oauth_problem=\"", "error=\""}) {
        const auto at = challenge.find(name);
        if (at == std::string_view::npos) continue;
        const auto rest = challenge.substr(at + name.size());
        return std::string(rest.substr(0, rest.find('"')));
    }
    return {};
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

const Outline* Step::answered_with(std::string_view name) const {
    const auto found = std::find_if(answer.begin(), answer.end(), [&](const Outline& outline) { return outline.name == name; });
    return found == answer.end() ? nullptr : &*found;
}

std::string Step::error() const {
    for (const std::string_view name : {"error", "error/code", "error/status", "oauth_problem"}) {
        if (const auto* outline = answered_with(name); outline != nullptr && !outline->hidden) return outline->value;
    }
    for (const auto& field : answer_fields) {
        if (field.name == "www-authenticate") return error_of_challenge(field.value);
    }
    return {};
}

void Recorder::expect(const net::Url& url, Step::Kind kind) { expected_.insert(expected_.begin(), {url.redacted(), kind}); }

Step* Recorder::new_step() {
    if (transcript_.steps.size() == kMostSteps) transcript_.steps.erase(transcript_.steps.begin());  // the end is what matters
    transcript_.steps.emplace_back();
    return &transcript_.steps.back();
}

void Recorder::hide(std::string_view value) {
    if (value.size() < kShortestHidden || hidden_.size() >= kMostHidden) return;
    hidden_.emplace_back(value);
}

// With PLAINTEXT both secrets of OAuth 1 are in the signature (RFC 5849 section 3.4.4).
void Recorder::hide_plaintext(std::string_view signature) {
    const auto middle = std::min(signature.size(), signature.find('&'));
    for (const auto part : {signature.substr(0, middle), signature.substr(std::min(signature.size(), middle + 1))}) {
        hide(part);
        if (auto decoded = base::percent_decode(part)) hide(base::Secret::taking(*decoded).reveal());
    }
}

std::string Recorder::without_hidden(std::string_view foreign) const {
    std::string text = everywhere_.masked(foreign.substr(0, 4096));
    for (const auto& secret : hidden_) {
        // What was put in is not looked at again: a value may be a part of it.
        for (auto at = text.find(secret.reveal()); at != std::string::npos; at = text.find(secret.reveal(), at + kHidden.size()))
            text.replace(at, secret.size(), kHidden);
    }
    return text;
}

std::string Recorder::words(std::string_view foreign) const { return clean_text(without_hidden(foreign)); }

// Each name by itself: a path of several is long and may have digits without being a token.
std::string Recorder::path_words(std::string_view path) const {
    std::string text;
    for (const auto& name : base::split(without_hidden(path), '/')) text += (text.empty() ? "" : "/") + clean_text(name);
    return text;
}

void Recorder::note(std::vector<Outline>& into, std::string_view name, std::string_view value) {
    if (into.size() >= kMostOutlines) return;
    Outline outline{clean_text(name), {}, false, value.size()};
    if (names_a_client(name)) outline.value = masking::shortened(value);
    else if (masking::harmless_when_sent(name)) outline.value = base::printable(everywhere_.masked(value));
    else outline.hidden = true;
    if (!outline.hidden && shown_.size() < kMostHidden) shown_.emplace_back(value);
    if (outline.hidden) hide(value);
    if (name == "oauth_signature") hide_plaintext(value);
    into.push_back(std::move(outline));
    if (name.ends_with("assertion") || base::equal_ignoring_case(name, "DPoP")) note_claims(into, name, value);
}

void Recorder::note_claims(std::vector<Outline>& into, std::string_view name, std::string_view jwt) {
    for (const auto& [claim, value] : masking::telling_claims(jwt)) {
        if (into.size() < kMostOutlines) into.push_back({clean_text(name) + "/" + claim, everywhere_.masked(value), false, 0});
    }
}

void Recorder::note_words(std::vector<Outline>& into, std::string_view name, std::string_view value) {
    if (into.size() >= kMostOutlines) return;
    Outline outline{path_words(name), {}, false, value.size()};
    if (names_a_client(name)) outline.value = masking::shortened(value);
    else if (masking::harmless_when_sent(name) && std::find(shown_.begin(), shown_.end(), value) != shown_.end()) outline.value = base::printable(everywhere_.masked(value));
    else if (masking::harmless_when_answered(name)) outline.value = words(value);
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
    const auto* items = value.if_array();
    if (items != nullptr && depth < kDeepest && std::any_of(items->begin(), items->end(), [](const auto& item) { return item.is_object(); })) {
        std::size_t index = 0;
        for (const auto& item : *items) note_json(into, name + "/" + std::to_string(index++), item, answer, depth + 1);
        return;
    }
    if (value.is_bool() || value.is_null()) {  // whatever it is called, that gives nothing away
        if (into.size() < kMostOutlines) into.push_back({answer ? path_words(name) : clean_text(name), json::to_text(value), false, 0});
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
        if (!masking::telling_field(field.name) || step.answer_fields.size() >= kMostOutlines) continue;
        Outline outline{base::to_lower(field.name), words(field.value), false, field.value.size()};
        if (outline.name == "location") {
            const auto url = net::Url::parse(field.value);
            outline.value = url ? shown(*url) : std::string("(a relative URL)");
        }
        if (outline.name == "dpop-nonce") {
            hide(field.value);
            outline.value.clear();
            outline.hidden = true;
        }
        step.answer_fields.push_back(std::move(outline));
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

// What its parameters say is worth knowing; the signature and the tokens among them are not for showing.
void Recorder::note_authorization(Step& step, std::string_view value) {
    const auto space = std::min(value.size(), value.find(' '));
    const auto scheme = value.substr(0, space), rest = value.substr(std::min(value.size(), space + 1));
    step.fields.push_back({"Authorization (" + clean_text(scheme) + ")", {}, true, value.size()});
    hide(rest);
    if (base::equal_ignoring_case(scheme, "Basic")) {
        for (const auto& secret : masking::basic_secrets(rest)) hide(secret.reveal());
    }
    if (!base::equal_ignoring_case(scheme, "OAuth")) return;
    for (const auto& [name, parameter] : masking::oauth1_parameters(rest)) note(step.fields, name, parameter.reveal());
}

void Recorder::note_field(Step& step, std::string_view name, std::string_view value) {
    if (step.fields.size() >= kMostOutlines) return;
    if (base::equal_ignoring_case(name, "authorization")) return note_authorization(step, value);
    const bool open = masking::open_field(name);
    step.fields.push_back({base::printable(name, 60), open ? base::printable(value) : std::string(), !open, value.size()});
    if (!open) hide(value);
    if (base::equal_ignoring_case(name, "DPoP")) note_claims(step.fields, name, value);
}

Step::Kind Recorder::kind_of(const http::Request& request, const Step& step) const {
    const auto known = std::find_if(expected_.begin(), expected_.end(), [&](const auto& one) { return one.first == request.url.redacted(); });
    if (known != expected_.end()) return known->second;
    if (request.url.path().find("/.well-known/") != std::string::npos) return Step::Kind::metadata;
    if (holds(step.body, "redirect_uris")) return Step::Kind::registration;
    if (holds(step.body, "grant_type") || holds(step.query, "grant_type")) return Step::Kind::token;
    return Step::Kind::other;
}

// A device code is asked for again and again: only the last answer of a kind is kept, so that what came before stays.
void Recorder::fold_repetition() {
    auto& steps = transcript_.steps;
    if (steps.size() < 2) return;
    const auto& last = steps.back();
    auto& before = steps[steps.size() - 2];
    const bool same = before.url == last.url && before.answered && last.answered && before.status == last.status;
    if (!same || last.error().empty() || before.error() != last.error()) return;
    const int times = before.times + 1;
    before = std::move(steps.back());
    before.times = times;
    steps.pop_back();
}

void Recorder::exchange(const http::Request& request, const base::Result<http::Response>& outcome) {
    if (stopped_) return;
    Step& step = *new_step();
    step.method = request.method;
    step.url = shown(request.url);
    if (const auto& query = request.url.query()) note_form(step.query, *query, false);
    for (const auto& field : request.fields.items()) note_field(step, field.name, field.value);
    note_body(step, request);
    step.kind = kind_of(request, step);
    if (outcome) {
        note_answer(step, *outcome);
        return fold_repetition();
    }
    step.failure_code = base::to_string(outcome.error().code);
    step.failure = words(outcome.error().describe());
}

void Recorder::sent_to_browser(const net::Url& url) {
    Step& step = *new_step();
    step.kind = Step::Kind::authorization;
    step.method = "GET";
    step.url = shown(url);
    if (url.query()) note_form(step.query, *url.query(), false);
}

void Recorder::browser_returned(const Parameters& parameters) {
    if (transcript_.steps.empty() || transcript_.steps.back().kind != Step::Kind::authorization) return;
    Step& step = transcript_.steps.back();
    step.answered = true;
    for (const auto& [name, value] : parameters) note_words(step.answer, name, value);
}

base::Error Recorder::masked(base::Error error) const {
    if (error.cause) error = base::Error::make(error.code, error.describe(), error.hint);
    error.message = without_hidden(error.message);
    error.hint = without_hidden(error.hint);
    return error;
}

void Recorder::ended(const base::Error& error) {
    transcript_.at = clock_.now();
    transcript_.error_code = base::to_string(error.code);
    transcript_.error = words(error.describe());
}

}  // namespace claviger::oauth
