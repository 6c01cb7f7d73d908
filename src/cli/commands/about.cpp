// whoami, config, completion, man, version.
#include "base/text.hpp"
#include "cli/commands/handlers.hpp"

namespace claviger::cli {
namespace {
using base::ErrorCode;
}  // namespace

Outcome whoami(Context& context, const Invocation&) {
    json::Object document;
    document["version"] = CLAVIGER_VERSION;
    document["home"] = context.home().string();
    TRY(vault, context.vault_if_any());
    json::Array connected;
    if (vault == nullptr) {
        document["vault"] = "none";
    } else {
        TRY(status, vault->status(false));
        document["vault"] = status.integrity_ok ? "ok" : "damaged";
        document["key_source"] = status.key_source;
        TRY(connections, context.connections());
        TRY(summaries, connections->list());
        for (const auto& summary : summaries) connected.emplace_back(json::Object{{"provider", summary.provider}, {"connection", summary.name}});
    }
    document["connected"] = connected;
    if (context.out().json()) {
        context.out().document(document);
        return 0;
    }
    std::string text;
    for (const auto& member : document) {
        if (member.value().is_string()) text += std::string(member.key()) + ": " + std::string(member.value().get_string()) + "\n";
    }
    text += "connected: ";
    for (std::size_t i = 0; i < connected.size(); ++i) {
        text += (i ? ", " : "") + std::string(connected[i].at("provider").get_string()) + " (" + std::string(connected[i].at("connection").get_string()) + ")";
    }
    context.out().data(text + (connected.empty() ? "nothing yet\n" : "\n"));
    return 0;
}

namespace {
// A switch is a boolean, a number a number, what is unset is null.
json::Value setting_json(const app::ConfigKey& key, const std::string& value) {
    if (key.choices == "true|false") return value == "true";
    if (value.empty()) return nullptr;
    if (key.most > 0) return std::stoll(value);
    return json::Value(value);
}
}  // namespace

Outcome config_list(Context& context, const Invocation&) {
    TRY(config, context.config());
    json::Object document;
    std::vector<std::vector<Output::Cell>> rows;
    for (const auto& key : app::config_keys()) {
        const std::string value = config->get(key.name);
        document[key.name] = setting_json(key, value);
        rows.push_back({{std::string(key.name)}, {value.empty() ? "-" : base::printable(value)}, {config->is_set(key.name) ? "set" : "default"}, {std::string(key.help)}});
    }
    if (context.out().json()) context.out().document(document);
    else context.out().table({"SETTING", "VALUE", "FROM", "MEANING"}, rows);
    return 0;
}

Outcome config_get(Context& context, const Invocation& invocation) {
    TRY(config, context.config());
    for (const auto& key : app::config_keys()) {
        if (key.name != invocation.argument(0)) continue;
        if (context.out().json()) context.out().document(json::Object{{key.name, setting_json(key, config->get(key.name))}});
        else context.out().data(config->get(key.name) + "\n");
        return 0;
    }
    return base::fail(ErrorCode::not_found, "there is no setting '" + base::printable(invocation.argument(0)) + "'", "claviger config list shows all");
}

namespace {
Outcome changed(Context& context, const Invocation& invocation, const base::Result<void>& result) {
    if (!result) return base::fail(result.error());
    TRY(config, context.config());
    for (const auto& key : app::config_keys()) {
        if (context.out().json() && key.name == invocation.argument(0)) context.out().document(json::Object{{key.name, setting_json(key, config->get(key.name))}});
    }
    if (context.out().json()) return 0;
    const std::string value = base::printable(config->get(invocation.argument(0)), 4096);
    context.out().talk(invocation.argument(0) + (value.empty() ? " is now unset" : " is now " + value));
    return 0;
}
}  // namespace

Outcome config_set(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("changing a setting"));
    TRY(config, context.config());
    return changed(context, invocation, config->set(invocation.argument(0), invocation.argument(1)));
}

Outcome config_unset(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("changing a setting"));
    TRY(config, context.config());
    return changed(context, invocation, config->unset(invocation.argument(0)));
}

namespace {
base::Result<void> refuse_json(const Context& context, std::string_view what, std::string_view instead) {
    if (!context.out().json()) return {};
    return base::fail(ErrorCode::usage, std::string(what) + " is not JSON", "leave out --json" + std::string(instead));
}
}  // namespace

namespace {

std::string one_per_line(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += base::valid_name(word) ? word + "\n" : "";  // a shell reads them
    return text;
}

// While somebody types: nothing is asked, nothing is made, and what fails offers no words.
Outcome complete_providers(Context& context) {
    std::vector<std::string> names;
    if (const auto entries = context.registry().list()) {
        for (const auto& entry : *entries) names.push_back(entry.name);
    }
    context.out().data(one_per_line(names));
    return 0;
}

Outcome complete_connections(Context& context, const std::string& provider) {
    context.ask_nobody();
    auto connections = context.connections_if_any();
    if (!connections || *connections == nullptr) return 0;
    if (const auto names = (*connections)->names(provider)) context.out().data(one_per_line(*names));
    return 0;
}

}  // namespace

Outcome completion(Context& context, const Invocation& invocation) {
    const std::string what = invocation.argument(0);
    if (what == "connections") return complete_connections(context, invocation.argument(1));
    if (!invocation.argument(1).empty()) return base::fail(ErrorCode::usage, "unexpected argument '" + base::printable(invocation.argument(1), 80) + "'", "claviger help completion says more");
    if (what == "providers") return complete_providers(context);
    TRY(script, completion_script(invocation.argument(0)));
    TRY_VOID(refuse_json(context, "a completion script", ""));
    context.out().data(script);
    return 0;
}

Outcome man(Context& context, const Invocation&) {
    TRY_VOID(refuse_json(context, "the manual page", "; what it says is in: claviger help --json"));
    context.out().data(man_page());
    return 0;
}

Outcome version(Context& context, const Invocation&) {
    if (context.out().json()) context.out().document(json::Object{{"version", CLAVIGER_VERSION}});
    else context.out().data("claviger " CLAVIGER_VERSION "\n");
    return 0;
}

}  // namespace claviger::cli
