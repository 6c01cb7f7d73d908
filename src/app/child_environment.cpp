#include "app/child_environment.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/url.hpp"
#include "sys/sandbox.hpp"

namespace claviger::app {
namespace {

using Variables = std::map<std::string, std::string>;

// Programs disagree on which of these they read, and on their case. The later ones belong to tools whose own settings
// would win over the usual ones.
constexpr std::string_view kProxyNames[] = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "grpc_proxy",
                                            "npm_config_proxy", "npm_config_https_proxy", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY",
                                            "PIP_PROXY", "CARGO_HTTP_PROXY"};
constexpr std::string_view kBypassNames[] = {"NO_PROXY", "no_proxy", "no_grpc_proxy", "npm_config_noproxy"};
// Read as a whole bundle that replaces the built-in one; the first is added to it.
constexpr std::string_view kTrustNames[] = {
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "DENO_CERT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "NPM_CONFIG_CAFILE", "YARN_HTTPS_CA_FILE_PATH", "PERL_LWP_SSL_CA_FILE", "HTTPLIB2_CA_CERTS",
    "WEBSOCKET_CLIENT_CA_BUNDLE", "BUNDLE_SSL_CA_CERT", "NIX_SSL_CERT_FILE", "HEX_CACERTS_PATH", "JULIA_SSL_CA_ROOTS_PATH",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE"};
// How secrets are called in environments, in whatever case; what is called so does not reach the child (CL-04).
constexpr std::string_view kSecretEndings[] = {
    "_TOKEN", "_TOKENS", "_JWT", "_SAS", "_AUTHTOKEN", "_SECRET", "_SECRETS", "_SECRET_ID", "_KEY", "_KEYS", "_APIKEY", "_PAT", "_PASSWORD", "_PASSWD", "_PASS", "_PWD", "_PW", "_PASSPHRASE",
    "_CREDENTIAL", "_CREDENTIALS", "_CREDS", "_AUTH", "_COOKIE", "_DSN", "_CONNECTION_STRING", "_WEBHOOK", "_WEBHOOK_URL", "_MNEMONIC"};
// And those that end in nothing of it: PostgreSQL, sshpass, AWS, Docker, Rails.
constexpr std::string_view kSecretNames[] = {"PGPASSWORD", "SSHPASS", "AWS_ACCESS_KEY_ID", "DOCKER_AUTH_CONFIG", "SECRET_KEY_BASE", "LDAPPASSWORD", "IPMIPASSWORD"};

bool is_directory(std::string_view value) {
    std::error_code error;
    return value.starts_with('/') && std::filesystem::is_directory(std::filesystem::path(value), error);
}

// Of a name that others use for switches, limits, directories and what is public.
bool is_harmless(std::string_view name, std::string_view value) {
    if (name.ends_with("_PUBLIC_KEY") || name.ends_with("_PUBLIC_KEYS") || name == "GIT_CONFIG_KEY") return true;  // the last: a setting's name
    for (const std::string_view word : {"", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "auto"})
        if (base::equal_ignoring_case(value, word)) return true;
    const bool number = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    return (name.ends_with("_TOKENS") && number) || (name.ends_with("_PWD") && name != "MYSQL_PWD" && is_directory(value));
}

// GITHUB_TOKEN_2 is called as GITHUB_TOKEN is.
std::string_view without_number(std::string_view name) {
    const auto last = name.find_last_not_of("0123456789");
    if (last == std::string_view::npos || last + 1 == name.size()) return name;
    name = name.substr(0, last + 1);
    return name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

bool named_like_a_secret(const std::string& variable, std::string_view value) {
    const std::string upper = base::to_upper(variable);
    const std::string_view name = without_number(upper);
    if (is_harmless(name, value)) return false;
    for (const auto ending : kSecretEndings) {
        if (name.ends_with(ending) || (name == ending.substr(1) && name != "PWD")) return true;
    }
    return std::find(std::begin(kSecretNames), std::end(kSecretNames), name) != std::end(kSecretNames);
}

std::string value_of(const Variables& variables, std::string_view name) {
    const auto found = variables.find(std::string(name));
    return found == variables.end() ? std::string() : found->second;
}

bool is_kept(const ChildEnvironmentInput& input, const std::string& name) {
    return std::find(input.keep.begin(), input.keep.end(), name) != input.keep.end();
}

void take_secrets_out(const ChildEnvironmentInput& input, ChildEnvironment& child) {
    std::erase_if(child.variables, [&](const auto& variable) {
        // Ours too: a child must not inherit paths of the broker.
        if (variable.first.starts_with("CLAVIGER_")) return true;
        const bool kept = is_kept(input, variable.first);
        if (!kept && input.sandboxed && sys::names_a_control_point(variable.first)) return true;
        if (kept || (!named_like_a_secret(variable.first, variable.second) && !input.exported.contains(variable.first))) return false;
        child.hidden.push_back(variable.first);
        return true;
    });
}

// Of whatever tool and in whatever case: "Https_Proxy", "FTP_PROXY", "npm_config_https_proxy", but no list of exceptions.
bool names_a_proxy(std::string_view name) {
    const std::string lower = base::to_lower(name);
    return (lower.ends_with("_proxy") || lower == "proxy") && !lower.ends_with("no_proxy") && !lower.starts_with("no_");
}

// What the machine's own proxy is told: user and password together, and the password, as they stand and decoded.
std::vector<std::string> proxy_credentials(const Variables& parent) {
    std::vector<std::string> found;
    for (const auto& [name, value] : parent) {
        if (!names_a_proxy(name)) continue;
        const auto url = net::Url::parse(value.find("://") == std::string::npos ? "http://" + value : value);
        if (!url || !url->has_userinfo()) continue;
        found.push_back(url->username() + ":" + url->password() + "@");
        if (url->password().size() < 4) continue;  // would take too much else with it
        found.push_back(url->password());
        if (auto decoded = base::percent_decode(url->password())) found.push_back(std::move(*decoded));
    }
    return found;
}

void remove_all(std::string& text, std::string_view part) {
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at)) text.erase(at, part.size());
}

// The broker speaks to the machine's proxy; its credential is none of the child's business, wherever else it stands: in
// settings of git and of Java, in another tool's own variable (CL-04).
void take_machine_proxy_out(const ChildEnvironmentInput& input, ChildEnvironment& child) {
    const auto credentials = proxy_credentials(input.parent);
    std::erase_if(child.variables, [&](const auto& variable) { return names_a_proxy(variable.first) && !is_kept(input, variable.first); });
    for (auto& [name, value] : child.variables) {
        if (is_kept(input, name)) continue;
        const std::string before = value;
        for (const auto& credential : credentials) remove_all(value, credential);
        if (value != before) child.hidden.push_back(name);
    }
}

// "acme-crm" -> "ACME_CRM"
std::string upper_name(std::string_view provider) {
    std::string name = base::to_upper(std::string(provider));
    std::replace_if(name.begin(), name.end(), [](char c) { return (c < 'A' || c > 'Z') && (c < '0' || c > '9'); }, '_');
    return name;
}

// Git's own http.proxy would win over the variables.
void add_git_setting(Variables& variables, const std::string& key, const std::string& value) {
    const std::string before = value_of(variables, "GIT_CONFIG_COUNT");
    unsigned count = 0;
    std::from_chars(before.data(), before.data() + before.size(), count);
    variables[fmt::format("GIT_CONFIG_KEY_{}", count)] = key;
    variables[fmt::format("GIT_CONFIG_VALUE_{}", count)] = value;
    variables["GIT_CONFIG_COUNT"] = std::to_string(count + 1);
}

// Java takes no credential for its proxy from outside a program: the proxy knows the session's programs by their
// connections. The last -D of a name wins.
void add_java(const ChildEnvironmentInput& input, const Bypass& bypass, Variables& variables) {
    const auto& store = input.trust->java_store;
    if (store.empty()) return;
    std::string options = value_of(variables, "JAVA_TOOL_OPTIONS");
    if (!options.empty()) options += ' ';
    for (const char* scheme : {"http", "https"}) options += fmt::format("-D{0}.proxyHost=127.0.0.1 -D{0}.proxyPort={1} ", scheme, input.proxy_port);
    options += fmt::format("-Dhttp.nonProxyHosts={} -Djavax.net.ssl.trustStore=\"{}\" -Djavax.net.ssl.trustStoreType=PKCS12 "
                           "-Djavax.net.ssl.trustStorePassword=changeit", bypass.java, store.string());
    variables["JAVA_TOOL_OPTIONS"] = options;
}

void add_trust(const ChildEnvironmentInput& input, Variables& variables) {
    for (const auto name : kTrustNames) variables[std::string(name)] = input.trust->bundle.string();
    variables["NODE_EXTRA_CA_CERTS"] = input.trust->additional.string();
    variables["SYSTEM_WGETRC"] = input.trust->wgetrc.string();
    // An empty directory in this list stands for PHP's own.
    variables["PHP_INI_SCAN_DIR"] = value_of(variables, "PHP_INI_SCAN_DIR") + ":" + input.trust->php_directory.string();
}

}  // namespace

std::span<const std::string_view> trust_variables() { return kTrustNames; }

ChildEnvironment make_child_environment(const ChildEnvironmentInput& input) {
    ChildEnvironment child;
    child.variables = input.parent;
    auto& variables = child.variables;
    take_secrets_out(input, child);
    take_machine_proxy_out(input, child);

    const std::string proxy(input.proxy_url.reveal());
    for (const auto name : kProxyNames) variables[std::string(name)] = proxy;
    auto bypass = make_bypass(value_of(input.parent, "NO_PROXY") + "," + value_of(input.parent, "no_proxy"), input.routed);
    for (const auto name : kBypassNames) variables[std::string(name)] = bypass.value;
    child.dropped_bypass = std::move(bypass.dropped);
    variables["NODE_USE_ENV_PROXY"] = "1";
    variables["PERL_LWP_ENV_PROXY"] = "1";
    add_git_setting(variables, "http.proxy", proxy);

    if (input.trust) {
        add_trust(input, variables);
        add_java(input, bypass, variables);
    }
    for (const auto& [name, placeholder] : input.placeholders) {
        const auto found = input.parent.find(name);
        if (found != input.parent.end() && is_kept(input, name)) continue;
        const bool said = std::find(child.hidden.begin(), child.hidden.end(), name) != child.hidden.end();
        if (found != input.parent.end() && found->second != placeholder && !said) child.hidden.push_back(name);
        variables[name] = placeholder;
    }
    for (const auto& provider : input.providers) {
        variables["CLAVIGER_URL_" + upper_name(provider)] = std::string(input.reverse_url.reveal()) + "/" + provider;
    }
    variables["CLAVIGER_RUN"] = "1";
    return child;
}

}  // namespace claviger::app
