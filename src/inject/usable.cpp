#include "inject/usable.hpp"

#include <fmt/format.h>

namespace claviger::inject {

base::Result<void> check_usable(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                base::Instant now) {
    using connection::Status;
    const auto login = fmt::format("claviger login {} --connection {} --force", connection.provider, connection.name);
    const auto which = fmt::format("the connection {} of {}", connection.name, connection.provider);
    const auto refuse = [](std::string message, std::string hint) {
        return base::fail(base::ErrorCode::needs_login, std::move(message), std::move(hint));
    };
    switch (connection.status(now, provider::security_digest(definition))) {
        case Status::connected: return {};
        case Status::expired: return refuse(which + " has expired", "run: " + login);
        case Status::needs_login: return refuse(which + " needs a new login", "run: " + login);
        case Status::suspended:
            return refuse(which + " is suspended, because the definition changed since the login",
                          fmt::format("see the difference and accept it with: claviger confirm {}", connection.provider));
    }
    return refuse(which + " cannot be used", "run: " + login);
}

}  // namespace claviger::inject
