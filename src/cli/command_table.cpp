#include "cli/command.hpp"
#include "cli/commands/handlers.hpp"

namespace claviger::cli {
namespace {

constexpr ArgumentSpec kProvider{"PROVIDER", "name of a provider, as 'claviger list' shows it", Words::provider, true};
constexpr OptionSpec kConnection{"--connection", "NAME", "which account; without it the provider's default", Words::connection};
constexpr OptionSpec kNoRefresh{"--no-refresh", "", "hand out the token as it is stored, without asking the provider for a new one"};
constexpr OptionSpec kUse{"--use", "PROVIDER[=NAME]", "use this connection instead of the provider's default", Words::provider, {}, true};
constexpr OptionSpec kOnly{"--only", "", "serve nothing but what --use names"};
constexpr OptionSpec kUnmatched{"--unmatched", "WHAT", "requests to other hosts: allow or deny; without it the setting run.unmatched", Words::choice,
                                "allow|deny"};
constexpr OptionSpec kReadOnly{"--read-only", "", "let through GET, HEAD and OPTIONS alone"};
constexpr OptionSpec kAllow{"--allow", "RULE", "of what it names let through nothing else: METHODS:HOST/PATH or a part of it", Words::text, {}, true};
constexpr OptionSpec kDeny{"--deny", "RULE", "refuse it: DELETE, POST:api.acme.com, /admin/**", Words::text, {}, true};
constexpr OptionSpec kAsk{"--ask", "RULE", "hold what it names until you approve it: claviger approve, in another terminal", Words::text, {}, true};
constexpr OptionSpec kRate{"--rate", "N/UNIT", "at most so many requests with a credential: 10/s, 60/m, 1000/h"};
constexpr OptionSpec kFor{"--for", "TIME", "requests get a credential for so long: 30m, 8h"};
constexpr OptionSpec kPassMethod{"--pass-method", "NAME", "pass on a request method that is not registered too; TRACE and CONNECT never pass", Words::text, {}, true};
constexpr OptionSpec kSessionFor{"--for", "TIME", "the program may use the proxy for so long: 30m, 8h"};
constexpr OptionSpec kNoProject{"--no-project", "", "pass over the .claviger.json of this directory or one above"};
constexpr ArgumentSpec kProject{"FILE", "without it the .claviger.json of this directory or one above", Words::file, false};
constexpr OptionSpec kYes{"--yes", "", "do not ask"};

// As `provider new` asks for them; which are asked depends on the kind.
std::vector<ArgumentSpec> wizard_answers() {
    constexpr auto needed = true, optional = false;
    return {{"authorization_url", "where the browser is sent; a service without one says its kind", Words::text, optional},
            {"token_url", "where the token comes from; may be left out where the service publishes it", Words::text, optional},
            {"client_id", "of the app that is registered there", Words::text, optional},
            {"scopes", "separated by spaces or commas", Words::text, optional},
            {"client_secret", "of the same app, if it has one", Words::text, optional},
            {"kind", "without an authorization_url: api_key or basic", Words::choice, optional, "api_key|basic"},
            {"header_name", "api_key: header that carries the key", Words::text, needed},
            {"header_prefix", "api_key: word before the key, or none", Words::text, optional},
            {"name", "name of the provider, where NAME is not given; without it a part of the host", Words::text, optional},
            {"api_url", "host or URL that gets the credential; with an authorization_url it may be left out", Words::text, needed},
            {"differs", "yes, if one of the rest is not as usual", Words::choice, optional, "no|yes"},
            {"display_name", "name to show", Words::text, optional},
            {"env", "environment variable for programs", Words::text, optional},
            {"pkce", "whether PKCE is used", Words::choice, optional, "yes|no"},
            {"client_authentication", "how the client says who it is", Words::choice, optional, "automatic|client_secret_post|client_secret_basic|none"},
            {"token_content_type", "form of token requests", Words::choice, optional, "form|json"},
            {"scope_separator", "what stands between scopes", Words::choice, optional, "space|comma"}};
}

}  // namespace

std::span<const OptionSpec> common_options() {
    static const std::vector<OptionSpec> options{
        {"--json", "", "print one JSON document instead of text"},
        {"--quiet", "", "leave out messages and progress"},
        {"--no-color", "", "no colour, as with NO_COLOR"},
        {"--passphrase-fd", "N", "read the vault's passphrase from this file descriptor"},
        {"--key-fd", "N", "read the vault's key from this file descriptor"},
    };
    return options;
}

std::span<const CommandSpec> commands() {
    static const std::vector<CommandSpec> table{
        {"login", "connect an account",
         "Runs the provider's flow and waits for it: opens the browser, or asks on the terminal where there is none. What is "
         "needed once (client id, secret, API key) is asked for and kept encrypted. Fails if the connection exists already. "
         "--input stdin takes the bare value when one field is asked for, else a JSON object of strings, for instance "
         "{\"account_sid\": \"AC...\", \"auth_token\": \"...\"}.",
         {kProvider},
         {{"--connection", "NAME", "what to call this account; without it 'default'", Words::connection},
          {"--flow", "FLOW", "another flow than the definition's", Words::choice,
           "pkce|dcr_pkce|device_code|client_credentials|oauth1|api_key|basic|custom"},
          {"--scopes", "A,B", "scopes to ask for instead of the definition's"},
          {"--base-url", "URL", "the deployment to log in to; kept on the connection"},
          {"--var", "NAME=VALUE", "value of a variable of the definition", Words::text, {}, true},
          {"--force", "", "log in again and replace the connection"},
          {"--new-client", "", "ask for another client id and secret than the stored ones, or register anew; replaces the connection as --force does"},
          {"--if-needed", "", "succeed at once when already connected"},
          {"--port", "N", "port on 127.0.0.1 that the redirect URI names, instead of 7998; 0: any free one, for services that take every port (RFC 8252)"},
          {"--qr", "WHEN", "show a device code as QR code too: auto (on a terminal), always or never", Words::choice, "auto|always|never"},
          {"--input", "WHERE", "where to ask: auto, browser, terminal or stdin", Words::choice, "auto|browser|terminal|stdin"}},
         {"claviger login github", "claviger login openai --input stdin < key.txt",
          "claviger login acme --input stdin < fields.json", "claviger login github --base-url https://github.acme.com"},
         login},
        {"explain", "why the last login failed",
         "Shows what the last failed login sent and what came back, secrets left out, and what to check, most likely first. It is "
         "kept until the next failure, or until the provider's next login succeeds.",
         {{"PROVIDER", "whose login; without it the last one that failed", Words::provider, false}}, {}, {"claviger explain acme"}, explain},
        {"run", "run a program whose requests get their credentials on the way",
         "Starts PROGRAM behind a proxy that puts the credential into each request to a connected provider. The program never "
         "has it, nor can it reach the vault or your other processes: it runs isolated, or not at all (exit code 15). The exit "
         "code is the program's. What --ask asks about waits for claviger approve: a yes for a time covers any path of the same method, "
         "host, connection and rule; one for a tunnel (a host that no connection serves) or a WebSocket covers all that goes through it.",
         {},
         {kUse, kOnly, kUnmatched, kReadOnly, kAllow, kAsk, kDeny, kRate, kSessionFor, kPassMethod, kNoProject,
          {"--keep-env", "NAME", "let a variable through that looks like a secret", Words::text, {}, true},
          {"--transparent", "", "for programs that ignore proxies: all their connections are led to the proxy, and there is no other way out; proxy variables are set all the same"},
          {"--sandbox", "HOW", "isolate the program by: auto, namespace or landlock", Words::choice, "auto|namespace|landlock"},
          {"--no-sandbox", "", "do not isolate it: it can read what you can, the vault's key file among it"}},
         {"claviger run -- curl https://api.github.com/user", "claviger run --use github=work --unmatched deny -- ./agent",
          "claviger run --transparent -- ./program-without-proxy-settings",
          "claviger run --read-only -- ./agent", "claviger run --allow GET:api.github.com/repos/** --deny DELETE -- ./agent",
          "claviger run --ask write -- ./agent"},
         run_program, true},
        {"approve", "answer what --ask rules ask",
         "A request that a rule asks about waits until you answer, two minutes by default (run.ask_seconds). On a terminal you are asked about each that "
         "waits; elsewhere they are listed. Once is for that request alone; for a time covers its like: any path of the same method, host, connection and rule, in that session. What a "
         "request's body says is not shown.",
         {{"ID", "approve this one, as the list names it", Words::text, false}},
         {{"--for", "TIME", "it, and its like for so long: 10m, 1h"},
          {"--refuse", "", "refuse it"},
          {"--like", "", "with --refuse: and its like, without asking, while the session lives"},
          {"--list", "", "ask nothing"},
          {"--watch", "", "ask about what comes too, until Ctrl-C"},
          {"--page", "", "answer in the browser"}},
         {"claviger approve", "claviger approve --watch", "claviger approve 3f9a-7 --for 10m"}, approve},
        {"route explain", "which connection would serve a URL, and why",
         "Says what `run` would do with a request, given the same options: which connection serves it, which lost and why, what the "
         "rules say of it. Sends nothing.",
         {{"URL", "https:// may be left out", Words::text, true}},
         {{"--method", "METHOD", "of the request, in its letter case; without it GET"}, kUse, kOnly, kUnmatched, kReadOnly, kAllow, kAsk, kDeny, kRate, kSessionFor, kPassMethod, kNoProject},
         {"claviger route explain https://api.github.com/user", "claviger route explain api.github.com/repos --method POST --read-only"}, route_explain},
        {"log", "what was asked with which credential, and what was changed",
         "Requests of run, refused ones and tunnels among them, and changes of credentials and definitions, merged in the order of time; "
         "also while sessions run. No query, no body, no header, and paths without what looks like a secret. --json prints a JSON object a "
         "line. --verify holds everything against the vault and says where something was changed or taken away (exit code 14).",
         {},
         {{"--provider", "NAME", "of this provider alone", Words::provider},
          {"--connection", "NAME", "of this connection alone", Words::connection},
          {"--session", "DIGITS", "of one run: its first digits"},
          {"--host", "HOST", "requests to this host, or to *.HOST"},
          {"--status", "STATUS", "requests answered so: 404 or 4xx"},
          {"--since", "WHEN", "15m, 1h, 2d ago; or a day or time in UTC: 2026-11-21, 2026-11-21T02:30:00Z"},
          {"--until", "WHEN", "the same"},
          {"--denied", "", "requests that were refused"},
          {"--changes", "", "no requests: the vault's journal in full"},
          {"--limit", "N", "the newest N lines, 0 for all; without it 100, and all with --json (not with --follow)"},
          {"--follow", "", "go on with what comes, until Ctrl-C"},
          {"--verify", "", "check everything instead"}},
         {"claviger log --since 1h --denied", "claviger log --provider github --follow --json", "claviger log --verify"}, show_log},
        {"project check", "what the project file says, and whether it is trusted", "Reports everything that is wrong with it.", {kProject}, {},
         {"claviger project check"}, project_check},
        {"project trust", "let a project file widen what sessions get",
         "A project file narrows by itself. What goes beyond that (another connection than the default, more methods, unmatched requests that your "
         "settings refuse) holds once you trust this very content of it; a change asks anew. Read the file first: who wrote the repository wrote it.",
         {kProject}, {kYes}, {"claviger project trust", "claviger project trust ./.claviger.json --yes"}, project_trust},
        {"project forget", "take back the trust in a project file", "", {kProject}, {}, {"claviger project forget"}, project_forget},
        {"project schema", "the JSON Schema of project files, for editors", "", {}, {}, {"claviger project schema > project.schema.json"}, project_schema},
        {"rule list", "the rules that are kept with connections", "Each line has the number by which 'rule remove' knows it.",
         {{"PROVIDER", "of its connections; without it all", Words::provider, false}}, {}, {"claviger rule list github"}, rule_list},
        {"rule add", "keep a rule with a connection, for every session",
         "Holds from the next request on, also in sessions that run. A session's own options and project files cannot lift it, nor does a "
         "new login. A rule is METHODS:HOST/PATH or a part of it: DELETE, /admin/**, GET,POST:api.acme.com/items/**; the methods may be read or write. "
         "deny rules go before ask rules, and these before allow rules, which are a list of all that may be done.",
         {kProvider}, {kConnection, kReadOnly, kAllow, kAsk, kDeny, kRate, kFor},
         {"claviger rule add github --read-only", "claviger rule add acme --connection work --deny DELETE --rate 60/m"}, rule_add},
        {"rule remove", "take a rule away from a connection", "",
         {kProvider, {"NUMBER", "as 'claviger rule list' shows it", Words::text, false}}, {kConnection, {"--all", "", "all of them"}},
         {"claviger rule remove github 2"}, rule_remove},
        {"list", "providers, their connections and what these are worth now", "", {},
         {{"--connected", "", "only providers with a connection"}, {"--source", "SOURCE", "bundled or custom", Words::choice, "bundled|custom"}},
         {"claviger list --connected"}, list_providers},
        {"get", "show a connection, secrets hidden",
         "Prints the connection as 'field: value' lines. --show-secret reveals secrets, after renewing a token that is about to end "
         "or has ended, and is recorded in the vault's audit log. Nothing else here talks to the network.",
         {kProvider},
         {kConnection, {"--field", "FIELD", "print one field's value alone"}, {"--show-secret", "", "reveal secrets"}, kNoRefresh},
         {"claviger get github --field status"}, get_connection},
        {"export", "print the credential under the definition's environment names",
         "For programs that cannot run behind the proxy. A token that is about to end or has ended is renewed first; when that "
         "fails, one that is still valid is printed with a warning. Never prints refresh tokens; recorded in the vault's audit log.",
         {kProvider},
         {kConnection,
          {"--format", "FORMAT", "env (the default, values bare), shell (export, quoted), dotenv (quoted) or json", Words::choice,
           "env|shell|dotenv|json"},
          kNoRefresh},
         {"eval \"$(claviger export github --format shell)\""}, export_connection},
        {"logout", "forget a connection on this machine", "The provider is not contacted. Of several connections one must be named.", {kProvider},
         {{"--connection", "NAME", "which account, where there are several", Words::connection}, {"--all", "", "every account of the provider"}},
         {"claviger logout github --connection work"}, logout},
        {"revoke", "end a connection at the provider, then forget it here",
         "Revokes the refresh token and the access token where the provider can do that (RFC 7009, or as the definition says), deletes "
         "a client that was registered for this connection alone, and forgets the connection on this machine in any case, so it "
         "cannot be tried again. An API key or a password no service takes back on request: delete it there. Exit "
         "code 0 only when the provider confirmed it or there was nothing to revoke; 8 it refused, 9 it was not reached or could not do it (5xx), 4 it "
         "cannot revoke. Of several connections one must be named.", {kProvider},
         {{"--connection", "NAME", "which account, where there are several", Words::connection}, {"--all", "", "every account of the provider"}},
         {"claviger revoke github --connection work"}, revoke_connection},
        {"set-default", "choose the connection that is used when none is named", "",
         {kProvider, {"CONNECTION", "its name", Words::connection, true}}, {}, {"claviger set-default github work"}, set_default},
        {"register", "add a provider definition",
         "Reads native JSON (comments allowed), an AFPS manifest or an .afps package, reports everything that is wrong with it, "
         "shows what it would do and copies it to the home's providers directory.",
         {{"FILE", "the definition; - is standard input", Words::file, true}},
         {kYes, {"--force", "", "overwrite a custom definition of the same name"}},
         {"claviger register ./acme.json", "claviger inspect github | claviger register - --force --yes"}, register_provider},
        {"inspect", "print a definition in full",
         "The output is a file that registers again, also in the forms of AFPS (manifest or .afps package) and the flat payload. What "
         "such a form has no word for is kept in its member x-claviger, which other readers ignore; what is lost is warned of. A "
         "definition that others would take for something wider, or that such a form cannot hold, is refused. --schema prints the "
         "JSON Schema of native definitions: name its file as \"$schema\" in a definition and an editor completes and checks it.",
         {{"PROVIDER", "name of a provider, as 'claviger list' shows it", Words::provider, false}},
         {{"--format", "FORM", "form of the output", Words::choice, "native|afps|afps-package|flat"},
          {"--output", "FILE", "write to this file", Words::file},
          {"--schema", "", "the JSON Schema of definitions instead"}},
         {"claviger inspect github > github.json", "claviger inspect github --format afps-package --output github.afps",
          "claviger inspect --schema > provider.schema.json"},
         inspect_provider},
        {"provider discover", "write a definition from what a service publishes",
         "Takes the URL of an API, an MCP server or an authorization server and reads its metadata (RFC 9728, RFC 8414, OpenID). The "
         "definition goes to standard output, as a file that registers; what was found and what is missing is said beside it. Exit code 3 when the "
         "service publishes nothing: then describe it with claviger provider new.",
         {{"URL", "for instance https://mcp.acme.com/mcp", Words::text, true}},
         {{"--name", "NAME", "what to call the provider; without it a part of the host"},
          {"--register", "", "register it at once"}, kYes,
          {"--force", "", "with --register: overwrite a custom definition of the same name"},
          {"--output", "FILE", "write the definition to this file", Words::file}},
         {"claviger provider discover https://mcp.acme.com/mcp --register", "claviger provider discover https://login.acme.com > acme.json"}, provider_discover},
        {"provider new", "describe a service, question by question",
         "Asks for what an OAuth service needs (authorization URL, token URL, client id, scopes, client secret) or, where there is no authorization URL, for an "
         "API key's or a password's place; then only for what cannot be derived from that or differs. Checks each "
         "answer at once, shows the definition, and after a yes registers it; client id and secret go into the vault, never into the file. Offers what the service publishes about itself. --input stdin takes the answers as a JSON object of strings, named as below; what is left out is as proposed.",
         {{"NAME", "what to call the provider", Words::text, false}},
         {kYes, {"--force", "", "overwrite a custom definition of the same name"}, {"--input", "WHERE", "where to ask: terminal or stdin", Words::choice, "terminal|stdin"}},
         {"claviger provider new acme", "claviger provider new acme --yes --input stdin < answers.json"}, provider_new, false, wizard_answers()},
        {"provider lint", "check a definition and advise on it",
         "Everything that register reports, and advice beyond: secrets in the file, hosts by regex, PKCE off, no revocation, probe or identity, old "
         "spellings. Exit code 14 when there is an error, or with --strict anything at all.",
         {{"FILE", "a definition's file, - for standard input, or a provider's name", Words::file, true}}, {{"--strict", "", "advice and warnings fail too"}},
         {"claviger provider lint ./acme.json", "claviger provider lint acme --json"}, provider_lint},
        {"provider probe", "one real request, to see whether a connection works",
         "Asks the URL that the definition names in \"probe\", else the one that says whose account it is, with the connection's "
         "credential, and says what came back. Exit code 7 when the provider refuses the credential, 9 when it cannot be asked.",
         {kProvider}, {kConnection}, {"claviger provider probe github --connection work"}, probe_provider},
        {"import authsome", "take over definitions and accounts of an authsome home",
         "Reads custom definitions, clients and connections and stores them in the vault; the source is never changed. Says first what it will do and "
         "what cannot be read. What exists already stays without --force. Exit code 14 when something was left out.",
         {{"DIR", "the home; without it $AUTHSOME_HOME or ~/.authsome", Words::directory, false}},
         {kYes, {"--dry-run", "", "only say what would be done"}, {"--force", "", "replace what has the same name"}},
         {"claviger import authsome --dry-run", "claviger import authsome ~/.authsome --yes"}, import_authsome},
        {"confirm", "accept a changed definition for its connections",
         "When the security fields of a definition change (endpoints, hosts, headers), its connections are suspended. This shows "
         "the difference and, once confirmed, lets them be used again.",
         {kProvider}, {{"--connection", "NAME", "this account alone; without it all", Words::connection}, kYes},
         {"claviger confirm github"}, confirm_provider},
        {"remove", "delete a provider's connections, its client and its custom definition", "A bundled definition stays.", {kProvider}, {kYes},
         {"claviger remove acme"}, remove_provider},
        {"vault status", "where the vault is, how it is locked, whether it is whole", "", {},
         {{"--full", "", "open every record too"}}, {"claviger vault status --full"}, vault_status},
        {"vault rotate", "new data key, every record sealed again",
         "Safe to interrupt: it goes on where it stopped. --to also moves the key that wraps it.", {},
         {{"--to", "SOURCE", "secret-service, file or passphrase", Words::choice, "secret-service|file|passphrase"},
          {"--new-passphrase-fd", "N", "read the new passphrase from this file descriptor"}},
         {"claviger vault rotate --to passphrase"}, vault_rotate},
        {"vault backup", "write an encrypted copy", "The file is in the age format; its passphrase is asked for.",
         {{"FILE", "where to", Words::file, true}}, {{"--backup-passphrase-fd", "N", "read the backup's passphrase from this file descriptor"}},
         {"claviger vault backup claviger.age"}, vault_backup},
        {"vault restore", "bring a backup back", "", {{"FILE", "the backup", Words::file, true}},
         {{"--check", "", "only decrypt and verify, write nothing"},
          {"--replace", "", "keep the present vault beside and put the backup in its place"},
          {"--backup-passphrase-fd", "N", "read the backup's passphrase from this file descriptor"}},
         {"claviger vault restore --check claviger.age"}, vault_restore},
        {"vault repair", "make a damaged vault whole again",
         "Keeps every record that still authenticates and lists what is lost; the damaged file stays beside. Changes nothing when "
         "the vault is whole. Exit code 14 when something was lost or may be an older state. Prefer a backup if you have one.",
         {}, {kYes}, {"claviger vault repair"}, vault_repair},
        {"doctor", "check the installation", "Exit code 14 when something is wrong.", {}, {}, {"claviger doctor"}, doctor},
        {"whoami", "home, vault, version and connected providers", "", {}, {}, {"claviger whoami"}, whoami},
        {"config list", "all settings with their values", "", {}, {}, {"claviger config list"}, config_list},
        {"config get", "one setting's value", "", {{"KEY", "name of the setting", Words::setting, true}}, {}, {"claviger config get run.unmatched"}, config_get},
        {"config set", "change a setting", "", {{"KEY", "name of the setting", Words::setting, true}, {"VALUE", "its new value", Words::text, true}}, {},
         {"claviger config set run.unmatched deny"}, config_set},
        {"config unset", "back to the default", "", {{"KEY", "name of the setting", Words::setting, true}}, {}, {"claviger config unset run.unmatched"},
         config_unset},
        {"completion", "print a completion script", "",
         {{"SHELL", "bash, zsh or fish; for the scripts themselves: providers, or connections PROVIDER", Words::choice, true, "bash|zsh|fish"},
          {"PROVIDER", "whose connections", Words::text, false}}, {},
         {"source <(claviger completion bash)"}, completion},
        {"man", "print the manual page in roff", "", {}, {}, {"claviger man > claviger.1"}, man},
        {"version", "print the version", "", {}, {}, {"claviger version"}, version},
    };
    return table;
}

}  // namespace claviger::cli
