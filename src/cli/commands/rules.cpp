// rule list, rule add, rule remove: what the owner keeps with a connection.
#include <charconv>

#include "base/text.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/session_options.hpp"
#include "connection/connection_rules.hpp"
#include "policy/idle_asks.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
using connection::ConnectionRules;

json::Object as_json(const ConnectionRules& rules) {
    json::Object object{{"provider", rules.provider}, {"connection", rules.connection}};
    json::Array list;
    for (const auto& rule : rules.rules) list.emplace_back(json::Object{{"action", to_string(rule.action)}, {"rule", rule.text()}});
    object["rules"] = std::move(list);
    object["rate"] = rules.rate ? json::Value(rules.rate->text()) : json::Value(nullptr);
    object["until"] = rules.until ? json::Value(base::to_rfc3339(*rules.until)) : json::Value(nullptr);
    return object;
}

std::string as_text(const ConnectionRules& rules) {
    std::string text = rules.name() + (rules.empty() ? " has no rules\n" : "\n");
    std::size_t number = 0;
    for (const auto& line : rules.lines()) text += "  " + std::to_string(++number) + "  " + line + "\n";
    return text;
}

void print(Context& context, const ConnectionRules& rules) {
    if (context.out().json()) context.out().document(as_json(rules));
    else context.out().data(as_text(rules));
}

// A connection that does not exist may have rules from before, or is to have them at its first use.
Result<ConnectionRules> named(Context& context, const Invocation& invocation) {
    TRY(provider, checked_name("provider", invocation.argument(0)));
    TRY(connections, context.connections());
    TRY(name, invocation.has("--connection") ? checked_name("connection", invocation.value("--connection")) : connections->default_name(provider));
    ConnectionRules rules;
    rules.provider = provider;
    rules.connection = name;
    return rules;
}

Result<std::size_t> number_of(const std::string& text) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number;
    return base::fail(ErrorCode::usage, "'" + base::printable(text, 80) + "' is no number of a rule", "claviger rule list shows the numbers");
}

}  // namespace

Outcome rule_list(Context& context, const Invocation& invocation) {
    std::string wanted;
    if (!invocation.arguments.empty()) {
        TRY(provider, checked_name("provider", invocation.argument(0)));
        wanted = provider;
    }
    TRY(vault, context.vault_if_any());
    TRY(all, vault == nullptr ? Result<std::vector<ConnectionRules>>() : connection::list_rules(*vault));
    json::Array list;
    std::string text;
    for (const auto& rules : all) {
        if (!wanted.empty() && rules.provider != wanted) continue;
        list.emplace_back(as_json(rules));
        text += as_text(rules);
    }
    if (context.out().json()) context.out().document(json::Object{{"connections", std::move(list)}});
    else if (text.empty()) context.out().talk("no connection" + (wanted.empty() ? "" : " of " + wanted) + " has rules; claviger rule add gives it some");
    else context.out().data(text);
    return 0;
}

Outcome rule_add(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("adding a rule"));
    TRY(given, parse_rule_options(invocation));
    if (given.rules.rules.empty() && !given.rate && !given.lasting) {
        return base::fail(ErrorCode::usage, "there is no rule to add", "add --deny, --ask, --allow, --read-only, --rate or --for");
    }
    TRY(which, named(context, invocation));
    TRY(connections, context.connections());
    TRY(names, connections->names(which.provider));
    if (names.empty() && !context.registry().source_of(which.provider)) return base::fail(context.registry().load(which.provider).error());
    if (std::find(names.begin(), names.end(), which.connection) == names.end()) {
        context.out().talk("note: " + which.name() + " is not connected; the rules hold as soon as it is");
    }
    TRY(vault, context.vault());
    TRY(rules, connection::load_rules(*vault, which.provider, which.connection));
    for (auto& rule : given.rules.rules) {
        rule.name = std::string(to_string(rule.action)) + " " + rule.text();
        rules.add(std::move(rule));
    }
    for (const auto& idle : policy::idle_asks(rules.layer())) context.out().talk("note: " + idle);
    if (given.rate) rules.rate = given.rate;
    if (given.lasting) rules.until = context.clock().now() + *given.lasting;
    TRY_VOID(connection::save_rules(*vault, rules));
    print(context, rules);
    return 0;
}

Outcome rule_remove(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("removing a rule"));
    const bool all = invocation.has("--all");
    if (all == (invocation.arguments.size() > 1)) return base::fail(ErrorCode::usage, "which rule is to go?", "give its number, as 'claviger rule list' shows it, or --all");
    TRY(rules, named(context, invocation));
    TRY(vault, context.vault());
    if (!all) {  // of all of them it does not matter what they were, nor whether they can be read
        TRY(loaded, connection::load_rules(*vault, rules.provider, rules.connection));
        TRY(number, number_of(invocation.argument(1)));
        TRY_VOID(loaded.remove(number));
        rules = std::move(loaded);
    }
    TRY_VOID(connection::save_rules(*vault, rules));
    print(context, rules);
    return 0;
}

}  // namespace claviger::cli
