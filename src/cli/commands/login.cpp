#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "api/local_page.hpp"
#include "app/account.hpp"
#include "app/service_call.hpp"
#include "base/number.hpp"
#include "base/text.hpp"
#include "cli/commands/failed_login.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/probe_json.hpp"
#include "cli/console_dialog.hpp"
#include "cli/device_prompt.hpp"
#include "cli/interruptible.hpp"
#include "connection/connect.hpp"
#include "connection/flow_choice.hpp"
#include "connection/form_fields.hpp"
#include "connection/home_mark.hpp"
#include "sys/files.hpp"
#include "sys/process.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

enum class Where { browser, terminal, stdin_text };

bool display_available() {
    for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY"}) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') return true;
    }
    return false;
}

Where where_to_ask(const Invocation& invocation) {
    const std::string input = invocation.value("--input", "auto");
    if (input == "browser") return Where::browser;
    if (input == "terminal") return Where::terminal;
    if (input == "stdin") return Where::stdin_text;
    // Without either, whatever has to be asked fails at once and says how to answer.
    return display_available() ? Where::browser : Where::terminal;
}

Result<connection::ConnectRequest> request_from(const Invocation& invocation, const provider::ProviderDefinition& definition) {
    connection::ConnectRequest request;
    TRY(name, checked_name("connection", invocation.value("--connection", "default")));
    request.connection_name = name;
    request.new_client = invocation.has("--new-client");
    request.force = invocation.has("--force") || request.new_client;
    request.if_needed = invocation.has("--if-needed");
    if (request.force && request.if_needed)
        return base::fail(ErrorCode::usage, "--force or --new-client and --if-needed contradict each other", "give one of them");
    if (invocation.has("--flow")) request.flow = provider::flow_from(invocation.value("--flow"));
    if (invocation.has("--scopes")) {
        std::vector<std::string> scopes;
        for (const auto& scope : base::split(invocation.value("--scopes"), ',')) {
            if (const auto trimmed = base::trim(scope); !trimmed.empty()) scopes.emplace_back(trimmed);
        }
        request.scopes = std::move(scopes);
    }
    if (invocation.has("--base-url")) request.base_url = invocation.value("--base-url");
    for (const auto& pair : invocation.values("--var")) {
        const auto equals = pair.find('=');
        if (equals == std::string::npos || equals == 0) {
            return base::fail(ErrorCode::usage, "--var needs NAME=VALUE");
        }
        const std::string variable_name = pair.substr(0, equals);
        for (const auto& variable : definition.vars) {
            if (variable.name == variable_name && variable.secret) {  // CL-01
                return base::fail(ErrorCode::usage, "the variable " + variable_name + " is secret and is not taken from the command line",
                                  "leave it out: login asks for it");
            }
        }
        request.variables[variable_name] = pair.substr(equals + 1);
    }
    return request;
}

// What needs no browser on this machine; empty when the provider has no such flow.
std::string other_way(const provider::ProviderDefinition& definition, const std::string& connection_name) {
    const auto flows = connection::flows_of(definition);
    if (std::find(flows.begin(), flows.end(), provider::Flow::device_code) == flows.end()) return {};
    return "  (or log in by another device's browser: claviger login " + definition.name + " --flow device_code" +
           (connection_name == "default" ? "" : " --connection " + connection_name) + ")";
}

// Where the answer comes back to. RFC 8252 section 7.3 leaves the port to us; many services compare it with what was registered
// all the same, so only a login that registers its redirect URI itself takes another one by itself (OA-15).
Result<api::LocalPageOptions> callback_place(const Invocation& invocation, provider::Flow flow) {
    api::LocalPageOptions options;
    options.port = connection::kCallbackPort;
    options.another_port = flow == provider::Flow::dcr_pkce && !invocation.has("--port");
    if (!invocation.has("--port")) return options;
    const auto port = base::whole_number<std::uint16_t>(invocation.value("--port"));
    if (!port) return base::fail(ErrorCode::usage, "--port needs a number up to 65535", "0 takes any free port");
    options.port = *port;
    return options;
}

api::LocalPageOptions page_options(Context& context, api::LocalPageOptions options, bool may_open_browser, std::string other_way, const std::uint16_t& port) {
    // Without its link a login waits for nothing: the link is shown with --quiet and --json too.
    options.say = [&out = context.out()](std::string_view line) { out.prompt(line); };
    options.open_browser = [&out = context.out(), may_open_browser, &port, other_way = std::move(other_way)](const net::Url& url) {
        const bool opened = may_open_browser && display_available() && sys::open_browser(url.text()).has_value();
        // The page has just said the link itself.
        if (opened) out.talk("Opening it in your browser; if nothing appears there, open the link yourself.");
        else out.prompt("Open it in your browser.");
        if (!opened && std::getenv("SSH_CONNECTION") != nullptr) {
            const auto here = std::to_string(port);
            out.talk("  (over SSH: connect with  ssh -L " + here + ":127.0.0.1:" + here + " ...  so that the answer arrives here)");
        }
        if (!opened && !other_way.empty()) out.talk(other_way);
    };
    return options;
}

// What is waited for, and until when.
struct Countdown {
    std::string_view what = "Waiting for you in the browser";
    net::Deadline end = net::in(connection::kFlowLifetime);
    bool shown = false;
};

// A login with what was learnt after it.
struct LoginEnd {
    connection::ConnectOutcome outcome;
    std::optional<app::ProbeResult> probe;
};

struct Afterwards {  // borrowed for the task
    app::ServiceParts service;
    connection::Connections& connections;
    Countdown& countdown;
};

// The token is stored before anything is asked with it; what fails then is a warning (the login holds).
net::Task<void> learn(Afterwards with, const provider::ProviderDefinition& definition, LoginEnd& end) {
    auto& outcome = end.outcome;
    with.countdown.what = "Asking whose account it is";
    auto claims = outcome.id_claims;
    auto warnings = co_await app::learn_account(with.service, with.connections, definition, outcome.connection, std::move(claims));
    if (auto changed = app::account_changed(outcome.previous_account, outcome.connection.account)) warnings.push_back(std::move(*changed));
    if (definition.probe) {
        auto result = co_await app::probe(with.service, with.connections, definition, outcome.connection);
        if (!result) warnings.push_back("whether it works could not be asked: " + result.error().describe());
        else if (result->why) warnings.push_back("the first request did not work: " + app::in_words(*result) + (result->why->hint.empty() ? "" : "; " + result->why->hint));
        if (result) end.probe = std::move(*result);
    }
    outcome.warnings.insert(outcome.warnings.end(), warnings.begin(), warnings.end());
}

net::Task<Result<LoginEnd>> log_in(connection::Surroundings with, Afterwards afterwards, provider::ProviderDefinition definition,
                                   connection::ConnectRequest request) {
    auto outcome = co_await connection::connect(with, definition, std::move(request));
    if (!outcome) co_return base::fail(outcome.error());
    LoginEnd end;
    end.outcome = std::move(*outcome);
    if (!end.outcome.already_connected) co_await learn(afterwards, definition, end);
    co_return end;
}

void print_success(Context& context, const LoginEnd& end) {
    const auto& outcome = end.outcome;
    const auto& made = outcome.connection;
    const auto account = app::account_in_words(made.account);
    if (context.out().json()) {
        json::Object document;
        document["status"] = outcome.already_connected ? "already_connected" : "success";
        document["provider"] = made.provider;
        document["connection"] = made.name;
        document["record_status"] = "connected";
        json::Array scopes;
        for (const auto& scope : made.scopes()) scopes.emplace_back(scope);
        document["scopes"] = std::move(scopes);
        document["account"] = account.empty() ? json::Value(nullptr) : json::Value(account);
        document["probe"] = end.probe ? json::Value(probe_json(*end.probe)) : json::Value(nullptr);
        document["warnings"] = json::Array(outcome.warnings.begin(), outcome.warnings.end());
        context.out().document(document);
        return;
    }
    for (const auto& warning : outcome.warnings) context.out().warn(base::printable(warning, 500));
    if (!account.empty()) context.out().talk("Account: " + account);
    if (end.probe && !end.probe->why) context.out().talk("First request: " + app::in_words(*end.probe));
    const std::string who = made.provider + " (" + made.name + ").\n";
    context.out().data((outcome.already_connected ? "Already logged in to " : "Successfully logged in to ") + who);
}

// Ends with the loop, which stops when the login is done.
net::Task<void> show_waiting(net::Loop& loop, const Output& out, const Countdown& countdown) {
    for (;;) {
        const auto until_end = std::chrono::ceil<std::chrono::seconds>(countdown.end - std::chrono::steady_clock::now());
        const auto left = std::max<std::int64_t>(until_end.count(), 0);
        out.progress(std::string(countdown.what) + " (" + std::to_string(left / 60) + ":" + (left % 60 < 10 ? "0" : "") +
                     std::to_string(left % 60) + " left, Ctrl-C to cancel)");
        co_await loop.sleep(std::chrono::seconds(1));
    }
}

void start_countdown(net::Loop& loop, const Output& out, Countdown& countdown) {
    if (std::exchange(countdown.shown, true)) return;
    loop.spawn("login progress", show_waiting(loop, out, countdown));
}

ShowQr qr_wanted(const Invocation& invocation) {
    const std::string wanted = invocation.value("--qr", "auto");
    if (wanted == "always") return ShowQr::always;
    return wanted == "never" ? ShowQr::never : ShowQr::automatic;
}

// A signal while the browser is still being told of the success comes too late to undo it.
Result<LoginEnd> interrupted(connection::Connections& connections, const std::string& provider,
                                               const std::string& connection_name, base::Instant started) {
    auto stored = connections.find(provider, connection_name);
    if (!stored || !*stored || (*stored)->obtained_at < started) {
        return base::fail(ErrorCode::cancelled, "login cancelled; no connection was stored");
    }
    LoginEnd end;
    end.outcome.connection = std::move(**stored);
    return end;
}

}  // namespace

Outcome login(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("login"));
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(definition, context.registry().load(name));
    TRY(request, request_from(invocation, definition));
    const auto where = where_to_ask(invocation);
    TRY(config, context.config());
    TRY(connections, context.connections());
    TRY(vault, context.vault());
    if (definition.auth_type == provider::AuthType::oauth2)  // a copy that is made before any renewal is one too
        TRY_VOID(connection::recognise_home(*vault, connections->tenant(), context.home(), context.clock().now(), context.log()));

    net::Loop loop;
    auto given = request.variables;
    if (request.base_url) given["base_url"] = *request.base_url;
    TRY(client_options, app::outgoing_options(*config, definition, given));
    oauth::Recorder recorder(context.clock());
    client_options.observer = [&recorder](const http::Request& sent, const base::Result<http::Response>& got) { recorder.exchange(sent, got); };
    TRY(http, http::Client::make(loop, std::move(client_options)));

    Countdown countdown;
    const auto show_code = [&loop, &context, &countdown, qr = qr_wanted(invocation)](const connection::DeviceCode& code) {
        print_device_code(context.out(), code, qr);
        countdown.what = "Waiting for the code to be approved";
        countdown.end = code.end;
        start_countdown(loop, context.out(), countdown);
    };
    const bool may_open = config->get("login.browser") != "never";
    const auto flow = request.flow.value_or(definition.flow);
    const bool by_device = flow == provider::Flow::device_code;
    const auto hint = other_way(definition, request.connection_name);
    TRY(place, callback_place(invocation, flow));
    std::uint16_t port = place.port;
    const auto open_page = [&]() {
        auto options = page_options(context, place, may_open, by_device ? std::string() : hint, port);
        options.show_code = show_code;
        auto page = api::LocalPage::open(loop, std::move(options), context.random(), context.log());
        if (page) port = (*page)->port();
        return page;
    };
    std::unique_ptr<connection::Dialog> dialog;
    if (where == Where::browser) {
        TRY(page, open_page());
        dialog = std::move(page);
    } else {
        const auto questions = where == Where::terminal ? Questions::terminal : Questions::stdin_text;
        dialog = std::make_unique<ConsoleDialog>(loop, questions, connection::names_that_are_asked(definition), open_page, [&out = context.out()](std::string_view line) { out.talk(line); }, show_code);
    }
    connection::Surroundings surroundings{loop, http, *connections, *dialog, context.random(), context.log(), &recorder};
    if (where == Where::browser) start_countdown(loop, context.out(), countdown);
    const std::string connection_name = request.connection_name;
    const auto started = context.clock().now();
    const Afterwards afterwards{{http, *connections, context.clock(), context.random()}, *connections, countdown};
    auto ended = run_until_interrupted(loop, log_in(surroundings, afterwards, std::move(definition), std::move(request)));
    context.out().progress("");
    if (!ended) ended = interrupted(*connections, name, connection_name, started);
    if (!*ended) return base::fail(keep_failure(context.home(), recorder, std::move(*ended).error()));
    forget_failure(context.home(), name);
    print_success(context, **ended);
    return 0;
}

}  // namespace claviger::cli
