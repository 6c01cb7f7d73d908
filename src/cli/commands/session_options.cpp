#include "cli/commands/session_options.hpp"

#include "base/text.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

Result<void> read_use(const Invocation& invocation, app::RunRequest& request) {
    if (invocation.has("--only") && !invocation.has("--use")) {
        return base::fail(ErrorCode::usage, "--only serves nothing but what --use names, and there is no --use",
                          "add --use PROVIDER, or leave out --only");
    }
    request.only_used = invocation.has("--only");
    for (const auto& use : invocation.values("--use")) {
        const auto equals = use.find('=');
        TRY(provider, checked_name("provider", use.substr(0, equals)));
        std::string connection;
        if (equals != std::string::npos) {
            TRY(name, checked_name("connection", use.substr(equals + 1)));
            connection = name;
        }
        request.use.emplace_back(std::move(provider), std::move(connection));
    }
    return {};
}

Result<void> read_rules(const Invocation& invocation, app::RunRequest& request) {
    using policy::Action;
    for (const auto action : {Action::deny, Action::ask, Action::allow}) {
        const std::string option = "--" + std::string(to_string(action));
        for (const auto& text : invocation.values(option)) {
            auto rule = policy::Rule::parse(action, text);
            if (!rule) return base::fail(ErrorCode::usage, option + ": " + rule.error().message, rule.error().hint);
            rule->name = option + " " + base::printable(text, 500);
            request.rules.rules.push_back(*std::move(rule));
        }
    }
    if (invocation.has("--read-only")) request.rules.rules.push_back(policy::read_only_rule("--read-only"));
    return {};
}

Result<void> read_limits(const Invocation& invocation, app::RunRequest& request) {
    if (invocation.has("--rate")) {
        auto rate = policy::Rate::parse(invocation.value("--rate"));
        if (!rate) return base::fail(ErrorCode::usage, "--rate: " + rate.error().message, rate.error().hint);
        request.rate = *rate;
    }
    if (invocation.has("--for")) {
        auto time = policy::parse_duration(invocation.value("--for"));
        if (!time) return base::fail(ErrorCode::usage, "--for: " + time.error().message, time.error().hint);
        request.lasting = *time;
    }
    return {};
}

}  // namespace

Result<app::RunRequest> parse_rule_options(const Invocation& invocation) {
    app::RunRequest request;
    TRY_VOID(read_rules(invocation, request));
    TRY_VOID(read_limits(invocation, request));
    return request;
}

Result<app::RunRequest> parse_session_options(const Invocation& invocation) {
    TRY(request, parse_rule_options(invocation));
    TRY_VOID(read_use(invocation, request));
    for (const auto& method : invocation.values("--pass-method")) {
        if (auto added = request.methods.add(method); !added) return base::fail(ErrorCode::usage, "--pass-method: " + added.error().message, added.error().hint);
    }
    return request;
}

Result<void> complete_session_options(Context& context, const Invocation& invocation, app::RunRequest& request, bool may_ask) {
    TRY(config, context.config());
    const std::string unmatched = invocation.value("--unmatched", config->get("run.unmatched"));
    request.unmatched = unmatched == "deny" ? proxy::Unmatched::deny : proxy::Unmatched::allow;
    request.say = [&out = context.out()](std::string_view line) { out.talk(line); };
    TRY_VOID(use_project(context, invocation, request, may_ask));
    TRY(connections, context.connections());
    for (const auto& [provider, connection] : request.use) {
        TRY(names, connections->names(provider));
        const auto known = context.registry().source_of(provider);
        if (known || !names.empty()) continue;
        const auto unknown = context.registry().load(provider);  // says what was probably meant
        return base::fail(unknown ? known.error() : unknown.error());
    }
    return {};
}

}  // namespace claviger::cli
