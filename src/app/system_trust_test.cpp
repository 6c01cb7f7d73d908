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

TEST(SystemTrust, of_debian_has_all_in_one_directory) {
    Place place;
    const fs::path certs = place.root / "etc/ssl/certs";
    write(certs / "ca-certificates.crt", "old");
    write(certs / "java/cacerts", "old java");
    fs::create_symlink(certs / "ca-certificates.crt", place.root / "etc/ssl/cert.pem");
    const std::string hash = crypto::hashed_certificates(place.authority).at(0).hash;
    fs::create_symlink("nowhere", certs / (hash + ".0"));
    const auto mounts = make_system_trust(place.made, place.files, place.root);
    ASSERT_TRUE(mounts) << mounts.error().describe();
    ASSERT_EQ(mounts->size(), 1U) << "all lies in the directory";
    EXPECT_EQ(mounts->front().target, certs);
    EXPECT_TRUE(mounts->front().directory);
    const fs::path shown = mounts->front().source;
    EXPECT_EQ(text_of(shown / "ca-certificates.crt"), text_of(place.files.bundle));
    EXPECT_EQ(text_of(shown / "java/cacerts"), "java's");
    EXPECT_EQ(text_of(shown / (hash + ".1")), place.authority) << "where OpenSSL looks next";
    EXPECT_FALSE(fs::exists(fs::symlink_status(shown / (hash + ".0")))) << "the system's is taken from the system";
    for (const char* name : {"ca-certificates.crt", "java/cacerts"}) {
        struct stat info {};
        ASSERT_EQ(::stat((shown / name).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0644U) << "a program that root runs may become another user";
    }
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
    EXPECT_EQ((*mounts)[0].target, extracted / "pem/tls-ca-bundle.pem") << "one bundle, whatever leads to it";
    EXPECT_EQ(text_of((*mounts)[0].source), text_of(place.files.bundle));
    EXPECT_EQ((*mounts)[1].target, extracted / "java/cacerts");
    EXPECT_EQ(text_of((*mounts)[1].source), "java's");
    EXPECT_EQ((*mounts)[2].target, place.root / "etc/pki/tls/certs");
    EXPECT_TRUE((*mounts)[2].directory);
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
