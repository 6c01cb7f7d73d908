#include "app/run_session.hpp"

#include <signal.h>
#include <termios.h>
#include <unistd.h>
#include <fcntl.h>

#include <algorithm>
#include <set>

#include "app/approval_door.hpp"
#include "app/child_environment.hpp"
#include "app/credentials.hpp"
#include "app/session_audit.hpp"
#include "app/service_call.hpp"
#include "app/session_files.hpp"
#include "app/session_policy.hpp"
#include "app/session_rules.hpp"
#include "base/masked_path.hpp"
#include "base/text.hpp"
#include "connection/standing.hpp"
#include "connection/variables.hpp"
#include "connection/secret_variables.hpp"
#include "inject/placeholder.hpp"
#include "provider/catalogue.hpp"
#include "provider/expand.hpp"
#include "sys/files.hpp"
#include "sys/process.hpp"
#include "sys/tcp_sockets.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;

Result<std::vector<std::pair<std::string, std::string>>> chosen(const Broker& broker, const RunRequest& request) {
    auto pairs = request.use;
    const auto named = [&](const std::string& provider) {
        return std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == provider; });
    };
    for (auto& [provider, connection] : pairs) {
        if (connection.empty()) {
            TRY(name, broker.connections.default_name(provider));
            connection = name;
        }
        TRY(found, broker.connections.load(provider, connection));  // says how to log in when it is not there
        (void)found;
    }
    std::vector<std::pair<std::string, std::string>> once;  // --use acme --use acme=default is one connection
    for (auto& pair : pairs) {
        if (std::find(once.begin(), once.end(), pair) == once.end()) once.push_back(std::move(pair));
    }
    pairs = std::move(once);
    if (request.only_used) return pairs;
    TRY(all, broker.connections.list());
    for (const auto& summary : all) {
        if (summary.problem && !named(summary.provider) && request.say) {
            request.say("note: " + base::printable(summary.provider + " (" + summary.name + ")", 200) + " is left out: " +
                        base::printable(summary.problem->message, 300) + "; mend it with: claviger vault repair");
        }
        if (summary.is_default && !named(summary.provider)) pairs.emplace_back(summary.provider, summary.name);
    }
    return pairs;
}

bool is_chosen(const RunRequest& request, const std::string& provider, const std::string& connection) {
    if (std::find(request.not_chosen.begin(), request.not_chosen.end(), provider) != request.not_chosen.end()) return false;
    return std::any_of(request.use.begin(), request.use.end(),
                       [&](const auto& use) { return use.first == provider && (use.second.empty() || use.second == connection); });
}

void add_excluded(const std::string& url_template, const provider::VariableValues& values, policy::Route& route) {
    if (url_template.empty()) return;
    if (auto url = provider::expand_url(url_template, values)) route.excluded.push_back(std::move(*url));
}

Result<policy::Route> route_of(const provider::ProviderDefinition& definition, const connection::Connection& stored) {
    policy::Route route;
    route.provider = stored.provider;
    route.connection = stored.name;
    TRY(values, connection::variables_of(definition, stored));
    TRY(rules, policy::rules_of(definition, values, inject::own_names(definition, stored)));
    route.rules = std::move(rules);
    if (definition.oauth2) {
        const auto& oauth = *definition.oauth2;
        for (const auto* url : {&oauth.authorization_url, &oauth.token_url, &oauth.refresh_url, &oauth.revocation_url,
                                &oauth.device_authorization_url, &oauth.registration_endpoint, &oauth.introspection_url}) {
            add_excluded(*url, values, route);
        }
    }
    for (const auto& endpoint : stored.oauth_endpoints) {  // those that were discovered
        if (auto url = net::Url::parse(endpoint)) route.excluded.push_back(std::move(*url));
    }
    return route;
}

// "run: claviger x" and "claviger x" are hints; as the rest of a line both read "run: claviger x".
std::string mending(const base::Error& error) {
    if (error.hint.empty()) return {};
    return "; " + (error.hint.starts_with("claviger ") ? "run: " + error.hint : error.hint);
}

// A connection that cannot be used now, or soon may not: whoever waits for its requests should know why. One that has only
// expired is renewed when it is used.
void say_what_is_wrong(const Broker& broker, const RunRequest& request, const provider::ProviderDefinition& definition,
                       const connection::Connection& stored) {
    if (!request.say) return;
    const auto now = broker.clock.now();
    const std::string which = "note: " + stored.provider + " (" + stored.name + ")";
    const auto facts = connection::standing_facts(stored, &definition, now);
    const auto standing = connection::standing_of(facts);
    if (!standing.why.empty()) {
        request.say(which + ": " + standing.why + (standing.command.empty() ? "" : "; mend it with: " + standing.command));
    } else if (facts.status == connection::Status::connected) {
        const auto usable = inject::Injection::make(definition, stored, now, broker.connections);
        if (!usable) request.say(which + " cannot be used: " + base::printable(usable.error().describe(), 500) + mending(usable.error()));
    }
}

void say_if_nothing_is_connected(const RunRequest& request, bool any) {
    if (any || !request.say) return;
    request.say(request.unmatched == proxy::Unmatched::deny
                    ? "note: no connection: every request is refused; connect one with: claviger login PROVIDER"
                    : "note: no connection: requests go out without a credential; connect one with: claviger login PROVIDER");
}

// What the user set and the program sees otherwise is never replaced in silence.
void say_what_is_changed(const ChildEnvironment& environment, const std::function<void(std::string_view)>& say) {
    if (!environment.hidden.empty()) {
        say("note: hidden from the program: " + base::join(environment.hidden, ", ") + " (--keep-env NAME lets one through)");
    }
    if (!environment.dropped_bypass.empty()) {
        say("note: left out of NO_PROXY, as hosts of this session would be reached without their credential: " +
            base::printable(base::join(environment.dropped_bypass, ", "), 300));
    }
}

// Whether the terminal's Ctrl-C reached the child already: it is in our process group, in the foreground.
bool terminal_signals_reach_child() {
    const int terminal = ::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) return false;
    const bool foreground = ::tcgetpgrp(terminal) == ::getpgrp();
    ::close(terminal);
    return foreground;
}

// Held before the child starts: none may be missed between its start and the first wait.
std::vector<int> watched_signals() { return {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2}; }

net::Task<Result<int>> watch_child(net::Loop& loop, sys::Child child) {
    for (;;) {
        const auto signals = watched_signals();
        auto ended = sys::poll_child(child);
        if (!ended) co_return base::fail(std::move(ended).error());
        if (*ended) co_return (*ended)->exit_code;
        const int signal = co_await loop.next_signal(signals);
        if (signal == SIGCHLD) continue;
        const bool from_keyboard = (signal == SIGINT || signal == SIGQUIT) && terminal_signals_reach_child();
        if (!from_keyboard) ::kill(child.pid, signal);
    }
}

// What exec says of a program is an outcome of the session, with exit codes of its own; anything else is an error.
Result<RunEnd> never_ran(base::Error error) {
    // ENOEXEC and its like have no code of their own: storage.
    const bool of_program = error.code == ErrorCode::not_found || error.code == ErrorCode::denied || error.code == ErrorCode::storage;
    if (!of_program) return base::fail(std::move(error));
    const auto program = error.code == ErrorCode::not_found ? RunEnd::Program::not_found : RunEnd::Program::not_executable;
    return RunEnd{program, 0, std::move(error)};
}

// A renewal whose request has left must get its answer into the vault: otherwise the refresh token is lost.
constexpr std::chrono::seconds kFinishTime{40};

net::Task<void> finish_renewals(connection::Refresher& refresher, connection::BackgroundRefresh& background) {
    background.stop();
    auto settled = co_await refresher.settle(kFinishTime);
    (void)settled;  // what is left is in doubt, as after a crash
}

// Every connection of the session is kept alive; those that it uses are kept fresh (LiveCredentials says which).
void keep_alive(const Broker& broker, const std::vector<policy::Route>& routes, connection::BackgroundRefresh& background) {
    for (const auto& route : routes) {
        const auto definition = broker.registry.load(route.provider);
        const auto stored = broker.connections.load(route.provider, route.connection);
        if (definition && stored) background.keep_alive(*stored, *definition);
    }
}

// Those that stand for a credential: a real URL is none, and a short sample of a pattern is like ordinary text.
std::vector<std::string> standing_for_credentials(const std::map<std::string, std::string>& placeholders) {
    constexpr std::size_t kTelling = 12;
    std::vector<std::string> values;
    for (const auto& [name, value] : placeholders)
        if (value.size() >= kTelling && value.find("://") == std::string::npos) values.push_back(value);
    return values;
}

// What a program's own network leads to the proxy: http and https, and whatever other ports the routes name.
std::vector<std::uint16_t> ports_led_here(const policy::Router& router) {
    auto ports = router.ports();
    ports.insert({80, 443});
    ports.erase(53);  // where names are asked for
    return {ports.begin(), ports.end()};
}

// Until when anything goes through it, where that is known.
std::optional<base::Duration> lasting_of(const RunRequest& request) {
    const auto of_project = request.project ? request.project->lasting : std::nullopt;
    return request.lasting && of_project ? std::min(*request.lasting, *of_project) : request.lasting ? request.lasting : of_project;
}

Result<std::unique_ptr<proxy::ForwardProxy>> start_proxy(const Broker& broker, const RunRequest& request, net::Loop& loop,
                                                         std::vector<policy::Route> routes, LiveCredentials& credentials,
                                                         SessionPolicy& gate, SessionAudit& audit, sys::StagedChild& staged,
                                                         const ProgramsView& view) {
    TRY(authority, broker.config.extra_authority());
    proxy::ProxyOptions options{policy::Router(std::move(routes)), request.unmatched, {}, authority, {}, 256, {}};
    options.bases = view.bases;
    if (staged.report().own_network) {
        TRY(network, staged.listen(ports_led_here(options.router)));
        options.network = std::move(network);
    }
    options.find_own_clients = [programs = sys::ProcessFamily(staged.pid())](const std::set<std::uint16_t>& from, std::uint16_t to) { return programs.clients(from, to); };
    options.addresses.allow_private = broker.config.flag("network.allow_private");
    options.on_served = [&log = broker.log, &audit, &view](proxy::Served served) {
        served.path = view.masked(std::move(served.path));
        served.host = view.masked(std::move(served.host));
        served.why = view.masked(std::move(served.why));
        log.info("proxy.served", {{"provider", served.provider}, {"connection", served.connection}, {"host", served.host},
                                  {"method", served.method}, {"path", served.path}, {"status", served.status}, {"reason", served.reason}, {"why", served.why},
                                  {"scrubbed", served.scrubbed}, {"ms", served.milliseconds}});
        audit.record(served);
    };
    options.may_release = [&audit] { return audit.may_release(); };
    options.proxies = outbound_proxies();
    options.gate = &gate;
    options.methods = request.methods;
    options.stop_reflections = broker.config.get("run.reflection") == "abort";
    options.lasting = lasting_of(request);
    options.placeholders = standing_for_credentials(view.placeholders);
    return proxy::ForwardProxy::start(loop, std::move(options), credentials, broker.clock, broker.random, broker.log);
}

}  // namespace

Result<connection::Refresher::Surroundings> renewal_surroundings(const Broker& broker, net::Loop& loop) {
    TRY(authority, broker.config.extra_authority());
    connection::Refresher::Surroundings with{loop, broker.vault, broker.connections, broker.registry, broker.clock, broker.random,
                                             broker.log, std::move(authority), broker.config.flag("network.allow_private"), broker.home};
    with.proxies = outbound_proxies();
    return with;
}

Result<std::unique_ptr<connection::Refresher>> make_refresher(const Broker& broker, net::Loop& loop) {
    TRY(with, renewal_surroundings(broker, loop));
    return connection::Refresher::make(std::move(with));
}

std::string ProgramsView::masked(std::string text) const {
    for (const auto& values : hidden) text = values.masked(text);
    return text;
}

Result<std::vector<policy::Route>> session_routes(const Broker& broker, const RunRequest& request,
                                                  ProgramsView& view) {
    TRY(pairs, chosen(broker, request));
    std::vector<policy::Route> routes;
    for (const auto& [provider, name] : pairs) {
        auto definition = broker.registry.load(provider);
        TRY(stored, broker.connections.load(provider, name));
        auto route = definition ? route_of(*definition, stored) : Result<policy::Route>(base::fail(definition.error()));
        if (!route) {
            if (request.say) {
                request.say("note: " + provider + " (" + name + ") is left out: " + base::printable(route.error().message, 500) + mending(route.error()));
            }
            continue;
        }
        say_what_is_wrong(broker, request, *definition, stored);
        if (route->rules.empty() && request.say)
            request.say("note: " + provider + " (" + name + ") serves no host: its definition has no api_url");
        view.placeholders.merge(inject::placeholders(*definition, stored));
        view.hidden.push_back(connection::secret_variables(*definition, stored));
        if (auto base = net::Url::parse(inject::first_api_url(*definition, stored.variables))) view.bases.emplace(provider, std::move(*base));
        route->chosen = is_chosen(request, provider, name);
        routes.push_back(std::move(*route));
    }
    say_if_nothing_is_connected(request, !routes.empty());
    return routes;
}

namespace {

// Whoever wrote an ask rule counts on being asked.
void say_idle_asks(const Broker& broker, const RunRequest& request, const std::vector<policy::Route>& routes) {
    if (!request.say) return;
    for (const auto& one : idle_asks(broker.vault, request, routes)) request.say("note: " + one);
}

using Variables = std::map<std::string, std::string>;

// Reading the whole catalogue costs more than all else that a session does before its program starts. A name that one exports
// to stands in it, or begins as the provider's own.
bool may_export_to_one_of(const Variables& variables, const provider::CatalogueEntry& bundled) {
    const auto begins = base::to_upper(std::string(bundled.name.substr(0, bundled.name.find_first_of("-_."))));
    return std::any_of(variables.begin(), variables.end(), [&](const auto& variable) {
        return variable.first.starts_with(begins) || bundled.json.find('"' + variable.first + '"') != std::string_view::npos;
    });
}

// The user's own credentials are none of the program's business, also those for providers that this session does not serve.
std::optional<std::set<std::string>> exported_names(const provider::Registry& registry, const Variables& variables) {
    std::set<std::string> names;
    const auto entries = registry.list();
    if (!entries) return std::nullopt;
    for (const auto& entry : *entries) {
        const auto* bundled = entry.source == provider::Source::bundled ? provider::catalogue_entry(entry.name) : nullptr;
        if (bundled != nullptr && !may_export_to_one_of(variables, *bundled)) continue;
        const auto definition = registry.load(entry.name);
        if (!definition) continue;
        for (auto& name : inject::credential_variables(*definition)) names.insert(std::move(name));
    }
    return names;
}

// Arguments may be secrets, and so may a path; the program's name says enough.
std::string program_name(const RunRequest& request) {
    return base::masked_path(std::filesystem::path(request.command.front()).filename().string(), 64);
}

Result<SessionAudit> make_audit(const Broker& broker, const RunRequest& request) {
    TRY(recorder, audit::Recorder::make({broker.vault, broker.home, broker.clock, broker.random, audit_limits(broker.config), program_name(request)}));
    return SessionAudit(std::move(recorder), request.say);
}

Result<RunEnd> run_audited(const Broker& broker, const RunRequest& request, sys::StagedChild& staged, SessionAudit& audit) {
    ProgramsView view;
    TRY(routes, session_routes(broker, request, view));
    say_idle_asks(broker, request, routes);

    net::Loop loop;
    const auto attached = audit.attach(loop);
    TRY(refresher, make_refresher(broker, loop));
    connection::BackgroundRefresh background({loop, *refresher, broker.connections, broker.registry, broker.clock, broker.random, broker.log});
    LiveCredentials credentials({loop, broker.vault, broker.connections, broker.registry, broker.clock, broker.random, broker.log, *refresher, background});
    keep_alive(broker, routes, background);
    ApprovalDoor door({loop, broker.clock, broker.random, broker.log, broker.home, {audit.session(), program_name(request)},
                       std::chrono::seconds(broker.config.number("run.ask_seconds")), request.say});
    SessionPolicy gate({broker.vault, broker.clock, broker.log, door.approvals()}, session_layers(request), session_limits(request, broker.clock.now()));
    TRY(proxy, start_proxy(broker, request, loop, routes, credentials, gate, audit, staged, view));

    ChildEnvironmentInput input;
    input.placeholders = std::move(view.placeholders);
    for (const auto& [provider, base] : view.bases) input.providers.push_back(provider);
    input.parent = sys::environment();
    input.proxy_url = proxy->proxy_url();
    input.proxy_port = proxy->port();
    input.reverse_url = proxy->reverse_url();
    if (auto exported = exported_names(broker.registry, input.parent)) input.exported = std::move(*exported);
    else if (request.say) request.say("note: the definitions cannot be listed, so what they export is not taken out of the program's environment; run: claviger doctor");
    input.keep = request.keep_environment;
    input.sandboxed = staged.report().isolation != sys::Isolation::none;
    const policy::Router router(routes);
    input.routed = {router.constraint_hosts(), !router.first_regex().empty(), router.serves_loopback()};
    std::optional<SessionFiles> files;
    std::vector<sys::ShownMount> mounts;
    const bool own_network = staged.report().own_network, opens_tls = !proxy->ca_certificate_pem().empty();
    if (opens_tls || own_network) {
        TRY(authority, broker.config.extra_authority());
        TRY(made, SessionFiles::create({proxy->ca_certificate_pem(), authority, users_authorities(input.parent), has_java(input.parent)}));
        files.emplace(std::move(made));
    }
    if (opens_tls) input.trust = files->trust();
    if (own_network) {
        TRY(shown, files->for_own_network(opens_tls));
        mounts = std::move(shown);
    }
    const auto environment = make_child_environment(input);
    if (request.say) say_what_is_changed(environment, request.say);
    loop.hold_signals(watched_signals());
    sys::StagedChild::Program program{request.command, environment.variables, std::nullopt};
    program.mounts = std::move(mounts);
    if (input.sandboxed && !own_network && request.unmatched == proxy::Unmatched::deny) program.only_port = proxy->port();
    auto child = staged.launch(program);
    if (!child) return never_ran(std::move(child).error());
    broker.log.info("run.started", {{"session", audit.session()}, {"routes", routes.size()}});
    auto code = loop.run_until(watch_child(loop, *child));
    proxy->close();
    loop.run_until(finish_renewals(*refresher, background));
    if (!code) return base::fail(std::move(code).error());
    return RunEnd{RunEnd::Program::ran, *code, std::nullopt};
}

}  // namespace

Result<RunEnd> run_session(const Broker& broker, const RunRequest& request, sys::StagedChild& staged) {
    TRY(audit, make_audit(broker, request));
    auto end = run_audited(broker, request, staged, audit);
    audit.close();
    return end;
}

}  // namespace claviger::app
