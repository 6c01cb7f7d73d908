// What is learnt about a connection after its login: whose account it is, the captured values its URLs need, and
// whether it works. The token is stored already, so nothing here can lose it: what fails is a warning.
// Thread rule: on the Loop's thread; borrows what it is given until the task is done.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/service_call.hpp"
#include "connection/connections.hpp"
#include "oauth/types.hpp"

namespace claviger::app {

// Asks verified claims first, then userinfo, then the definition's `identity`; stores account and captured values with
// the connection, durably. Gives warnings.
net::Task<std::vector<std::string>> learn_account(ServiceParts with, connection::Connections& connections,
                                                  const provider::ProviderDefinition& definition, connection::Connection& stored,
                                                  std::optional<oauth::IdClaims> claims);

// "this is another account than before: bob instead of alice"; nullopt when it is the same, or one is not known.
std::optional<std::string> account_changed(const connection::Account& before, const connection::Account& after);
// "alice@example.test (17)", the id alone, or "".
std::string account_in_words(const connection::Account& account);

struct ProbeResult {
    enum class Verdict { works, refused, failed };  // refused: 401 or 403
    Verdict verdict = Verdict::failed;
    std::string method, url;
    int status = 0;                    // 0: no answer came
    std::int64_t milliseconds = 0;
    std::optional<base::Error> why;    // unless it works
    std::vector<int> expected;         // of the definition; empty: any 2xx
};

// Whether there is anything that could be asked: `probe`, else `identity`, else userinfo.
bool can_be_probed(const provider::ProviderDefinition& definition, const connection::Connection& connection);
// One real request. ErrorCode::unsupported when there is nothing to ask. Captures what its answer tells, durably.
net::Task<base::Result<ProbeResult>> probe(ServiceParts with, connection::Connections& connections,
                                           const provider::ProviderDefinition& definition, connection::Connection& stored);
// "HTTP 200 in 31 ms", "HTTP 403 in 31 ms, although the definition expects 200".
std::string in_words(const ProbeResult& result);

}  // namespace claviger::app
