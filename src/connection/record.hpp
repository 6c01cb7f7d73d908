// The sealed forms of connections, clients and the default setting: docs/formats/connection.md. Internal to
// connection/. Every document lives in wiping memory. Thread rule: pure functions.
#pragma once

#include "connection/connection.hpp"

namespace claviger::connection {

inline constexpr std::string_view kConnectionKind = "connection";
inline constexpr std::string_view kClientKind = "client";
inline constexpr std::string_view kDefaultKind = "default";
inline constexpr std::int64_t kFormat = 1;

// "acme/work"; a client's is "acme https://acme.com".
std::string connection_id(std::string_view provider, std::string_view name);
std::string client_id_of_record(std::string_view provider, std::string_view origin);
// Of one that is kept beside it, for the connections that were made with it.
std::string client_id_of_record(std::string_view provider, std::string_view origin, std::string_view client_id);

base::Secret serialize_client(const ClientRecord& client);
base::Result<ClientRecord> deserialize_client(const vault::Record& record);
base::Secret serialize_default(std::string_view name);
base::Result<std::string> deserialize_default(const vault::Record& record);

}  // namespace claviger::connection
