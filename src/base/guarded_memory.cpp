#include "base/guarded_memory.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

namespace claviger::base::guarded {
namespace {

constexpr std::size_t kCanaryBytes = 16;
constexpr std::size_t kMostKept = 256;  // pages waiting for the next secret: a megabyte at most

std::size_t page_bytes() {
    static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return bytes;
}

std::size_t pages_for(std::size_t size) { return (size + kCanaryBytes + page_bytes() - 1) / page_bytes(); }

// [guard][pages][guard]; returns the first usable byte.
char* map(std::size_t pages) {
    const std::size_t page = page_bytes(), inner = pages * page;
    void* const whole = ::mmap(nullptr, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) throw std::bad_alloc();
    char* const first = static_cast<char*>(whole) + page;
    if (::mprotect(first, inner, PROT_READ | PROT_WRITE) != 0) {
        ::munmap(whole, inner + 2 * page);
        throw std::bad_alloc();
    }
    // A small limit on locked memory must not stop the program; doctor reports it.
    ::mlock(first, inner);
    ::madvise(first, inner, MADV_DONTDUMP);
    ::madvise(first, inner, MADV_WIPEONFORK);
    return first;
}

void unmap(char* first, std::size_t pages) noexcept {
    const std::size_t page = page_bytes();
    ::munlock(first, pages * page);
    ::munmap(first - page, (pages + 2) * page);
}

// The process's one store of unused pages, and the value that stands before every allocation.
class Pool {
public:
    static Pool& instance() {
        static Pool* const pool = new (storage()) Pool();  // never destroyed: a Secret may outlive everything
        return *pool;
    }

    char* take() {
        {
            const std::lock_guard lock(mutex_);
            if (count_ > 0) return kept_[--count_];
        }
        return map(1);
    }
    void give(char* first) noexcept {
        {
            const std::lock_guard lock(mutex_);
            if (count_ < kept_.size()) {
                kept_[count_++] = first;
                return;
            }
        }
        unmap(first, 1);
    }
    [[nodiscard]] const unsigned char* canary() const { return canary_.data(); }

private:
    Pool() {
        if (sodium_init() < 0) throw std::bad_alloc();
        randombytes_buf(canary_.data(), canary_.size());
    }
    static void* storage() {
        alignas(Pool) static std::array<std::byte, sizeof(Pool)> bytes;
        return bytes.data();
    }

    std::mutex mutex_;
    std::size_t count_ = 0;
    std::array<char*, kMostKept> kept_{};
    std::array<unsigned char, kCanaryBytes> canary_{};
};

// Zeros are what a forked child sees of its parent's secrets.
bool intact(const char* canary) {
    if (std::memcmp(canary, Pool::instance().canary(), kCanaryBytes) == 0) return true;
    return sodium_is_zero(reinterpret_cast<const unsigned char*>(canary), kCanaryBytes) == 1;
}

}  // namespace

char* allocate(std::size_t size) {
    if (size > SIZE_MAX / 2) throw std::bad_alloc();
    auto& pool = Pool::instance();
    const std::size_t pages = pages_for(size);
    char* const first = pages == 1 ? pool.take() : map(pages);
    char* const data = first + pages * page_bytes() - size;
    std::memcpy(data - kCanaryBytes, pool.canary(), kCanaryBytes);
    return data;
}

void release(char* data, std::size_t size) noexcept {
    const std::size_t pages = pages_for(size);
    if (!intact(data - kCanaryBytes)) std::abort();
    sodium_memzero(data - kCanaryBytes, size + kCanaryBytes);
    char* const first = data + size - pages * page_bytes();
    if (pages == 1) Pool::instance().give(first);
    else unmap(first, pages);
}

}  // namespace claviger::base::guarded
