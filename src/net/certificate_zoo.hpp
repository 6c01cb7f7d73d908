// The bad-certificate zoo (PX-25, G18): what a server may show that must not be believed, and some that must. For tests
// alone: those of net/, and the program that writes it out for an end-to-end test.
#pragma once

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <string>
#include <utility>
#include <vector>

#include "net/certificate_fixture.hpp"

namespace claviger::net::fixture {

inline const std::string kZooHost = "api.acme.test";

struct ZooCase {
    std::string name;
    std::vector<Certificate> chain;  // leaf first
    Key key;
    std::string expected;  // in the message; empty: the certificate is good
    std::string host{kZooHost};
    Certificate trusted;   // the authority that the client trusts
    int max_version = 0;
};

// Roots and intermediates the cases share.
struct Zoo {
    Key root_key = ec_key();
    Certificate root = issue(authority_spec("zoo root"), root_key, nullptr, root_key);
    Key key = ec_key();  // every leaf's, unless its key is the point
    Key middle_key = ec_key();

    [[nodiscard]] Certificate leaf(const Spec& spec) const { return issue(spec, key, root, root_key); }
    [[nodiscard]] Certificate middle(const Spec& spec) const { return issue(spec, middle_key, root, root_key); }
    [[nodiscard]] ZooCase leaf_case(std::string name, const Spec& spec, std::string expected) const {
        return ZooCase{std::move(name), {leaf(spec)}, key, std::move(expected), kZooHost, nullptr, 0};
    }
    [[nodiscard]] ZooCase names_case(std::string name, const std::string& names, std::string expected, std::string host = kZooHost) const {
        ZooCase made = leaf_case(std::move(name), leaf_spec(names), std::move(expected));
        made.host = std::move(host);
        return made;
    }
    // leaf <- middle <- root
    [[nodiscard]] ZooCase middle_case(std::string name, const Spec& middle_spec, std::string expected, const Spec& spec = leaf_spec(dns(kZooHost))) const {
        const Certificate above = middle(middle_spec);
        return ZooCase{std::move(name), {issue(spec, key, above, middle_key), above}, key, std::move(expected), kZooHost, nullptr, 0};
    }
};

template <class Change>
Spec changed(Spec spec, Change change) {
    change(spec);
    return spec;
}

inline constexpr const char* kOtherName = "is for another name";
inline constexpr const char* kUntrusted = "authority that is not trusted";
inline constexpr const char* kMustNotSign = "must not sign";

inline void add_good(const Zoo& zoo, std::vector<ZooCase>& cases) {
    cases.push_back(zoo.names_case("good", dns(kZooHost), ""));
    cases.push_back(zoo.names_case("good among others", dns("www.acme.test") + dns("API.ACME.test"), ""));
    cases.push_back(zoo.names_case("good wildcard", dns("*.acme.test"), ""));
    cases.push_back(zoo.names_case("good address", ip(std::string("\x7f\0\0\1", 4)), "", "127.0.0.1"));
    cases.push_back(zoo.names_case("good IPv6 address", ip(std::string(15, '\0') + '\1'), "", "::1"));
    cases.push_back(zoo.middle_case("good intermediate", authority_spec("middle"), ""));
    cases.push_back(zoo.middle_case("good constraint", changed(authority_spec("middle"), [](Spec& s) { s.permitted = dns("acme.test"); }), ""));
    cases.push_back(zoo.names_case("good wildcard under a hoster's suffix", dns("*.github.io"), "", "acme.github.io"));
    ZooCase tls12 = zoo.names_case("good with TLS 1.2", dns(kZooHost), "");
    tls12.max_version = TLS1_2_VERSION;
    cases.push_back(tls12);
}

inline void add_bad_names(const Zoo& zoo, std::vector<ZooCase>& cases) {
    const auto bad = [&](const char* name, const std::string& names, const std::string& host = kZooHost) {
        cases.push_back(zoo.names_case(name, names, kOtherName, host));
    };
    bad("other host", dns("www.acme.test"));
    bad("parent domain", dns("acme.test"));
    bad("child domain", dns("v1.api.acme.test"));
    bad("same suffix without a dot", dns("xapi.acme.test"));
    bad("wildcard for two labels", dns("*.test"));
    bad("wildcard one label too deep", dns("*.acme.test"), "v1.api.acme.test");
    bad("wildcard for its own parent", dns("*.api.acme.test"));
    bad("wildcard at the end of a label", dns("ap*.acme.test"));
    bad("wildcard at the start of a label", dns("*pi.acme.test"));
    bad("wildcard inside a label", dns("a*i.acme.test"));
    bad("wildcard in the second label", dns("api.*.test"));
    bad("two wildcards", dns("*.*.test"));
    bad("wildcard alone", dns("*"));
    bad("wildcard over a top-level domain", dns("*.com"), "acme.com");
    bad("wildcard over a registry suffix", dns("*.co.uk"), "acme.co.uk");
    bad("leading dot", dns(".acme.test"));
    bad("zero byte behind the name", dns(std::string("api.acme.test\0.evil.test", 24)));
    bad("zero byte before the end", dns(std::string("api.acme.test\0", 14)));
    bad("name as e-mail address", email("api@api.acme.test"));
    bad("name as URI", uri("https://api.acme.test/"));
    bad("address as name", ip(std::string("\x7f\0\0\1", 4)));
    bad("common name only", "");
    cases.back().chain = {zoo.leaf(changed(leaf_spec(""), [](Spec& s) { s.common_name = kZooHost; }))};
    bad("common name beside another name", "");
    cases.back().chain = {zoo.leaf(changed(leaf_spec(dns("www.acme.test")), [](Spec& s) { s.common_name = kZooHost; }))};
    bad("common name beside an address only", "");
    cases.back().chain = {zoo.leaf(changed(leaf_spec(ip(std::string("\x7f\0\0\1", 4))), [](Spec& s) { s.common_name = kZooHost; }))};
    const auto bad_address = [&](const char* name, const Spec& spec) {
        cases.push_back(zoo.leaf_case(name, spec, "is for another address"));
        cases.back().host = "127.0.0.1";
    };
    bad_address("other address", leaf_spec(ip(std::string("\x7f\0\0\2", 4))));
    bad_address("address written as a name", leaf_spec(dns("127.0.0.1")));
    bad_address("address as common name", changed(leaf_spec(""), [](Spec& s) { s.common_name = "127.0.0.1"; }));
    bad_address("address mapped into IPv6", leaf_spec(ip(std::string(10, '\0') + "\xff\xff" + std::string("\x7f\0\0\1", 4))));
}

inline void add_bad_leaves(const Zoo& zoo, std::vector<ZooCase>& cases) {
    const auto bad = [&](const char* name, const char* expected, auto change) {
        cases.push_back(zoo.leaf_case(name, changed(leaf_spec(dns(kZooHost)), change), expected));
    };
    bad("expired", "api.acme.test has expired", [](Spec& s) { s.not_after = -60; });
    bad("expired long ago", "has expired", [](Spec& s) { s.not_before = -400 * kDay; s.not_after = -300 * kDay; });
    bad("not yet valid", "is not valid yet", [](Spec& s) { s.not_before = 3600; });
    bad("ends before it begins", "has expired", [](Spec& s) { s.not_before = -60; s.not_after = -120; });
    bad("SHA-1 signature", "weak digest", [](Spec& s) { s.digest = EVP_sha1(); });
    bad("SHA-1 signature as version 1", "weak digest", [](Spec& s) { s = Spec{}; s.version = 0; s.digest = EVP_sha1(); });
    bad("for clients only", "is not for servers", [](Spec& s) { s.extended_usage = kClientAuth; });
    bad("for code signing only", "is not for servers", [](Spec& s) { s.extended_usage = kCodeSigning; });
    bad("key for signing certificates only", "is not for servers", [](Spec& s) { s.key_usage = kSignCertificates; });
    bad("unknown critical extension", "unhandled critical extension", [](Spec& s) { s.unknown_critical = true; });
    bad("changed after it was signed", "has a false signature", [](Spec& s) { s.break_signature = true; });

    ZooCase self{"signed by itself", {issue(leaf_spec(dns(kZooHost)), zoo.key, nullptr, zoo.key)}, zoo.key, "is signed by itself", kZooHost, nullptr, 0};
    cases.push_back(self);
    for (const unsigned bits : {512U, 1024U}) {
        const Key weak = rsa_key(bits);
        cases.push_back(ZooCase{"RSA-" + std::to_string(bits), {issue(leaf_spec(dns(kZooHost)), weak, zoo.root, zoo.root_key)}, weak, "weak key", kZooHost, nullptr, TLS1_2_VERSION});
    }
    const Key small(EVP_EC_gen("secp160r1"), EVP_PKEY_free);
    if (small) cases.push_back(ZooCase{"160-bit curve", {issue(leaf_spec(dns(kZooHost)), small, zoo.root, zoo.root_key)}, small, "", kZooHost, nullptr, TLS1_2_VERSION});
    if (small) cases.back().expected = "api.acme.test";  // OpenSSL may end the handshake before it looks at the certificate
}

// MD5 needs an RSA authority: there is no ECDSA with MD5.
inline void add_bad_digests(const Zoo& zoo, std::vector<ZooCase>& cases) {
    const Key rsa = rsa_key(2048);
    const Certificate root = issue(authority_spec("RSA root"), rsa, nullptr, rsa);
    for (const EVP_MD* digest : {EVP_md5(), EVP_sha1()}) {
        const Spec spec = changed(leaf_spec(dns(kZooHost)), [&](Spec& s) { s.digest = digest; });
        cases.push_back(ZooCase{std::string("RSA with ") + EVP_MD_get0_name(digest), {issue(spec, zoo.key, root, rsa)}, zoo.key, "weak digest", kZooHost, root, 0});
    }
}

inline void add_bad_chains(const Zoo& zoo, std::vector<ZooCase>& cases) {
    const auto bad = [&](const char* name, const char* expected, auto change) {
        cases.push_back(zoo.middle_case(name, changed(authority_spec("middle"), change), expected));
    };
    bad("intermediate is no authority", kMustNotSign, [](Spec& s) { s.authority = false; });
    bad("intermediate does not say what it is", kMustNotSign, [](Spec& s) { s.authority.reset(); s.key_usage.reset(); });
    bad("intermediate of version 1", kMustNotSign, [](Spec& s) { s = Spec{}; s.common_name = "middle"; s.version = 0; });
    bad("intermediate must not sign certificates", "", [](Spec& s) { s.key_usage = kDigitalSignature; });
    cases.back().expected = "the certificate of api.acme.test";  // "unable to get issuer", or "must not sign"
    bad("intermediate expired", "has expired", [](Spec& s) { s.not_after = -60; });
    bad("intermediate not yet valid", "is not valid yet", [](Spec& s) { s.not_before = 3600; });
    bad("intermediate signed with SHA-1", "weak digest", [](Spec& s) { s.digest = EVP_sha1(); });
    bad("intermediate for clients only", "is not for servers", [](Spec& s) { s.extended_usage = kClientAuth; });
    bad("intermediate changed", "has a false signature", [](Spec& s) { s.break_signature = true; });
    bad("outside the permitted names", "outside the names", [](Spec& s) { s.permitted = dns("other.test"); });
    bad("inside the excluded names", "outside the names", [](Spec& s) { s.excluded = dns("acme.test"); });
    bad("no name is permitted but an address", "", [](Spec& s) { s.permitted = dns("x.invalid") + ip(std::string("\x0a\0\0\0\xff\0\0\0", 8)); });
    cases.back().expected = "outside the names";
    const Spec other_wildcard = leaf_spec(dns(kZooHost) + dns("*.evil.test"));
    cases.push_back(zoo.middle_case("one of its names is not permitted", changed(authority_spec("middle"), [](Spec& s) { s.permitted = dns("acme.test"); }), "outside the names", other_wildcard));

    // A leaf that signs a leaf.
    const Certificate first = issue(changed(leaf_spec(dns("www.acme.test")), [](Spec& s) { s.common_name = "first"; }), zoo.middle_key, zoo.root, zoo.root_key);
    cases.push_back(ZooCase{"signed by a leaf", {issue(leaf_spec(dns(kZooHost)), zoo.key, first, zoo.middle_key), first}, zoo.key, kMustNotSign, kZooHost, nullptr, 0});
    // Longer than its authority allows.
    const Certificate short_one = zoo.middle(changed(authority_spec("short"), [](Spec& s) { s.path_length = 0; }));
    const Key below_key = ec_key();
    const Certificate below = issue(authority_spec("below"), below_key, short_one, zoo.middle_key);
    cases.push_back(ZooCase{"longer than allowed", {issue(leaf_spec(dns(kZooHost)), zoo.key, below, below_key), below, short_one}, zoo.key, "longer chain", kZooHost, nullptr, 0});
    // The intermediate is not sent.
    const Certificate hidden = zoo.middle(authority_spec("hidden"));
    cases.push_back(ZooCase{"intermediate missing", {issue(leaf_spec(dns(kZooHost)), zoo.key, hidden, zoo.middle_key)}, zoo.key, kUntrusted, kZooHost, nullptr, 0});
    cases.push_back(ZooCase{"wrong intermediate sent", {issue(leaf_spec(dns(kZooHost)), zoo.key, hidden, zoo.middle_key), short_one}, zoo.key, kUntrusted, kZooHost, nullptr, 0});
    // An intermediate with a weak key.
    const Key weak = rsa_key(1024);
    const Certificate weak_middle = issue(authority_spec("weak"), weak, zoo.root, zoo.root_key);
    cases.push_back(ZooCase{"intermediate with RSA-1024", {issue(leaf_spec(dns(kZooHost)), zoo.key, weak_middle, weak), weak_middle}, zoo.key, "weak key", kZooHost, nullptr, 0});
}

inline void add_bad_roots(const Zoo& zoo, std::vector<ZooCase>& cases) {
    const Key other_key = ec_key();
    const Certificate other = issue(authority_spec("other root"), other_key, nullptr, other_key);
    cases.push_back(ZooCase{"unknown authority", {issue(leaf_spec(dns(kZooHost)), zoo.key, other, other_key)}, zoo.key, kUntrusted, kZooHost, nullptr, 0});
    cases.push_back(ZooCase{"unknown authority, sent along", {issue(leaf_spec(dns(kZooHost)), zoo.key, other, other_key), other}, zoo.key, kUntrusted, kZooHost, nullptr, 0});
    const Certificate impostor = issue(authority_spec("zoo root"), other_key, nullptr, other_key);
    cases.push_back(ZooCase{"impostor with the root's name", {issue(leaf_spec(dns(kZooHost)), zoo.key, impostor, other_key), impostor}, zoo.key, "the certificate of", kZooHost, nullptr, 0});
    const Certificate old = issue(changed(authority_spec("old root"), [](Spec& s) { s.not_after = -60; }), other_key, nullptr, other_key);
    cases.push_back(ZooCase{"expired root", {issue(leaf_spec(dns(kZooHost)), zoo.key, old, other_key)}, zoo.key, "has expired", kZooHost, old, 0});
    const Certificate bound = issue(changed(authority_spec("bound root"), [](Spec& s) { s.permitted = dns("other.test"); }), other_key, nullptr, other_key);
    cases.push_back(ZooCase{"root for other names", {issue(leaf_spec(dns(kZooHost)), zoo.key, bound, other_key)}, zoo.key, "outside the names", kZooHost, bound, 0});
    const Certificate no_authority = issue(changed(authority_spec("no authority"), [](Spec& s) { s.authority = false; }), other_key, nullptr, other_key);
    cases.push_back(ZooCase{"root that is no authority", {issue(leaf_spec(dns(kZooHost)), zoo.key, no_authority, other_key)}, zoo.key, kMustNotSign, kZooHost, no_authority, 0});
    // The system's store alone: a public authority would be needed.
    cases.push_back(ZooCase{"trusted by name only", {issue(leaf_spec(dns("*.acme.test") + dns(kZooHost)), zoo.key, other, other_key), impostor}, zoo.key, kUntrusted, kZooHost, nullptr, 0});
}

inline std::vector<ZooCase> certificate_zoo() {
    const Zoo zoo;
    std::vector<ZooCase> cases;
    add_good(zoo, cases);
    add_bad_names(zoo, cases);
    add_bad_leaves(zoo, cases);
    add_bad_digests(zoo, cases);
    add_bad_chains(zoo, cases);
    add_bad_roots(zoo, cases);
    for (ZooCase& one : cases) {
        if (!one.trusted) one.trusted = zoo.root;
    }
    return cases;
}

}  // namespace claviger::net::fixture
