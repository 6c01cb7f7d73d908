#include "crypto/certificate_authority.hpp"

#include <set>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "crypto/session_certificates.hpp"

namespace claviger::crypto {
namespace {

using base::ErrorCode;

const base::Instant kNow{std::chrono::milliseconds(1'800'000'000'000)};

CertificateAuthority authority_for(std::vector<std::string> hosts) {
    auto made = CertificateAuthority::make({.permitted_hosts = std::move(hosts), .now = kNow});
    EXPECT_TRUE(made) << (made ? "" : made.error().describe());
    return std::move(*made);
}

Certificate first_certificate(const std::string& pem) {
    const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return Certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

// OpenSSL's own verdict on a leaf for `host` under `root`, at `when`.
int verify(X509* root, X509* leaf, const std::string& host, base::Instant when = kNow) {
    const std::unique_ptr<X509_STORE, Free<X509_STORE_free>> store(X509_STORE_new());
    const std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
    X509_STORE_add_cert(store.get(), root);
    X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr);
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(parameters, std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count());
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
        X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), 0);
    }
    return X509_verify_cert(context.get()) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context.get());
}

std::string extension_text(X509* certificate, int kind) {
    const int at = X509_get_ext_by_NID(certificate, kind, -1);
    if (at < 0) return "absent";
    X509_EXTENSION* extension = X509_get_ext(certificate, at);
    const Memory memory(BIO_new(BIO_s_mem()));
    X509V3_EXT_print(memory.get(), extension, 0, 0);
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory.get(), &data));
    return (X509_EXTENSION_get_critical(extension) != 0 ? "critical " : "") + std::string(data, size);
}

TEST(CertificateAuthority, PX26_root_has_the_required_form) {
    const auto authority = authority_for({"api.acme.com", ".example.org", "127.0.0.1"});
    const auto root = first_certificate(authority.certificate_pem());
    ASSERT_TRUE(root);
    EXPECT_EQ(extension_text(root.get(), NID_basic_constraints), "critical CA:TRUE, pathlen:0");
    EXPECT_EQ(extension_text(root.get(), NID_key_usage), "critical Certificate Sign");
    const auto constraints = extension_text(root.get(), NID_name_constraints);
    EXPECT_TRUE(constraints.starts_with("critical Permitted:")) << constraints;
    for (const auto* part : {"DNS:api.acme.com", "DNS:.example.org", "IP:127.0.0.1/255.255.255.255"}) {
        EXPECT_NE(constraints.find(part), std::string::npos) << constraints;
    }
    EXPECT_EQ(constraints.find("Excluded"), std::string::npos) << constraints;
    EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(root.get())), 256);
    EXPECT_EQ(EVP_PKEY_get_base_id(X509_get0_pubkey(root.get())), EVP_PKEY_EC);
    EXPECT_EQ(X509_get_signature_nid(root.get()), NID_ecdsa_with_SHA256);
}

std::chrono::seconds lifetime_of(const std::string& pem) {
    const auto certificate = first_certificate(pem);
    int days = 0, seconds = 0;
    EXPECT_EQ(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate.get()), X509_get0_notAfter(certificate.get())), 1);
    return std::chrono::seconds(days * 86400 + seconds);
}

TEST(CertificateAuthority, PX26_a_leaf_lives_for_24_hours_the_authority_as_long_as_its_session) {
    const auto authority = CertificateAuthority::make({.permitted_hosts = {"api.acme.com"}, .now = kNow, .lifetime = std::chrono::hours(72)});
    ASSERT_TRUE(authority);
    EXPECT_EQ(lifetime_of(authority->certificate_pem()), std::chrono::hours(72) + std::chrono::minutes(5));
    EXPECT_EQ(lifetime_of(authority->mint("api.acme.com", kNow)->chain_pem), std::chrono::hours(24));
    EXPECT_EQ(lifetime_of(authority->mint("api.acme.com", kNow + std::chrono::hours(71))->chain_pem), std::chrono::hours(1) + std::chrono::minutes(5))
        << "not longer than what signs it";
    for (const auto lifetime : {std::chrono::hours(0), std::chrono::hours(-1), std::chrono::hours(24 * 368)}) {
        EXPECT_FALSE(CertificateAuthority::make({.permitted_hosts = {"a.com"}, .now = kNow, .lifetime = lifetime}));
    }
}

TEST(CertificateAuthority, PX26_leaves_of_every_day_of_a_session_verify) {
    const auto authority = CertificateAuthority::make({.permitted_hosts = {"api.acme.com"}, .now = kNow, .lifetime = std::chrono::hours(30 * 24)});
    ASSERT_TRUE(authority);
    const auto root = first_certificate(authority->certificate_pem());
    for (const auto hours : {0, 23, 25, 49, 29 * 24, 30 * 24 - 1}) {
        const auto then = kNow + std::chrono::hours(hours);
        const auto leaf = authority->mint("api.acme.com", then);
        ASSERT_TRUE(leaf) << hours;
        EXPECT_EQ(verify(root.get(), first_certificate(leaf->chain_pem).get(), "api.acme.com", then), X509_V_OK) << hours;
    }
    EXPECT_EQ(authority->mint("api.acme.com", kNow + std::chrono::hours(30 * 24)).error().code, ErrorCode::limit) << "it has ended";
    EXPECT_EQ(authority->mint("api.acme.com", kNow - std::chrono::hours(1)).error().code, ErrorCode::limit) << "it has not begun";
}

TEST(CertificateAuthority, PX26_valid_from_five_minutes_ago_until_its_end) {
    const auto authority = authority_for({"api.acme.com"});
    const auto root = first_certificate(authority.certificate_pem());
    const auto leaf = first_certificate(authority.mint("api.acme.com", kNow)->chain_pem);
    const auto at = [&](std::chrono::minutes offset) { return verify(root.get(), leaf.get(), "api.acme.com", kNow + offset); };
    EXPECT_EQ(at(std::chrono::minutes(0)), X509_V_OK);
    EXPECT_EQ(at(std::chrono::minutes(-5)), X509_V_OK);
    EXPECT_EQ(at(std::chrono::minutes(-6)), X509_V_ERR_CERT_NOT_YET_VALID);
    EXPECT_EQ(at(std::chrono::minutes(23 * 60)), X509_V_OK);
    EXPECT_EQ(at(std::chrono::minutes(24 * 60)), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST(CertificateAuthority, PX26_serials_have_128_random_bits) {
    const auto authority = authority_for({"acme.com"});
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) {
        const auto leaf = first_certificate(authority.mint("acme.com", kNow)->chain_pem);
        const Number serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf.get()), nullptr));
        EXPECT_EQ(BN_num_bits(serial.get()), 128);
        EXPECT_EQ(BN_is_negative(serial.get()), 0);
        const std::unique_ptr<char, void (*)(char*)> text(BN_bn2hex(serial.get()), [](char* p) { OPENSSL_free(p); });
        EXPECT_TRUE(seen.insert(text.get()).second);
    }
}

TEST(CertificateAuthority, PX27_leaf_names_exactly_one_host) {
    const auto authority = authority_for({"api.acme.com", "::1"});
    const auto leaf = first_certificate(authority.mint("API.acme.com", kNow)->chain_pem);
    EXPECT_EQ(extension_text(leaf.get(), NID_subject_alt_name), "DNS:api.acme.com");
    EXPECT_EQ(extension_text(leaf.get(), NID_ext_key_usage), "TLS Web Server Authentication");
    EXPECT_EQ(extension_text(leaf.get(), NID_basic_constraints), "critical CA:FALSE");
    EXPECT_EQ(extension_text(first_certificate(authority.mint("[::1]", kNow)->chain_pem).get(), NID_subject_alt_name),
              "IP Address:0:0:0:0:0:0:0:1");
}

struct MintRow { std::vector<std::string> permitted; std::string host; bool allowed; };

TEST(CertificateAuthority, PX27_mints_for_permitted_hosts_only) {
    const MintRow rows[] = {
        {{"api.acme.com"}, "api.acme.com", true}, {{"api.acme.com"}, "x.api.acme.com", true},
        {{"api.acme.com"}, "acme.com", false}, {{"api.acme.com"}, "xapi.acme.com", false},
        {{"api.acme.com"}, "api.acme.com.evil.com", false}, {{"api.acme.com"}, "127.0.0.1", false},
        {{".acme.com"}, "a.acme.com", true}, {{".acme.com"}, "a.b.acme.com", true}, {{".acme.com"}, "acme.com", false},
        {{".acme.com"}, "evilacme.com", false}, {{"127.0.0.1"}, "127.0.0.1", true}, {{"127.0.0.1"}, "127.0.0.2", false},
        {{"127.0.0.1"}, "localhost", false}, {{"127.0.0.1"}, "::1", false}, {{"::1"}, "[::1]", true},
        {{"::1"}, "127.0.0.1", false}, {{"[::1]"}, "::1", true}, {{"a.com", "b.com"}, "b.com", true},
        {{"a.com"}, "*.a.com", false}, {{"a.com"}, ".a.com", false}, {{"a.com"}, "a.com.", false}, {{"a.com"}, "", false},
        {{"a.com"}, "A.COM", true}, {{"a.com"}, "a.com/x", false}, {{"a.com"}, std::string("a.com\0.evil.com", 15), false},
        {{"a.com"}, "b..a.com", false}, {{"localhost"}, "localhost", true}, {{"a.com"}, "\xc3\xa9.a.com", false},
        {{"1.1.1.1"}, "[1.1.1.1]", false}, {{"a.com"}, "1.2.3", false},
    };
    for (const auto& row : rows) {
        const auto authority = authority_for(row.permitted);
        const auto leaf = authority.mint(row.host, kNow);
        EXPECT_EQ(leaf.has_value(), row.allowed) << row.permitted[0] << " " << row.host;
        if (!leaf) continue;
        // What we mint, OpenSSL accepts under strict checks.
        std::string shown = row.host.starts_with('[') ? row.host.substr(1, row.host.size() - 2) : row.host;
        EXPECT_EQ(verify(first_certificate(authority.certificate_pem()).get(),
                         first_certificate(leaf->chain_pem).get(), shown), X509_V_OK) << row.host;
    }
}

// What somebody could sign who stole the authority's key. Only the constraints in the trusted root stand against it.
TEST(CertificateAuthority, PX26_constraints_hold_against_a_leaf_for_another_host) {
    struct Row { std::vector<std::string> permitted; std::string host; bool accepted; };
    const Row rows[] = {
        {{"api.acme.com"}, "api.acme.com", true}, {{"api.acme.com"}, "accounts.example.org", false},
        {{"api.acme.com"}, "acme.com", false}, {{"api.acme.com"}, "127.0.0.1", false}, {{"api.acme.com"}, "::1", false},
        {{"api.acme.com"}, "x.api.acme.com", true}, {{"api.acme.com"}, "xapi.acme.com", false},
        {{".acme.com"}, "a.acme.com", true}, {{".acme.com"}, "acme.com", false}, {{".acme.com"}, "evilacme.com", false},
        {{"127.0.0.1"}, "127.0.0.1", true}, {{"127.0.0.1"}, "127.0.0.2", false}, {{"127.0.0.1"}, "::1", false},
        {{"127.0.0.1"}, "api.acme.com", false}, {{"::1"}, "::1", true}, {{"::1"}, "::2", false},
        {{"::1"}, "127.0.0.1", false}, {{"::1"}, "acme.com", false}, {{"a.com", "::1"}, "127.0.0.1", false},
        {{"a.com", "127.0.0.1"}, "b.com", false}, {{"a.com", "127.0.0.1"}, "127.0.0.1", true},
    };
    const auto root_key = generate_key(), leaf_key = generate_key();
    const Validity validity{kNow, kNow + std::chrono::hours(1)};
    for (const auto& row : rows) {
        std::vector<HostName> permitted;
        for (const auto& host : row.permitted) permitted.push_back(*host_name_from(host, true));
        const auto root = make_root(root_key->get(), permitted, validity);
        const auto leaf = make_leaf(leaf_key->get(), root->get(), root_key->get(), *host_name_from(row.host, false), validity);
        const int verdict = verify(root->get(), leaf->get(), row.host);
        const bool refused = verdict == X509_V_ERR_PERMITTED_VIOLATION || verdict == X509_V_ERR_EXCLUDED_VIOLATION;
        EXPECT_TRUE(row.accepted ? verdict == X509_V_OK : refused) << row.permitted[0] << " " << row.host << " " << verdict;
    }
}

TEST(CertificateAuthority, PX26_a_leaf_signs_nothing) {
    const auto authority = authority_for({"api.acme.com"});
    const auto root = first_certificate(authority.certificate_pem());
    EXPECT_EQ(X509_get_pathlen(root.get()), 0);
    const auto leaf = first_certificate(authority.mint("api.acme.com", kNow)->chain_pem);
    EXPECT_EQ(X509_check_ca(leaf.get()), 0);
    EXPECT_EQ(verify(root.get(), leaf.get(), "other.acme.com"), X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST(CertificateAuthority, each_session_has_its_own) {
    const auto one = authority_for({"a.com"}), two = authority_for({"a.com"});
    EXPECT_NE(verify(first_certificate(one.certificate_pem()).get(), first_certificate(two.mint("a.com", kNow)->chain_pem).get(),
                     "a.com"), X509_V_OK);
}

TEST(CertificateAuthority, refuses_to_be_made_without_or_with_wrong_hosts) {
    for (const std::vector<std::string>& hosts :
         {std::vector<std::string>{}, {""}, {"."}, {"a..b"}, {"*.a.com"}, {"https://a.com"}, {"a.com", "b c"}, {"1.2.3.256"},
          {std::string(300, 'a')}, {"a.com:443"}}) {
        const auto made = CertificateAuthority::make({.permitted_hosts = hosts, .now = kNow});
        ASSERT_FALSE(made) << (hosts.empty() ? "none" : hosts[0]);
        EXPECT_EQ(made.error().code, ErrorCode::invalid_input);
    }
}

TEST(CertificateAuthority, VA14_the_key_of_the_leaf_fits_its_certificate) {
    const auto authority = authority_for({"a.com"});
    const auto leaf = authority.mint("a.com", kNow);
    const auto text = leaf->key_pem.reveal();
    const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    const Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
    ASSERT_TRUE(key);
    EXPECT_EQ(X509_check_private_key(first_certificate(leaf->chain_pem).get(), key.get()), 1);
    EXPECT_EQ(leaf->chain_pem.find("PRIVATE"), std::string::npos);
    // The authority's own key has no way out.
    EXPECT_EQ(X509_check_private_key(first_certificate(authority.certificate_pem()).get(), key.get()), 0);
}

}  // namespace
}  // namespace claviger::crypto
