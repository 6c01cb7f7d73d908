#include <algorithm>
#include <functional>

#include "base/text.hpp"
#include "cli/commands/connection_json.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/renewal.hpp"
#include "inject/injection.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
constexpr std::string_view kRedacted = "***REDACTED***";

// One line of `get`: as text for people, as a typed value for programs.
struct Shown {
    std::string name;
    std::string text;      // what is printed unless secret; "" is left out
    json::Value value;     // null when there is none
    const base::Secret* secret = nullptr;
    bool hidden = false;  // a variable that the definition calls secret
};

// Whether a variable may only be shown on demand; without a definition that says no, it may not.
using VariableSecrecy = std::function<bool(const std::string&)>;

VariableSecrecy secrecy_of(const base::Result<provider::ProviderDefinition>& definition) {
    std::vector<std::string> open{"base_url"};
    if (definition) {
        for (const auto& variable : definition->vars) {
            if (!variable.secret) open.push_back(variable.name);
        }
    }
    return [open](const std::string& name) { return std::find(open.begin(), open.end(), name) == open.end(); };
}

bool is_secret_variable(const base::Result<provider::ProviderDefinition>& definition, const std::string& name) {
    return definition && std::any_of(definition->vars.begin(), definition->vars.end(), [&](const auto& variable) { return variable.secret && variable.name == name; });
}

std::string text_of_value(const json::Value& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return std::string(value.get_string());
    if (!value.is_array()) return json::to_text(value);
    std::vector<std::string> words;
    for (const auto& item : value.get_array()) words.emplace_back(item.get_string());
    return base::join(words, " ");
}

// The fields of a connection in the order people look for them: first what an entry of `list` has.
std::vector<Shown> fields_of(const connection::Connection& c, bool is_default, const Result<provider::ProviderDefinition>& definition,
                             base::Instant now) {
    const VariableSecrecy is_secret = secrecy_of(definition);
    std::vector<Shown> fields;
    const auto add = [&](std::string name, auto&& given) {
        json::Value value(std::forward<decltype(given)>(given));
        auto text = text_of_value(value);
        fields.push_back({std::move(name), std::move(text), std::move(value)});
    };
    const auto add_secret = [&](std::string name, const base::Secret& secret) {
        if (!secret.empty()) fields.push_back({std::move(name), "", {}, &secret});
    };
    for (auto& member : connection_json(facts_of(c, is_default, definition ? &*definition : nullptr, now))) add(std::string(member.key()), std::move(member.value()));
    add("auth_type", std::string(to_string(c.auth_type)));
    add("flow", std::string(to_string(c.flow)));
    for (const auto& [name, value] : c.variables) {
        if (is_secret(name)) fields.push_back({name, value, {}, nullptr, true});
        else if (name != "base_url") add(name, value);
    }
    if (!c.account.id.empty()) add("account_id", c.account.id);
    add("requested_scopes", json::Array(c.requested_scopes.begin(), c.requested_scopes.end()));
    add("obtained_at", base::to_rfc3339(c.obtained_at));
    if (c.refresh_expires_at) add("refresh_expires_at", base::to_rfc3339(*c.refresh_expires_at));
    add("client_id", string_or_null(c.client_id));
    add("issuer", string_or_null(c.issuer));
    if (!c.access_token.empty()) add("token_type", string_or_null(c.token_type));
    add_secret("access_token", c.access_token);
    add_secret("refresh_token", c.refresh_token);
    for (const auto& [name, value] : c.fields) add_secret(name, value);
    for (const auto& [name, value] : c.captured) {
        if (c.variables.contains(name)) continue;  // which it has become
        if (is_secret_variable(definition, name)) fields.push_back({name, value, {}, nullptr, true});
        else add(name, value);
    }
    return fields;
}

base::WipedString text_of(const Shown& field, bool reveal) {
    if (field.secret == nullptr && (reveal || !field.hidden)) return base::WipedString(base::printable(field.text, 4096));
    if (!reveal) return base::WipedString(kRedacted);
    return base::WipedString(field.secret->reveal());
}

void put(json::Object& object, const Shown& field, bool reveal) {
    if (object.contains(field.name)) return;  // a credential's field may not stand for another one
    if (field.secret == nullptr && !field.hidden) object[field.name] = field.value;
    else if (!reveal) object[field.name] = kRedacted;
    else object[field.name] = field.secret != nullptr ? field.secret->reveal() : std::string_view(field.text);
}

void print_all(const Output& out, const std::vector<Shown>& fields, bool reveal) {
    if (out.json()) {
        json::Value document(boost::json::object_kind, json::secret_storage());
        for (const auto& field : fields) put(document.get_object(), field, reveal);
        out.secret_document(document);
        return;
    }
    base::WipedString text;
    for (const auto& field : fields) {
        const auto value = text_of(field, reveal);
        if (!value.empty()) text.append(field.name).append(": ").append(value).append("\n");
    }
    out.data(std::string_view(text));
}

Result<void> print_one(const Output& out, const std::vector<Shown>& fields, const std::string& wanted, bool reveal) {
    std::vector<std::string> names;
    for (const auto& field : fields) {
        names.push_back(field.name);
        if (field.name != wanted) continue;
        if (out.json()) {
            print_all(out, {field}, reveal);
        } else {
            out.data(std::string_view(text_of(field, reveal)));
            out.data("\n");
        }
        return {};
    }
    return base::fail(ErrorCode::not_found, "the connection has no field '" + base::printable(wanted) + "'", "fields: " + base::join(names, ", "));
}

std::string quoted_for(std::string_view format, const std::string& name, std::string_view value) {
    if (format == "shell") return "export " + name + "=" + base::shell_quote(value) + "\n";
    if (format == "dotenv") {
        std::string escaped;
        for (const char c : value) {
            if (c == '\\' || c == '"' || c == '$' || c == '`') escaped += '\\';
            if (c == '\n') escaped += "\\n";
            else escaped += c;
        }
        return name + "=\"" + escaped + "\"\n";
    }
    return name + "=" + std::string(value) + "\n";
}

}  // namespace

Result<std::string> checked_name(std::string_view what, const std::string& typed) {
    if (base::valid_name(typed)) return typed;
    return base::fail(ErrorCode::usage, "'" + base::printable(typed, 80) + "' is not a " + std::string(what) + " name",
                      "names are lower-case letters, digits, '.', '_' and '-', at most 64, beginning with a letter or digit");
}

base::Error not_connected(const std::string& provider, const std::string& connection) {
    const auto name = connection.empty() ? std::string("default") : connection;
    return base::Error::make(ErrorCode::not_connected, provider + " is not connected (" + name + ")",
                             "run: claviger login " + provider + (name == "default" ? "" : " --connection " + name));
}

Result<connection::Connection> connection_named(Context& context, const std::string& provider, const std::string& name) {
    if (!name.empty()) TRY_VOID(checked_name("connection", name));
    TRY(connections, context.connections_if_any());
    auto found = connections == nullptr ? Result<connection::Connection>(base::fail(not_connected(provider, name)))
                 : name.empty()         ? connections->load_default(provider)
                                        : connections->load(provider, name);
    if (!found && found.error().code == ErrorCode::not_connected) {
        TRY(known, context.registry().load(provider));  // an unknown provider is the better answer
        (void)known;
    }
    return found;
}

Result<connection::Connection> stored_connection(Context& context, const std::string& provider, const Invocation& invocation) {
    return connection_named(context, provider, invocation.value("--connection"));
}

Result<connection::Connection> connection_to_end(Context& context, const std::string& provider, const Invocation& invocation) {
    auto found = stored_connection(context, provider, invocation);
    if (found || found.error().code != ErrorCode::not_connected) return found;
    auto error = std::move(found).error();
    error.hint = "so there is nothing to end; what is connected: claviger list --connected";
    TRY(connections, context.connections_if_any());
    if (connections == nullptr) return base::fail(std::move(error));
    TRY(names, connections->names(provider));
    if (!names.empty()) error.hint = "what " + provider + " is connected as: " + base::printable(base::join(names, ", "), 1000);
    return base::fail(std::move(error));
}

Outcome get_connection(Context& context, const Invocation& invocation) {
    TRY(provider, checked_name("provider", invocation.argument(0)));
    const bool reveal = invocation.has("--show-secret");
    if (reveal) TRY_VOID(context.require_manage("showing a secret"));
    TRY(found, stored_connection(context, provider, invocation));
    TRY(stored, reveal ? renewed_if_due(context, invocation, std::move(found)) : Result<connection::Connection>(std::move(found)));
    TRY(connections, context.connections());
    TRY(default_name, connections->default_name(provider));
    // Durable before anything is printed (CL-03).
    if (reveal) TRY_VOID(connections->audit({"secret.shown", provider + "/" + stored.name, "{}"}));
    const auto fields = fields_of(stored, default_name == stored.name, context.registry().load(provider), context.clock().now());
    if (invocation.has("--field")) {
        TRY_VOID(print_one(context.out(), fields, invocation.value("--field"), reveal));
    } else {
        print_all(context.out(), fields, reveal);
    }
    return 0;
}

Outcome export_connection(Context& context, const Invocation& invocation) {
    TRY(provider, checked_name("provider", invocation.argument(0)));
    TRY_VOID(context.require_manage("export"));
    TRY(found, stored_connection(context, provider, invocation));
    TRY(definition, context.registry().load(provider));
    const std::string format = invocation.value("--format", context.out().json() ? "json" : "env");
    if (context.out().json() && format != "json") {
        return base::fail(ErrorCode::usage, "--json and --format " + format + " exclude each other", "leave one of them out");
    }
    TRY(stored, renewed_if_due(context, invocation, std::move(found)));
    TRY(values, inject::export_values(definition, stored, context.clock().now()));
    if (values.empty()) {
        return base::fail(ErrorCode::not_found, provider + " (" + stored.name + ") has no value for any variable that the definition of " + provider + " exports",
                          "look at what there is: claviger get " + provider + "; what is exported: claviger inspect " + provider);
    }
    for (const auto& value : values) {
        if (format == "env" && value.value.reveal().find('\n') != std::string_view::npos) {
            return base::fail(ErrorCode::invalid_input, value.name + " has a line break, which the env format cannot carry", "use --format shell or json");
        }
    }
    TRY(connections, context.connections());
    TRY_VOID(connections->audit({"secret.exported", provider + "/" + stored.name, "{}"}));
    if (format == "json") {
        json::Value document(boost::json::object_kind, json::secret_storage());
        for (const auto& value : values) document.get_object()[value.name] = value.value.reveal();
        context.out().secret_document(document);
        return 0;
    }
    for (const auto& value : values) {
        std::string line = quoted_for(format, value.name, value.value.reveal());
        const auto secret_line = base::Secret::taking(line);
        context.out().data(secret_line.reveal());
    }
    return 0;
}

Result<void> check_all_or_one(const Invocation& invocation) {
    if (!invocation.has("--all") || !invocation.has("--connection")) return {};
    return base::fail(ErrorCode::usage, "--all and --connection contradict each other", "give one of them");
}

Result<void> refuse_to_guess(const std::string& provider, const std::vector<std::string>& names) {
    if (names.size() < 2) return {};
    return base::fail(ErrorCode::usage, provider + " has " + std::to_string(names.size()) + " connections: " + base::printable(base::join(names, ", "), 1000),
                      "say which with --connection NAME, or add --all");
}

namespace {

Outcome logout_of_all(Context& context, const std::string& provider, const std::vector<std::string>& names) {
    TRY(connections, context.connections());
    for (const auto& name : names) TRY_VOID(connections->erase(provider, name));
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "logged_out"}, {"provider", provider}, {"connections", json::Array(names.begin(), names.end())}});
    } else {
        context.out().data("Logged out of " + provider + " (" + base::join(names, ", ") + ").\n");
    }
    return 0;
}

}  // namespace

Outcome logout(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("logout"));
    TRY(provider, checked_name("provider", invocation.argument(0)));
    TRY_VOID(check_all_or_one(invocation));
    if (invocation.value("--connection").empty()) {
        TRY(present, context.connections_if_any());
        TRY(names, present != nullptr ? present->names(provider) : Result<std::vector<std::string>>());
        if (invocation.has("--all") && !names.empty()) return logout_of_all(context, provider, names);
        TRY_VOID(refuse_to_guess(provider, names));
    }
    TRY(stored, connection_to_end(context, provider, invocation));
    TRY(connections, context.connections());
    TRY(erased, connections->erase(provider, stored.name));
    (void)erased;
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "logged_out"}, {"provider", provider}, {"connection", stored.name}});
    } else {
        context.out().data("Logged out of " + provider + " (" + stored.name + ").\n");
    }
    return 0;
}

Outcome set_default(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("changing the default"));
    TRY(provider, checked_name("provider", invocation.argument(0)));
    TRY(name, checked_name("connection", invocation.argument(1)));
    TRY(known, connection_named(context, provider, name));
    TRY(connections, context.connections());
    TRY_VOID(connections->set_default(provider, known.name));
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "ok"}, {"provider", provider}, {"default_connection", name}});
    } else {
        context.out().data("The default connection of " + provider + " is now " + name + ".\n");
    }
    return 0;
}

}  // namespace claviger::cli
