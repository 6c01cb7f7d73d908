// What must not come back in answers to requests with a connection's credential (PX-20). Thread rule: a pure function.
#pragma once

#include "base/random.hpp"
#include "connection/connection.hpp"
#include "provider/definition.hpp"
#include "scrub/needles.hpp"

namespace claviger::inject {

// The connection's tokens and secret fields, what becomes of them in requests (the pair of Basic and its base64, a
// transform, a template that names a secret), and the secrets that sign. User names, account ids and other fields that are
// no secrets are none: services answer with them. Null when there is nothing long enough to look for. `client`: what signs
// OAuth 1.0a requests, null for others.
scrub::NeedlesPtr reflections_of(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                 const connection::ClientRecord* client, base::Random& random);

}  // namespace claviger::inject
