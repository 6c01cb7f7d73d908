#include "oauth/oauth1.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace claviger::oauth {
namespace {

json::Array vectors() {
    std::ifstream file(std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/oauth1/signatures.json", std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    auto parsed = json::parse(text.str());
    if (!parsed || !parsed->is_array()) throw std::runtime_error("tests/vectors/oauth1/signatures.json cannot be read");
    return parsed->as_array();
}

std::string text_of(const json::Object& row, std::string_view key) { return std::string(json::string_at(row, key).value_or("")); }

OAuth1Signer::Keys keys_of(const json::Object& row) {
    OAuth1Signer::Keys keys;
    keys.consumer_key = text_of(row, "consumer_key");
    keys.consumer_secret = base::Secret(text_of(row, "consumer_secret"));
    keys.token = base::Secret(text_of(row, "token"));
    keys.token_secret = base::Secret(text_of(row, "token_secret"));
    return keys;
}

std::string value_of(const ProtocolParameters& parameters, std::string_view name) {
    for (const auto& parameter : parameters)
        if (parameter.name == name) return std::string(parameter.value);
    return "(none)";
}

OAuth1Signer signer(SignatureMethod method = SignatureMethod::hmac_sha1) {
    return OAuth1Signer::make(method, {"ck", base::Secret("cs"), base::Secret("t"), base::Secret("ts")}).value();
}

// OA-25: RFC 5849 sections 1.2 (all three) and 3.4, and what follows from them.
TEST(OAuth1, signatures_as_the_rfc_demands) {
    const auto rows = vectors();
    ASSERT_GT(rows.size(), 40U);
    std::size_t signed_whole = 0;
    for (const auto& value : rows) {
        const auto& row = value.get_object();
        SCOPED_TRACE(text_of(row, "why"));
        const auto url = net::Url::parse(text_of(row, "url")).value();
        const auto target = url.request_target();
        const std::string method = text_of(row, "method"), form = text_of(row, "form");
        const CoveredRequest request{method, url, target, form};
        const auto kind = signature_method_from(text_of(row, "signature_method")).value();
        const Stamp stamp{text_of(row, "nonce"), text_of(row, "timestamp")};
        ProtocolParameters more, protocol{{"oauth_consumer_key", base::WipedString(text_of(row, "consumer_key"))}};
        if (!text_of(row, "token").empty()) protocol.push_back({"oauth_token", base::WipedString(text_of(row, "token"))});
        protocol.push_back({"oauth_signature_method", base::WipedString(to_string(kind))});
        protocol.push_back({"oauth_timestamp", base::WipedString(stamp.timestamp)});
        protocol.push_back({"oauth_nonce", base::WipedString(stamp.nonce)});
        const bool version = json::find(row, "version") != nullptr;
        if (version) protocol.push_back({"oauth_version", base::WipedString("1.0")});
        if (const auto* extra = json::object_at(row, "more")) {
            for (const auto& member : *extra) more.push_back({std::string(member.key()), base::WipedString(member.value().as_string())});
        }
        protocol.insert(protocol.end(), more.begin(), more.end());
        EXPECT_EQ(std::string(signature_base_string(request, protocol)), text_of(row, "base_string"));
        if (!version) {  // ours always sends one: only the signature of a given base string can be compared
            const auto signer = OAuth1Signer::make(kind, keys_of(row)).value();
            EXPECT_EQ(std::string(signer.signature(request, protocol).value()), text_of(row, "signature"));
            continue;
        }
        ++signed_whole;
        const auto signer = OAuth1Signer::make(kind, keys_of(row));
        ASSERT_TRUE(signer) << signer.error().message;
        const auto parameters = signer->sign(request, stamp, more);
        ASSERT_TRUE(parameters) << parameters.error().message;
        EXPECT_EQ(value_of(*parameters, "oauth_signature"), text_of(row, "signature"));
        EXPECT_EQ(parameters->back().name, "oauth_signature");
    }
    EXPECT_GT(signed_whole, 35U);
}

TEST(OAuth1, plaintext_needs_tls) {  // OA-25
    const auto plain = signer(SignatureMethod::plaintext);
    EXPECT_FALSE(plain.covers_request());
    for (const auto& [text, allowed] : {std::pair{"https://api.example/", true}, {"wss://api.example/", true},
                                        {"http://api.example/", false}, {"http://127.0.0.1/", false}, {"ws://localhost/", false}}) {
        const auto url = net::Url::parse(text).value();
        const auto made = plain.sign({"GET", url, "/", ""}, {"n", "1"});
        EXPECT_EQ(made.has_value(), allowed) << text;
        if (!made) {
            EXPECT_EQ(made.error().code, base::ErrorCode::denied);
        }
    }
}

TEST(OAuth1, a_stamp_is_fresh_and_takes_its_time_from_the_clock) {  // OA-25: nonce of at least 128 bits
    base::SystemRandom random;
    std::set<std::string> nonces;
    for (int i = 0; i < 1000; ++i) {
        const auto stamp = make_stamp(random, base::Instant{std::chrono::milliseconds(1'800'000'000'999)});
        EXPECT_EQ(stamp.timestamp, "1800000000");
        EXPECT_EQ(base::base64url_decode(stamp.nonce).value().size(), 24U);
        nonces.insert(stamp.nonce);
    }
    EXPECT_EQ(nonces.size(), 1000U);
}

TEST(OAuth1, the_header_encodes_values_and_quotes_the_realm) {  // RFC 5849 section 3.5.1
    const ProtocolParameters parameters{{"oauth_callback", base::WipedString("http://a/b?c=d e")}, {"oauth_signature", base::WipedString("a+/=")}};
    EXPECT_EQ(std::string(authorization_value(parameters, "")), "OAuth oauth_callback=\"http%3A%2F%2Fa%2Fb%3Fc%3Dd%20e\", oauth_signature=\"a%2B%2F%3D\"");
    EXPECT_TRUE(authorization_value(parameters, R"(a "b" \)").starts_with(R"(OAuth realm="a \"b\" \\", oauth_callback=")"));
    for (auto [before, after] : {std::pair<std::string, std::string>{"/", "/?"}, {"/x?", "/x?"}, {"/x?a=b", "/x?a=b&"}, {"/x?a&", "/x?a&"}}) {
        append_to_query(before, parameters);
        EXPECT_EQ(before, after + "oauth_callback=http%3A%2F%2Fa%2Fb%3Fc%3Dd%20e&oauth_signature=a%2B%2F%3D");
    }
}

TEST(OAuth1, knows_a_form_by_its_type) {
    for (const auto* type : {"application/x-www-form-urlencoded", "Application/X-WWW-Form-URLEncoded ; charset=UTF-8"}) EXPECT_TRUE(is_form_type(type));
    for (const auto* type : {"", "application/json", "multipart/form-data", "application/x-www-form-urlencoded-not"}) EXPECT_FALSE(is_form_type(type));
}

TEST(OAuth1, a_private_key_that_is_none_is_refused) {
    const auto made = OAuth1Signer::make(SignatureMethod::rsa_sha1, {"ck", base::Secret("a plain secret"), {}, {}});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, base::ErrorCode::invalid_input);
}

TEST(OAuth1, names_of_methods_go_there_and_back) {
    for (const auto* name : {"HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"}) EXPECT_EQ(to_string(signature_method_from(name).value()), name);
    EXPECT_FALSE(signature_method_from("HMAC-MD5"));
}

}  // namespace
}  // namespace claviger::oauth
