#include "base/secret.hpp"

#include <cstring>
#include <utility>

#include <sodium.h>

#include "base/guarded_memory.hpp"

namespace claviger::base {

void wipe(void* memory, std::size_t bytes) noexcept { sodium_memzero(memory, bytes); }

Secret Secret::zeroed(std::size_t size) {
    Secret secret;
    if (size == 0) return secret;
    secret.data_ = guarded::allocate(size);
    secret.size_ = size;
    return secret;
}

Secret::Secret(std::string_view bytes) {
    *this = zeroed(bytes.size());
    if (!bytes.empty()) std::memcpy(data_, bytes.data(), bytes.size());
}

namespace {
template <class String>
Secret take(String& source) {
    Secret secret{std::string_view(source.data(), source.size())};
    // Whole capacity: a longer former value may still stand behind the end.
    source.resize(source.capacity());
    sodium_memzero(source.data(), source.size());
    source.clear();
    return secret;
}
}  // namespace

Secret Secret::taking(std::string& source) { return take(source); }
Secret Secret::taking(WipedString& source) { return take(source); }

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

Secret::~Secret() { release(); }

void Secret::release() noexcept {
    if (data_ != nullptr) guarded::release(data_, size_);
    data_ = nullptr;
    size_ = 0;
}

std::string_view Secret::reveal() const noexcept { return {data_, size_}; }

std::span<std::byte> Secret::writable() noexcept {
    return {reinterpret_cast<std::byte*>(data_), size_};
}

bool Secret::equals(std::string_view other) const noexcept { return equal_constant_time(reveal(), other); }

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    return a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace claviger::base
