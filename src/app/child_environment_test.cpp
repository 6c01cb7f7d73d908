#include "app/child_environment.hpp"

#include <gtest/gtest.h>

namespace claviger::app {
namespace {

ChildEnvironmentInput input() {
    ChildEnvironmentInput in;
    in.parent = {{"PATH", "/bin"}, {"ACME_TOKEN", "mine"}, {"NO_PROXY", "*"}, {"CLAVIGER_HOME", "/h"}, {"https_proxy", "http://corp"}};
    in.proxy_url = base::Secret(std::string_view("http://claviger:x@127.0.0.1:1"));
    in.ca_bundle = "/run/bundle.pem";
    in.session_ca = "/run/ca.pem";
    in.export_names = {"ACME_TOKEN", "OTHER_KEY"};
    return in;
}

TEST(ChildEnvironment, every_spelling_of_the_proxy_variables_is_set) {
    const auto child = make_child_environment(input());
    for (const auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}) {
        EXPECT_EQ(child.variables.at(name), "http://claviger:x@127.0.0.1:1") << name;
    }
}

TEST(ChildEnvironment, CL04_credentials_become_placeholders_and_are_reported) {
    const auto child = make_child_environment(input());
    EXPECT_EQ(child.variables.at("ACME_TOKEN"), kPlaceholder);
    EXPECT_EQ(child.variables.at("OTHER_KEY"), kPlaceholder);
    EXPECT_EQ(child.hidden, std::vector<std::string>{"ACME_TOKEN"});
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
    EXPECT_EQ(make_child_environment(input()).variables.at("NO_PROXY"), "localhost,127.0.0.1,::1");
    auto local = input();
    local.proxy_loopback = true;
    EXPECT_EQ(make_child_environment(local).variables.at("no_proxy"), "");
}

TEST(ChildEnvironment, trust_is_only_changed_when_something_is_intercepted) {
    EXPECT_EQ(make_child_environment(input()).variables.at("CURL_CA_BUNDLE"), "/run/bundle.pem");
    EXPECT_EQ(make_child_environment(input()).variables.at("NODE_EXTRA_CA_CERTS"), "/run/ca.pem");
    auto plain = input();
    plain.ca_bundle.clear();
    EXPECT_FALSE(make_child_environment(plain).variables.contains("SSL_CERT_FILE"));
}

}  // namespace
}  // namespace claviger::app
