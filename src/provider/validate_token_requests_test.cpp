#include <gtest/gtest.h>

#include "provider/read.hpp"

namespace claviger::provider {
namespace {

std::string with(const std::string& oauth, const std::string& more = "", const std::string& flow = "pkce") {
    return R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":")" + flow +
           R"(","api_url":"api.acme.example","oauth":{"authorization_url":"https://acme.example/a","token_url":"https://acme.example/t")" +
           (oauth.empty() ? "" : "," + oauth) + "}" + (more.empty() ? "" : "," + more) + "}";
}

TEST(TokenRequestRules, what_is_refused_is_refused_where_it_stands) {
    struct Row { std::string text; const char *code, *pointer; };
    const Row rows[] = {
        {with(R"("token_params":{"x":"{{nobody}}"})"), "unknown_field", "/oauth/token_params/x"},
        {with(R"("token_params":{"x":"{{client_secret}}"})"), "unknown_field", "/oauth/token_params/x"},
        {with(R"("refresh_params":{"x":"{{refresh_token}}"})"), "unknown_field", "/oauth/refresh_params/x"},
        {with(R"("authorization_params":{"x":"{{tenent}}"})", R"("vars":{"tenant":{}})"), "unknown_field", "/oauth/authorization_params/x"},
        {with(R"("basic":{"username":"{{client_secret}}"})"), "disagrees", "/oauth/basic"},
        {with(R"("token_auth_method":"client_secret_basic","basic":{"username":"{{access_token}}"})"), "unknown_field", "/oauth/basic/username"},
        {with(R"("client_assertion":{})"), "disagrees", "/oauth/client_assertion"},
        {with(R"("refresh":{"auth":"private_key_jwt"})"), "disagrees", "/oauth/refresh/auth"},
        {with(R"("token_auth_method":"client_secret_basic","refresh":{"auth":"private_key_jwt"})"), "disagrees", "/oauth/refresh/auth"},
        {with(R"("token_auth_method":"none","refresh":{"auth":"client_secret_jwt"})"), "disagrees", "/oauth/refresh/auth"},
        {with(R"("token_auth_method":"private_key_jwt","refresh":{"auth":"client_secret_post"})"), "disagrees", "/oauth/refresh/auth"},
        {with(R"("token_auth_method":"private_key_jwt","client_assertion":{"issued_ago_seconds":60,"lifetime_seconds":60})"), "disagrees", "/oauth/client_assertion/issued_ago_seconds"},
        {with(R"("token_auth_method":"private_key_jwt","client_assertion":{"issuer":"{{public_key.sha256}}"})"), "unknown_field", "/oauth/client_assertion/issuer"},
        {with(R"("grant":{"type":"jwt_header"})", "", "client_credentials"), "required", "/oauth/grant/assertion"},
        {with(R"("grant":{"type":"self_signed_jwt"})", "", "client_credentials"), "required", "/oauth/grant/assertion"},
        {with(R"("grant":{"type":"self_signed_jwt","assertion":{}})"), "disagrees", "/oauth/grant/type"},
        {with(R"("token_auth_method":"client_secret_basic","grant":{"type":"jwt_header","assertion":{}})", "", "client_credentials"), "disagrees", "/oauth/grant/type"},
        {with(R"("refresh":{"headers":{"X":"{{client_secret}}"}})"), "unknown_field", "/oauth/refresh/headers/X"},
        {with(R"("refresh":{"headers":{"Authorization":"x"}})"), "bad_header", "/oauth/refresh/headers/Authorization"},
        {with(R"("token_auth_method":"private_key_jwt","client_assertion":{"private_key":"-----BEGIN"})"), "bad_template", "/oauth/client_assertion/private_key"},
        {with(R"("token_auth_method":"private_key_jwt","client_assertion":{"claims":{"exp":"1"}})"), "reserved_parameter", "/oauth/client_assertion/claims/exp"},
        {with(R"("grant":{"type":"token_exchange","subject_token":"a","subject_token_type":"b"})"), "disagrees", "/oauth/grant/type"},
        {with(R"("grant":{"type":"jwt_bearer"})", "", "client_credentials"), "required", "/oauth/grant/assertion"},
        {with(R"("grant":{"type":"token_exchange"})", "", "client_credentials"), "required", "/oauth/grant/subject_token"},
        {with(R"("refresh":{"grant_type":"password"})"), "grant_refused", "/oauth/refresh/grant_type"},
        {with(R"("refresh":{"grant_type":""})"), "bad_parameter", "/oauth/refresh/grant_type"},
        {with(R"("callback":{"code_entry":true,"capture":["realm"]})"), "bad_parameter", "/oauth/callback/capture"},
        {with(R"("callback":{"iss_required":true})"), "required", "/oauth/callback/iss_required"},
        {with(R"("issuer":"https://acme.example","callback":{"iss_required":true,"code_entry":true})"), "bad_parameter", "/oauth/callback/iss_required"},
        {with(R"("rename":{"authorize":{"state":""}})"), "reserved_parameter", "/oauth/rename/authorize/state"},
        {with(R"("rename":{"token":{"code_verifier":""}})"), "reserved_parameter", "/oauth/rename/token/code_verifier"},
        {with(R"("token_signature":{"key":"abc","message":"m","headers":{"X":"{{request.signature}}"}})"), "bad_template", "/oauth/token_signature/key"},
        {with(R"("token_signature":{"key":"{{client_secret}}","message":"{{request.bodi}}","headers":{"X":"{{request.signature}}"}})"), "unknown_field", "/oauth/token_signature/message"},
        {with(R"("token_signature":{"key":"{{client_secret}}","message":"m"})"), "disagrees", "/oauth/token_signature/headers"},
        {with(R"("token_signature":{"key":"{{client_secret}}","message":"m","headers":{"X":"{{client_secret}}"}})"), "unknown_field", "/oauth/token_signature/headers/X"},
        {with(R"("token_signature":{"key":"{{client_secret}}","message":"m","headers":{"Authorization":"{{request.signature}}"}})"), "bad_header", "/oauth/token_signature/headers/Authorization"},
        {with(R"("response":{"error":"code"})"), "bad_pointer", "/oauth/response/error"},
        {with(R"("response":{"scope_separator":"-----"})"), "bad_separator", "/oauth/response/scope_separator"},
        {with(R"("token_signature":{"key":"{{k}}","message":"m","headers":{"X":"{{request.signature}}"}})", R"("credentials":{"schema":{"type":"object","properties":{"k":{"type":"string"}}}})"), "unknown_field", "/oauth/token_signature/key"},
        {with(R"("token_content_type":"xml","token_body":"<a>{{user}}</a>")", R"("credentials":{"schema":{"type":"object","properties":{"user":{"type":"string"}}}})"), "unknown_field", "/oauth/token_body"},
        {with(R"("steps":[{"name":"access_token","url":"https://a.example/s"}])"), "bad_field_name", "/oauth/steps/0/name"},
        {with(R"("steps":[{"name":"a b","url":"https://a.example/s"}])"), "bad_field_name", "/oauth/steps/0/name"},
        {with(R"("steps":[{"name":"s","url":"https://a.example/s"},{"name":"s","url":"https://a.example/s"}])"), "bad_field_name", "/oauth/steps/1/name"},
        {with(R"("steps":[{"name":"tenant","url":"https://a.example/s"}])", R"("vars":{"tenant":{}})"), "bad_field_name", "/oauth/steps/0/name"},
        {with(R"("steps":[{"name":"s","url":"http://a.example/s"}])"), "not_https", "/oauth/steps/0/url"},
        {with(R"("steps":[{"name":"s","url":"https://a.example/{where}"}])"), "undeclared_variable", "/oauth/steps/0/url"},
        {with(R"("steps":[{"name":"s","url":"https://a.example/s","params":{"a":"{{t}}"}},{"name":"t","url":"https://a.example/t"}])"), "unknown_field", "/oauth/steps/0/params/a"},
        {with(R"("steps":[{"name":"s","url":"https://a.example/s","headers":{"X":"{{refresh_token}}"}}])"), "unknown_field", "/oauth/steps/0/headers/X"},
        {with(R"("steps":[{"name":"s","url":"https://a.example/s","headers":{"Host":"b.example"}}])"), "bad_header", "/oauth/steps/0/headers/Host"},
        {with(R"("token_content_type":"xml")"), "disagrees", "/oauth/token_body"},
        {with(R"("refresh":{"content_type":"xml"})"), "disagrees", "/oauth/token_body"},
        {with(R"("token_body":"<a/>")"), "disagrees", "/oauth/token_body"},
        {with(R"("token_content_type":"xml","token_body":"<a>{{code}}")"), "bad_template", "/oauth/token_body"},
        {with(R"("token_content_type":"xml","token_body":"<!DOCTYPE a><a>{{code}}</a>")"), "bad_template", "/oauth/token_body"},
        {with(R"("token_content_type":"xml","token_body":"<a>{{nobody}}</a>")"), "unknown_field", "/oauth/token_body"},
        {with(R"("pushed_authorization_url":"http://acme.example/par")"), "not_https", "/oauth/pushed_authorization_url"},
    };
    for (const auto& row : rows) {
        const auto read = read_definition(row.text);
        bool found = false;
        for (const auto& finding : read.findings) found = found || (finding.code == row.code && finding.pointer == row.pointer);
        EXPECT_TRUE(found) << row.text << "\n" << format_findings(read.findings, "");
        EXPECT_FALSE(read.ok()) << row.text;
    }
}

TEST(TokenRequestRules, what_is_good_is_read) {
    const std::string texts[] = {
        with(R"("token_params":{"aud":"{{tenant}}"},"authorization_params":{"x":"{{client_id}} {{scope}}"})", R"("vars":{"tenant":{}})"),
        with(R"("refresh_params":{"team":"{{team}}"},"response":{"capture":["team"]})"),
        with(R"("token_auth_method":"client_secret_basic","basic":{"username":"{{client_secret}}"})"),
        with(R"("token_auth_method":"client_secret_basic","basic":{"form_encoded":false})"),
        with(R"("token_auth_method":"client_secret_post","client_assertion":{"issued_ago_seconds":60},"refresh":{"auth":"client_secret_jwt","headers":{"X":"{{client_id}}"}},"expires":{"max":60})"),
        with(R"("token_auth_method":"private_key_jwt","refresh":{"auth":"private_key_jwt"})"),
        with(R"("grant":{"type":"self_signed_jwt","assertion":{"issuer":"{{account}}.{{public_key.sha256}}"}})", R"("credentials":{"schema":{"type":"object","properties":{"account":{"type":"string"},"private_key":{"type":"string"}}}})", "client_credentials"),
        with(R"("rename":{"authorize":{"response_type":""},"token":{"redirect_uri":"","client_id":""}})"),
        with(R"("token_content_type":"xml","token_body":"<a><c>{{code}}</c><u>{{user}}</u></a>")", R"("credentials":{"schema":{"type":"object","properties":{"user":{"type":"string"}}}})", "client_credentials"),
        with(R"("steps":[{"name":"s","url":"https://a.example/s","params":{"a":"{{client_secret}}"},"headers":{"Authorization":"Bearer {{access_token}}"}},{"name":"t","url":"https://a.example/t","params":{"a":"{{s}}"}}])"),
        with(R"("authorization_url":"https://acme.example/#/oauth/authorize")"),
    };
    for (auto text : texts) {
        if (const auto twice = text.find(R"("authorization_url":"https://acme.example/a",)"); text.find("#/") != std::string::npos) text.erase(twice, 45);
        const auto read = read_definition(text);
        EXPECT_TRUE(read.ok()) << text << "\n" << format_findings(read.findings, "");
    }
}

TEST(TokenRequestRules, a_step_that_puts_secrets_into_a_url_is_warned_of) {
    const auto read = read_definition(with(R"("steps":[{"name":"s","url":"https://a.example/s","method":"GET","params":{"a":"b"}}])"));
    EXPECT_TRUE(read.ok());
    EXPECT_NE(format_findings(read.findings, "").find("secret_in_url"), std::string::npos);
}

TEST(TokenRequestRules, a_change_of_any_of_them_suspends) {
    const auto digest = [](const std::string& text) { return security_digest(read_definition(text).definitions.at(0)); };
    const auto plain = digest(with(""));
    for (const auto* change : {R"("refresh":{"token":"access_token"})", R"("refresh":{"method":"GET"})", R"("refresh":{"grant_type":"x"})",
                               R"("refresh":{"auth":"none"})", R"("refresh":{"content_type":"json"})", R"("refresh":{"headers":{"X":"1"}})", R"("token_method":"GET")", R"("dpop":true)",
                               R"("token_content_type":"xml","token_body":"<a>{{code}}</a>")",
                               R"("token_auth_method":"client_secret_basic","basic":{"username":"{{client_secret}}"})",
                               R"("token_auth_method":"client_secret_basic","basic":{"form_encoded":false})",
                               R"("jwks_url":"https://acme.example/k")", R"("introspection_url":"https://acme.example/i")", R"("pushed_authorization_url":"https://acme.example/p")",
                               R"("steps":[{"name":"s","url":"https://acme.example/s"}])", R"("callback":{"code_entry":true})",
                               R"("issuer":"https://acme.example","callback":{"iss_required":true})",
                               R"("token_signature":{"key":"{{client_secret}}","message":"m","headers":{"X":"{{request.signature}}"}})",
                               R"("response":{"ok_status":[302]})"})
        EXPECT_NE(digest(with(change)), plain) << change;
    for (const auto* same : {R"("refresh":{"margin_seconds":5})", R"("refresh":{"idle_max_seconds":500,"grace_seconds":5})", R"("token_method":"POST")",
                             R"("refresh":{"token":"refresh_token"})"})
        EXPECT_EQ(digest(with(same)), plain) << same;
}

}  // namespace
}  // namespace claviger::provider
