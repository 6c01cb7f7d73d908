#include "cli/console_dialog.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
using connection::Answers;
using connection::Form;
using connection::FormField;

constexpr int kMostTries = 3;
constexpr std::size_t kMostAnswer = 64 * 1024;
constexpr std::size_t kLongestLink = 8192;  // part of one is of no use
constexpr std::chrono::milliseconds kLookAgain{20};

std::string prompt_of(const FormField& field) {
    std::string prompt = base::printable(field.label);
    if (!field.choices.empty()) prompt += " (" + base::printable(base::join(field.choices, ", ")) + ")";
    if (!field.default_value.empty()) prompt += " [" + base::printable(field.default_value) + "]";
    else if (!field.required) prompt += " (optional)";
    return prompt + ": ";
}

// Whether what follows the opening brace has not closed it yet.
bool open_object(std::string_view text) {
    int depth = 0;
    bool quoted = false, escaped = false;
    for (const char c : text) {
        if (std::exchange(escaped, false)) continue;
        if (quoted && c == '\\') escaped = true;
        else if (c == '"') quoted = !quoted;
        else if (!quoted && c == '{') ++depth;
        else if (!quoted && c == '}') --depth;
    }
    return depth > 0;
}

// A key is pasted as it is in its file: PEM up to its last line, a JWK up to its last brace. What has the parameters of a
// curve before the key has two parts.
bool key_goes_on(std::string_view so_far) {
    const auto text = base::trim(so_far);
    if (text.starts_with('{')) return open_object(text);
    if (!text.starts_with("-----BEGIN ")) return false;
    const auto end = text.rfind("-----END ");
    return end == std::string_view::npos || !text.ends_with("-----") || text.substr(end).find("PARAMETERS") != std::string_view::npos;
}

Result<base::Secret> ask_field(const FormField& field) {
    if (field.secret) return sys::ask_secret(prompt_of(field), field.multiline ? sys::GoesOn(key_goes_on) : sys::GoesOn());
    TRY(line, sys::ask_line(prompt_of(field)));
    if (line.empty()) line = field.default_value;
    return base::Secret::taking(line);
}

std::string describe(const std::map<std::string, std::string>& problems) {
    std::string text;
    for (const auto& [name, problem] : problems) text += (text.empty() ? "" : "; ") + (name.empty() ? "" : base::printable(name) + ": ") + base::printable(problem);
    return text;
}

using Check = std::function<std::map<std::string, std::string>(const Answers&)>;
using Say = std::function<void(std::string_view)>;

// One that is wrong is asked for again at once.
Result<void> ask_until_it_fits(const FormField& field, const Check& check, Answers& answers, const Say& say) {
    for (int tries = 0; tries < kMostTries; ++tries) {
        TRY(answer, ask_field(field));
        answers.erase(field.name);
        if (!answer.empty()) answers.emplace(field.name, std::move(answer));
        const auto problems = check(answers);  // of what comes after too, which does not matter yet
        const auto wrong = problems.find(field.name);
        if (wrong == problems.end()) return {};
        say("not accepted: " + describe({*wrong}));
    }
    return base::fail(ErrorCode::invalid_input, "no valid answer after three tries");
}

// `again`: only those, and without their help, as the complaint said what is wanted.
Result<void> ask_on_terminal(const Form& form, const std::map<std::string, std::string>& again, const Check& check, Answers& answers, const Say& say) {
    const bool all = std::none_of(form.fields.begin(), form.fields.end(), [&](const FormField& f) { return again.contains(f.name); });
    for (const auto& field : form.fields) {
        if (!all && !again.contains(field.name)) continue;
        if (again.empty() && !field.help.empty()) say("  " + base::printable(field.help, 400));
        TRY_VOID(ask_until_it_fits(field, check, answers, say));
    }
    return {};
}

std::string names_of(const Form& form) {
    std::string names;
    for (const auto& field : form.fields) {
        names += (names.empty() ? "\"" : ", \"") + field.name + (field.required ? "\"" : "\" (optional)");
    }
    return names;
}

std::string example_of(const Form& form) {
    std::string members;
    for (const auto& field : form.fields) {
        if (field.required) members += (members.empty() ? "\"" : ", \"") + field.name + "\": \"...\"";
    }
    return "{" + members + "}";
}

base::Error unknown_member(std::string_view name, const Form& form) {
    return base::Error::make(ErrorCode::invalid_input, "standard input: no field '" + base::printable(name, 80) + "'; expected " + names_of(form),
                             "for instance: " + example_of(form));
}

Result<Answers> members_of(std::string_view text) {
    json::ParseOptions options;
    options.storage = json::secret_storage();
    auto value = json::parse(text, options);
    if (!value) return base::fail(ErrorCode::invalid_input, "standard input: " + value.error().message);
    Answers members;
    for (const auto& member : value->get_object()) {
        if (!member.value().is_string()) return base::fail(ErrorCode::invalid_input, "standard input: every value must be a string");
        members.emplace(std::string(member.key()), base::Secret(std::string_view(member.value().get_string())));
    }
    return members;
}

// Looks whether there is something rather than waiting for it, so that the loop still hears a signal.
net::Task<Result<base::Secret>> read_standard_input(net::Loop& loop) {
    base::WipedString text;
    std::array<char, 4096> buffer{};
    for (;;) {
        pollfd waiting{STDIN_FILENO, POLLIN, 0};
        if (::poll(&waiting, 1, 0) <= 0) {
            co_await loop.sleep(kLookAgain);
            continue;
        }
        const auto got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) co_return base::fail(ErrorCode::storage, "cannot read standard input");
        if (got == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        base::wipe(buffer.data(), buffer.size());
        if (text.size() > kMostAnswer) co_return base::fail(ErrorCode::limit, "standard input is too long for an answer");
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.empty()) co_return base::fail(ErrorCode::invalid_input, "standard input was empty");
    co_return base::Secret::taking(text);
}

}  // namespace

// A JSON object with the fields of every form of this login; or, when one field alone is required, the bare value.
Result<void> ConsoleDialog::keep_stdin(const Form& form, Result<base::Secret> text) {
    if (!text) {
        if (text.error().code != ErrorCode::invalid_input) return base::fail(std::move(text).error());
        return base::fail(ErrorCode::invalid_input, "standard input was empty; expected " + names_of(form), "for instance: " + example_of(form));
    }
    const auto trimmed = base::trim(text->reveal());
    if (trimmed.starts_with('{')) {
        TRY(members, members_of(trimmed));
        // Before anything is asked or replaced: what is not known would silently be left out.
        for (const auto& [name, value] : members)
            if (std::find(known_.begin(), known_.end(), name) == known_.end()) return base::fail(unknown_member(name, form));
        given_ = std::move(members);
    } else {
        bare_ = base::Secret(trimmed);
    }
    return {};
}

Result<Answers> ConsoleDialog::answers_for(const Form& form) {
    Answers answers;
    for (const auto& field : form.fields) {
        if (given_) {
            if (auto found = given_->extract(field.name)) answers.insert(std::move(found));
        } else if (field.required && bare_->size() > 0) {
            if (!answers.empty()) return base::fail(ErrorCode::invalid_input, "standard input must be a JSON object with " + names_of(form), "for instance: " + example_of(form));
            answers.emplace(field.name, bare_->duplicate());
        }
        if (given_ && field.required && !answers.contains(field.name) && !given_->empty()) {
            return base::fail(unknown_member(given_->begin()->first, form));
        }
        if (!field.default_value.empty() && !answers.contains(field.name)) answers.emplace(field.name, base::Secret(field.default_value));
    }
    if (bare_) bare_ = base::Secret();
    return answers;
}

net::Task<Result<Answers>> ConsoleDialog::take_from_stdin(const Form& form) {
    if (!bare_ && !given_) {
        auto text = co_await read_standard_input(loop_);
        CO_TRY_VOID(keep_stdin(form, std::move(text)));
    }
    co_return answers_for(form);
}

net::Task<Result<Answers>> ConsoleDialog::ask(Form form, std::function<std::map<std::string, std::string>(const Answers&)> check,
                                              net::Deadline deadline) {
    (void)deadline;  // a human at a prompt is not hurried; Ctrl-C ends it
    if (questions_ == Questions::stdin_text) {
        auto answers = co_await take_from_stdin(form);
        if (!answers) co_return base::fail(std::move(answers).error());
        const auto problems = check(*answers);
        if (!problems.empty()) co_return base::fail(ErrorCode::invalid_input, describe(problems));
        co_return std::move(*answers);
    }
    if (!sys::has_controlling_terminal()) {
        co_return base::fail(ErrorCode::usage, names_of(form) + " must be asked for, and there is no terminal to ask on",
                             "pipe in " + (form.fields.size() == 1 ? std::string("the value") : example_of(form)) +
                                 " with --input stdin; or fill in a form in a browser, this machine's or one that reaches it, with --input browser");
    }
    say_(base::printable(form.title));
    if (!form.intro.empty()) say_(base::printable(form.intro, 400));
    for (const auto& step : form.guide.steps) say_("  - " + base::printable(step.label, 300) + (step.url.empty() ? "" : "  " + base::printable(step.url, kLongestLink)));
    if (!form.redirect_uri.empty()) say_("  redirect URI to register: " + base::printable(form.redirect_uri));
    if (!form.docs_url.empty()) say_("  see " + base::printable(form.docs_url));
    Answers answers;
    std::map<std::string, std::string> problems;
    for (int tries = 0; tries < kMostTries; ++tries) {
        CO_TRY_VOID(ask_on_terminal(form, problems, check, answers, say_));
        problems = check(answers);
        if (problems.empty()) co_return answers;
        say_("not accepted: " + describe(problems));
    }
    co_return base::fail(ErrorCode::invalid_input, "no valid answer after three tries");
}

net::Task<Result<connection::AuthorizationResponse>> ConsoleDialog::authorize(net::Url url, std::string state_param, base::Secret state,
                                                                              net::Deadline deadline) {
    auto opened = redirect_uri();
    if (!opened) co_return base::fail(std::move(opened).error());
    auto response = co_await page_->authorize(std::move(url), std::move(state_param), std::move(state), deadline);
    co_return response;
}

net::Task<void> ConsoleDialog::show_device_code(connection::DeviceCode code) {
    show_code_(code);
    co_return;
}

Result<std::string> ConsoleDialog::redirect_uri() {
    if (!page_) {
        TRY(page, open_page_());
        page_ = std::move(page);
        if (!name_.empty()) page_->introduce(name_);
    }
    return page_->redirect_uri();
}

void ConsoleDialog::introduce(std::string_view display_name) {
    name_ = std::string(display_name);
    if (page_) page_->introduce(name_);
}

void ConsoleDialog::finished(const Result<void>& outcome) {
    if (page_) page_->finished(outcome);
}

net::Task<void> ConsoleDialog::farewell(net::Deadline deadline) {
    if (page_) co_await page_->farewell(deadline);
}

}  // namespace claviger::cli
