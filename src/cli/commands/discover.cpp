// provider discover: a definition out of what a service publishes about itself.
#include "app/service_call.hpp"
#include "base/text.hpp"
#include "cli/commands/authoring.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/registration.hpp"
#include "cli/interruptible.hpp"
#include "http/client.hpp"
#include "oauth/foreign_text.hpp"
#include "sys/files.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

Result<provider::ProviderDefinition> checked(const provider::ProviderDefinition& definition) {
    auto read = provider::read_definition(json::to_pretty_text(provider::to_native_json(definition)));
    if (read.ok() && read.definitions.size() == 1) return std::move(read.definitions.front());
    return base::fail(ErrorCode::protocol, "what the service publishes makes no valid definition: " + base::printable(provider::format_findings(read.findings, ""), 1000),
                      "describe it yourself: claviger provider new");
}

void say_notes(const Output& out, const connection::DiscoveryNotes& notes) {
    for (const auto& line : notes.found) out.talk("found: " + base::printable(line, 300));
    for (const auto& line : notes.missing) out.talk("not found: " + base::printable(line, 300));
}

json::Array texts(const std::vector<std::string>& lines) { return json::Array(lines.begin(), lines.end()); }

Outcome finish(Context& context, const Invocation& invocation, const provider::ProviderDefinition& definition, const connection::DiscoveryNotes& notes) {
    auto& out = context.out();
    const auto native = provider::to_native_json(definition);
    const auto text = json::to_pretty_text(native);
    json::Object document{{"status", "discovered"}, {"provider", definition.name}, {"definition", native}, {"found", texts(notes.found)}, {"missing", texts(notes.missing)}};
    const std::string file = invocation.value("--output");
    if (!file.empty()) {
        TRY_VOID(sys::write_file_atomically(file, text));
        document["file"] = file;
    }
    if (invocation.has("--register")) {
        TRY(suspended, register_definition(context, invocation, definition));
        document["status"] = "registered";
        document["suspended"] = texts(suspended);
        if (!out.json()) out.data("Provider " + definition.name + " registered.\n");
    } else if (!out.json()) {
        out.data(file.empty() ? text : "Wrote " + base::printable(file, 4096) + ".\n");
    }
    if (out.json()) out.document(document);
    else out.talk("next: claviger " + (invocation.has("--register") ? "login " + definition.name : "register " + (file.empty() ? std::string("FILE") : base::printable(file, 4096))));
    return 0;
}

}  // namespace

Result<net::Url> service_url(const std::string& typed) {
    const auto text = base::trim(typed);
    const auto url = net::Url::parse(text.find("://") == std::string_view::npos ? "https://" + std::string(text) : std::string(text));
    if (!url) return base::fail(ErrorCode::usage, "'" + base::printable(text) + "' is not a URL", "for instance https://mcp.acme.com/mcp");
    if (auto good = oauth::check_endpoint(*url, "URL"); !good) return base::fail(good.error());
    return *url;
}

Result<connection::DiscoveredService> discover_at(Context& context, const net::Url& url) {
    TRY(config, context.config());
    http::Client::Options options;
    options.addresses.allow_loopback = url.host_is_loopback();
    options.addresses.allow_private = config->flag("network.allow_private");
    TRY(authority, config->extra_authority());
    options.extra_ca_pem = authority;
    options.proxies = app::outbound_proxies();
    net::Loop loop;
    TRY(http, http::Client::make(loop, std::move(options)));
    const auto say = [&out = context.out()](std::string_view line) { out.progress(line); };
    auto found = run_until_interrupted(loop, connection::discover_service(http, url, say));
    context.out().progress("");
    if (!found) return base::fail(ErrorCode::cancelled, "stopped; nothing was written");
    return std::move(*found);
}

Outcome provider_discover(Context& context, const Invocation& invocation) {
    if (invocation.has("--register")) TRY_VOID(context.require_manage("register"));
    TRY(url, service_url(invocation.argument(0)));
    std::string name = connection::suggested_name(url);
    if (invocation.has("--name")) {
        TRY(typed, checked_name("provider", invocation.value("--name")));
        name = typed;
    }
    if (invocation.has("--register")) TRY_VOID(refuse_to_replace(context, invocation, name));
    TRY(service, discover_at(context, url));
    TRY(definition, checked(connection::definition_of(service, name)));
    const auto notes = connection::notes_on(service);
    say_notes(context.out(), notes);
    return finish(context, invocation, definition, notes);
}

}  // namespace claviger::cli
