#include <fstream>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.hpp"
#include "vault/key_encryption_key.hpp"
#include "vault/passphrase.hpp"
#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

using base::ErrorCode;

class KeySource : public VaultTest {
protected:
    // An anonymous file that holds `content`, as an inherited descriptor.
    static int descriptor_with(std::string_view content) {
        const int fd = ::memfd_create("key", MFD_CLOEXEC);
        EXPECT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
        ::lseek(fd, 0, SEEK_SET);
        return fd;
    }
    static KeySourceChoice passphrase(std::string_view text) {
        KeySourceChoice choice;
        choice.kind = KeySourceKind::passphrase;
        choice.ask_passphrase = [text = std::string(text)](bool) { return base::Result<base::Secret>(base::Secret(text)); };
        return choice;
    }
};

TEST_F(KeySource, VA04_descriptor_takes_raw_base64_and_hex) {
    const std::string key(32, '\xa5');
    auto with = options(KeySourceKind::descriptor);
    with.key_source.descriptor = descriptor_with(key);
    {
        auto vault = open(with);
        put(vault, VaultTest::key("a"), "x");
    }
    for (const std::string& text : {key, base::base64_encode(key), base::base64url_encode(key), base::hex_encode(key),
                                    base::base64_encode(key) + "\n", base::hex_encode(key) + "\r\n"}) {
        with.key_source.descriptor = descriptor_with(text);
        auto vault = open(with);
        EXPECT_EQ(VaultTest::text(vault, VaultTest::key("a")), "x");
        auto again = open(with);  // the same descriptor a second time
    }
    for (const std::string& text : {std::string(), std::string(31, 'k'), std::string(33, 'k'), std::string(64, 'z'), std::string(32, 'k'),
                                    std::string(5000, 'k')}) {
        with.key_source.descriptor = descriptor_with(text);
        EXPECT_EQ(Vault::open(with, clock_, random_).error().code, ErrorCode::key_missing) << text.size();
    }
    with.key_source.descriptor = -1;
    EXPECT_EQ(Vault::open(with, clock_, random_).error().code, ErrorCode::key_missing);
    EXPECT_FALSE(std::filesystem::exists(home() / "vault.key"));
}

TEST_F(KeySource, VA04_passphrase_makes_and_opens) {
    auto with = options();
    int asked = 0;
    with.key_source = passphrase("one two three");
    with.key_source.ask_passphrase = [&](bool confirm) {
        EXPECT_TRUE(confirm) << "a new passphrase is confirmed";
        ++asked;
        return base::Result<base::Secret>(base::Secret("one two three"));
    };
    { auto vault = open(with); }
    EXPECT_EQ(asked, 1);
    with.key_source = passphrase("one two three");
    { auto vault = open(with); }
    with.key_source = passphrase("one two four");
    const auto wrong = Vault::open(with, clock_, random_);
    EXPECT_EQ(wrong.error().code, ErrorCode::key_missing);
    EXPECT_EQ(wrong.error().message, "the passphrase is wrong");
    with.key_source = passphrase("");
    EXPECT_EQ(Vault::open(with, clock_, random_).error().code, ErrorCode::invalid_input);
}

TEST_F(KeySource, VA13_parameters_below_the_floor_are_refused_before_anything_is_derived) {
    auto with = options();
    with.key_source = passphrase("p");
    { auto vault = open(with); }
    const std::string salt = ",p=1,salt=AAAAAAAAAAAAAAAAAAAAAA";
    const std::pair<std::string, ErrorCode> rows[] = {
        {"argon2id,m=65535,t=3" + salt, ErrorCode::denied},      {"argon2id,m=65536,t=2" + salt, ErrorCode::denied},
        {"argon2id,m=8,t=1" + salt, ErrorCode::denied},          {"argon2id,m=4294967295,t=3" + salt, ErrorCode::denied},
        {"argon2id,m=65536,t=4000000" + salt, ErrorCode::denied}, {"argon2i,m=65536,t=3" + salt, ErrorCode::corrupt},
        {"argon2id,m=-1,t=3" + salt, ErrorCode::corrupt},        {"argon2id,m=065536,t=3" + salt, ErrorCode::corrupt},
        {"argon2id,m=99999999999,t=3" + salt, ErrorCode::corrupt}, {"argon2id,m=65536,t=3,p=1,salt=AAAA", ErrorCode::corrupt},
        {"", ErrorCode::corrupt},
        // Strong enough, but not what the vault was made with: the key check notices.
        {"argon2id,m=65536,t=3" + salt, ErrorCode::key_missing}};
    for (const auto& [parameters, code] : rows) {
        tamper("UPDATE vault SET key_parameters = '" + parameters + "'");
        EXPECT_EQ(Vault::open(with, clock_, random_).error().code, code) << parameters;
    }
}

TEST_F(KeySource, argon2_parameters_survive_as_text) {
    auto parameters = Argon2Parameters::fresh(random_);
    EXPECT_GE(parameters.kibibytes, 64U * 1024);
    EXPECT_GE(parameters.passes, 3U);
    const auto again = Argon2Parameters::parse(parameters.text()).value();
    EXPECT_EQ(again.salt, parameters.salt);
    EXPECT_EQ(again.kibibytes, parameters.kibibytes);
    EXPECT_EQ(again.passes, parameters.passes);
}

TEST_F(KeySource, key_file_of_others_or_outside_the_home_is_refused) {
    {
        auto vault = open();
        put(vault, key("a"), "x");
    }
    std::filesystem::permissions(home() / "vault.key", std::filesystem::perms(0644));
    EXPECT_EQ(Vault::open(options(), clock_, random_).error().code, ErrorCode::denied);
    std::filesystem::permissions(home() / "vault.key", std::filesystem::perms(0600));
    std::filesystem::rename(home() / "vault.key", scratch_ / "vault.key");
    for (const char* name : {"../vault.key", "/etc/passwd", "vault/../x.key", "", "other"}) {
        EXPECT_EQ(load_key(KeySourceKind::file, name, {}, {home(), std::string(16, 'v')}).error().code, ErrorCode::corrupt) << name;
    }
    std::filesystem::create_symlink(scratch_ / "vault.key", home() / "vault.key");
    EXPECT_EQ(Vault::open(options(), clock_, random_).error().code, ErrorCode::denied);
}

TEST_F(KeySource, automatic_without_a_session_bus_is_a_file) {
    ::unsetenv("DBUS_SESSION_BUS_ADDRESS");
    ::unsetenv("XDG_RUNTIME_DIR");
    auto vault = open(options(KeySourceKind::automatic));
    EXPECT_EQ(vault.status(false).value().key_source, "file");
    EXPECT_EQ(Vault::open(options(KeySourceKind::secret_service), clock_, random_).error().code, ErrorCode::usage);
}

TEST_F(KeySource, secret_service_without_a_bus_fails_and_leaves_no_vault) {
    ::unsetenv("DBUS_SESSION_BUS_ADDRESS");
    ::unsetenv("XDG_RUNTIME_DIR");
    EXPECT_EQ(Vault::open(options(KeySourceKind::secret_service), clock_, random_).error().code, ErrorCode::unsupported);
    EXPECT_FALSE(std::filesystem::exists(file()));
    EXPECT_FALSE(std::filesystem::exists(home() / "vault.key"));
}

TEST_F(KeySource, names_are_read_back) {
    for (const auto kind : {KeySourceKind::secret_service, KeySourceKind::file, KeySourceKind::passphrase, KeySourceKind::descriptor}) {
        EXPECT_EQ(key_source_from(to_string(kind)), kind);
    }
    EXPECT_EQ(key_source_from("automatic"), std::nullopt) << "never what a vault is made with";
}

}  // namespace
}  // namespace claviger::vault::testing
