// VA-08: a credential read from JSON, moved about and written again must not be left in memory that was given
// back. This test program replaces the global allocation functions and, while it is armed, searches every block
// for the credential before it is freed.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "json/parse.hpp"

namespace {

constexpr std::string_view kCanary = "rt-canary-7f3a91c2d4e8";
std::atomic<bool> armed{false};
std::atomic<int> found{0};

void search_and_free(void* memory) noexcept {
    if (memory == nullptr) return;
    if (armed && memmem(memory, malloc_usable_size(memory), kCanary.data(), kCanary.size()) != nullptr) ++found;
    std::free(memory);
}

void* get(std::size_t size, std::size_t alignment) {
    void* memory = std::aligned_alloc(alignment, (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t size) { return get(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return get(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) { return get(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return get(size, static_cast<std::size_t>(alignment)); }
void operator delete(void* memory) noexcept { search_and_free(memory); }
void operator delete[](void* memory) noexcept { search_and_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { search_and_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { search_and_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { search_and_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { search_and_free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { search_and_free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { search_and_free(memory); }

namespace claviger::json {
namespace {

// How often the credential was in a freed block while `work` ran.
template <class Work>
int leaks(Work work) {
    found = 0;
    armed = true;
    work();
    armed = false;
    return found;
}

base::Secret document() {
    std::string text = R"({"name":"acme","list":[{"refresh_token":")" + std::string(kCanary) +
                       R"(","escaped":"\t)" + std::string(kCanary) + R"(\u0041"}],"more":[1,2,3]})";
    return base::Secret::taking(text);
}

ParseOptions secret_options() {
    ParseOptions options;
    options.storage = secret_storage();
    return options;
}

TEST(SecretMemory, VA08_the_search_finds_a_leak) {
    const base::Secret text = document();
    EXPECT_GT(leaks([&] { const std::string copy(text.reveal()); }), 0);
    EXPECT_GT(leaks([&] { const auto value = parse(text.reveal()); }), 0);  // without secret storage
}

TEST(SecretMemory, VA08_parse_leaves_nothing_behind) {
    const base::Secret text = document();
    const ParseOptions options = secret_options();
    EXPECT_EQ(leaks([&] { ASSERT_TRUE(parse(text.reveal(), options)); }), 0);
    EXPECT_EQ(leaks([&] { ASSERT_TRUE(Document::parse(text.reveal(), options)); }), 0);
}

TEST(SecretMemory, VA08_a_refused_text_leaves_nothing_behind) {
    const ParseOptions options = secret_options();
    for (const auto* tail : {"", "\"", "\\q\"", "\\ud800\"", "\":1,\"a\":2,\"a\":3}"}) {
        std::string broken = "{\"" + std::string(kCanary) + std::string(64, 'x') + tail;
        const base::Secret text = base::Secret::taking(broken);
        EXPECT_EQ(leaks([&] { EXPECT_FALSE(parse(text.reveal(), options)); }), 0) << tail;
    }
}

TEST(SecretMemory, VA08_moving_and_writing_leave_nothing_behind) {
    const base::Secret text = document();
    const ParseOptions options = secret_options();
    EXPECT_EQ(leaks([&] {
                  auto value = parse(text.reveal(), options);
                  Object outer(secret_storage());
                  outer["inner"] = std::move(*value);
                  outer["copy"] = outer["inner"];
                  const Value whole(std::move(outer));
                  const base::Secret written = to_secret_text(whole);
                  EXPECT_NE(written.reveal().find(kCanary), std::string_view::npos);
              }),
              0);
}

}  // namespace
}  // namespace claviger::json
