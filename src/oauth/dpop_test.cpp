// OA-22, RFC 9449: what a proof says, and when a server asks for another one.
#include "oauth/dpop.hpp"

#include <gtest/gtest.h>

#include <array>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/jws.hpp"
#include "http/server.hpp"
#include "json/parse.hpp"
#include "net/loop.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {
namespace {

using crypto::Jwk;

constexpr std::array kEs256{crypto::SignatureAlgorithm::es256};

struct Proof { json::Object header, claims; };

// Checked as a server does: the signature by the key in the header.
Proof read(std::string_view proof) {
    const auto jws = crypto::read_jws(proof).value();
    const auto key = Jwk::from_json(*json::object_at(jws.header, "jwk")).value();
    EXPECT_TRUE(crypto::verify_jws(jws, key, kEs256));
    return {jws.header, json::parse(jws.payload).value().get_object()};
}

TEST(Dpop, OA22_a_proof_says_which_request_it_is_for) {
    const auto stored = new_dpop_key().value();
    const auto key = Jwk::private_key(stored.reveal()).value();
    base::FakeClock clock;
    const auto url = net::Url::parse("https://api.example:8443/v1/items?q=secret").value();
    const auto proof = read(dpop_proof(key, {"PATCH", url, "the token", "n-1"}, {&clock, nullptr})->reveal());
    EXPECT_EQ(json::string_at(proof.header, "typ"), "dpop+jwt");
    EXPECT_EQ(json::object_at(proof.header, "jwk")->contains("d"), false);
    EXPECT_EQ(json::string_at(proof.claims, "htm"), "PATCH");
    EXPECT_EQ(json::string_at(proof.claims, "htu"), "https://api.example:8443/v1/items");
    EXPECT_EQ(json::int_at(proof.claims, "iat"), clock.now().time_since_epoch().count() / 1000);
    EXPECT_EQ(json::string_at(proof.claims, "ath"), base::base64url_encode(crypto::sha256("the token")));
    EXPECT_EQ(json::string_at(proof.claims, "nonce"), "n-1");
    const auto other = read(dpop_proof(key, {"GET", url, "", ""}, {})->reveal());
    EXPECT_NE(json::string_at(other.claims, "jti"), json::string_at(proof.claims, "jti"));
    EXPECT_FALSE(other.claims.contains("ath"));
    EXPECT_FALSE(other.claims.contains("nonce"));
    EXPECT_EQ(dpop_thumbprint(stored).value(), Jwk::from_json(*json::object_at(other.header, "jwk"))->thumbprint());
}

TEST(Dpop, OA22_the_thumbprint_of_the_RFC) {  // RFC 9449 section 6.1
    const auto key = json::parse(R"({"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"})").value();
    EXPECT_EQ(Jwk::from_json(key.get_object())->thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

TEST(Dpop, OA22_a_nonce_is_taken_only_where_one_is_demanded) {
    struct Row { int status; const char *challenge, *body, *nonce, *demanded; };
    const Row rows[] = {
        {400, "", R"({"error":"use_dpop_nonce"})", "n1", "n1"},
        {401, R"(DPoP error="use_dpop_nonce", error_description="x")", "", "n1", "n1"},
        {401, R"(dpop algs="ES256", error=use_dpop_nonce)", "", "n1", "n1"},
        {400, "", R"({"error":"invalid_grant"})", "n1", ""},
        {401, R"(Bearer error="invalid_token")", "", "n1", ""},
        {401, R"(DPoP error="invalid_token")", "", "n1", ""},
        {200, R"(DPoP error="use_dpop_nonce")", R"({"error":"use_dpop_nonce"})", "n1", ""},
        {400, "", R"({"error":"use_dpop_nonce"})", "", ""},
        {400, "", R"({"error":"use_dpop_nonce"})", "n\xc3\xa9", ""},
        {400, "", "use_dpop_nonce", "n1", ""},
    };
    for (const auto& row : rows) {
        http::Fields fields;
        if (*row.challenge != 0) fields.add("WWW-Authenticate", row.challenge);
        if (*row.nonce != 0) fields.add("DPoP-Nonce", row.nonce);
        EXPECT_EQ(demanded_nonce(row.status, fields, row.body), row.demanded) << row.status << row.challenge << row.body;
    }
}

// A token endpoint that wants its nonce.
class NonceServer {
public:
    NonceServer(net::Loop& loop, int demands) : demands_(demands) {
        auto listener = net::Listener::loopback(loop, 0);
        url = "http://127.0.0.1:" + std::to_string(listener->port()) + "/token";
        server_ = std::make_unique<http::Server>(loop, std::move(*listener), http::Server::Options{},
                                                 [this](http::ServerRequest request) { return answer(this, std::move(request)); });
    }
    std::string url;
    std::vector<Proof> proofs;

private:
    static net::Task<http::ServerResponse> answer(NonceServer* self, http::ServerRequest request) {
        self->proofs.push_back(read(request.head.fields.find("DPoP").value_or("")));
        http::ServerResponse response;
        response.fields.set("Content-Type", "application/json");
        const bool again = static_cast<int>(self->proofs.size()) <= self->demands_;
        response.status = again ? 400 : 200;
        response.body = again ? R"({"error":"use_dpop_nonce"})" : R"({"access_token":"at","token_type":"DPoP"})";
        if (again) response.fields.set("DPoP-Nonce", "nonce-" + std::to_string(self->proofs.size()));
        co_return response;
    }
    int demands_;
    std::unique_ptr<http::Server> server_;
};

TEST(Dpop, OA22_the_token_endpoint_is_asked_once_more_with_its_nonce_and_not_again) {
    for (const int demands : {0, 1, 2}) {
        net::Loop loop;
        NonceServer server(loop, demands);
        http::Client::Options options;
        options.addresses.allow_loopback = true;
        auto client = http::Client::make(loop, options).value();
        TokenRequest request;
        request.endpoint = net::Url::parse(server.url).value();
        request.client = Client{"c", {}, ClientAuthentication::none};
        request.grant_type = "refresh_token";
        request.grant.emplace_back("refresh_token", base::Secret("rt"));
        request.dpop_key = new_dpop_key().value();
        const auto outcome = loop.run_until(ask_token(client, std::move(request)));
        EXPECT_EQ(outcome.has_value(), demands < 2);
        if (outcome) EXPECT_EQ(outcome->token_type, "DPoP");
        if (!outcome) EXPECT_EQ(outcome.error().kind, TokenFailure::Kind::refused);
        ASSERT_EQ(server.proofs.size(), demands == 0 ? 1U : 2U);
        EXPECT_FALSE(server.proofs[0].claims.contains("nonce"));
        EXPECT_EQ(json::string_at(server.proofs[0].claims, "htu"), server.url);
        if (demands > 0) EXPECT_EQ(json::string_at(server.proofs[1].claims, "nonce"), "nonce-1");
    }
}

}  // namespace
}  // namespace claviger::oauth
