// explain: the last failed login, step by step, and what to check.
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/commands/failed_login.hpp"
#include "cli/commands/handlers.hpp"
#include "sys/files.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
constexpr std::size_t kMostBytes = 512 * 1024;

std::filesystem::path file_of(const std::filesystem::path& home) { return home / "last-failed-login.json"; }

// What comes from the file may have been written by anybody: made printable.
void add_outlines(std::string& text, std::string_view label, const std::vector<oauth::Outline>& outlines) {
    for (const auto& outline : outlines) {
        text += fmt::format("     {}{}", label, base::printable(outline.name));
        text += outline.hidden ? fmt::format(" = (hidden, {} bytes)\n", outline.size) : fmt::format(" = {}\n", base::printable(outline.value, 500));
    }
}

std::string_view in_words(oauth::Step::Kind kind) {
    using Kind = oauth::Step::Kind;
    switch (kind) {
        case Kind::metadata: return "metadata";
        case Kind::registration: return "registration of a client";
        case Kind::authorization: return "the browser was sent to";
        case Kind::pushed_authorization: return "pushed authorization request";
        case Kind::device_authorization: return "device authorization";
        case Kind::token: return "token";
        case Kind::temporary_credentials: return "temporary credentials";
        case Kind::token_credentials: return "token credentials";
        case Kind::keys: return "the server's keys";
        case Kind::userinfo: return "whose account it is";
        case Kind::revocation: return "revocation";
        case Kind::other: break;
    }
    return "request";
}

std::string answer_in_words(const oauth::Step& step) {
    if (!step.failure_code.empty()) return fmt::format("   <- no answer: {}\n", base::printable(step.failure, 500));
    if (!step.answered) return step.kind == oauth::Step::Kind::authorization ? "   <- nothing came back\n" : "   <- no answer\n";
    if (step.kind == oauth::Step::Kind::authorization) return "   <- the browser came back with\n";
    std::string text = fmt::format("   <- status {}", step.status);
    if (step.answer_size > 0) text += fmt::format(", {}, {} bytes", step.answer_type.empty() ? "without a type" : base::printable(step.answer_type), step.answer_size);
    return text + "\n";
}

std::string in_words(const oauth::Transcript& transcript) {
    std::string text = fmt::format("Login to {} ({}) by {} at {} failed:\n  {}\n\n", base::printable(transcript.provider), base::printable(transcript.connection),
                                   base::printable(transcript.flow), base::to_rfc3339(transcript.at), base::printable(transcript.error, 500));
    std::size_t number = 0;
    for (const auto& step : transcript.steps) {
        text += fmt::format("{}. {}: {} {}\n", ++number, in_words(step.kind), base::printable(step.method), base::printable(step.url, 500));
        if (step.times > 1) text += fmt::format("   ({} times; this is the last)\n", step.times);
        add_outlines(text, "-> ?", step.query);
        add_outlines(text, "-> ", step.fields);
        add_outlines(text, "-> body: ", step.body);
        text += answer_in_words(step);
        add_outlines(text, "<- ", step.answer_fields);
        add_outlines(text, "<- ", step.answer);
    }
    const auto checks = oauth::what_to_check(transcript);
    if (!checks.empty()) text += "\nCheck, most likely first:\n";
    number = 0;
    for (const auto& check : checks) text += fmt::format("{}. {}: {}\n", ++number, check.subject, base::printable(check.advice, 800));
    return text;
}

}  // namespace

base::Error keep_failure(const std::filesystem::path& home, oauth::Recorder& recorder, base::Error error) {
    if (recorder.transcript().steps.empty()) return error;
    error = recorder.masked(std::move(error));
    recorder.ended(error);
    const auto text = json::to_pretty_text(to_json(recorder.transcript()));
    // A full disk must not hide why the login failed.
    if (text.size() > kMostBytes || !sys::write_file_atomically(file_of(home), text)) return error;
    error.hint += (error.hint.empty() ? "" : "; ") + std::string("what was sent, what came back and what to check: claviger explain ") + recorder.transcript().provider;
    return error;
}

void forget_failure(const std::filesystem::path& home, std::string_view provider) {
    const auto last = last_failure(home);
    // One that cannot be read helps nobody either.
    if (!last || (*last && (*last)->provider == provider)) static_cast<void>(sys::remove_file_durably(file_of(home)));
}

Result<std::optional<oauth::Transcript>> last_failure(const std::filesystem::path& home) {
    const auto text = sys::read_file(file_of(home), kMostBytes, true);
    if (!text && text.error().code == ErrorCode::not_found) return std::optional<oauth::Transcript>();
    if (!text) return base::fail(text.error());
    TRY(transcript, oauth::transcript_from_json(*text));
    return std::optional<oauth::Transcript>(std::move(transcript));
}

Outcome explain(Context& context, const Invocation& invocation) {
    std::string wanted;
    if (!invocation.arguments.empty()) {
        TRY(name, checked_name("provider", invocation.argument(0)));
        wanted = name;
    }
    TRY(last, last_failure(context.home()));
    if (!wanted.empty() && (!last || last->provider != wanted)) TRY_VOID(context.registry().load(wanted));
    if (!last) return base::fail(ErrorCode::not_found, "no failed login is recorded", "one that fails after it has asked the service is recorded by itself: claviger login PROVIDER");
    if (!wanted.empty() && last->provider != wanted) {
        return base::fail(ErrorCode::not_found, "the last login that failed was of " + base::printable(last->provider) + ", not of " + wanted,
                          "only the last one is kept: claviger explain " + base::printable(last->provider));
    }
    if (!context.out().json()) {
        context.out().data(in_words(*last));
        return 0;
    }
    auto document = to_json(*last);
    json::Array checks;
    for (const auto& check : oauth::what_to_check(*last)) checks.emplace_back(json::Object{{"subject", check.subject}, {"advice", check.advice}});
    document.get_object()["check"] = std::move(checks);
    context.out().document(document);
    return 0;
}

}  // namespace claviger::cli
