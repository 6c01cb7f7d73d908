// For tests of inject/: a definition and a connection that fits it.
#pragma once

#include "connection/connection.hpp"
#include "inject/injection.hpp"
#include "provider/definition.hpp"

namespace claviger::inject::testing {

inline const base::Instant kNow{std::chrono::milliseconds(1'800'000'000'000)};

inline provider::ProviderDefinition definition_of(provider::AuthType type) {
    provider::ProviderDefinition definition;
    definition.name = "acme";
    definition.auth_type = type;
    definition.api_urls = {"api.acme.com"};
    return definition;
}

inline connection::Connection connection_to(const provider::ProviderDefinition& definition,
                                            std::initializer_list<std::pair<std::string, std::string>> fields) {
    connection::Connection connection;
    connection.provider = definition.name;
    connection.auth_type = definition.auth_type;
    for (const auto& [name, value] : fields) connection.fields.emplace(name, base::Secret(value));
    connection.definition_digest = provider::security_digest(definition);
    return connection;
}

inline net::Url url_of(std::string_view text) { return net::Url::parse(text).value(); }

inline http::RequestHead request_to(std::string target, std::initializer_list<std::pair<std::string, std::string>> fields = {}) {
    http::RequestHead request;
    request.method = "GET";
    request.target = std::move(target);
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    return request;
}

// "Name: value" of each field, in order.
inline std::vector<std::string> lines_of(const http::RequestHead& request) {
    std::vector<std::string> lines;
    for (const auto& field : request.fields.items()) lines.push_back(field.name + ": " + std::string(std::string_view(field.value)));
    return lines;
}

}  // namespace claviger::inject::testing
