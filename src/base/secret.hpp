// Secret: bytes that must never be printed, logged, compared in variable time or copied by accident.
// Memory: guarded pages, locked, left out of core dumps and of forked children, wiped when freed (guarded_memory.hpp);
// VA-08, LG-01.
// Ownership: move-only; `duplicate()` is the one visible way to copy. Thread rule: as a value.
// It has no formatter, no operator<<, no operator==: logging or comparing one does not compile.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace claviger::base {

// Wipes what it frees: for buffers that hold a secret on its way (a request body, a header value).
// Short strings live inside the object and are not wiped: hold long-lived secrets in Secret.
template <class T>
struct WipingAllocator {
    using value_type = T;
    WipingAllocator() = default;
    template <class U>
    WipingAllocator(const WipingAllocator<U>&) noexcept {}
    T* allocate(std::size_t n) { return std::allocator<T>{}.allocate(n); }
    void deallocate(T* p, std::size_t n) noexcept;
    template <class U>
    bool operator==(const WipingAllocator<U>&) const noexcept { return true; }
};

void wipe(void* memory, std::size_t bytes) noexcept;

template <class T>
void WipingAllocator<T>::deallocate(T* p, std::size_t n) noexcept {
    wipe(p, n * sizeof(T));
    std::allocator<T>{}.deallocate(p, n);
}

using WipedString = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

class Secret {
public:
    Secret() noexcept = default;
    explicit Secret(std::string_view bytes);
    // `size` zero bytes, to be filled through writable().
    static Secret zeroed(std::size_t size);
    // Takes the bytes and wipes the source, also its short-string buffer.
    static Secret taking(std::string& source);
    static Secret taking(WipedString& source);

    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // The bytes, for the one place that must put them on a wire or into a cipher. Valid while this lives.
    [[nodiscard]] std::string_view reveal() const noexcept;
    [[nodiscard]] std::span<std::byte> writable() noexcept;
    [[nodiscard]] Secret duplicate() const { return Secret(reveal()); }

    // Constant time for equal lengths; the length itself is not secret.
    [[nodiscard]] bool equals(std::string_view other) const noexcept;
    [[nodiscard]] bool equals(const Secret& other) const noexcept { return equals(other.reveal()); }

private:
    void release() noexcept;
    char* data_ = nullptr;
    std::size_t size_ = 0;
};

// Constant-time comparison of two byte strings that are not (yet) Secrets: a state, a CSRF field.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace claviger::base
