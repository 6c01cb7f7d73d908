// JOSE by the vectors of RFC 7515 appendix A, RFC 8037 appendix A and RFC 7638 section 3.1, and what is refused
// (RFC 8725; OA-26, OA-31).
#include <gtest/gtest.h>

#include <array>

#include "base/text.hpp"
#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"
#include "json/parse.hpp"

namespace claviger::crypto {
namespace {

using Algorithm = SignatureAlgorithm;

constexpr std::array kAll{Algorithm::rs256, Algorithm::ps256, Algorithm::es256, Algorithm::eddsa, Algorithm::hs256};

constexpr std::string_view kHmacKey = R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";
constexpr std::string_view kEcKey = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";
constexpr std::string_view kEdKey = R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr std::string_view kRsaPublic = R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})";

constexpr std::string_view kHmacToken =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr std::string_view kRsaToken =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr std::string_view kEcToken =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr std::string_view kEdToken =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

Jwk key(std::string_view text) { return Jwk::from_json(json::parse(text).value().get_object()).value(); }

Jwk public_of(const Jwk& jwk) { return Jwk::from_json(jwk.public_members()).value(); }

TEST(Jws, VerifiesTheVectorsOfTheRfcs) {
    struct Row { std::string_view jwk, token; };
    for (const auto& row : {Row{kHmacKey, kHmacToken}, Row{kRsaPublic, kRsaToken}, Row{kEcKey, kEcToken}, Row{kEdKey, kEdToken}}) {
        const auto jws = read_jws(row.token);
        ASSERT_TRUE(jws) << row.token << jws.error().describe();
        const auto good = verify_jws(*jws, key(row.jwk), kAll);
        EXPECT_TRUE(good) << row.token << good.error().describe();
        auto changed = *jws;
        changed.payload[0] ^= 1;
        changed.signed_part.back() ^= 1;
        EXPECT_FALSE(verify_jws(changed, key(row.jwk), kAll)) << row.token;
        auto other = *jws;
        other.signature[5] ^= 1;
        EXPECT_FALSE(verify_jws(other, key(row.jwk), kAll)) << row.token;
        other.signature.clear();
        EXPECT_FALSE(verify_jws(other, key(row.jwk), kAll)) << row.token;
    }
}

TEST(Jws, SignsTheDeterministicVector) {  // RFC 8037 A.4
    const auto made = sign_jws(key(kEdKey), Algorithm::eddsa, {}, "Example of Ed25519 signing");
    EXPECT_EQ(made->reveal(), kEdToken);
}

TEST(Jws, WhatItSignsItVerifiesWithThePublicKey) {
    const auto rsa = Jwk::from_pem(R"(-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDGBPX/gNjB2L9Z
vm9ToU1OtqweHN98yfz0NH7HbILBSYKvi0tsVhRsFh3CnEtgvmHFRWLgCpPpqMBr
Ksy2Gj4MwAslqQdb1z+MpvtMELgk5mv0I94bG7PHd4LGasqbALmln+lnLFGKxwri
txn9lHBvCDrn/fwAgYFNg649G3CNb9XBINmosIxkJ4CMHperriHAzN9IunFlemc7
c5E/5yPD31yJMbHUfT2bm3xWdfr5+hdBfaclZMl8rTMntcfV3QhevK8aNRkguP9w
HUR3DCzmn3sWEb0aVF1IqTlqu312uOcoFHeOUdZkr1AxJi0kMLrGZsO11G2YDzbU
mmBmzFUTAgMBAAECggEATE07ESHv4/oF+anEsf/0jwEan1vWzfnzC5Jyy5tHYv1V
axkMjgk5Q1DeVM/ux690cxRCfjv1NNL+mgza5syD3lvdr7xLBpuRdDwflvbWTfmv
3Vo4yk9JXfHyJUyfF00XO/e7czMDlKsPyb5uOGULUe1k7WHTycodLeYwrIE3RHgF
sPf7fB8rkRrmkW2qQm4Jful2EM3bZ0uApnNGm6oUqreKTAe7aQrxKtpF0GU8t7BD
FVP6jQfmJTqqYKNaSOI0jY0THA5n4hZ1rG2DCc6rpR3GzSCKVY+25OpRvIqD64+x
dF5XRIuLi/xlIZq1r0WzAmdgRKo3bVVE3z1PfXZw6QKBgQD9prW0597ghDumGCb0
siuIizLps9Eq2tU0kjtYtFxNcB0HDnvGCL1k75JpUi2RZIs6Q5B+opU1lc07lsTJ
B3xC+I2Qkr6Zm/REvtQxy7ax2IhIp95NtS5ET4UEfXy3Bw4cb5iD02bR3pZS730U
V8ba2JbHSRE8Jytz5qFI0Ocw/QKBgQDH2l+p1getMJR2SCveIrc49x//EU7kDhux
0z1ruCZsPcJDRuNNQl0YgmWKfU2AEbphDlvHZP3+wk0PSN39DMyZKXb6BeQ0reR4
z4YBEUdVnA+N4Yp4Ys58RdvzaPrZjfjHX+psUNeSvHR6bE9rHUvLTvSQrIWY6G7g
AjcvvspDTwKBgQD3FkvRg0IgkY+Nl99y5JD1vSuGbu0mAvBH+t8m5OM5aCpOsnQu
EFt2lM2aHTxYcooR4rlCMtyIy3mWP6NIdSs+DePRXrGe70W/JemM7HX2vwjbRfOO
3RzJ3HCmVBuGK7A6URdP60Iw1NS4y6SbiXoju3L9hJbucvWoPJUGWsGrfQKBgGkJ
+E+eQ0ieiNkmE5Bb9KrHEBUSdsFcPOgYm2abUe6AAzMy9dKsd5ujJVVFiE8wgiHy
1wAUr36PhsrqxGn0qTAy3+qG4Ctj3fo1MDwtZa20KWSrzwh4/gfI+9KSMY3YlZHM
crxdPQBNdnbFqHQm4KhJpjbHxivYtjWcVH8OquX3AoGBANrLSBBIHdjetKfoXS1U
RBJh/4xdZmAgDFYJ+jfAMlEqroGqppw4eaVypb81EE4QG3a67pGT5VJLQ0GuzhcZ
+Wbs11b2kJGwmIxN9dO+y2WRCLNu1AmYbk1pf/1jUsJ+WOPjsFWRXNJtbNYlsdc8
JhsbLH2OFpq0Y7UrREK3/HN9
-----END PRIVATE KEY-----)").value();
    struct Row { Jwk signer; Algorithm algorithm; };
    const std::vector<Row> rows{{rsa, Algorithm::rs256}, {rsa, Algorithm::ps256}, {key(kEcKey), Algorithm::es256},
                                {Jwk::generate_p256().value(), Algorithm::es256}, {key(kEdKey), Algorithm::eddsa}};
    for (const auto& row : rows) {
        const auto made = sign_jws(row.signer, row.algorithm, {{"kid", "one"}}, R"({"a":1})");
        ASSERT_TRUE(made) << made.error().describe();
        const auto jws = read_jws(made->reveal()).value();
        EXPECT_EQ(jws.key_id, "one");
        EXPECT_EQ(jws.payload, R"({"a":1})");
        EXPECT_TRUE(verify_jws(jws, public_of(row.signer), kAll)) << to_string(row.algorithm);
        EXPECT_FALSE(verify_jws(jws, public_of(row.signer), std::array{Algorithm::hs256})) << "not on the list";
        EXPECT_FALSE(public_of(row.signer).can_sign());
        EXPECT_FALSE(sign_jws(public_of(row.signer), row.algorithm, {}, ""));
    }
}

TEST(Jws, RefusesWhatMakesTokensForgeable) {  // OA-31, RFC 8725 sections 2.1, 3.1
    const auto token = [](std::string_view header, std::string_view signature) {
        return base::base64url_encode(header) + ".e30." + std::string(signature);
    };
    for (const auto* header : {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"nOnE"})", R"({})", R"({"alg":null})", R"({"alg":"RS512"})",
                               R"({"alg":"HS256","crit":["b64"],"b64":false})", R"({"alg":"HS256","alg":"none"})", R"(["HS256"])", R"({"alg":"HS256","kid":7})", "x"}) {
        EXPECT_FALSE(read_jws(token(header, ""))) << header;
        EXPECT_FALSE(read_jws(token(header, "AAAA"))) << header;
    }
    for (const auto* text : {"", ".", "..", "a.b", "a.b.c.d", "eyJhbGciOiJIUzI1NiJ9.e30=.AAAA", "eyJhbGciOiJIUzI1NiJ9. e30.AAAA"}) EXPECT_FALSE(read_jws(text)) << text;
    EXPECT_FALSE(read_jws(std::string(70'000, 'a')));
}

TEST(Jws, APublicKeyIsNoSecretForHs256) {  // RFC 8725 section 2.1
    const auto rsa = key(kRsaPublic);
    const auto confused = Jwk::shared_secret(json::to_text(json::Value(rsa.public_members()))).value();
    const auto forged = read_jws(sign_jws(confused, Algorithm::hs256, {}, "{}")->reveal()).value();
    EXPECT_FALSE(verify_jws(forged, rsa, kAll));
    EXPECT_FALSE(sign_jws(rsa, Algorithm::hs256, {}, "{}"));
    // A key that says what it is for is used for nothing else.
    auto members = rsa.public_members();
    members["alg"] = "PS256";
    EXPECT_FALSE(verify_jws(read_jws(kRsaToken).value(), Jwk::from_json(members).value(), kAll));
    members["alg"] = "RS256";
    EXPECT_TRUE(verify_jws(read_jws(kRsaToken).value(), Jwk::from_json(members).value(), kAll));
    members["use"] = "enc";
    EXPECT_FALSE(verify_jws(read_jws(kRsaToken).value(), Jwk::from_json(members).value(), kAll));
}

TEST(Jwk, ThumbprintsOfTheRfcs) {
    EXPECT_EQ(key(R"({"kty":"RSA","e":"AQAB","alg":"RS256","kid":"2011-04-29","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"})").thumbprint(),
              "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");                                              // RFC 7638 3.1
    EXPECT_EQ(key(kEdKey).thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");                   // RFC 8037 A.3
    // openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | base64
    EXPECT_EQ(key(kEdKey).public_key_sha256(), "BuP9j9opu2CrWVV95h7bCuzbIxE0vjDnW0Vfjht5L6k=");
    EXPECT_EQ(Jwk::shared_secret("s")->public_key_sha256(), "");
}

TEST(Jwk, AMadeKeyComesBackFromItsText) {
    const auto made = Jwk::generate_p256().value();
    const auto again = Jwk::private_key(made.private_json()->reveal()).value();
    EXPECT_EQ(again.thumbprint(), made.thumbprint());
    EXPECT_TRUE(again.can_sign());
    EXPECT_NE(Jwk::generate_p256()->thumbprint(), made.thumbprint());
    EXPECT_EQ(json::to_text(json::Value(made.public_members())).find("\"d\""), std::string::npos);
    EXPECT_FALSE(public_of(made).private_json());
}

TEST(Jwk, RefusesKeysThatAreNone) {
    const auto change = [](std::string_view text, std::string_view member, const char* value) {
        auto object = json::parse(text).value().get_object();
        if (value == nullptr) object.erase(member); else object[member] = value;
        return Jwk::from_json(object);
    };
    EXPECT_FALSE(change(kEcKey, "x", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")) << "not on the curve";
    EXPECT_FALSE(change(kEcKey, "d", "kpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")) << "not of this point";
    EXPECT_FALSE(change(kEcKey, "crv", "P-384"));
    EXPECT_FALSE(change(kEcKey, "y", nullptr));
    EXPECT_FALSE(change(kEcKey, "y", "AAAA"));
    EXPECT_FALSE(change(kEdKey, "x", "12qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")) << "not of this secret";
    EXPECT_FALSE(change(kRsaPublic, "e", "AQ"));
    EXPECT_FALSE(change(kRsaPublic, "e", "BA"));
    EXPECT_FALSE(change(kRsaPublic, "n", "ofgWCuLjybRlzo0t")) << "far too short";
    EXPECT_FALSE(change(kHmacKey, "k", ""));
    EXPECT_FALSE(change(kHmacKey, "kty", "DSA"));
}

TEST(Jwk, ReadsPrivateKeysAsPeoplePasteThem) {
    const std::string sec1 = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIUptQZjDmJiGVmxDo+UEGHsx9dRrKyZhKVjePC9WkqzoAoGCCqGSM49\nAwEHoUQDQgAEe29RYSKzIpHtNMXrAW3YAUBxZG4KInBdBt2kKdb+k6QNecMO6Jdi\nmbwBDpp+Ox/6fJUGYmBjcQtwlcBqqRywkg==\n-----END EC PRIVATE KEY-----\n";
    const auto wanted = Jwk::from_pem(sec1)->thumbprint();
    std::string spaces = sec1, escaped, joined;
    for (const char c : sec1) {
        if (c == '\n') escaped += "\\n"; else { escaped += c; joined += c; }
    }
    for (auto& c : spaces) if (c == '\n') c = ' ';
    for (const auto& text : {spaces, escaped, joined, "  " + sec1, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + sec1}) {
        const auto read = Jwk::private_key(text);
        ASSERT_TRUE(read) << read.error().describe();
        EXPECT_EQ(read->thumbprint(), wanted);
    }
    EXPECT_EQ(Jwk::private_key(std::string_view("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAxgT1/4DYwdi/Wb5vU6FNTrasHhzffMn89DR+x2yCwUmCr4tL\nbFYUbBYdwpxLYL5hxUVi4AqT6ajAayrMtho+DMALJakHW9c/jKb7TBC4JOZr9CPe\nGxuzx3eCxmrKmwC5pZ/pZyxRiscK4rcZ/ZRwbwg65/38AIGBTYOuPRtwjW/VwSDZ\nqLCMZCeAjB6Xq64hwMzfSLpxZXpnO3ORP+cjw99ciTGx1H09m5t8VnX6+foXQX2n\nJWTJfK0zJ7XH1d0IXryvGjUZILj/cB1Edwws5p97FhG9GlRdSKk5art9drjnKBR3\njlHWZK9QMSYtJDC6xmbDtdRtmA821JpgZsxVEwIDAQABAoIBAExNOxEh7+P6Bfmp\nxLH/9I8BGp9b1s358wuScsubR2L9VWsZDI4JOUNQ3lTP7sevdHMUQn479TTS/poM\n2ubMg95b3a+8SwabkXQ8H5b21k35r91aOMpPSV3x8iVMnxdNFzv3u3MzA5SrD8m+\nbjhlC1HtZO1h08nKHS3mMKyBN0R4BbD3+3wfK5Ea5pFtqkJuCX7pdhDN22dLgKZz\nRpuqFKq3ikwHu2kK8SraRdBlPLewQxVT+o0H5iU6qmCjWkjiNI2NExwOZ+IWdaxt\ngwnOq6Udxs0gilWPtuTqUbyKg+uPsXReV0SLi4v8ZSGata9FswJnYESqN21VRN89\nT312cOkCgYEA/aa1tOfe4IQ7phgm9LIriIsy6bPRKtrVNJI7WLRcTXAdBw57xgi9\nZO+SaVItkWSLOkOQfqKVNZXNO5bEyQd8QviNkJK+mZv0RL7UMcu2sdiISKfeTbUu\nRE+FBH18twcOHG+Yg9Nm0d6WUu99FFfG2tiWx0kRPCcrc+ahSNDnMP0CgYEAx9pf\nqdYHrTCUdkgr3iK3OPcf/xFO5A4bsdM9a7gmbD3CQ0bjTUJdGIJlin1NgBG6YQ5b\nx2T9/sJND0jd/QzMmSl2+gXkNK3keM+GARFHVZwPjeGKeGLOfEXb82j62Y34x1/q\nbFDXkrx0emxPax1Ly070kKyFmOhu4AI3L77KQ08CgYEA9xZL0YNCIJGPjZffcuSQ\n9b0rhm7tJgLwR/rfJuTjOWgqTrJ0LhBbdpTNmh08WHKKEeK5QjLciMt5lj+jSHUr\nPg3j0V6xnu9FvyXpjOx19r8I20Xzjt0cydxwplQbhiuwOlEXT+tCMNTUuMukm4l6\nI7ty/YSW7nL1qDyVBlrBq30CgYBpCfhPnkNInojZJhOQW/SqxxAVEnbBXDzoGJtm\nm1HugAMzMvXSrHeboyVVRYhPMIIh8tcAFK9+j4bK6sRp9KkwMt/qhuArY936NTA8\nLWWttClkq88IeP4HyPvSkjGN2JWRzHK8XT0ATXZ2xah0JuCoSaY2x8Yr2LY1nFR/\nDqrl9wKBgQDay0gQSB3Y3rSn6F0tVEQSYf+MXWZgIAxWCfo3wDJRKq6BqqacOHml\ncqW/NRBOEBt2uu6Rk+VSS0NBrs4XGflm7NdW9pCRsJiMTfXTvstlkQizbtQJmG5N\naX/9Y1LCfljj47BVkVzSbWzWJbHXPCYbGyx9jhaatGO1K0RCt/xzfQ==\n-----END RSA PRIVATE KEY-----"))->type(), KeyType::rsa);
    struct Row { std::string text, says; };
    for (const auto& row : {Row{"", "no private key"}, Row{"hunter2", "no private key"}, Row{"{", "no JSON object"}, Row{std::string(kRsaPublic), "no private part"},
                            Row{std::string(kHmacKey), "no private part"}, Row{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "damaged"},
                            Row{"-----BEGIN PRIVATE KEY-----\nAAAA", "no private key"},
                            Row{"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "encrypted"},
                            Row{"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----", "encrypted"}}) {
        const auto read = Jwk::private_key(row.text);
        ASSERT_FALSE(read) << row.text;
        EXPECT_NE(read.error().message.find(row.says), std::string::npos) << row.text << ": " << read.error().message;
    }
}

TEST(KeySet, LeavesOutWhatItDoesNotUnderstand) {
    const auto keys = read_key_set(R"({"keys":[{"kty":"EC","crv":"P-521","x":"AA","y":"AA"},7,{"kid":"b",)" + std::string(kEdKey.substr(1)) + R"(,{"kty":"new"}]})");
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ(keys->front().key_id(), "b");
    EXPECT_FALSE(read_key_set("[]"));
    EXPECT_FALSE(read_key_set(R"({"keys":{}})"));
}

}  // namespace
}  // namespace claviger::crypto
