#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "cli/commands/connection_json.hpp"
#include "cli/commands/handlers.hpp"

namespace claviger::cli {
namespace {

using base::Result;

struct Line {
    provider::Entry entry;
    std::vector<ConnectionFacts> connections;
};

Result<std::vector<Line>> lines_of(Context& context, const Invocation& invocation) {
    TRY(entries, context.registry().list());
    std::map<std::string, Line> by_name;
    for (auto& entry : entries) by_name[entry.name].entry = std::move(entry);
    TRY(connections, context.connections_if_any());
    if (connections != nullptr) {
        TRY(summaries, connections->list());
        TRY(missing, connections->missing_records());
        if (missing > 0) context.out().warn(std::to_string(missing) + " records of the vault are missing; mend it with: claviger vault repair");
        for (auto& summary : summaries) {
            auto& line = by_name[summary.provider];
            if (line.entry.name.empty()) {
                line.entry.name = line.entry.display_name = summary.provider;
                line.entry.auth_type = summary.auth_type;
                line.entry.source = provider::Source::custom;
                line.entry.problem = "its definition is gone";
            }
            if (summary.problem) context.out().warn(base::printable(summary.problem->describe(), 500) + "; mend the vault with: claviger vault repair");
            const auto definition = context.registry().load(summary.provider);
            line.connections.push_back(facts_of(summary, definition ? &*definition : nullptr, context.clock().now()));
        }
    }
    const std::string source = invocation.value("--source");
    std::vector<Line> lines;
    for (auto& [name, line] : by_name) {
        const bool custom = line.entry.source == provider::Source::custom;
        if (invocation.has("--connected") && line.connections.empty()) continue;
        if (!source.empty() && (source == "custom") != custom) continue;
        lines.push_back(std::move(line));
    }
    // What the user made comes first: connected, then custom, then the catalogue.
    std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
        const auto rank = [](const Line& line) {
            return !line.connections.empty() ? 0 : line.entry.source == provider::Source::custom ? 1 : 2;
        };
        return std::make_pair(rank(a), std::string_view(a.entry.name)) < std::make_pair(rank(b), std::string_view(b.entry.name));
    });
    return lines;
}

std::string relative_expiry(const std::optional<base::Instant>& at, base::Instant now) {
    if (!at) return "-";
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*at - now).count();
    const auto amount = seconds < 0 ? -seconds : seconds;
    const std::string text = amount >= 2 * 86400 ? std::to_string(amount / 86400) + "d"
                             : amount >= 2 * 3600 ? std::to_string(amount / 3600) + "h"
                             : amount >= 120      ? std::to_string(amount / 60) + "m"
                                                  : std::to_string(amount) + "s";
    return seconds < 0 ? text + " ago" : "in " + text;
}

std::string_view source_text(const provider::Entry& entry) { return entry.source == provider::Source::custom ? "custom" : "bundled"; }

void print_json(const Output& out, const std::vector<Line>& lines) {
    json::Array providers;
    for (const auto& line : lines) {
        json::Object object;
        object["name"] = line.entry.name;
        object["display_name"] = line.entry.display_name;
        object["source"] = std::string(source_text(line.entry));
        object["overrides_bundled"] = line.entry.overrides_bundled;
        object["auth_type"] = line.entry.type_known ? json::Value(to_string(line.entry.auth_type)) : json::Value(nullptr);
        object["flow"] = line.entry.flow_known ? json::Value(to_string(line.entry.flow)) : json::Value(nullptr);
        object["problem"] = line.entry.problem ? json::Value(*line.entry.problem) : json::Value(nullptr);
        json::Array connections;
        for (const auto& facts : line.connections) connections.emplace_back(connection_json(facts));
        object["connections"] = std::move(connections);
        providers.emplace_back(std::move(object));
    }
    out.document(json::Object{{"providers", std::move(providers)}});
}

// All that the table was chosen from: --connected leaves most of them out.
Result<std::size_t> known_providers(Context& context, const Invocation& invocation, std::size_t shown) {
    if (!invocation.has("--connected")) return shown;
    TRY(entries, context.registry().list());
    const std::string source = invocation.value("--source");
    return static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), [&](const auto& entry) { return source.empty() || source == source_text(entry); }));
}

Colour colour_of(connection::Status status) {
    switch (status) {
        case connection::Status::connected: return Colour::green;
        case connection::Status::expired: return Colour::yellow;
        case connection::Status::needs_login:
        case connection::Status::suspended: return Colour::red;
    }
    return Colour::none;
}

// Whose account it is stands there only where it is known of one: the table is wide enough.
bool knows_an_account(const std::vector<Line>& lines) {
    return std::any_of(lines.begin(), lines.end(), [](const auto& line) {
        return std::any_of(line.connections.begin(), line.connections.end(), [](const auto& facts) { return !facts.account.empty(); });
    });
}

void print_table(const Output& out, const std::vector<Line>& lines, base::Instant now) {
    const bool accounts = knows_an_account(lines);
    std::vector<std::vector<Output::Cell>> rows;
    bool starred = false, plain = false;
    const auto add = [&](const Line& line, Output::Cell connection, Output::Cell status, std::string expires, const std::string& account) {
        const std::string kind(line.entry.type_known ? to_string(line.entry.auth_type) : "-");
        std::vector<Output::Cell> row{{base::printable(line.entry.name)}, {std::string(source_text(line.entry))}, {kind},
                                      std::move(connection), std::move(status), {std::move(expires)}};
        if (accounts) row.push_back({account.empty() ? "-" : base::printable(account, 60)});
        rows.push_back(std::move(row));
    };
    for (const auto& line : lines) {
        if (line.connections.empty()) {
            const bool broken = line.entry.problem.has_value();
            add(line, {"-"}, {broken ? "broken" : "-", broken ? Colour::red : Colour::none}, "-", {});
        }
        for (const auto& facts : line.connections) {
            const bool star = facts.is_default && line.connections.size() > 1;
            starred = starred || star;
            plain = plain || facts.plain_http;
            add(line, {facts.name + (star ? " *" : "") + (facts.plain_http ? " !" : "")}, {std::string(to_string(facts.standing.status)), colour_of(facts.standing.status)},
                relative_expiry(facts.expires_at, now), facts.account);
        }
    }
    std::vector<std::string> head{"PROVIDER", "SOURCE", "AUTH", "CONNECTION", "STATUS", "EXPIRES"};
    if (accounts) head.emplace_back("ACCOUNT");
    out.table(head, rows);
    if (starred) out.talk("* is the provider's default connection");
    if (plain) out.talk("! speaks plain http to this machine, without TLS");
}

void say_what_is_missing(const Output& out, const std::vector<Line>& lines) {
    for (const auto& line : lines) {
        for (const auto& facts : line.connections) {
            const std::string which = facts.provider + " (" + facts.name + ")";
            const auto& [status, why, command] = facts.standing;
            if (!why.empty()) out.talk(base::printable(which + ": " + why + (command.empty() ? "" : "; mend it with: " + command), 600));
            if (!facts.missing_scopes.empty()) out.talk(base::printable(which + " lacks scopes: " + base::join(facts.missing_scopes, ", "), 600));
        }
        if (line.entry.problem) out.warn(base::printable(line.entry.name + ": " + *line.entry.problem, 600));
    }
}

}  // namespace

Outcome list_providers(Context& context, const Invocation& invocation) {
    TRY(lines, lines_of(context, invocation));
    if (context.out().json()) {
        print_json(context.out(), lines);
        return 0;
    }
    TRY(known, known_providers(context, invocation, lines.size()));
    const auto connected = std::count_if(lines.begin(), lines.end(), [](const auto& line) { return !line.connections.empty(); });
    context.out().talk("Providers: " + std::to_string(connected) + " connected of " + std::to_string(known));
    if (lines.empty()) return 0;
    print_table(context.out(), lines, context.clock().now());
    say_what_is_missing(context.out(), lines);
    return 0;
}

}  // namespace claviger::cli
