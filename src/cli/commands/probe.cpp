#include "app/account.hpp"
#include "base/text.hpp"
#include "cli/commands/connection_json.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/probe_json.hpp"
#include "cli/commands/renewal.hpp"
#include "cli/interruptible.hpp"
#include "connection/identity.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

struct Probed {
    app::ProbeResult result;
    std::vector<std::string> warnings;
};

// Account and captured values first where they are not known yet: the probe's URL may need them.
net::Task<Result<Probed>> ask(app::ServiceParts with, connection::Connections& connections, provider::ProviderDefinition definition,
                              connection::Connection& stored) {
    Probed probed;
    const bool unknown = stored.account.id.empty() || !connection::not_captured(definition, stored).empty();
    if (unknown) probed.warnings = co_await app::learn_account(with, connections, definition, stored, std::nullopt);
    auto result = co_await app::probe(with, connections, definition, stored);
    if (!result) co_return base::fail(result.error());
    probed.result = std::move(*result);
    co_return probed;
}

void print(Output& out, const connection::Connection& stored, const Probed& probed) {
    const auto account = app::account_in_words(stored.account);
    if (out.json()) {
        json::Object document = probe_json(probed.result);
        document["provider"] = stored.provider;
        document["connection"] = stored.name;
        document["account"] = string_or_null(account);
        document["warnings"] = json::Array(probed.warnings.begin(), probed.warnings.end());
        out.document(document);
        return;
    }
    for (const auto& warning : probed.warnings) out.warn(base::printable(warning, 500));
    out.data(stored.provider + " (" + stored.name + ") works: " + app::in_words(probed.result) +
             (account.empty() ? "" : ", account " + account) + "\n");
}

}  // namespace

json::Object probe_json(const app::ProbeResult& result) {
    json::Object object;
    object["works"] = result.verdict == app::ProbeResult::Verdict::works;
    object["method"] = result.method;
    object["url"] = result.url;
    object["status"] = result.status == 0 ? json::Value(nullptr) : json::Value(result.status);
    object["milliseconds"] = result.milliseconds;
    return object;
}

Outcome probe_provider(Context& context, const Invocation& invocation) {
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(definition, context.registry().load(name));
    TRY(found, stored_connection(context, name, invocation));
    TRY(stored, renewed_if_due(context, invocation, std::move(found)));
    TRY(config, context.config());
    TRY(connections, context.connections());
    net::Loop loop;
    TRY(options, app::outgoing_options(*config, definition, stored.variables));
    TRY(http, http::Client::make(loop, std::move(options)));
    const app::ServiceParts parts{http, *connections, context.clock(), context.random()};
    auto ended = run_until_interrupted(loop, ask(parts, *connections, definition, stored));
    if (!ended) return base::fail(ErrorCode::cancelled, "cancelled");
    if (!*ended) return base::fail(std::move(*ended).error());
    const auto& result = (**ended).result;
    if (!result.why) {
        print(context.out(), stored, **ended);
        return 0;
    }
    context.out().detail_of_error("probe", probe_json(result));
    auto why = *result.why;
    if (result.status != 0) why.message += " (" + app::in_words(result) + ")";
    return base::fail(std::move(why));
}

}  // namespace claviger::cli
