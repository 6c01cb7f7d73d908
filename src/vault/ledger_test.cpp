#include "vault/ledger.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "vault/encoding.hpp"
#include "vault/seal.hpp"
#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

using base::ErrorCode;

std::string_view view(const base::WipedString& text) { return {text.data(), text.size()}; }

TEST(Encoding, past_the_end_is_noticed) {
    Decoder decoder("\1\2");
    EXPECT_EQ(decoder.u8(), 1);
    EXPECT_TRUE(decoder.ok());
    EXPECT_EQ(decoder.u32(), 0U);
    EXPECT_FALSE(decoder.ok());
    EXPECT_EQ(decoder.u8(), 0);
    EXPECT_FALSE(decoder.at_end());
}

TEST(Ledger, root_survives_and_every_cut_is_noticed) {
    base::FakeRandom random;
    Root root = Root::fresh(random);
    root.generation = 0x0102030405060708;
    root.active_key = 7, root.records = 3, root.audit_entries = 9;
    root.page_marks[255][7] = 'x';
    const auto bytes = root.encode();
    const auto again = Root::decode(view(bytes)).value();
    EXPECT_EQ(view(again.encode()), view(bytes));
    EXPECT_EQ(again.generation, root.generation);
    EXPECT_EQ(again.page_marks[255][7], 'x');
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(Root::decode(view(bytes).substr(0, size))) << size;
    EXPECT_FALSE(Root::decode(std::string(view(bytes)) + "x"));
    std::string newer(view(bytes));
    newer[0] = 2;
    EXPECT_EQ(Root::decode(newer).error().code, ErrorCode::unsupported) << "VA-18";
}

TEST(Ledger, names_tell_apart_what_concatenation_would_not) {
    base::FakeRandom random;
    const Root root = Root::fresh(random);
    EXPECT_NE(root.name_of({"ab", "c", "d"}), root.name_of({"a", "bc", "d"}));
    EXPECT_NE(root.name_of({"a", "bc", "d"}), root.name_of({"a", "b", "cd"}));
    EXPECT_NE(root.name_of({"a", "b", "c"}), Root::fresh(random).name_of({"a", "b", "c"})) << "hidden by the vault's own key";
}

RC_GTEST_PROP(LedgerProperty, page_survives_and_refuses_trailing_bytes, ()) {
    Page page;
    const auto count = *rc::gen::inRange(0, 40);
    for (int i = 0; i < count; ++i) {
        const auto name = *rc::gen::container<std::string>(kNameBytes, rc::gen::arbitrary<char>());
        auto entry = PageEntry::of(name, *rc::gen::inRange<std::uint64_t>(1, 1ULL << 62),
                                   *rc::gen::container<std::string>(kMarkBytes, rc::gen::arbitrary<char>()));
        entry.erased = *rc::gen::arbitrary<bool>();
        page.put(entry);
    }
    const auto bytes = page.encode();
    const auto again = Page::decode(view(bytes)).value();
    RC_ASSERT(again.entries.size() == page.entries.size());
    for (const auto& entry : page.entries) {
        const auto* found = again.find(entry.name_view());
        RC_ASSERT(found != nullptr);
        RC_ASSERT(found->version == entry.version && found->erased == entry.erased && found->mark == entry.mark);
    }
    RC_ASSERT(!Page::decode(std::string(view(bytes)) + "x"));
}

RC_GTEST_PROP(LedgerProperty, decoders_survive_any_bytes, (const std::string& bytes)) {
    static_cast<void>(Page::decode(std::string(1, 1) + bytes));
    static_cast<void>(Root::decode(std::string(1, 1) + bytes));
}

RC_GTEST_PROP(SealProperty, opens_only_with_its_own_place_and_key, (const std::string& plain, const std::string& place, const std::string& other)) {
    base::SystemRandom random;
    const base::Secret key = random.secret_bytes(kKeyBytes), wrong = random.secret_bytes(kKeyBytes);
    std::string sealed = seal(key, plain, place, random);
    RC_ASSERT(sealed.size() == plain.size() + kSealOverhead);
    RC_ASSERT(unseal(key, sealed, place)->reveal() == plain);
    RC_ASSERT(unseal(key, sealed, other).has_value() == (place == other));
    RC_ASSERT(!unseal(wrong, sealed, place));
    sealed[*rc::gen::inRange<std::size_t>(0, sealed.size())] ^= static_cast<char>(1 << *rc::gen::inRange(0, 8));
    RC_ASSERT(!unseal(key, sealed, place));
}

// Any history of puts and erases of a few keys: the vault agrees with a map, also after reopening.
class VaultProperty : public VaultTest {
public:
    void TestBody() override {}
    void history() {
        std::map<std::string, std::pair<std::uint64_t, std::string>> model;
        std::map<std::string, std::uint64_t> last;
        auto vault = open();
        const auto steps = *rc::gen::inRange(0, 12);
        for (int i = 0; i < steps; ++i) {
            const std::string id = *rc::gen::element<std::string>("a", "b", "\u00e9", "a b");
            switch (*rc::gen::inRange(0, 4)) {
                case 0: {
                    const bool existed = vault.erase(key(id), std::nullopt, {"e", id}).value();
                    RC_ASSERT(existed == (model.erase(id) == 1));
                    break;
                }
                case 1: vault = open(); break;
                case 2:
                    if (i % 5 == 0) RC_ASSERT(vault.rotate(std::nullopt, {}).has_value());
                    break;
                default: {
                    const auto payload = *rc::gen::arbitrary<std::string>();
                    model[id] = {++last[id], payload};
                    RC_ASSERT(put(vault, key(id), payload) == last[id]);
                }
            }
        }
        vault = open();
        for (const char* id : {"a", "b", "\u00e9", "a b", "c"}) {
            const auto record = vault.get(key(id)).value();
            const auto expected = model.find(id);
            RC_ASSERT(record.has_value() == (expected != model.end()));
            if (!record) continue;
            RC_ASSERT(record->version == expected->second.first);
            RC_ASSERT(record->payload.reveal() == expected->second.second);
        }
        RC_ASSERT(vault.list("local", "connection").value().size() == model.size());
        RC_ASSERT(vault.status(true).value().seals_ok);
    }
};

RC_GTEST_PROP(VaultHistory, any_history_ends_as_a_map_would, ()) { VaultProperty().history(); }

}  // namespace
}  // namespace claviger::vault::testing
