#include "inject/usable.hpp"

#include <fmt/format.h>

#include "connection/standing.hpp"

namespace claviger::inject {

base::Result<void> check_usable(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                base::Instant now) {
    using connection::Status;
    const auto facts = connection::standing_facts(connection, &definition, now);
    if (facts.status == Status::connected) return {};
    const auto which = fmt::format("the connection {} of {}", connection.name, connection.provider);
    const auto standing = connection::standing_of(facts);
    if (facts.status == Status::suspended) {
        return base::fail(base::ErrorCode::suspended, which + " is suspended, because " + standing.why,
                          "see the difference and accept it with: " + standing.command);
    }
    const auto login = standing.command.empty() ? connection::login_command(facts) : standing.command;
    // Without a word of its own it only wants to be renewed, which is not done here.
    return base::fail(base::ErrorCode::needs_login, which + " cannot be used: " + (standing.why.empty() ? "it has expired" : standing.why),
                      "run: " + login);
}

}  // namespace claviger::inject
