#include "app/system_trust.hpp"

#include <fstream>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "crypto/certificate_authority.hpp"
#include "crypto/hashed_certificates.hpp"
#include "sys/files.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::app {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

std::string text_of(const fs::path& path) { return sys::read_file(path, 1 << 20).value_or("(none)"); }

struct Place {
    Place() {
        crypto::CertificateAuthority::Options options;
        options.permitted_hosts = {"api.acme.com"};
        options.now = base::SystemClock().now();
        authority = crypto::CertificateAuthority::make(options)->certificate_pem();
        write(files.bundle, "the system's\n" + authority);
        write(files.additional, authority);
        write(files.java_store, "java's");
        ::chmod(files.bundle.c_str(), 0600);
    }
    sys::ScratchDirectory scratch;
    fs::path base = fs::canonical(scratch.path()), root = base / "root", session = base / "session", made = session / "system";
    TrustFiles files{session / "bundle", session / "additional", {}, {}, session / "java"};
    std::string authority;
};

TEST(SystemTrust, of_debian_is_one_directory_with_all_it_had) {
    Place place;
    const fs::path certs = place.root / "etc/ssl/certs";
    write(certs / "ca-certificates.crt", "old");
    write(certs / "java/cacerts", "old java");
    write(certs / "local.pem", "a file of its own");
    write(place.root / "usr/share/ca-certificates/one.crt", "one");
    fs::create_symlink(place.root / "usr/share/ca-certificates/one.crt", certs / "One.pem");
    fs::create_symlink("One.pem", certs / "11111111.0");
    fs::create_symlink("local.pem", certs / "22222222.0");
    fs::create_symlink("nowhere", certs / "dangling.pem");
    fs::create_symlink(certs / "ca-certificates.crt", place.root / "etc/ssl/cert.pem");
    const std::string hash = crypto::hashed_certificates(place.authority).at(0).hash;
    write(certs / (hash + ".0"), "another subject of the same hash");
    const auto mounts = make_system_trust(place.made, place.files, place.root);
    ASSERT_TRUE(mounts) << mounts.error().describe();
    ASSERT_EQ(mounts->size(), 1U) << "all lies in the directory";
    EXPECT_EQ(mounts->front().target, certs);
    const fs::path shown = mounts->front().source;
    EXPECT_EQ(text_of(shown / "ca-certificates.crt"), text_of(place.files.bundle));
    EXPECT_EQ(text_of(shown / "java/cacerts"), "java's");
    EXPECT_EQ(text_of(shown / "local.pem"), "a file of its own");
    EXPECT_EQ(text_of(shown / "One.pem"), "one");
    EXPECT_EQ(text_of(shown / "11111111.0"), "one");
    EXPECT_EQ(fs::read_symlink(shown / "22222222.0"), "local.pem") << "links lead where they led";
    EXPECT_TRUE(fs::is_symlink(shown / "dangling.pem"));
    EXPECT_EQ(text_of(shown / (hash + ".0")), "another subject of the same hash");
    EXPECT_EQ(text_of(shown / (hash + ".1")), place.authority) << "where OpenSSL looks next";
    struct stat info {};
    ASSERT_EQ(::stat((shown / "ca-certificates.crt").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0644U) << "a program that root runs may become another user";
    EXPECT_EQ(text_of(certs / "ca-certificates.crt"), "old") << "what is outside stays as it was";
}

TEST(SystemTrust, of_fedora_has_its_bundle_and_javas_store_elsewhere) {
    Place place;
    const fs::path extracted = place.root / "etc/pki/ca-trust/extracted";
    write(extracted / "pem/tls-ca-bundle.pem", "old");
    write(extracted / "java/cacerts", "old java");
    fs::create_directories(place.root / "etc/pki/tls/certs");
    fs::create_directories(place.root / "etc/ssl");
    fs::create_symlink(extracted / "pem/tls-ca-bundle.pem", place.root / "etc/pki/tls/certs/ca-bundle.crt");
    fs::create_symlink(extracted / "pem/tls-ca-bundle.pem", place.root / "etc/pki/tls/cert.pem");
    fs::create_symlink(place.root / "etc/pki/tls/certs", place.root / "etc/ssl/certs");
    auto mounts = make_system_trust(place.made, place.files, place.root);
    ASSERT_TRUE(mounts) << mounts.error().describe();
    ASSERT_EQ(mounts->size(), 3U);
    EXPECT_EQ((*mounts)[0].target, place.root / "etc/pki/tls/certs");
    EXPECT_EQ(fs::read_symlink((*mounts)[0].source / "ca-bundle.crt"), extracted / "pem/tls-ca-bundle.pem") << "over which the next is shown";
    EXPECT_EQ((*mounts)[1].target, extracted / "pem/tls-ca-bundle.pem");
    EXPECT_EQ(text_of((*mounts)[1].source), text_of(place.files.bundle));
    EXPECT_EQ((*mounts)[2].target, extracted / "java/cacerts");
    EXPECT_EQ(text_of((*mounts)[2].source), "java's");
}

TEST(SystemTrust, a_system_without_one_gets_none) {
    Place place;
    fs::create_directories(place.root);
    const auto mounts = make_system_trust(place.made, place.files, place.root);
    ASSERT_TRUE(mounts);
    EXPECT_TRUE(mounts->empty());
    EXPECT_FALSE(make_system_trust(place.base / "no/such", place.files, place.root)) << "a directory that cannot be made";
}

}  // namespace
}  // namespace claviger::app
