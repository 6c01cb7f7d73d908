#include "connection/flow_choice.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using provider::Flow;

constexpr std::array<Flow, 8> kAll{Flow::pkce,   Flow::dcr_pkce, Flow::device_code, Flow::client_credentials,
                                   Flow::oauth1, Flow::api_key,  Flow::basic,       Flow::custom};

// The definition's own flow is taken at its word; another one needs what it works with.
bool capable(const provider::ProviderDefinition& definition, Flow flow) {
    if (!provider::flow_fits(definition.auth_type, flow)) return false;
    if (flow == definition.flow || !definition.oauth2) return true;
    const auto& oauth = *definition.oauth2;
    const bool discovers = !oauth.issuer.empty() || !oauth.resource.empty();
    switch (flow) {
        case Flow::pkce: return discovers || (!oauth.authorization_url.empty() && !oauth.token_url.empty());
        case Flow::dcr_pkce: return oauth.supports_dcr || !oauth.registration_endpoint.empty() || !oauth.issuer.empty();
        case Flow::device_code: return oauth.supports_device_code || !oauth.device_authorization_url.empty();
        case Flow::client_credentials: return discovers || !oauth.token_url.empty();
        default: return true;
    }
}

std::string usable_flows(const provider::ProviderDefinition& definition) {
    std::vector<std::string> names;
    for (const auto flow : flows_of(definition)) names.emplace_back(provider::to_string(flow));
    return fmt::format("{} can use: {}", definition.name, base::join(names, ", "));
}

}  // namespace

std::vector<Flow> flows_of(const provider::ProviderDefinition& definition) {
    std::vector<Flow> flows{definition.flow};
    // No definition says that a service gives tokens to clients themselves unless that is its flow: it can be asked for,
    // but is not offered.
    for (const auto flow : kAll)
        if (flow != definition.flow && flow != Flow::client_credentials && capable(definition, flow)) flows.push_back(flow);
    return flows;
}

bool registers_client(const provider::OAuth2& oauth, Flow flow) {
    return flow == Flow::dcr_pkce || (flow == Flow::device_code && oauth.supports_dcr);
}

base::Result<Flow> choose_flow(const provider::ProviderDefinition& definition, const std::optional<Flow>& asked) {
    const auto flow = asked.value_or(definition.flow);
    if (!capable(definition, flow)) {
        return base::fail(ErrorCode::usage,
                          fmt::format("{} cannot be connected by the flow {}", definition.name, provider::to_string(flow)),
                          usable_flows(definition));
    }
    return flow;
}

}  // namespace claviger::connection
