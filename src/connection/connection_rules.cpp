#include "connection/connection_rules.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/record.hpp"
#include "connection/record_fields.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using base::Result;
using policy::Action;

constexpr std::string_view kKind = "rules";
constexpr Action kActions[] = {Action::deny, Action::ask, Action::allow};

vault::RecordKey key_of(std::string_view provider, std::string_view connection) {
    return {std::string(vault::kLocalTenant), std::string(kKind), connection_id(provider, connection)};
}

std::vector<std::string> texts_of(const ConnectionRules& rules, Action action) {
    std::vector<std::string> texts;
    for (const auto& rule : rules.rules) {
        if (rule.action == action) texts.push_back(rule.text());
    }
    return texts;
}

base::Error damaged(const ConnectionRules& rules, const base::Error& why) {
    return base::Error::make(ErrorCode::corrupt, fmt::format("the rules of {} cannot be read: {}", rules.name(), why.message),
                             fmt::format("write them anew: claviger rule remove {} --connection {} --all", rules.provider, rules.connection));
}

Result<ConnectionRules> from_record(const vault::Record& record) {
    ConnectionRules rules;
    TRY(in, RecordReader::open(record, "rules of " + record.key.id));
    rules.provider = in.text("provider");
    rules.connection = in.text("connection");
    rules.version = record.version;
    rules.until = in.instant("until");
    for (const auto action : kActions) {
        for (const auto& text : in.list(to_string(action))) {
            auto rule = policy::Rule::parse(action, text);
            if (!rule) return base::fail(damaged(rules, rule.error()));
            rules.rules.push_back(*std::move(rule));
        }
    }
    if (const auto text = in.text("rate"); !text.empty()) {
        auto rate = policy::Rate::parse(text);
        if (!rate) return base::fail(damaged(rules, rate.error()));
        rules.rate = *rate;
    }
    TRY_VOID(in.finish());
    if (connection_id(rules.provider, rules.connection) != record.key.id) {
        return base::fail(ErrorCode::corrupt, "the rules of " + base::printable(record.key.id) + " are those of another connection");
    }
    return rules;
}

}  // namespace

std::vector<std::string> ConnectionRules::lines() const {
    std::vector<std::string> lines;
    for (const auto& rule : rules) lines.push_back(rule.name);
    if (rate) lines.push_back("at most " + rate->text());
    if (until) lines.push_back("until " + base::to_rfc3339(*until));
    return lines;
}

void ConnectionRules::add(policy::Rule rule) {
    const auto same = [&](const policy::Rule& one) { return one.action == rule.action && one.text() == rule.text(); };
    if (std::any_of(rules.begin(), rules.end(), same)) return;
    const auto milder = [&](const policy::Rule& one) { return one.action < rule.action; };
    rules.insert(std::find_if(rules.begin(), rules.end(), milder), std::move(rule));
}

Result<void> ConnectionRules::remove(std::size_t number) {
    const auto count = lines().size();
    if (number == 0 || number > count) {
        return base::fail(ErrorCode::not_found, fmt::format("{} has no rule {}", name(), number), fmt::format("see: claviger rule list {}", provider));
    }
    if (number <= rules.size()) rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(number - 1));
    else if (number == rules.size() + 1 && rate) rate.reset();
    else until.reset();
    return {};
}

policy::RuleLayer ConnectionRules::layer() const {
    policy::RuleLayer layer{name(), rules};
    for (auto& rule : layer.rules) {
        rule.provider = provider;
        rule.connection = connection;
        rule.name = fmt::format("{}: {}", name(), rule.name);
    }
    return layer;
}

Result<ConnectionRules> load_rules(vault::Vault& vault, const std::string& provider, const std::string& connection) {
    TRY(record, vault.get(key_of(provider, connection)));
    if (record) return from_record(*record);
    ConnectionRules none;
    none.provider = provider;
    none.connection = connection;
    return none;
}

Result<void> save_rules(vault::Vault& vault, const ConnectionRules& rules) {
    const auto key = key_of(rules.provider, rules.connection);
    vault::AuditEntry entry{"rules.changed", key.id};
    json::Object detail;
    detail["rules"] = json::Array();
    for (const auto& line : rules.lines()) detail["rules"].get_array().emplace_back(line);
    entry.detail = json::to_text(detail);
    if (rules.empty()) {
        TRY(erased, vault.erase(key, std::nullopt, entry));
        (void)erased;
        return {};
    }
    RecordWriter out;
    out.text("provider", rules.provider);
    out.text("connection", rules.connection);
    for (const auto action : kActions) out.list(to_string(action), texts_of(rules, action));
    if (rules.rate) out.text("rate", rules.rate->text());
    out.instant("until", rules.until);
    TRY(version, vault.put(key, out.finish(), rules.version, entry));
    (void)version;
    return {};
}

Result<std::vector<ConnectionRules>> list_rules(vault::Vault& vault) {
    std::vector<ConnectionRules> all;
    std::string after;
    for (;;) {
        TRY(page, vault.list(vault::kLocalTenant, kKind, after));
        for (const auto& info : page) {
            if (info.problem) return base::fail(info.problem->within("rules of " + base::printable(info.key.id)));
            TRY(record, vault.get(info.key));
            if (!record) continue;
            TRY(rules, from_record(*record));
            all.push_back(std::move(rules));
        }
        if (page.empty()) return all;
        after = page.back().key.id;
    }
}

}  // namespace claviger::connection
