// VA-09: once a vault is locked or gone, its keys are nowhere in the process.
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/text.hpp"
#include "vault/state.hpp"
#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

// Bytes to look for that are themselves not to be found: kept inverted.
class Needle {
public:
    explicit Needle(std::string_view bytes) {
        for (const char byte : bytes) inverted_.push_back(static_cast<char>(~byte));
    }
    // In everything that this process can write.
    [[nodiscard]] int copies() const {
        std::ifstream maps("/proc/self/maps");
        std::vector<std::pair<std::uintptr_t, std::uintptr_t>> spans;
        for (std::string line; std::getline(maps, line);) {
            std::uintptr_t begin = 0, end = 0;
            char mode[5] = {};
            if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, mode) != 3) continue;
            if (mode[0] == 'r' && mode[1] == 'w') spans.emplace_back(begin, end);
        }
        int found = 0;
        for (const auto& [begin, end] : spans) found += copies_in(reinterpret_cast<const char*>(begin), reinterpret_cast<const char*>(end));
        return found;
    }

private:
    [[nodiscard]] int copies_in(const char* at, const char* end) const {
        const auto size = static_cast<std::ptrdiff_t>(inverted_.size());
        const int first = static_cast<unsigned char>(~inverted_[0]);
        int found = 0;
        while (end - at >= size) {
            at = static_cast<const char*>(std::memchr(at, first, static_cast<std::size_t>(end - at - size + 1)));
            if (at == nullptr) return found;
            std::ptrdiff_t same = 1;
            while (same < size && static_cast<char>(~inverted_[static_cast<std::size_t>(same)]) == at[same]) ++same;
            if (same == size) ++found;
            ++at;
        }
        return found;
    }
    std::string inverted_;
};

class VaultMemory : public VaultTest {};

#ifndef CLAVIGER_SANITIZED  // a sanitizer keeps freed memory and shadows of it
TEST_F(VaultMemory, VA09_a_locked_vault_leaves_no_copy_of_its_keys) {
    {
        auto vault = open();
        put(vault, key("a"), "x");
    }
    for (const bool locked : {true, false}) {
        auto state = std::make_unique<VaultState>(options(), clock_, random_);
        ASSERT_TRUE(state->open(std::nullopt));
        const Needle wrapping(state->key_encryption_key_.reveal());
        const Needle data(state->data_key(1).value()->reveal());
        const Root root = state->load_root().value();
        ASSERT_GE(wrapping.copies(), 1) << "otherwise nothing is shown";
        ASSERT_GE(data.copies(), 1);
        EXPECT_EQ(wrapping.copies(), 1) << "an open vault has one";
        EXPECT_EQ(data.copies(), 1);
        if (locked) state->forget_keys();
        else state.reset();
        EXPECT_EQ(wrapping.copies(), 0);
        EXPECT_EQ(data.copies(), 0);
    }
}

TEST_F(VaultMemory, VA09_the_passphrase_and_its_key_are_gone_too) {
    auto where = options(KeySourceKind::passphrase);
    // Made anew for each asking, so that the test itself holds none.
    where.key_source.ask_passphrase = [](bool) {
        base::FakeRandom dice(7);
        return base::Result<base::Secret>(dice.secret_bytes(24));
    };
    const Needle passphrase(where.key_source.ask_passphrase(false)->reveal());
    {
        auto vault = open(where);
        put(vault, key("a"), "x");
        EXPECT_EQ(passphrase.copies(), 0) << "an open vault has no use for it";
    }
    VaultState state(where, clock_, random_);
    ASSERT_TRUE(state.open(std::nullopt));
    const Needle derived(state.key_encryption_key_.reveal());
    ASSERT_EQ(derived.copies(), 1);
    EXPECT_EQ(passphrase.copies(), 0);
    state.forget_keys();
    EXPECT_EQ(derived.copies(), 0);
}

// VA-08: a payload that was read and dropped leaves nothing behind, neither does one that was written.
TEST_F(VaultMemory, VA08_a_payload_leaves_nothing_behind) {
    auto vault = open();
    base::Secret payload = random_.secret_bytes(64);
    const Needle needle(payload.reveal());
    ASSERT_TRUE(vault.put(key("a"), payload, std::nullopt, {"connection.created", "a"}));
    payload = {};
    EXPECT_EQ(needle.copies(), 0);
    {
        const auto record = vault.get(key("a")).value();
        EXPECT_EQ(needle.copies(), 1);
    }
    EXPECT_EQ(needle.copies(), 0);
    ASSERT_TRUE(vault.list("local", "connection"));
    ASSERT_TRUE(vault.status(true));
    ASSERT_TRUE(vault.rotate(std::nullopt, {}));
    EXPECT_EQ(needle.copies(), 0);
}
#endif

}  // namespace
}  // namespace claviger::vault::testing
