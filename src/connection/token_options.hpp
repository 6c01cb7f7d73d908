// The quirks of a definition as options of the token request. Internal to connection/.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "connection/request_fields.hpp"
#include "oauth/token.hpp"
#include "oauth/types.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// `request`: "authorize", "token", "refresh", "revoke".
oauth::Parameters renames_of(const provider::OAuth2& oauth, std::string_view request);

// RFC 8707: the same in every request of a connection (OA-21); empty when there is none. An identifier is sent as it is
// written; only one with {variables} is expanded.
base::Result<std::string> resource_parameter(const provider::OAuth2& oauth, const provider::VariableValues& variables);

// How the answer of the token endpoint is read; nothing of the request.
oauth::TokenRequestOptions answer_options(const provider::ProviderDefinition& definition);
// Form of a step's request, and how its answer is read.
oauth::TokenRequestOptions step_options(const provider::ProviderDefinition& definition, const provider::TokenStep& step);

// How the parameters of a request are written.
void set_format(const provider::OAuth2& oauth, provider::BodyFormat format, oauth::TokenRequestOptions& options);

// A request to the token endpoint with token_params, token_headers, renames and Basic texts of the definition. Grants
// and the client's method are the caller's. ErrorCode::invalid_input when a text names an unknown field.
base::Result<oauth::TokenRequest> token_request(const provider::ProviderDefinition& definition,
                                                const RequestFields& fields, net::Url endpoint, oauth::Client client);
// The same for a refresh: refresh_params and the renames of "refresh".
base::Result<oauth::TokenRequest> refresh_request(const provider::ProviderDefinition& definition,
                                                  const RequestFields& fields, net::Url endpoint, oauth::Client client);

// Of a revocation (RFC 7009), before the token is in it: headers, renames "revoke", method and client authentication.
base::Result<oauth::TokenRequest> revoke_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                 net::Url endpoint, oauth::Client client);

// Of a form to another endpoint that clients authenticate at (RFC 7662, RFC 9126), before its parameters are in it: headers,
// signature and client authentication, whose parameters have the names that they have at the token endpoint.
base::Result<oauth::TokenRequest> client_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                 net::Url endpoint, oauth::Client client);
// The same of a device authorization request (RFC 8628 section 3.1), with the renames of "device".
base::Result<oauth::TokenRequest> device_request(const provider::ProviderDefinition& definition, const RequestFields& fields,
                                                 net::Url endpoint, oauth::Client client);

}  // namespace claviger::connection
