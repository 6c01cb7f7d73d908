// Whose account a connection is, read from what a provider answers: verified claims, userinfo (OpenID Connect Core
// section 5.3.2), or the definition's own `identity`. Who asks is app/account.hpp. Thread rule: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connection/connection.hpp"
#include "http/client.hpp"
#include "oauth/types.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// The label is what people know the account by: e-mail address, user name, name; else empty.
Account account_of(const oauth::IdClaims& claims);

// `subject`: of the ID token; another one in the answer is ErrorCode::protocol (section 5.3.2). Empty: there was none.
base::Result<Account> read_userinfo(const http::Response& response, std::string_view subject);

struct IdentityAnswer {
    Account account;
    std::map<std::string, std::string> captured;
};
// The answer of `identity.url`: id and label at their pointers ("/id" or "/sub" without one), and what `capture` finds.
base::Result<IdentityAnswer> read_identity(const provider::ProviderDefinition& definition, const http::Response& response);

// What the definition's `capture` finds in any answer that is JSON; texts of one line, numbers and truth values.
std::map<std::string, std::string> captured_in(const provider::ProviderDefinition& definition, const http::Response& response);

// Names of `capture` that no answer has told yet.
std::vector<std::string> not_captured(const provider::ProviderDefinition& definition, const Connection& connection);

}  // namespace claviger::connection
