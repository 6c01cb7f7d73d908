#include "http2/wiping_memory.hpp"

#include <malloc.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace claviger::http2 {
namespace {

void* wiped_realloc(void* old, std::size_t size, void*) {
    if (old == nullptr) return std::malloc(size);
    const std::size_t had = ::malloc_usable_size(old);
    void* made = std::malloc(size);
    if (made == nullptr) return nullptr;
    std::memcpy(made, old, std::min(had, size));
    ::sodium_memzero(old, had);
    std::free(old);
    return made;
}
void wiped_free(void* memory, void*) {
    if (memory == nullptr) return;
    ::sodium_memzero(memory, ::malloc_usable_size(memory));
    std::free(memory);
}
}  // namespace

nghttp2_mem* wiping_memory() {
    static nghttp2_mem memory{nullptr, [](std::size_t size, void*) { return std::malloc(size); }, wiped_free,
                              [](std::size_t count, std::size_t size, void*) { return std::calloc(count, size); }, wiped_realloc};
    return &memory;
}

}  // namespace claviger::http2
