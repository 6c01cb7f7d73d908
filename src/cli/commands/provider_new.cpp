// provider new: a definition from answers, each checked at once by the rules that register has. First what every OAuth
// service defines (authorization URL, token URL, client id, scopes, client secret), then only what cannot be derived or differs.
#include <algorithm>
#include <filesystem>
#include <functional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/commands/authoring.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/registration.hpp"
#include "cli/interruptible.hpp"
#include "connection/connect.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"
#include "provider/expand.hpp"
#include "provider/validate.hpp"
#include "sys/files.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
using provider::ProviderDefinition;

struct Question {
    std::string key, prompt, otherwise;  // otherwise: the answer when nothing is typed
    bool required = false, secret = false;
};
// "" when the answer is good.
using Judge = std::function<std::string(std::string_view)>;

// Where the answers come from: a human at the terminal, who is asked again, or a JSON object, whose mistakes end it.
class Answers {
public:
    static Result<Answers> from(Context& context, const Invocation& invocation) {
        if (invocation.value("--input", "terminal") != "stdin") {
            if (!sys::has_controlling_terminal()) return base::fail(ErrorCode::usage, "there is no terminal to ask on", "give the answers as a JSON object with --input stdin");
            return Answers(context, std::nullopt);
        }
        TRY(text, read_definition_input("-"));
        const auto bytes = base::Secret::taking(text);
        json::ParseOptions options;
        options.storage = json::secret_storage();
        auto value = json::parse(bytes.reveal(), options);
        if (!value) return base::fail(ErrorCode::invalid_input, "standard input: " + value.error().message);
        std::map<std::string, base::Secret> given;
        if (!value->is_object()) return base::fail(ErrorCode::invalid_input, "standard input: must be a JSON object of strings");
        for (const auto& member : value->get_object()) {
            if (!member.value().is_string()) return base::fail(ErrorCode::invalid_input, "standard input: " + base::printable(member.key()) + " must be a string");
            given.emplace(std::string(member.key()), base::Secret(std::string_view(member.value().get_string())));
        }
        return Answers(context, std::move(given));
    }

    Result<base::Secret> secret(const Question& question, const Judge& judge = {}) {
        asked_.push_back(question.key);
        while (true) {
            base::Secret answer;
            if (given_) {
                const auto found = given_->find(question.key);
                answer = base::Secret(found == given_->end() ? std::string_view(question.otherwise) : base::trim(found->second.reveal()));
            } else {
                TRY(typed, typed_answer(question));
                answer = std::move(typed);
            }
            std::string wrong = question.required && answer.empty() ? "an answer is needed" : std::string();
            if (wrong.empty() && judge) wrong = judge(answer.reveal());
            if (wrong.empty()) return answer;
            if (given_) return base::fail(ErrorCode::invalid_input, "standard input: \"" + question.key + "\": " + wrong);
            context_->out().talk("  not accepted: " + base::printable(wrong, 400));
        }
    }
    Result<std::string> text(const Question& question, const Judge& judge = {}) {
        TRY(answer, secret(question, judge));
        return std::string(answer.reveal());
    }
    Result<std::string> choice(Question question, const std::vector<std::string>& choices) {
        question.prompt += " (" + base::join(choices, ", ") + ")";
        return text(question, [&choices](std::string_view answer) {
            return std::find(choices.begin(), choices.end(), answer) != choices.end() ? std::string() : "write one of: " + base::join(choices, ", ");
        });
    }
    [[nodiscard]] bool scripted() const { return given_.has_value(); }
    [[nodiscard]] bool has(const std::string& key) const { return given_ && given_->contains(key); }
    // Answers to questions that nobody asked are mistakes of spelling.
    Result<void> all_used() const {
        if (!given_) return {};
        for (const auto& [key, value] : *given_) {
            if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
            return base::fail(ErrorCode::invalid_input, "standard input: \"" + base::printable(key) + "\" is not asked for here", "asked for are: " + base::join(asked_, ", "));
        }
        return {};
    }

private:
    Answers(Context& context, std::optional<std::map<std::string, base::Secret>> given) : context_(&context), given_(std::move(given)) {}
    static Result<base::Secret> typed_answer(const Question& question) {
        const auto prompt = question.prompt + (question.otherwise.empty() ? "" : " [" + question.otherwise + "]") + (question.required || !question.otherwise.empty() ? "" : " (optional)") + ": ";
        if (question.secret) return ask_secret(prompt);
        TRY(line, ask_line(prompt));
        const std::string trimmed(base::trim(line));
        return base::Secret(trimmed.empty() ? question.otherwise : trimmed);
    }
    Context* context_;
    std::optional<std::map<std::string, base::Secret>> given_;
    std::vector<std::string> asked_;
};

struct Wizard {
    Context& context;
    const Invocation& invocation;
    Answers& answers;
    ProviderDefinition definition;
    std::string client_id;
    base::Secret client_secret;
};

// The rules' first complaint about what stands at the pointer.
std::string complaint_at(const ProviderDefinition& definition, std::string_view pointer) {
    for (const auto& finding : provider::validate(definition)) {
        if (finding.severity == provider::Severity::error && finding.pointer.starts_with(pointer)) return finding.message;
    }
    return {};
}

// Sets a text of the definition by an answer that the rules accept there.
Result<void> ask_into(Wizard& wizard, const Question& question, std::string_view pointer, std::string& member) {
    const auto judge = [&](std::string_view answer) {
        member = std::string(answer);
        return answer.empty() ? std::string() : complaint_at(wizard.definition, pointer);
    };
    TRY(answer, wizard.answers.text(question, judge));
    member = answer;
    return {};
}

std::vector<std::string> list_of(std::string_view text) {
    std::vector<std::string> items;
    std::string word;
    for (const char c : std::string(text) + ' ') {
        if (c != ' ' && c != ',') word += c;
        else if (!word.empty()) items.push_back(std::exchange(word, {}));
    }
    return items;
}

// What the server publishes fills the rest, if the human wants it.
Result<void> offer_discovery(Wizard& wizard) {
    auto& oauth = *wizard.definition.oauth2;
    if (wizard.answers.scripted() && wizard.answers.has("token_url")) return {};
    const auto url = net::Url::parse(oauth.authorization_url);
    const auto origin = url ? net::Url::parse(url->origin()) : url;
    if (!origin) return {};
    const auto found = discover_at(wizard.context, *origin);
    if (!found && found.error().code == ErrorCode::cancelled) return base::fail(found.error());
    if (!found || !found->server.authorization_endpoint || found->server.authorization_endpoint->text() != url->text()) return {};
    wizard.context.out().talk("  " + origin->redacted() + " publishes its endpoints; they are proposed below.");
    const auto name = wizard.definition.name;
    wizard.definition = connection::definition_of(*found, name.empty() ? connection::suggested_name(*origin) : name);
    wizard.definition.name = name;
    return {};
}

Result<void> ask_scopes(Wizard& wizard) {
    auto& oauth = *wizard.definition.oauth2;
    const auto judge = [&](std::string_view answer) {
        oauth.scopes = list_of(answer);
        const bool tokens = std::all_of(answer.begin(), answer.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
        return tokens ? complaint_at(wizard.definition, "/oauth/scopes") : std::string("a scope has no quotes, backslashes or characters beyond ASCII");
    };
    TRY(answer, wizard.answers.text({"scopes", "Scopes, separated by spaces or commas", base::join(oauth.scopes, " "), false, false}, judge));
    oauth.scopes = list_of(answer);
    return {};
}

Result<void> ask_api(Wizard& wizard, bool required) {
    auto& urls = wizard.definition.api_urls;
    const auto judge = [&](std::string_view answer) {
        urls = list_of(answer);
        return complaint_at(wizard.definition, "/api_url");
    };
    TRY(answer, wizard.answers.text({"api_url", "API host, which gets the credential (api.acme.com, https://acme.com/api, *.acme.com)", base::join(urls, " "), required, false}, judge));
    urls = list_of(answer);
    return {};
}

Result<void> ask_oauth_quirks(Wizard& wizard) {
    auto& oauth = *wizard.definition.oauth2;
    TRY(pkce, wizard.answers.choice({"pkce", "PKCE", oauth.pkce ? "yes" : "no", false, false}, {"yes", "no"}));
    oauth.pkce = pkce == "yes";
    TRY(method, wizard.answers.choice({"client_authentication", "Client authentication", "automatic", false, false}, {"automatic", "client_secret_post", "client_secret_basic", "none"}));
    if (method != "automatic") oauth.token_auth_method = provider::token_auth_method_from(method);
    TRY(body, wizard.answers.choice({"token_content_type", "Form of token requests", "form", false, false}, {"form", "json"}));
    oauth.token_content_type = body == "json" ? provider::BodyFormat::json : provider::BodyFormat::form;
    TRY(separator, wizard.answers.choice({"scope_separator", "Between scopes", "space", false, false}, {"space", "comma"}));
    oauth.scope_separator = separator == "comma" ? "," : " ";
    return {};
}

// The five values.
Result<void> ask_oauth(Wizard& wizard) {
    TRY_VOID(offer_discovery(wizard));
    auto& oauth = *wizard.definition.oauth2;
    TRY_VOID(ask_into(wizard, {"token_url", "Token URL", oauth.token_url, true, false}, "/oauth/token_url", oauth.token_url));
    const bool registers = !oauth.registration_endpoint.empty();
    if (registers) wizard.context.out().talk("  It registers clients by itself: leave the client id empty to let it.");
    else wizard.context.out().talk("  Register an app there with the redirect URL " + std::string(connection::kRedirectUri));
    const auto visible = [](std::string_view answer) { return answer.empty() || oauth::is_vschar(answer, 4096) ? std::string() : "only plain ASCII characters can be part of it"; };
    TRY(id, wizard.answers.text({"client_id", registers ? "Client ID" : "Client ID, if you have it already", "", false, false}, visible));
    wizard.client_id = id;
    TRY_VOID(ask_scopes(wizard));
    if (!id.empty()) {
        TRY(secret, wizard.answers.secret({"client_secret", "Client secret, if the service requires one", "", false, true}, visible));
        wizard.client_secret = std::move(secret);
        wizard.definition.flow = provider::Flow::pkce;
    }
    oauth.client_secret_required = !wizard.client_secret.empty();
    return {};
}

Result<void> ask_key(Wizard& wizard) {
    wizard.definition.flow = provider::Flow::api_key;
    wizard.definition.api_key.emplace();
    auto& key = *wizard.definition.api_key;
    TRY_VOID(ask_api(wizard, true));
    TRY_VOID(ask_into(wizard, {"header_name", "Header that carries the key", "Authorization", true, false}, "/api_key/header_name", key.header_name));
    const bool usual = base::equal_ignoring_case(key.header_name, "Authorization");
    TRY(prefix, wizard.answers.text({"header_prefix", "Word before the key ('none' for the key alone)", usual ? "Bearer" : "none", false, false}));
    key.header_prefix = prefix == "none" ? "" : prefix;
    return {};
}

// An authorization URL is what an OAuth service has and no other.
Result<void> ask_service(Wizard& wizard) {
    auto& definition = wizard.definition;
    definition.auth_type = provider::AuthType::oauth2;
    definition.flow = provider::Flow::pkce;
    definition.oauth2.emplace();
    TRY_VOID(ask_into(wizard, {"authorization_url", "Authorization URL (none: it takes an API key or a password)", "", false, false}, "/oauth/authorization_url", definition.oauth2->authorization_url));
    if (!definition.oauth2->authorization_url.empty()) return ask_oauth(wizard);
    if (wizard.answers.scripted() && !wizard.answers.has("kind")) {
        return base::fail(ErrorCode::invalid_input, "standard input: \"authorization_url\": an answer is needed", "a service without one says its \"kind\": api_key or basic");
    }
    definition.oauth2.reset();
    TRY(kind, wizard.answers.choice({"kind", "What does it take?", "api_key", false, false}, {"api_key", "basic"}));
    definition.auth_type = *provider::auth_type_from(kind);
    if (kind == "api_key") return ask_key(wizard);
    definition.flow = provider::Flow::basic;
    return ask_api(wizard, true);
}

std::string proposed_name(const Wizard& wizard, const Judge& judge) {
    const auto& definition = wizard.definition;
    std::string place = definition.oauth2 ? definition.oauth2->authorization_url : definition.api_urls.empty() ? std::string() : definition.api_urls.front();
    while (place.starts_with('*')) place.erase(0, place.find_first_not_of("*."));
    const auto url = service_url(place);
    if (!url) return {};
    auto name = connection::suggested_name(*url);
    return judge(name).empty() ? name : std::string();  // one that is taken is nothing to propose
}

Result<void> ask_name(Wizard& wizard) {
    const auto judge = [&wizard](std::string_view name) {
        if (!base::valid_name(name)) return std::string("use lower-case letters, digits, '.', '_' and '-'");
        const auto free = refuse_to_replace(wizard.context, wizard.invocation, std::string(name));
        return free ? std::string() : free.error().message + "; " + free.error().hint;
    };
    TRY(name, wizard.answers.text({"name", "Name of the provider", proposed_name(wizard, judge), true, false}, judge));
    wizard.definition.name = name;
    return {};
}

void derive_title(ProviderDefinition& definition) {
    auto title = definition.name;
    if (title.front() >= 'a' && title.front() <= 'z') title.front() = static_cast<char>(title.front() - 'a' + 'A');
    definition.display_name = title;
}

void derive_variable(ProviderDefinition& definition) {
    const auto type = definition.auth_type;
    const std::string source = type == provider::AuthType::oauth2 ? "access_token" : type == provider::AuthType::basic ? "password" : "api_key";
    auto variable = base::to_upper(definition.name) + "_" + base::to_upper(source);
    std::replace_if(variable.begin(), variable.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    if (variable.front() >= '0' && variable.front() <= '9') variable.insert(0, "_");
    definition.exports = {{variable, source}};
}

Result<void> ask_what_differs(Wizard& wizard) {
    auto& definition = wizard.definition;
    derive_title(definition);
    derive_variable(definition);
    static const std::vector<std::string> kOfAll{"display_name", "env"}, kOfOAuth{"pkce", "client_authentication", "token_content_type", "scope_separator"};
    const auto given = [&wizard](const std::string& key) { return wizard.answers.has(key); };
    const bool told = std::any_of(kOfAll.begin(), kOfAll.end(), given) || (definition.oauth2 && std::any_of(kOfOAuth.begin(), kOfOAuth.end(), given));
    const std::string usual = fmt::format("It is shown as {}, programs get {}{}. Does something differ?", definition.display_name, definition.exports.front().env_name,
                                          definition.oauth2 ? "; PKCE, the usual client authentication, spaces between scopes" : "");
    TRY(differs, wizard.answers.choice({"differs", usual, told ? "yes" : "no", false, false}, {"no", "yes"}));
    if (differs == "no") return {};
    TRY_VOID(ask_into(wizard, {"display_name", "Name to show", definition.display_name, true, false}, "/display_name", definition.display_name));
    TRY_VOID(ask_into(wizard, {"env", "Environment variable for programs", definition.exports.front().env_name, true, false}, "/export", definition.exports.front().env_name));
    return definition.oauth2 ? ask_oauth_quirks(wizard) : Result<void>();
}

Result<void> ask_all(Wizard& wizard, const std::string& given_name) {
    auto& definition = wizard.definition;
    definition.display_name = "x";  // so that nothing is said against it before it is known
    definition.name = given_name;
    TRY_VOID(ask_service(wizard));
    if (given_name.empty()) TRY_VOID(ask_name(wizard));
    if (definition.oauth2) TRY_VOID(ask_api(wizard, false));
    return ask_what_differs(wizard);
}

// As login keeps it: bound to the origin of the token endpoint.
Result<void> keep_client(Wizard& wizard) {
    if (wizard.client_id.empty()) return {};
    TRY(url, provider::expand_url(wizard.definition.oauth2->token_url, {}));
    connection::ClientRecord client;
    client.provider = wizard.definition.name;
    client.origin = url.origin();
    client.client_id = wizard.client_id;
    client.client_secret = wizard.client_secret.duplicate();
    client.redirect_uri = connection::kRedirectUri;
    TRY(connections, wizard.context.connections());
    return connections->save_client(client);
}

// The custom definition of that name, byte for byte, so that it can be put back also when it does not read; nullopt: none.
Result<std::optional<std::string>> custom_text(const std::filesystem::path& file) {
    constexpr std::size_t kLargest = 10 << 20;
    auto text = sys::read_file(file, kLargest);
    if (text) return std::optional(std::move(*text));
    if (text.error().code == ErrorCode::not_found) return std::optional<std::string>();
    return base::fail(std::move(text).error());
}

// A definition without its client would be half of what was asked for: the registration is undone, and what became of it said.
base::Error without_client(Context& context, const std::string& name, const std::filesystem::path& file, const std::optional<std::string>& before,
                           const base::Error& why) {
    const auto undone = before ? sys::write_file_atomically(file, *before) : context.registry().remove(name);
    if (!undone) return why.within("the client could not be stored, and the new definition stays registered without it");
    if (const auto connections = context.connections_if_any(); connections && *connections != nullptr)
        static_cast<void>((*connections)->audit({"definition.not_registered", name, "{}"}));
    return why.within(before ? "the client could not be stored, so the definition is the one from before" : "the client could not be stored, so nothing was registered");
}

}  // namespace

Outcome provider_new(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("provider new"));
    std::string name;
    if (!invocation.arguments.empty()) {
        TRY(typed, checked_name("provider", invocation.argument(0)));
        name = typed;
        TRY_VOID(refuse_to_replace(context, invocation, name));
    }
    TRY(answers, Answers::from(context, invocation));
    Wizard wizard{context, invocation, answers, {}, {}, {}};
    TRY_VOID(ask_all(wizard, name));
    TRY_VOID(answers.all_used());
    const auto text = json::to_pretty_text(provider::to_native_json(wizard.definition));
    auto read = provider::read_definition(text);
    if (!read.ok()) return base::fail(ErrorCode::invalid_input, "the answers do not fit together: " + base::printable(provider::format_findings(read.findings, ""), 1000));
    for (const auto& line : base::split(base::trim(text), '\n')) context.out().talk(line);
    const auto file = context.home() / "providers" / (wizard.definition.name + ".json");
    TRY(before, custom_text(file));
    TRY(suspended, register_definition(context, invocation, read.definitions.front()));
    if (auto kept = keep_client(wizard); !kept) return base::fail(without_client(context, wizard.definition.name, file, before, kept.error()));
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "registered"}, {"provider", wizard.definition.name}, {"client_stored", !wizard.client_id.empty()},
                                            {"suspended", json::Array(suspended.begin(), suspended.end())}});
    } else {
        context.out().data("Provider " + wizard.definition.name + " registered.\n");
        context.out().talk("next: claviger login " + wizard.definition.name);
    }
    return 0;
}

}  // namespace claviger::cli
