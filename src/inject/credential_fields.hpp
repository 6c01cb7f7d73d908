// The fields of a connection that a definition may name, and only these: the credential's own fields, variables and
// captured values. Never the refresh token or a client secret. Internal to inject/. Thread rule: borrows the
// definition and the connection, which must outlive it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "connection/connection.hpp"
#include "provider/definition.hpp"

namespace claviger::inject {

class CredentialFields {
public:
    // Without the transform of the definition: what the human entered or the server answered.
    static CredentialFields raw(const provider::ProviderDefinition& definition, const connection::Connection& connection);
    // The field that carries the credential holds the transform's result, if the definition has one.
    static base::Result<CredentialFields> transformed(const provider::ProviderDefinition& definition,
                                                      const connection::Connection& connection);

    // Valid while this and the connection live. Absent: the connection has no such field.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    // The field that is "the" credential; empty for a custom definition that names none.
    [[nodiscard]] const std::string& credential_name() const { return credential_name_; }

    // "{{user}}:{{pass}}" -> text. One pass: an inserted value is never read as a template (PX-24).
    // ErrorCode::invalid_input when a name is unknown or malformed; the message holds names, never values.
    // An optional field of the form that was left empty is the empty text.
    [[nodiscard]] base::Result<base::Secret> render(std::string_view text) const;
    // Whether all fields that the text names were left empty: then a rule has nothing to put in.
    [[nodiscard]] bool left_empty(std::string_view text) const;

private:
    [[nodiscard]] bool optional_and_absent(std::string_view name) const;
    CredentialFields(const provider::ProviderDefinition& definition, const connection::Connection& connection);
    const provider::ProviderDefinition* definition_;
    const connection::Connection* connection_;
    std::string credential_name_;
    std::optional<base::Secret> transformed_;
};

}  // namespace claviger::inject
