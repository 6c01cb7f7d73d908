#include "app/child_environment.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace claviger::app {
namespace {

ChildEnvironmentInput input() {
    ChildEnvironmentInput in;
    in.parent = {{"PATH", "/bin"}, {"ACME_TOKEN", "mine"}, {"NO_PROXY", "*"}, {"CLAVIGER_HOME", "/h"}, {"https_proxy", "http://corp"}};
    in.proxy_url = base::Secret(std::string_view("http://claviger:x@127.0.0.1:1"));
    in.proxy_port = 1;
    in.trust = TrustFiles{"/run/bundle.pem", "/run/more.pem", "/run/wgetrc", "/run/php", ""};
    in.routed.names = {"api.acme.com"};
    in.placeholders = {{"ACME_TOKEN", "placeholder"}, {"OTHER_KEY", "sk-claviger"}};
    return in;
}

TEST(ChildEnvironment, every_spelling_of_the_proxy_variables_is_set) {
    const auto child = make_child_environment(input());
    for (const auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}) {
        EXPECT_EQ(child.variables.at(name), "http://claviger:x@127.0.0.1:1") << name;
    }
}

TEST(ChildEnvironment, CL04_the_machines_own_proxy_and_its_credential_stay_out) {
    auto in = input();
    const std::string machines = "http://corp-user:c%40rp-pass@proxy.corp:3128";
    in.parent["HTTPS_PROXY"] = machines;
    for (const auto* name : {"Https_Proxy", "FTP_PROXY", "RSYNC_PROXY", "MAVEN_PROXY"}) in.parent[name] = machines;
    in.parent["GIT_CONFIG_COUNT"] = "1";
    in.parent["GIT_CONFIG_KEY_0"] = "http.proxy";
    in.parent["GIT_CONFIG_VALUE_0"] = machines;
    in.parent["JAVA_TOOL_OPTIONS"] = "-Dhttp.proxyPassword=c@rp-pass -Xmx1g";
    const auto child = make_child_environment(in);
    for (const auto& [name, value] : child.variables) {
        EXPECT_EQ(value.find("rp-pass"), std::string::npos) << name;
        EXPECT_EQ(value.find("corp-user:"), std::string::npos) << name;
    }
    EXPECT_EQ(child.variables.count("FTP_PROXY") + child.variables.count("Https_Proxy"), 0U);
    EXPECT_EQ(child.variables.at("GIT_CONFIG_KEY_1"), "http.proxy");
    EXPECT_NE(child.variables.at("JAVA_TOOL_OPTIONS").find("-Xmx1g"), std::string::npos);
    EXPECT_EQ(std::count(child.hidden.begin(), child.hidden.end(), "GIT_CONFIG_VALUE_0"), 1);
}

TEST(ChildEnvironment, a_list_of_exceptions_is_no_proxy) {
    auto in = input();
    in.parent["NO_PROXY"] = "a.example";
    const auto child = make_child_environment(in);
    EXPECT_NE(child.variables.at("NO_PROXY").find("a.example"), std::string::npos);
    EXPECT_TRUE(child.variables.contains("no_grpc_proxy"));
}

TEST(ChildEnvironment, CL04_credentials_become_placeholders_and_are_reported) {
    const auto child = make_child_environment(input());
    EXPECT_EQ(child.variables.at("ACME_TOKEN"), "placeholder");
    EXPECT_EQ(child.variables.at("OTHER_KEY"), "sk-claviger");
    EXPECT_EQ(child.hidden, std::vector<std::string>{"ACME_TOKEN"});
    auto kept = input();
    kept.keep = {"ACME_TOKEN", "OTHER_KEY"};
    EXPECT_EQ(make_child_environment(kept).variables.at("ACME_TOKEN"), "mine");
    EXPECT_EQ(make_child_environment(kept).variables.at("OTHER_KEY"), "sk-claviger") << "there is none of the user's";
}

TEST(ChildEnvironment, CL04_variables_that_lead_to_what_the_sandbox_hides_go_with_it) {
    auto in = input();
    for (const auto* name : {"DBUS_SESSION_BUS_ADDRESS", "TMUX", "DOCKER_HOST"}) in.parent[name] = "unix:path=/x";
    in.parent["SSH_AUTH_SOCK"] = "/agent";
    in.keep = {"DOCKER_HOST"};
    EXPECT_TRUE(make_child_environment(in).variables.contains("TMUX")) << "nothing is hidden without a sandbox";
    in.sandboxed = true;
    const auto variables = make_child_environment(in).variables;
    EXPECT_FALSE(variables.contains("DBUS_SESSION_BUS_ADDRESS"));
    EXPECT_FALSE(variables.contains("TMUX"));
    EXPECT_TRUE(variables.contains("DOCKER_HOST"));
    EXPECT_TRUE(variables.contains("SSH_AUTH_SOCK"));
}

TEST(ChildEnvironment, CL04_what_any_definition_exports_to_stays_out) {
    auto in = input();
    for (const auto* name : {"WOOCOMMERCE_CONSUMER", "ACME_ID", "OTHER_ID"}) in.parent[name] = "mine";
    in.exported = {"WOOCOMMERCE_CONSUMER", "ACME_ID", "ACME_TOKEN"};
    in.keep = {"ACME_ID"};
    const auto child = make_child_environment(in);
    EXPECT_FALSE(child.variables.contains("WOOCOMMERCE_CONSUMER"));
    EXPECT_EQ(child.hidden, (std::vector<std::string>{"ACME_TOKEN", "WOOCOMMERCE_CONSUMER"})) << "and it is said, once";
    EXPECT_EQ(child.variables.at("ACME_ID"), "mine") << "kept";
    EXPECT_EQ(child.variables.at("OTHER_ID"), "mine");
    EXPECT_EQ(child.variables.at("ACME_TOKEN"), "placeholder");
}

TEST(ChildEnvironment, CL04_names_of_secrets_in_the_wild) {
    auto in = input();
    const char* const secrets[] = {"PGPASSWORD", "MYSQL_PWD", "SSHPASS", "RSYNC_PASSWORD", "GITHUB_PAT", "AZURE_DEVOPS_EXT_PAT", "KAGGLE_KEY", "SMTP_PASS",
                                   "REDISCLI_AUTH", "npm_config__auth", "NPM_CONFIG__AUTHTOKEN", "SENTRY_DSN", "AZURE_STORAGE_CONNECTION_STRING", "SLACK_WEBHOOK_URL",
                                   "DOCKER_AUTH_CONFIG", "SECRET_KEY_BASE", "RAILS_MASTER_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "TF_VAR_db_password",
                                   "VAULT_TOKEN", "VAULT_SECRET_ID", "GITHUB_TOKEN_1", "GEMINI_API_KEY2", "OPENAI_API_KEYS", "SUPABASE_JWT", "BORG_PASSPHRASE", "GOOGLE_APPLICATION_CREDENTIALS", "TOKEN", "API_KEY"};
    const char* const harmless[] = {"PWD", "OLDPWD", "PATH", "GIT_ASKPASS", "SSH_ASKPASS", "XAUTHORITY", "SSH_AUTH_SOCK", "TOKENIZER", "LESSKEY", "KEYBOARD", "COMPASS", "XDG_SESSION_ID"};
    const std::pair<const char*, const char*> settings[] = {
        {"CLAUDE_CODE_MAX_OUTPUT_TOKENS", "64000"}, {"MAX_THINKING_TOKENS", "0"}, {"npm_config_always_auth", "true"}, {"DISABLE_AUTH", "1"}, {"PROJECT_PWD", "/usr/bin"},
        {"SIGNING_PUBLIC_KEY", "MCowBQYDK2VwAyEA"}, {"CACHE_KEY", ""}};
    for (const auto* name : secrets) in.parent[name] = "x";
    in.parent["MYSQL_PWD"] = "/usr";
    in.parent["DB_PWD"] = "/9aKf3";
    for (const auto& [name, value] : settings) in.parent[name] = value;
    for (const auto* name : harmless) in.parent[name] = "x";
    const auto variables = make_child_environment(in).variables;
    for (const auto* name : secrets) EXPECT_FALSE(variables.contains(name)) << name;
    EXPECT_FALSE(variables.contains("DB_PWD"));
    for (const auto* name : harmless) EXPECT_TRUE(variables.contains(name)) << name;
    for (const auto& [name, value] : settings) EXPECT_TRUE(variables.contains(name)) << name;
}

TEST(ChildEnvironment, CL04_what_is_named_like_a_secret_stays_out_unless_kept) {
    auto in = input();
    in.parent["DATABASE_PASSWORD"] = "p";
    in.parent["GITHUB_TOKEN"] = "t";
    in.parent["TOKENIZER"] = "fast";
    in.keep = {"DATABASE_PASSWORD"};
    const auto child = make_child_environment(in);
    EXPECT_FALSE(child.variables.contains("GITHUB_TOKEN"));
    EXPECT_TRUE(child.variables.contains("DATABASE_PASSWORD"));
    EXPECT_TRUE(child.variables.contains("TOKENIZER"));
    EXPECT_EQ(child.hidden, (std::vector<std::string>{"ACME_TOKEN", "GITHUB_TOKEN"}));
}

TEST(ChildEnvironment, CL04_the_brokers_own_variables_stay_out) {
    EXPECT_FALSE(make_child_environment(input()).variables.contains("CLAVIGER_HOME"));
}

TEST(ChildEnvironment, a_users_bypass_cannot_switch_injection_off) {
    auto in = input();
    in.parent["no_proxy"] = "intern.example";
    const auto child = make_child_environment(in);
    for (const auto* name : {"NO_PROXY", "no_proxy", "no_grpc_proxy", "npm_config_noproxy"}) {
        EXPECT_EQ(child.variables.at(name), "localhost,127.0.0.1,::1,intern.example") << name;
    }
    EXPECT_EQ(child.dropped_bypass, std::vector<std::string>{"*"});
    in.parent.erase("no_proxy");
    in.routed.loopback = true;
    EXPECT_EQ(make_child_environment(in).variables.at("no_proxy"), "");
}

TEST(ChildEnvironment, trust_is_only_changed_when_something_is_intercepted) {
    const auto child = make_child_environment(input());
    for (const auto* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "DENO_CERT", "AWS_CA_BUNDLE"}) EXPECT_EQ(child.variables.at(name), "/run/bundle.pem") << name;
    EXPECT_EQ(child.variables.at("NODE_EXTRA_CA_CERTS"), "/run/more.pem");
    EXPECT_EQ(child.variables.at("SYSTEM_WGETRC"), "/run/wgetrc");
    EXPECT_EQ(child.variables.at("PHP_INI_SCAN_DIR"), ":/run/php");
    EXPECT_FALSE(child.variables.contains("JAVA_TOOL_OPTIONS")) << "there is no Java";
    auto plain = input();
    plain.trust.reset();
    for (const auto* name : {"SSL_CERT_FILE", "SYSTEM_WGETRC", "PHP_INI_SCAN_DIR"}) EXPECT_FALSE(make_child_environment(plain).variables.contains(name)) << name;
}

TEST(ChildEnvironment, java_gets_options_after_the_users_own_and_no_credential) {
    auto in = input();
    in.trust->java_store = "/run/store.p12";
    in.parent["JAVA_TOOL_OPTIONS"] = "-Xmx1g";
    EXPECT_EQ(make_child_environment(in).variables.at("JAVA_TOOL_OPTIONS"),
              "-Xmx1g -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=1 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1 "
              "-Dhttp.nonProxyHosts=localhost|*.localhost|127.0.0.1|[::1] -Djavax.net.ssl.trustStore=\"/run/store.p12\" "
              "-Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit");
}

TEST(ChildEnvironment, each_provider_has_a_base_url_and_inherited_ones_go) {
    auto in = input();
    in.parent["CLAVIGER_URL_OLD"] = "http://127.0.0.1:9/x/old";
    in.reverse_url = base::Secret(std::string_view("http://127.0.0.1:1/token"));
    in.providers = {"acme-crm.eu"};
    const auto child = make_child_environment(in);
    EXPECT_EQ(child.variables.at("CLAVIGER_URL_ACME_CRM_EU"), "http://127.0.0.1:1/token/acme-crm.eu");
    EXPECT_FALSE(child.variables.contains("CLAVIGER_URL_OLD"));
}

TEST(ChildEnvironment, settings_of_git_come_after_the_users_own) {
    auto in = input();
    in.parent["GIT_CONFIG_COUNT"] = "1";
    in.parent["GIT_CONFIG_KEY_0"] = "user.name";
    const auto child = make_child_environment(in);
    EXPECT_EQ(child.variables.at("GIT_CONFIG_COUNT"), "2");
    EXPECT_EQ(child.variables.at("GIT_CONFIG_KEY_0"), "user.name");
    EXPECT_EQ(child.variables.at("GIT_CONFIG_KEY_1"), "http.proxy");
    EXPECT_EQ(child.variables.at("GIT_CONFIG_VALUE_1"), "http://claviger:x@127.0.0.1:1");
}

}  // namespace
}  // namespace claviger::app
