#include "app/child_environment.hpp"

#include <algorithm>

#include "sys/sandbox.hpp"

namespace claviger::app {
namespace {

// Programs disagree on which of these they read, and on their case.
constexpr std::string_view kProxyNames[] = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"};
// Read as a whole bundle that replaces the built-in one.
constexpr std::string_view kBundleNames[] = {"SSL_CERT_FILE",      "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO",
                                             "PIP_CERT",           "AWS_CA_BUNDLE",  "CARGO_HTTP_CAINFO",  "DENO_CERT",
                                             "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "NPM_CONFIG_CAFILE"};
// How secrets are called in environments; what is called so does not reach the child (CL-04).
constexpr std::string_view kSecretEndings[] = {"_TOKEN", "_SECRET", "_SECRET_KEY", "_API_KEY", "_APIKEY", "_ACCESS_KEY",
                                               "_PRIVATE_KEY", "_PASSWORD", "_PASSWD", "_PASSPHRASE", "_CREDENTIALS"};

bool named_like_a_secret(std::string_view name) {
    for (const auto ending : kSecretEndings) {
        if (name.ends_with(ending) || name == ending.substr(1)) return true;
    }
    return false;
}

}  // namespace

ChildEnvironment make_child_environment(const ChildEnvironmentInput& input) {
    ChildEnvironment child;
    child.variables = input.parent;
    auto& variables = child.variables;
    std::erase_if(variables, [&](const auto& variable) {
        // Ours too: a child must not inherit paths of the broker.
        if (variable.first.starts_with("CLAVIGER_")) return true;
        const bool kept = std::find(input.keep.begin(), input.keep.end(), variable.first) != input.keep.end();
        if (!kept && input.sandboxed && sys::names_a_control_point(variable.first)) return true;
        if (kept || !named_like_a_secret(variable.first)) return false;
        child.hidden.push_back(variable.first);
        return true;
    });

    for (const auto name : kProxyNames) variables[std::string(name)] = std::string(input.proxy_url.reveal());
    // A bypass would send requests without their credential: only loopback may, and only if nothing is routed there.
    const std::string bypass = input.proxy_loopback ? "" : "localhost,127.0.0.1,::1";
    variables["NO_PROXY"] = bypass;
    variables["no_proxy"] = bypass;
    variables["NODE_USE_ENV_PROXY"] = "1";

    if (!input.ca_bundle.empty()) {
        for (const auto name : kBundleNames) variables[std::string(name)] = input.ca_bundle.string();
        variables["NODE_EXTRA_CA_CERTS"] = input.session_ca.string();
    }
    for (const auto& name : input.export_names) {
        const auto found = input.parent.find(name);
        const bool said = std::find(child.hidden.begin(), child.hidden.end(), name) != child.hidden.end();
        if (found != input.parent.end() && found->second != kPlaceholder && !said) child.hidden.push_back(name);
        variables[name] = std::string(kPlaceholder);
    }
    variables["CLAVIGER_RUN"] = "1";
    return child;
}

}  // namespace claviger::app
