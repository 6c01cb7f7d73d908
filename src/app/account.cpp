#include "app/account.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/identity.hpp"
#include "connection/secret_variables.hpp"
#include "connection/variables.hpp"
#include "provider/expand.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;
using connection::Connection;

struct Learnt {
    connection::Account account;
    std::map<std::string, std::string> captured;
    std::vector<std::string> warnings;
};

bool has(const std::vector<std::string>& scopes, std::string_view scope) {
    return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

// The definition's own, else the one of the issuer's metadata, which only answers tokens of the scope openid.
Result<std::optional<net::Url>> userinfo_of(const provider::ProviderDefinition& definition, const Connection& stored) {
    if (!definition.oauth2) return std::optional<net::Url>();
    if (!definition.oauth2->userinfo_url.empty()) {
        TRY(values, connection::variables_of(definition, stored));
        TRY(url, provider::expand_url(definition.oauth2->userinfo_url, values));
        return std::optional<net::Url>(std::move(url));
    }
    const bool answers = has(stored.scopes(), "openid") || has(stored.requested_scopes, "openid");
    if (stored.userinfo_endpoint.empty() || !answers) return std::optional<net::Url>();
    TRY(url, net::Url::parse(stored.userinfo_endpoint));
    return std::optional<net::Url>(std::move(url));
}

Result<net::Url> expanded(const std::string& url_template, const provider::ProviderDefinition& definition, const Connection& stored) {
    TRY(values, connection::variables_of(definition, stored));
    return provider::expand_url(url_template, values);
}

void keep(connection::Account found, connection::Account& account) {
    if (account.id.empty()) account = std::move(found);
    else if (account.label.empty()) account.label = std::move(found.label);
}

net::Task<Result<void>> ask_userinfo(ServiceParts with, const provider::ProviderDefinition& definition, const Connection& stored,
                                     net::Url url, Learnt& learnt) {
    const std::string method = "GET";
    auto answer = co_await call_service(with, definition, stored, method, std::move(url));
    if (!answer) co_return base::fail(answer.error());
    CO_TRY(found, connection::read_userinfo(*answer, learnt.account.id));
    keep(std::move(found), learnt.account);
    co_return Result<void>();
}

net::Task<Result<void>> ask_identity(ServiceParts with, const provider::ProviderDefinition& definition, const Connection& stored,
                                     Learnt& learnt) {
    CO_TRY(url, expanded(definition.identity->url, definition, stored));
    const std::string method = "GET";
    auto answer = co_await call_service(with, definition, stored, method, std::move(url));
    if (!answer) co_return base::fail(answer.error());
    CO_TRY(found, connection::read_identity(definition, *answer));
    keep(std::move(found.account), learnt.account);
    learnt.captured = std::move(found.captured);
    co_return Result<void>();
}

// A value that an earlier answer told stays: the token answer's word comes before that of a later one.
void merge_into(const Learnt& learnt, Connection& stored) {
    if (!learnt.account.id.empty()) stored.account = learnt.account;
    for (const auto& [name, value] : learnt.captured) stored.captured.emplace(name, value);
}

// A second write beside the login's. When another process renewed the token meanwhile, its record is what is added to.
Result<void> store(connection::Connections& connections, const Learnt& learnt, Connection& stored) {
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
        merge_into(learnt, stored);
        auto saved = connections.save(stored, stored.version);
        if (saved || saved.error().code != ErrorCode::changed || attempt == kAttempts) return saved;
        TRY(current, connections.load(stored.provider, stored.name));
        stored = std::move(current);
    }
}

bool adds_to(const Learnt& learnt, const Connection& stored) {
    const bool account = !learnt.account.id.empty() &&
                         (learnt.account.id != stored.account.id || learnt.account.label != stored.account.label);
    return account || std::any_of(learnt.captured.begin(), learnt.captured.end(),
                                  [&](const auto& item) { return !stored.captured.contains(item.first); });
}

void store_if_new(connection::Connections& connections, Learnt& learnt, Connection& stored) {
    if (!adds_to(learnt, stored)) return;
    if (const auto saved = store(connections, learnt, stored); !saved)
        learnt.warnings.push_back("what is known of the account could not be stored: " + saved.error().describe());
}

// Some definitions name the userinfo endpoint as their `identity`, to say which members count.
bool same_question(const provider::ProviderDefinition& definition) {
    return definition.identity && definition.oauth2 && definition.identity->url == definition.oauth2->userinfo_url;
}

}  // namespace

net::Task<std::vector<std::string>> learn_account(ServiceParts with, connection::Connections& connections,
                                                  const provider::ProviderDefinition& definition, Connection& stored,
                                                  std::optional<oauth::IdClaims> claims) {
    Learnt learnt;
    if (claims) learnt.account = connection::account_of(*claims);
    const auto wanting = [&] { return learnt.account.id.empty() || learnt.account.label.empty(); };
    auto userinfo = userinfo_of(definition, stored);
    if (!userinfo) learnt.warnings.push_back("whose account this is could not be asked: " + userinfo.error().describe());
    if (userinfo && *userinfo && wanting() && !same_question(definition)) {
        net::Url url = **userinfo;
        auto asked = co_await ask_userinfo(with, definition, stored, std::move(url), learnt);
        if (!asked) learnt.warnings.push_back("whose account this is could not be learnt from userinfo: " + asked.error().describe());
    }
    const bool captures = !connection::not_captured(definition, stored).empty();
    if (definition.identity && (wanting() || captures)) {
        auto asked = co_await ask_identity(with, definition, stored, learnt);
        if (!asked) learnt.warnings.push_back("whose account this is could not be learnt: " + asked.error().describe());
    }
    store_if_new(connections, learnt, stored);
    const auto hidden = connection::secret_variables(definition, stored);
    for (auto& warning : learnt.warnings) warning = hidden.masked(warning);
    co_return std::move(learnt.warnings);
}

std::string account_in_words(const connection::Account& account) {
    if (account.label.empty() || account.label == account.id) return base::printable(account.id, 200);
    return base::printable(account.label, 200);
}

std::optional<std::string> account_changed(const connection::Account& before, const connection::Account& after) {
    if (before.id.empty() || after.id.empty() || before.id == after.id) return std::nullopt;
    auto then = account_in_words(before);
    auto now = account_in_words(after);
    if (then == now) {  // two accounts of one name
        then += " (" + base::printable(before.id, 100) + ")";
        now += " (" + base::printable(after.id, 100) + ")";
    }
    return fmt::format("this is another account than before: {} instead of {}", now, then);
}

}  // namespace claviger::app
