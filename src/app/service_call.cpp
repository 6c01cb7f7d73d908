#include "app/service_call.hpp"

#include "inject/injection.hpp"
#include "net/address_guard.hpp"
#include "sys/process.hpp"

namespace claviger::app {
namespace {

using base::Result;

// A URL, or a JSON text with URLs in it: 127/8, ::1, localhost and what is below it.
bool names_this_machine(std::string_view text) {
    for (auto at = text.find("://"); at != std::string_view::npos; at = text.find("://", at)) {
        at += 3;
        const auto host = text.substr(at, text.find_first_of("/:?#\"\\", at) - at);
        const bool address = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
        if (address || net::is_localhost_name(host) || text.substr(at).starts_with("[::1]")) return true;
    }
    return false;
}

// The head with the credential, as a request for the client, which needs the URL again: a key may stand in the query.
Result<http::Request> request_of(const inject::Injection& injection, const std::string& method, const net::Url& url,
                                 const inject::Occasion& occasion) {
    http::RequestHead head;
    head.method = method;
    head.target = url.request_target();
    head.fields.set("Accept", "application/json");
    TRY_VOID(injection.apply(head, url, &occasion));
    TRY(target, net::Url::parse(url.origin() + head.target));
    http::Request request{method, std::move(target), std::move(head.fields), {}};
    return request;
}

}  // namespace

http::OutboundProxiesPtr outbound_proxies() {
    const auto environment = sys::environment();
    return http::OutboundProxies::from([&environment](const std::string& name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    });
}

Result<http::Client::Options> outgoing_options(const Config& config, const provider::ProviderDefinition& definition,
                                               const provider::VariableValues& variables) {
    http::Client::Options options;
    options.addresses.allow_private = config.flag("network.allow_private");
    for (const auto& [name, value] : variables)
        if (names_this_machine(value)) options.addresses.allow_loopback = true;
    for (const auto& [pointer, value] : provider::security_fields(definition))
        if (names_this_machine(value)) options.addresses.allow_loopback = true;
    TRY(authority, config.extra_authority());
    options.extra_ca_pem = authority;
    options.proxies = outbound_proxies();
    return options;
}

net::Task<Result<http::Response>> call_service(ServiceParts with, const provider::ProviderDefinition& definition,
                                               const connection::Connection& connection, std::string method, net::Url url) {
    auto injection = inject::Injection::make(definition, connection, with.clock.now(), with.connections);
    if (!injection) co_return base::fail(injection.error());
    injection->admit(url);
    inject::Occasion occasion{with.clock.now(), with.random, {}, {}};
    CO_TRY(request, request_of(*injection, method, url, occasion));
    auto answer = co_await with.http.send(std::move(request));
    if (!answer) co_return base::fail(answer.error());
    // RFC 9449 section 9: the server may want its nonce in the proof, and says so once.
    const std::string nonce(answer->fields.find("DPoP-Nonce").value_or(""));
    if (answer->status != 401 || nonce.empty() || connection.dpop_key.empty()) co_return answer;
    occasion.server_nonce = nonce;
    CO_TRY(again, request_of(*injection, method, url, occasion));
    auto second = co_await with.http.send(std::move(again));
    co_return second;
}

}  // namespace claviger::app
