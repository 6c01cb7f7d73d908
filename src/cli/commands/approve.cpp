// approve: what waits for the owner's yes in the sessions that run, asked here or on a page, in a terminal of one's own.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "app/approval_client.hpp"
#include "base/text.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/interruptible.hpp"
#include "policy/limits.hpp"
#include "sys/files.hpp"
#include "sys/process.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using app::FoundSite;
using app::WaitingElsewhere;
using base::ErrorCode;
using base::Result;
using policy::Answer;

std::string text_of(const WaitingElsewhere& waiting, std::string_view name) { return base::printable(json::string_at(waiting.all, name).value_or(""), 1000); }

std::string with_whom(const WaitingElsewhere& waiting) {
    const auto provider = text_of(waiting, "provider");
    return provider.empty() ? "without a credential" : "with " + provider + " (" + text_of(waiting, "connection") + ")";
}

std::string described(const WaitingElsewhere& waiting) {
    return fmt::format("{}  {}\n  {}, asked by {}\n  program {}, session {}, refused in {} s\n", waiting.id, text_of(waiting, "subject"), with_whom(waiting),
                       text_of(waiting, "rule"), base::printable(waiting.program, 80), base::printable(waiting.session.substr(0, 8)),
                       json::int_at(waiting.all, "seconds_left").value_or(0));
}

std::string what_is(const WaitingElsewhere& waiting) {
    return fmt::format("{} ({}, session {})", waiting.id, text_of(waiting, "subject"), base::printable(waiting.session.substr(0, 8)));
}

std::string answered(const WaitingElsewhere& waiting, const Answer& answer) {
    switch (answer.kind) {
        case Answer::Kind::deny: return what_is(waiting) + " is denied";
        case Answer::Kind::deny_like: return what_is(waiting) + " is denied, and its like while the session lives";
        case Answer::Kind::once: return what_is(waiting) + " is approved, this once";
        case Answer::Kind::for_a_time: break;
    }
    return what_is(waiting) + " is approved, and its like for " + policy::duration_text(answer.lasting);
}

// "3f9a-7", or with more of the session's digits where two sessions begin with the same.
bool is_named(const WaitingElsewhere& waiting, const std::string& id) {
    if (waiting.id == id) return true;
    const auto dash = id.rfind('-'), own = waiting.id.rfind('-');
    if (dash == std::string::npos || own == std::string::npos || dash < own) return false;
    return waiting.session.starts_with(id.substr(0, dash)) && id.substr(dash) == waiting.id.substr(own);
}

std::string longer_id(const WaitingElsewhere& waiting) { return waiting.session + waiting.id.substr(std::min(waiting.id.size(), waiting.id.rfind('-'))); }

base::Error not_answering(const app::SilentSession& silent) {
    return base::Error::make(ErrorCode::timeout, fmt::format("session {} does not answer: {}", base::printable(silent.session.substr(0, 8)), base::printable(silent.why, 300)),
                             fmt::format("what waits there is not known; its program may be keeping 127.0.0.1:{} busy: try again, or end that session", silent.port));
}

// How a human answers at the prompt; nullopt: not at all.
Result<std::optional<Answer>> answer_in(std::string_view typed) {
    const auto word = base::to_lower(base::trim(typed));
    if (word.empty()) return std::optional<Answer>();
    if (word == "o" || word == "once" || word == "y" || word == "yes") return std::optional<Answer>(Answer{Answer::Kind::once, {}});
    if (word == "d" || word == "deny" || word == "n" || word == "no") return std::optional<Answer>(Answer{Answer::Kind::deny, {}});
    if (word == "l" || word == "like") return std::optional<Answer>(Answer{Answer::Kind::deny_like, {}});
    TRY(lasting, policy::parse_duration(word));
    return std::optional<Answer>(Answer{Answer::Kind::for_a_time, lasting});
}

class Approver {
public:
    explicit Approver(Context& context) : context_(context) {}

    Result<std::vector<WaitingElsewhere>> look() {
        TRY(sites, app::find_approval_sites(context_.home()));
        sites_ = std::move(sites);
        TRY(all, on_a_loop([&](net::Loop& loop, http::Client& client) { return app::what_waits(loop, client, sites_); }));
        TRY_VOID(keep_living(std::move(all.silent)));
        return std::move(all.waiting);
    }
    // Of the last look.
    [[nodiscard]] const std::vector<app::SilentSession>& silent() const { return silent_; }
    // Says which sessions do not answer; the error, if there are any.
    Result<void> complain() {
        if (silent_.empty()) return {};
        for (std::size_t i = 0; i + 1 < silent_.size(); ++i) context_.out().talk("warning: " + not_answering(silent_[i]).message);
        return base::fail(not_answering(silent_.back()));
    }
    [[nodiscard]] const std::vector<FoundSite>& sites() const { return sites_; }

    Result<void> answer(const WaitingElsewhere& waiting, const Answer& answer) {
        const auto& site = sites_[waiting.site];
        const auto taken = on_a_loop([&](net::Loop& loop, http::Client& client) { return app::send_answer(loop, client, site, waiting.id, answer); });
        if (!taken) {
            TRY_VOID(keep_living({{site.session, site.port, taken.error().message}}));
            if (silent_.empty() && taken.error().code != ErrorCode::not_found) return base::fail(ErrorCode::not_found, "its session has ended");
            return taken;
        }
        context_.out().talk(answered(waiting, answer));
        return {};
    }
    Result<net::Url> link(const FoundSite& site) {
        return on_a_loop([&](net::Loop& loop, http::Client& client) { return app::page_link(loop, client, site); });
    }

    // Asks about each that was not asked about before.
    Result<void> ask(const std::vector<WaitingElsewhere>& all) {
        for (const auto& waiting : all) {
            if (!asked_.insert(longer_id(waiting)).second) continue;
            context_.out().prompt(described(waiting));
            TRY_VOID(ask_about(waiting));
        }
        return {};
    }

    // Until Ctrl-C.
    Result<void> watch() {
        constexpr std::chrono::milliseconds kLookEvery{300};
        for (;;) {
            TRY(all, look());
            for (const auto& one : silent_) {
                if (complained_.insert(one.session).second) context_.out().prompt("warning: " + not_answering(one).message);
            }
            TRY_VOID(ask(all));
            const auto went_on = on_a_loop([&](net::Loop& loop, http::Client&) { return pause(loop, kLookEvery); });
            if (!went_on) return went_on.error().code == ErrorCode::cancelled ? Result<void>() : went_on;
        }
    }

private:
    static net::Task<Result<void>> pause(net::Loop& loop, std::chrono::milliseconds time) {
        co_await loop.sleep(time);
        co_return Result<void>();
    }
    // A loop can be interrupted once, so each step has its own.
    template <class Step>
    auto on_a_loop(Step step) -> typename decltype(step(std::declval<net::Loop&>(), std::declval<http::Client&>()))::value_type {
        net::Loop loop;
        TRY(client, app::approval_client(loop));
        auto done = run_until_interrupted(loop, step(loop, client));
        if (!done) return base::fail(ErrorCode::cancelled, "nothing more was answered");
        return std::move(*done);
    }
    // A session that ended while it was asked is none that does not answer.
    Result<void> keep_living(std::vector<app::SilentSession> silent) {
        silent_.clear();
        if (silent.empty()) return {};
        TRY(sites, app::find_approval_sites(context_.home()));
        for (auto& one : silent) {
            if (std::any_of(sites.begin(), sites.end(), [&](const FoundSite& site) { return site.session == one.session; })) silent_.push_back(std::move(one));
        }
        return {};
    }
    Result<void> ask_about(const WaitingElsewhere& waiting) {
        for (;;) {
            TRY(typed, ask_line("Approve? [o]nce, for a time (10m), [d]eny, deny its [l]ike too, Enter leaves it: "));
            const auto chosen = answer_in(typed);
            if (!chosen) {
                context_.out().prompt(chosen.error().message);
                continue;
            }
            if (!*chosen) return {};
            const auto taken = answer(waiting, **chosen);
            if (!taken && taken.error().code != ErrorCode::not_found) return taken;
            if (!taken) context_.out().prompt("too late: " + taken.error().message);
            return {};
        }
    }

    Context& context_;
    std::vector<FoundSite> sites_;
    std::vector<app::SilentSession> silent_;
    std::set<std::string> asked_, complained_;
};

Result<Answer> wanted(const Invocation& invocation) {
    if (invocation.has("--refuse")) {
        if (invocation.has("--for")) return base::fail(ErrorCode::usage, "--refuse and --for contradict each other", "leave one of them out");
        return Answer{invocation.has("--like") ? Answer::Kind::deny_like : Answer::Kind::deny, {}};
    }
    if (invocation.has("--like")) return base::fail(ErrorCode::usage, "--like goes with --refuse", "its like is approved for a time: --for 10m");
    if (!invocation.has("--for")) return Answer{Answer::Kind::once, {}};
    auto time = policy::parse_duration(invocation.value("--for"));
    if (!time) return base::fail(ErrorCode::usage, "--for: " + time.error().message, time.error().hint);
    return Answer{Answer::Kind::for_a_time, *time};
}

Outcome answer_one(Context& context, const Invocation& invocation, Approver& approver) {
    const auto id = invocation.argument(0);
    TRY(answer, wanted(invocation));
    TRY(all, approver.look());
    std::vector<const WaitingElsewhere*> meant;
    for (const auto& waiting : all) {
        if (is_named(waiting, id)) meant.push_back(&waiting);
    }
    if (meant.size() > 1) {
        std::string each;
        for (const auto* waiting : meant) each += fmt::format("{}{} ({})", each.empty() ? "" : ", ", longer_id(*waiting), text_of(*waiting, "subject"));
        return base::fail(ErrorCode::usage, base::printable(id, 40) + " waits in more than one session: " + each, "name one of them in the longer form");
    }
    if (meant.empty()) {
        TRY_VOID(approver.complain());
        return base::fail(ErrorCode::not_found, "no request waits as " + base::printable(id, 40), "it was answered, or given up; what waits now: claviger approve --list");
    }
    TRY_VOID(approver.answer(*meant.front(), answer));
    if (context.out().json()) context.out().document(json::Object{{"id", meant.front()->id}, {"session", meant.front()->session}, {"subject", text_of(*meant.front(), "subject")}});
    return 0;
}

// The link is good for one look, but an opener's arguments can be read by every program before the browser has looked: so
// they name a file in the home that leads on.
Result<void> open_page(Context& context, const FoundSite& site, const net::Url& link) {
    const auto file = app::approval_page_file(context.home(), site.session);
    TRY_VOID(sys::write_file_atomically(file, "<!doctype html><meta charset=\"utf-8\"><title>Claviger</title><meta http-equiv=\"refresh\" content=\"0;url=" +
                                                  base::html_escape(link.text()) + "\">\n"));
    context.out().prompt("Open it in your browser, it works once: " + link.text());
    if (const auto opened = sys::open_browser_on_file(file); !opened) context.out().talk("note: " + opened.error().message);
    return {};
}

Outcome show_page(Context& context, Approver& approver) {
    TRY(all, approver.look());
    std::set<std::size_t> shown;
    for (const auto& waiting : all) {
        if (!shown.insert(waiting.site).second) continue;
        const auto& site = approver.sites()[waiting.site];
        TRY(link, approver.link(site));
        TRY_VOID(open_page(context, site, link));
    }
    TRY_VOID(approver.complain());
    if (shown.empty()) context.out().talk("nothing waits for your approval");
    return 0;
}

Outcome list_waiting(Context& context, Approver& approver, const std::vector<WaitingElsewhere>& all) {
    if (context.out().json()) {
        json::Array list;
        for (const auto& waiting : all) list.emplace_back(waiting.all);
        json::Array silent;
        for (const auto& one : approver.silent()) silent.emplace_back(json::Object{{"session", one.session}, {"why", one.why}});
        context.out().document(json::Object{{"waiting", std::move(list)}, {"not_answering", std::move(silent)}});
        TRY_VOID(approver.complain());
        return 0;
    }
    for (const auto& waiting : all) context.out().data(described(waiting));
    TRY_VOID(approver.complain());
    if (all.empty()) context.out().talk("nothing waits for your approval");
    return 0;
}

}  // namespace

Outcome approve(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("approving requests"));
    const bool one = !invocation.arguments.empty(), watch = invocation.has("--watch"), page = invocation.has("--page"), list = invocation.has("--list");
    if (one + watch + page + list > 1) return base::fail(ErrorCode::usage, "ID, --list, --watch and --page exclude each other", "give one of them");
    if (!one && (invocation.has("--for") || invocation.has("--refuse") || invocation.has("--like"))) {
        return base::fail(ErrorCode::usage, "which request is meant?", "claviger approve --list shows what waits; then: claviger approve ID");
    }
    const bool may_ask = sys::has_controlling_terminal() && !context.out().json();
    if (watch && !may_ask) return base::fail(ErrorCode::usage, "there is no terminal to ask on", "claviger approve --list --json shows what waits");
    Approver approver(context);
    if (one) return answer_one(context, invocation, approver);
    if (page) return show_page(context, approver);
    if (watch) {
        TRY_VOID(approver.watch());
        return 0;
    }
    TRY(all, approver.look());
    if (list || all.empty() || !may_ask) return list_waiting(context, approver, all);
    TRY_VOID(approver.ask(all));
    TRY_VOID(approver.complain());
    return 0;
}

}  // namespace claviger::cli
