#include "connection/scopes.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace claviger::connection {
namespace {

// "read,write" of a server that joins its list as it likes; a scope itself holds neither comma nor space.
std::vector<std::string> parts_of(std::string_view text) {
    std::vector<std::string> parts;
    std::string part;
    for (const char c : text) {
        if (c != ',' && c != ' ') {
            part += c;
            continue;
        }
        if (!part.empty()) parts.push_back(base::to_lower(part));
        part.clear();
    }
    if (!part.empty()) parts.push_back(base::to_lower(part));
    return parts;
}

std::set<std::string> closure(const std::vector<std::string>& granted, const std::vector<provider::ScopeChoice>& choices) {
    std::set<std::string> covered;
    std::vector<std::string> open;
    for (const auto& scope : granted)
        for (auto& part : parts_of(scope)) open.push_back(std::move(part));
    while (!open.empty()) {
        const auto scope = std::move(open.back());
        open.pop_back();
        if (!covered.insert(scope).second) continue;
        for (const auto& choice : choices) {
            if (!base::equal_ignoring_case(choice.value, scope)) continue;
            for (const auto& implied : choice.implies) open.push_back(base::to_lower(implied));
        }
    }
    return covered;
}

}  // namespace

std::vector<std::string> missing_scopes(const provider::ProviderDefinition* definition, const ScopeFacts& facts) {
    if (!facts.granted) return {};
    static const std::vector<provider::ScopeChoice> kNone;
    const bool knows = definition != nullptr && definition->oauth2;
    const auto covered = closure(*facts.granted, knows ? definition->oauth2->available_scopes : kNone);
    std::vector<std::string> missing;
    for (const auto& scope : facts.requested) {
        const auto parts = parts_of(scope);
        const auto is_there = [&](const std::string& part) {
            if (part == "offline_access" && facts.has_refresh_token) return true;
            if (part == "openid" && facts.has_identity) return true;
            return covered.contains(part);
        };
        if (!std::all_of(parts.begin(), parts.end(), is_there)) missing.push_back(scope);
    }
    return missing;
}

ScopeFacts facts_of_scopes(const Connection& connection) {
    return {connection.requested_scopes, connection.granted_scopes, !connection.refresh_token.empty(), !connection.account.id.empty()};
}

std::vector<std::string> missing_scopes(const provider::ProviderDefinition* definition, const Connection& connection) {
    return missing_scopes(definition, facts_of_scopes(connection));
}

std::vector<std::string> fewer_scopes_warning(const provider::ProviderDefinition& definition, const Connection& connection,
                                              bool has_id_token) {
    auto facts = facts_of_scopes(connection);
    facts.has_identity = has_id_token;
    const auto missing = missing_scopes(&definition, facts);
    if (missing.empty()) return {};
    return {"granted fewer scopes than requested: missing " + base::printable(base::join(missing, ", "))};
}

}  // namespace claviger::connection
