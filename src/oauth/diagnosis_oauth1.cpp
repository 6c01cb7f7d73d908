// What to check when OAuth 1 fails: by the problems of its reporting extension, else by the answer.
#include <fmt/format.h>

#include "oauth/diagnosis_checks.hpp"

namespace claviger::oauth::diagnosis {
namespace {

Check consumer_key(const Login& login) {
    const auto shown = login.value("oauth_consumer_key");
    return {"consumer key", fmt::format("is {} the consumer key (API key) of the app, of this environment (test or live), without spaces? To enter another: claviger login {} --new-client",
                                        shown.empty() ? "the one entered" : shown, login.transcript.provider)};
}

std::string method_of(const Login& login) {
    auto method = login.value("oauth_signature_method");
    return method.empty() ? "an unknown method" : method;
}

Check secret(const Login& login) {
    if (method_of(login) == "RSA-SHA1") return {"private key", "does the service have the public half of this very key?"};
    return {"consumer secret", "is it the one that belongs to this consumer key, whole and without spaces? It signs and is never sent (but with PLAINTEXT)"};
}

Check method(const Login& login) {
    return {"signature method", fmt::format("it was signed with {}; the one that the service wants is oauth1.signature_method in the definition", method_of(login))};
}

Check placement(const Login& login) {
    const bool query = !login.last.query.empty() && login.sent("oauth_signature") != nullptr && login.last.fields.size() < 3;
    return {"placement", fmt::format("its parameters stood in the {}; a few services want them in the {}: oauth1.placement", query ? "query" : "header", query ? "header" : "query")};
}

Check realm(const Login& login) {
    const auto sent = login.value("realm");
    return {"realm", sent.empty() ? "none was sent; if the service demands one, it is oauth1.realm" : fmt::format("'{}' was sent; the service may want another, or none: oauth1.realm", sent)};
}

Check clock(const Login& login) {
    const auto stamp = login.value("oauth_timestamp");
    return {"clock", fmt::format("the service did not accept the time{}; is this machine's clock right?", stamp.empty() ? "" : " " + stamp + " of the request")};
}

Check nonce() { return {"repetition", "the service has seen this request before: log in again; something between may send requests twice"}; }
Check token() { return {"the token", "it is good once and for a few minutes: log in again, without reloading the service's page"}; }
Check answer() { return {"the answer", "the account, or the service, said no: log in again and approve the request"}; }

Check parameters(const Login& login) {
    std::string which;
    for (const std::string_view name : {"oauth_parameters_absent", "oauth_parameters_rejected"}) {
        const auto* outline = login.last.answered_with(name);
        if (outline != nullptr && !outline->hidden) which += (which.empty() ? "" : ", ") + outline->value;
    }
    return {"parameters", fmt::format("the service misses or refuses {}", which.empty() ? "a parameter of the request" : which)};
}

bool holds(const std::string& text, std::string_view word) { return text.find(word) != std::string::npos; }

}  // namespace

Checks by_problem(const Login& login, const std::string& problem) {
    if (holds(problem, "timestamp")) return {clock(login)};
    if (holds(problem, "nonce")) return {nonce(), clock(login)};
    if (holds(problem, "signature_method")) return {method(login)};
    if (holds(problem, "signature")) return {secret(login), method(login), placement(login), realm(login), clock(login)};
    if (holds(problem, "consumer")) return {consumer_key(login), secret(login)};
    if (holds(problem, "version")) return {{"version", "the service does not speak OAuth 1.0a, or not here: check the URLs of the definition's oauth1 block"}, endpoint(login)};
    if (holds(problem, "realm")) return {realm(login)};
    if (holds(problem, "place")) return {placement(login)};
    if (holds(problem, "callback")) return {redirect_url(login)};
    if (holds(problem, "parameter")) return {parameters(login), placement(login), realm(login), redirect_url(login)};
    if (holds(problem, "token") || holds(problem, "verifier")) return {token()};
    if (holds(problem, "permission") || holds(problem, "refused") || holds(problem, "authorization_required")) return {answer()};
    return {};
}

Checks by_oauth1_answer(const Login& login) {
    const auto& last = login.last;
    if (last.kind == Step::Kind::authorization) return {answer()};
    const bool well = last.status >= 200 && last.status < 300;
    const auto* confirmed = last.answered_with("oauth_callback_confirmed");
    const bool older = last.answered_with("oauth_token_secret") != nullptr && (confirmed == nullptr || confirmed->value != "true");
    if (well && last.kind == Step::Kind::temporary_credentials && older)
        return {{"version", "the service did not confirm the callback: it speaks an older OAuth than 1.0a here, with which somebody else could finish your login; look for its 1.0a"}, endpoint(login)};
    if (well) return {{"the answer", "it says success, but is no form with oauth_token and oauth_token_secret, each once"}, endpoint(login)};
    if (last.status == 400 || last.status == 401 || last.status == 403)
        return {consumer_key(login), secret(login), method(login), placement(login), realm(login), redirect_url(login), clock(login)};
    return {endpoint(login)};
}

}  // namespace claviger::oauth::diagnosis
