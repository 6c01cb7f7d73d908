// The byte-exact formats of docs/formats/, by vectors that a second implementation made.
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "sys/files.hpp"
#include "vault/key_encryption_key.hpp"
#include "vault/ledger.hpp"
#include "vault/seal.hpp"
#include "vault/state.hpp"
#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

// Gives the vector's nonce.
class FixedRandom final : public base::Random {
public:
    explicit FixedRandom(std::string bytes) : bytes_(std::move(bytes)) {}
    void fill(std::span<std::byte> out) override {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(bytes_[i % bytes_.size()]);
    }

private:
    std::string bytes_;
};

class VaultVectors : public ::testing::Test {
protected:
    json::Object load(const char* name) {
        const auto path = std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/vault" / name;
        const auto file = json::parse(sys::read_file(path, 1 << 20).value()).value().as_object();
        key_ = base::Secret(bytes(file, "key"));
        vault_id_ = bytes(file, "vault_id");
        random_.emplace(bytes(file, "nonce"));
        root_ = Root::fresh(*random_);
        root_.name_key = base::WipedString(bytes(file, "name_key"));
        root_.audit_key = base::WipedString(bytes(file, "audit_key"));
        return file;
    }
    static std::string text(const json::Object& object, std::string_view name) { return std::string(json::string_at(object, name).value()); }
    static std::string bytes(const json::Object& object, std::string_view name) { return base::hex_decode(text(object, name)).value(); }
    static std::int64_t integer(const json::Object& object, std::string_view name) { return json::int_at(object, name).value(); }
    static std::uint64_t number(const json::Object& object, std::string_view name) { return static_cast<std::uint64_t>(integer(object, name)); }
    static base::Instant instant(const json::Object& object, std::string_view name) { return base::Instant(base::Duration(integer(object, name))); }
    static std::string hex(std::string_view bytes) { return base::hex_encode(bytes); }
    static std::string hex(const base::WipedString& bytes) { return base::hex_encode({bytes.data(), bytes.size()}); }

    void expect_seal(const json::Object& vector, std::string_view plain, std::string_view associated, std::string_view sealed = "sealed") {
        EXPECT_EQ(hex(associated), text(vector, "associated"));
        EXPECT_EQ(hex(seal(key_, plain, associated, *random_)), text(vector, sealed));
        EXPECT_EQ(hex(unseal(key_, bytes(vector, sealed), associated).value().reveal()), hex(plain));
    }

    base::Secret key_;
    std::string vault_id_;
    std::optional<FixedRandom> random_;
    Root root_;
};

TEST_F(VaultVectors, records) {
    const auto file = load("records.json");
    const auto* vectors = json::array_at(file, "records");
    ASSERT_EQ(vectors->size(), 3U);
    for (const auto& value : *vectors) {
        const auto& vector = value.as_object();
        const RecordInfo info{{text(vector, "tenant"), text(vector, "kind"), text(vector, "id")}, number(vector, "version"),
                              instant(vector, "created_at"), instant(vector, "updated_at")};
        expect_seal(vector, bytes(vector, "plain"), record_associated(vault_id_, static_cast<std::uint32_t>(integer(vector, "key_id")), info));
    }
}

// The vectors of Project Wycheproof (tests/vectors/wycheproof, Apache-2.0) through this project's own seal and unseal.
TEST(Seal, VA01_wycheproof_xchacha20_poly1305) {
    const auto path = std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/wycheproof/xchacha20_poly1305_test.json";
    const auto file = json::parse(sys::read_file(path, 1 << 20).value()).value().as_object();
    int opened = 0, refused = 0;
    for (const auto& group : *json::array_at(file, "testGroups")) {
        const bool nonce_fits = json::int_at(group.as_object(), "ivSize").value() == 192;
        for (const auto& value : *json::array_at(group.as_object(), "tests")) {
            const auto& test = value.as_object();
            const auto bytes = [&](std::string_view name) { return base::hex_decode(json::string_at(test, name).value()).value(); };
            const base::Secret key{std::string_view(bytes("key"))};
            const std::string nonce = bytes("iv"), sealed = "\1" + nonce + bytes("ct") + bytes("tag");
            const auto plain = unseal(key, sealed, bytes("aad"));
            const auto id = json::int_at(test, "tcId").value();
            if (json::string_at(test, "result").value() == "valid") {
                ++opened;
                ASSERT_TRUE(plain) << id;
                EXPECT_EQ(plain->reveal(), bytes("msg")) << id;
                FixedRandom random(nonce);
                EXPECT_EQ(seal(key, bytes("msg"), bytes("aad"), random), sealed) << id;
            } else {
                ++refused;
                EXPECT_FALSE(plain) << id << (nonce_fits ? "" : ": nonce of another size");
            }
        }
    }
    EXPECT_EQ(opened, 246);
    EXPECT_EQ(refused, 69);
}

TEST_F(VaultVectors, ledger) {
    const auto file = load("ledger.json");
    const auto& name = *json::object_at(file, "name");
    const auto hash = root_.name_of({text(name, "tenant"), text(name, "kind"), text(name, "id")});
    EXPECT_EQ(hex(hash), text(name, "hash"));
    EXPECT_EQ(Root::page_of(hash), integer(name, "page"));

    const auto& page_vector = *json::object_at(file, "page");
    Page page;
    for (const auto& value : *json::array_at(page_vector, "entries")) {
        const auto& entry = value.as_object();
        auto line = PageEntry::of(bytes(entry, "name"), number(entry, "version"), bytes(entry, "mark"));
        line.erased = json::bool_at(entry, "erased").value();
        page.put(line);
    }
    EXPECT_EQ(hex(page.encode()), text(page_vector, "plain"));
    expect_seal(page_vector, bytes(page_vector, "plain"), page_associated(vault_id_, 1, Root::page_of(hash)));
    EXPECT_EQ(hex(seal_mark(bytes(page_vector, "sealed"))), text(page_vector, "mark"));

    const auto& root_vector = *json::object_at(file, "root");
    root_.generation = number(root_vector, "generation");
    root_.active_key = static_cast<std::uint32_t>(integer(root_vector, "active_key"));
    root_.records = number(root_vector, "records");
    root_.audit_entries = number(root_vector, "audit_entries");
    root_.audit_head = base::WipedString(bytes(root_vector, "audit_head"));
    const auto mark = bytes(page_vector, "mark");
    std::copy(mark.begin(), mark.end(), root_.page_marks[Root::page_of(hash)].begin());
    EXPECT_EQ(hex(root_.encode()), text(root_vector, "plain"));
    expect_seal(root_vector, bytes(root_vector, "plain"), root_associated(vault_id_, 1));
}

TEST_F(VaultVectors, audit_chain) {
    const auto file = load("audit.json");
    std::string head(kHashBytes, '\0');
    for (const auto& value : *json::array_at(file, "lines")) {
        const auto& vector = value.as_object();
        const AuditRow row{number(vector, "sequence"), text(vector, "tenant"), integer(vector, "at"), text(vector, "event"),
                           text(vector, "subject"), text(vector, "detail"), {}};
        EXPECT_EQ(hex(row.line()), text(vector, "line"));
        head = root_.chain(head, row.line());
        EXPECT_EQ(hex(head), text(vector, "chain"));
    }
}

TEST_F(VaultVectors, keys) {
    const auto file = load("keys.json");
    for (const auto& value : *json::array_at(file, "checks")) {
        const auto& vector = value.as_object();
        VaultRow row;
        row.vault_id = vault_id_;
        row.created_at = integer(file, "created_at");
        row.source = key_source_from(text(vector, "source")).value();
        row.parameters = text(vector, "parameters");
        EXPECT_EQ(hex(key_check(key_, row)), text(vector, "check")) << text(vector, "source");
    }
    const auto& data_key = *json::object_at(file, "data_key");
    expect_seal(data_key, bytes(data_key, "plain"), data_key_associated(vault_id_, 1, integer(file, "created_at")), "wrapped");

    const sys::ScratchDirectory home;
    ASSERT_TRUE(sys::write_file_atomically(home / "vault.key", text(file, "key_file")));
    EXPECT_TRUE(load_key(KeySourceKind::file, "vault.key", {}, {home.path(), vault_id_}).value().equals(key_));
}

}  // namespace
}  // namespace claviger::vault::testing
