#include "connection/record.hpp"

#include <fmt/format.h>

#include "connection/record_fields.hpp"
#include "crypto/digest.hpp"

namespace claviger::connection {

using base::ErrorCode;

std::string connection_id(std::string_view provider, std::string_view name) { return fmt::format("{}/{}", provider, name); }

std::string client_id_of_record(std::string_view provider, std::string_view origin) {
    return fmt::format("{} {}", provider, origin);
}

std::string client_id_of_record(std::string_view provider, std::string_view origin, std::string_view client_id) {
    return fmt::format("{} {} {}", provider, origin, crypto::sha256_hex(client_id));
}

base::Secret serialize(const Connection& connection) {
    RecordWriter out;
    out.text("provider", connection.provider);
    out.text("name", connection.name);
    out.text("auth_type", provider::to_string(connection.auth_type));
    out.text("flow", provider::to_string(connection.flow));
    out.map("variables", connection.variables);
    out.list("requested_scopes", connection.requested_scopes);
    out.optional_list("granted_scopes", connection.granted_scopes);
    out.secret("access_token", connection.access_token);
    out.secret("refresh_token", connection.refresh_token);
    out.text("token_type", connection.token_type);
    out.instant("expires_at", connection.expires_at);
    out.instant("refresh_expires_at", connection.refresh_expires_at);
    out.flag("refresh_end_fixed", connection.refresh_end_fixed);
    out.instant("obtained_at", connection.obtained_at);
    out.instant("steps_at", connection.steps_at);
    out.instant("steps_end", connection.steps_end);
    out.secrets("fields", connection.fields);
    out.map("captured", connection.captured);
    out.text("account_id", connection.account.id);
    out.text("account_label", connection.account.label);
    out.text("client_id", connection.client_id);
    out.text("issuer", connection.issuer);
    out.text("token_endpoint", connection.token_endpoint);
    out.text("revocation_endpoint", connection.revocation_endpoint);
    out.text("userinfo_endpoint", connection.userinfo_endpoint);
    out.list("oauth_endpoints", connection.oauth_endpoints);
    out.text("definition_digest", connection.definition_digest);
    out.map("definition_fields", connection.definition_fields);
    out.flag("login_needed", connection.login_needed);
    out.text("login_reason", connection.login_reason);
    out.instant("last_refresh_failure", connection.last_refresh_failure);
    out.number("refresh_failures", connection.refresh_failures);
    out.secret("dpop_key", connection.dpop_key);
    return out.finish();
}

base::Result<Connection> deserialize(const vault::Record& record) {
    TRY(in, RecordReader::open(record, fmt::format("connection {}", record.key.id)));
    Connection connection;
    connection.provider = in.text("provider");
    connection.name = in.text("name");
    const auto type = provider::auth_type_from(in.text("auth_type"));
    const auto flow = provider::flow_from(in.text("flow"));
    connection.variables = in.map("variables");
    connection.requested_scopes = in.list("requested_scopes");
    connection.granted_scopes = in.optional_list("granted_scopes");
    connection.access_token = in.secret("access_token");
    connection.refresh_token = in.secret("refresh_token");
    connection.token_type = in.text("token_type");
    connection.expires_at = in.instant("expires_at");
    connection.refresh_expires_at = in.instant("refresh_expires_at");
    connection.refresh_end_fixed = in.flag("refresh_end_fixed");
    connection.obtained_at = in.instant("obtained_at").value_or(record.updated_at);
    connection.steps_at = in.instant("steps_at");
    connection.steps_end = in.instant("steps_end");
    connection.fields = in.secrets("fields");
    connection.captured = in.map("captured");
    connection.account = {in.text("account_id"), in.text("account_label")};
    connection.client_id = in.text("client_id");
    connection.issuer = in.text("issuer");
    connection.token_endpoint = in.text("token_endpoint");
    connection.revocation_endpoint = in.text("revocation_endpoint");
    connection.userinfo_endpoint = in.text("userinfo_endpoint");
    connection.oauth_endpoints = in.list("oauth_endpoints");
    connection.definition_digest = in.text("definition_digest");
    connection.definition_fields = in.map("definition_fields");
    connection.login_needed = in.flag("login_needed");
    connection.login_reason = in.text("login_reason");
    connection.last_refresh_failure = in.instant("last_refresh_failure");
    connection.refresh_failures = in.number("refresh_failures");
    connection.dpop_key = in.secret("dpop_key");
    connection.version = record.version;
    connection.created_at = record.created_at;
    connection.updated_at = record.updated_at;
    TRY_VOID(in.finish());
    if (!type || !flow)
        return base::fail(ErrorCode::unsupported,
                          fmt::format("the connection {} has an auth type or flow of a newer Claviger", record.key.id),
                          "update Claviger");
    // The seal binds the content to its place; this guards against a writer's mistake.
    if (connection_id(connection.provider, connection.name) != record.key.id)
        return base::fail(ErrorCode::corrupt, fmt::format("the connection {} names itself otherwise", record.key.id));
    connection.auth_type = *type;
    connection.flow = *flow;
    return connection;
}

base::Secret serialize_client(const ClientRecord& client) {
    RecordWriter out;
    out.text("provider", client.provider);
    out.text("origin", client.origin);
    out.text("client_id", client.client_id);
    out.secret("client_secret", client.client_secret);
    out.secret("private_key", client.private_key);
    out.text("key_id", client.key_id);
    out.text("authentication", client.authentication);
    out.flag("dynamically_registered", client.dynamically_registered);
    out.secret("registration_access_token", client.registration_access_token);
    out.text("registration_client_uri", client.registration_client_uri);
    out.instant("secret_expires_at", client.secret_expires_at);
    out.text("redirect_uri", client.redirect_uri);
    return out.finish();
}

base::Result<ClientRecord> deserialize_client(const vault::Record& record) {
    TRY(in, RecordReader::open(record, "client record"));
    ClientRecord client;
    client.provider = in.text("provider");
    client.origin = in.text("origin");
    client.client_id = in.text("client_id");
    client.client_secret = in.secret("client_secret");
    client.private_key = in.secret("private_key");
    client.key_id = in.text("key_id");
    client.authentication = in.text("authentication");
    client.dynamically_registered = in.flag("dynamically_registered");
    client.registration_access_token = in.secret("registration_access_token");
    client.registration_client_uri = in.text("registration_client_uri");
    client.secret_expires_at = in.instant("secret_expires_at");
    client.redirect_uri = in.text("redirect_uri");
    client.version = record.version;
    TRY_VOID(in.finish());
    const bool beside = client_id_of_record(client.provider, client.origin, client.client_id) == record.key.id;
    if (!beside && client_id_of_record(client.provider, client.origin) != record.key.id)
        return base::fail(ErrorCode::corrupt, "a client record names itself otherwise");
    return client;
}

base::Secret serialize_default(std::string_view name) {
    RecordWriter out;
    out.text("name", name);
    return out.finish();
}

base::Result<std::string> deserialize_default(const vault::Record& record) {
    TRY(in, RecordReader::open(record, "default setting"));
    auto name = in.text("name");
    TRY_VOID(in.finish());
    return name;
}

}  // namespace claviger::connection
