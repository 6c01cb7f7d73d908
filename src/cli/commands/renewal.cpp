#include "cli/commands/renewal.hpp"

#include <csignal>

#include "app/run_session.hpp"
#include "base/text.hpp"
#include "connection/refresh_schedule.hpp"

namespace claviger::cli {

base::Result<connection::Connection> renewed_if_due(Context& context, const Invocation& invocation, connection::Connection connection) {
    if (invocation.has("--no-refresh")) return connection;
    TRY(definition, context.registry().load(connection.provider));
    if (connection.login_needed || !connection::mendable(connection, definition, context.clock().now())) return connection;
    if (const auto due = connection::next_due_at(connection, definition); !due || context.clock().now() < *due) return connection;
    TRY(broker, context.broker());
    net::Loop loop;
    // A signal must not end the process between the request and its answer: the refresh token would be in doubt.
    loop.hold_signals({SIGINT, SIGTERM, SIGHUP});
    TRY(refresher, app::make_refresher(broker, loop));
    TRY(fresh, loop.run_until(refresher->fresh(connection.provider, connection.name, connection::Need::usable)));
    if (fresh.why) {
        context.out().warn(base::printable("the token could not be renewed and is handed out as it is: " + fresh.why->describe(), 600));
    }
    return std::move(fresh.connection);
}

}  // namespace claviger::cli
