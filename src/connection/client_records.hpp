// The records of OAuth clients within a transaction. One client per provider and origin serves new logins; a connection goes
// on with the client that it was made with (OA-27), which stays beside, under an id of its own, when another one takes its
// place. Internal to connection/. Thread rule: as the transaction.
#pragma once

#include <string>
#include <string_view>

#include "connection/connections.hpp"

namespace claviger::connection {

// Writes the client and its line of the journal. One that it replaces is kept beside while a connection uses it.
base::Result<void> put_client(vault::Transaction& transaction, const std::string& tenant, const ClientRecord& client, ClientUse use);
// Every client of a provider; returns how many.
base::Result<std::size_t> erase_clients_in(vault::Transaction& transaction, const std::string& tenant, std::string_view provider);
// Those kept beside for connections that are gone.
base::Result<void> erase_unused_clients(vault::Transaction& transaction, const std::string& tenant, std::string_view provider);

// "" when it cannot be read. A path may hold what is secret (the value of a variable), so the journal gets the origin alone.
std::string origin_of(const std::string& url);

}  // namespace claviger::connection
