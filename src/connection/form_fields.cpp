#include "connection/form_fields.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/text.hpp"
#include "connection/schema_fields.hpp"
#include "provider/describe.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using provider::TokenAuthMethod;

// What a string in a form means for a schema that wants another type. A text that is no number stays a text: then the
// schema says what is wrong.
json::Value typed(std::string_view text, std::string_view type) {
    const auto* end = text.data() + text.size();
    if (type == "integer" || type == "number") {
        std::int64_t whole = 0;
        if (const auto r = std::from_chars(text.data(), end, whole); r.ec == std::errc() && r.ptr == end) return whole;
        double number = 0;
        if (const auto r = std::from_chars(text.data(), end, number); r.ec == std::errc() && r.ptr == end) return number;
    }
    if (type == "boolean" && (text == "true" || text == "false")) return text == "true";
    return json::Value(text, json::secret_storage());
}

std::string first_token(std::string_view pointer) {
    pointer.remove_prefix(pointer.starts_with('/') ? 1 : 0);
    return std::string(pointer.substr(0, pointer.find('/')));
}

FormField key_field(const provider::ProviderDefinition& definition) {
    FormField field;
    const auto& name = definition.credentials.field_name;
    field.name = name.empty() ? "api_key" : name;
    field.label = "API key";
    field.secret = true;
    return field;
}

std::vector<FormField> fields_without_schema(const provider::ProviderDefinition& definition) {
    if (definition.auth_type == provider::AuthType::api_key) return {key_field(definition)};
    if (definition.auth_type != provider::AuthType::basic) return {};
    FormField user, password;
    user.name = "username";
    user.label = "User name";
    password.name = "password";
    password.label = "Password";
    password.secret = true;
    password.required = false;
    password.help = "Leave it empty if there is none.";
    return {user, password};
}

void add_key_pattern(const provider::ProviderDefinition& definition, std::vector<FormField>& fields) {
    if (!definition.api_key || definition.api_key->key_pattern.empty() || fields.empty()) return;
    const auto& wanted = definition.credentials.field_name;
    auto key = std::find_if(fields.begin(), fields.end(), [&](const FormField& f) {
        return wanted.empty() ? f.name == "api_key" : f.name == wanted;
    });
    if (key == fields.end()) {
        if (fields.size() != 1) return;
        key = fields.begin();
    }
    key->pattern = definition.api_key->key_pattern;
    key->pattern_hint = definition.api_key->key_pattern_hint;
    if (key->help.empty()) key->help = key->pattern_hint;
}

bool names_secret(const provider::OAuth2& oauth) {
    return oauth.token_auth_method == TokenAuthMethod::client_secret_basic ||
           oauth.token_auth_method == TokenAuthMethod::client_secret_post ||
           oauth.token_auth_method == TokenAuthMethod::client_secret_jwt;
}

// A device is a public client (RFC 8628 section 3.1) unless the definition names how it authenticates; a client that
// acts for itself must have a secret (RFC 6749 section 4.4), or a key.
void add_secret_field(const provider::OAuth2& oauth, provider::Flow flow, std::vector<FormField>& fields) {
    if (flow == provider::Flow::device_code ? !names_secret(oauth) : oauth.token_auth_method == TokenAuthMethod::none) return;
    FormField secret;
    secret.name = "client_secret";
    secret.label = "Client secret";
    secret.secret = true;
    secret.required = oauth.client_secret_required || names_secret(oauth) || flow == provider::Flow::client_credentials;
    if (!secret.required) secret.help = "Leave it empty if the application has none.";
    fields.push_back(std::move(secret));
}

void add_key_fields(const provider::OAuth2& oauth, std::vector<FormField>& fields) {
    FormField key, id;
    key.name = "private_key";
    key.label = "Private key";
    key.help = "The key whose public part the provider knows: PEM, or a JWK. It signs and is never sent.";
    key.secret = true;
    key.multiline = true;
    fields.push_back(std::move(key));
    if (!oauth.client_assertion.key_id.empty()) return;
    id.name = "key_id";
    id.label = "Key ID";
    id.help = "The provider's name for the key, if it gave one (kid).";
    id.required = false;
    fields.push_back(std::move(id));
}

}  // namespace

std::vector<FormField> client_fields(const provider::OAuth2& oauth, provider::Flow flow) {
    // A service that takes the bare device code knows no clients, and a grant of its own says whose it is, unless the
    // definition says how a client authenticates.
    const bool bare_code = flow == provider::Flow::device_code && oauth.device_token_request == "json";
    const bool own_grant = flow == provider::Flow::client_credentials && oauth.grant.type != "client_credentials";
    const bool authenticates = oauth.token_auth_method && *oauth.token_auth_method != TokenAuthMethod::none;
    const bool nobody = (bare_code && !oauth.token_auth_method) || (own_grant && !authenticates);
    if (nobody && !oauth.client_secret_required) return {};
    FormField id;
    id.name = "client_id";
    id.label = "Client ID";
    std::vector<FormField> fields{std::move(id)};
    if (oauth.token_auth_method == TokenAuthMethod::private_key_jwt) {
        add_key_fields(oauth, fields);
    } else {
        add_secret_field(oauth, flow, fields);
    }
    return fields;
}

std::vector<std::string> names_that_are_asked(const provider::ProviderDefinition& definition) {
    std::vector<std::string> names;
    for (const auto& variable : definition.vars) names.push_back(variable.name);
    if (const auto form = CredentialForm::make(definition))
        for (const auto& field : form->form().fields) names.push_back(field.name);
    if (definition.oauth2) names.insert(names.end(), {"client_id", "client_secret", "private_key", "key_id", "code"});
    if (definition.oauth1) names.insert(names.end(), {"consumer_key", "consumer_secret", "private_key"});
    return names;
}

std::string_view trimmed_answer(const Answers& answers, const std::string& name) {
    const auto found = answers.find(name);
    return found == answers.end() ? std::string_view() : base::trim(found->second.reveal());
}

std::string complaint(const FormField& field, std::string_view value) {
    constexpr std::size_t kMaxValue = 16 * 1024;
    if (value.empty()) return field.required ? "this field is required" : "";
    if (value.size() > kMaxValue) return "this is too long";
    const bool control = std::any_of(value.begin(), value.end(), [&field](char c) {
        if (field.multiline && (c == '\n' || c == '\r')) return false;
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (control || !base::valid_utf8(value)) return "this must be one line of plain text";
    if (!field.choices.empty() && std::find(field.choices.begin(), field.choices.end(), value) == field.choices.end())
        return "choose one of: " + base::join(field.choices, ", ");
    if (field.pattern.empty()) return "";
    RE2::Options quiet;
    quiet.set_log_errors(false);
    const RE2 pattern(field.pattern, quiet);
    if (!pattern.ok()) return "";  // the definition's fault, which validation reports; the human cannot mend it here
    if (RE2::FullMatch(re2::StringPiece(value.data(), value.size()), pattern)) return "";
    return field.pattern_hint.empty() ? "this does not look right" : field.pattern_hint;
}

Form form_for(const provider::ProviderDefinition& definition) {
    Form form;
    const auto& shown = definition.display_name.empty() ? definition.name : definition.display_name;
    form.title = "Connect " + shown;
    form.guide = definition.setup_guide;
    form.docs_url = definition.docs_url;
    return form;
}

base::Result<CredentialForm> CredentialForm::make(const provider::ProviderDefinition& definition) {
    CredentialForm made;
    made.form_ = form_for(definition);
    const std::string hosts = provider::hosts_in_words(definition);
    made.form_.intro = hosts.empty() ? "What you enter is stored encrypted on this computer. The definition names no host, so it is sent nowhere by itself."
                                     : "What you enter is stored encrypted on this computer and sent only to " + hosts + ".";
    if (definition.credentials.schema.is_object()) {
        TRY(schema, json::Schema::compile(definition.credentials.schema));
        made.schema_ = std::move(schema);
        made.form_.fields = schema_fields(definition.credentials.schema.get_object(), definition.credentials.field_name);
        made.types_ = schema_types(definition.credentials.schema.get_object());
    } else {
        made.form_.fields = fields_without_schema(definition);
    }
    if (made.form_.fields.empty()) {
        return base::fail(ErrorCode::invalid_input,
                          fmt::format("the definition of {} does not say which values to ask for", definition.name),
                          "add credentials.schema with its properties");
    }
    add_key_pattern(definition, made.form_.fields);
    made.pairs_user_and_password_ = definition.auth_type == provider::AuthType::basic && !definition.credentials.transform;
    return made;
}

// Spaces belong to a password (RFC 7617 section 2); a line break at its end comes from pasting.
std::string_view CredentialForm::given(const Answers& answers, const std::string& name) const {
    const auto found = answers.find(name);
    if (!pairs_user_and_password_ || name != "password" || found == answers.end()) return trimmed_answer(answers, name);
    auto value = found->second.reveal();
    while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
    return value;
}

std::map<std::string, std::string> CredentialForm::check(const Answers& answers) const {
    std::map<std::string, std::string> wrong;
    json::Object instance(json::secret_storage());
    for (const auto& field : form_.fields) {
        const auto value = given(answers, field.name);
        auto message = complaint(field, value);
        if (message.empty() && pairs_user_and_password_ && field.name == "username" && value.find(':') != std::string_view::npos)
            message = "a user name cannot hold a colon, since it ends there";
        if (!message.empty()) wrong.emplace(field.name, std::move(message));
        if (value.empty()) continue;
        const auto type = types_.find(field.name);
        instance[field.name] = typed(value, type == types_.end() ? "string" : type->second);
    }
    if (!schema_) return wrong;
    const bool incomplete = !wrong.empty();
    for (const auto& violation : schema_->validate(json::Value(std::move(instance), json::secret_storage()))) {
        auto name = first_token(violation.instance_pointer);
        const auto field = std::find_if(form_.fields.begin(), form_.fields.end(),
                                        [&](const FormField& f) { return f.name == name; });
        if (field == form_.fields.end() && incomplete) continue;  // of the whole, which is not there yet
        if (field == form_.fields.end()) name.clear();
        const bool hinted = field != form_.fields.end() && violation.keyword == "pattern" && !field->pattern_hint.empty();
        wrong.emplace(name, hinted ? field->pattern_hint : "this " + violation.message);
    }
    return wrong;
}

std::map<std::string, base::Secret> CredentialForm::values(const Answers& answers) const {
    std::map<std::string, base::Secret> out;
    for (const auto& field : form_.fields) {
        const auto value = given(answers, field.name);
        if (!value.empty()) out.emplace(field.name, base::Secret(value));
    }
    return out;
}

}  // namespace claviger::connection
