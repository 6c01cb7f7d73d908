// Where Secret keeps its bytes (VA-08): each allocation lies in pages of its own, its end right at a page that cannot be
// touched; locked in memory where the limit allows, left out of core dumps, all zeros in a forked child. What is freed
// is wiped, and its pages are kept for the next one of at most a page: mapping, protecting and locking anew would cost
// more than opening a seal. Thread rule: safe from any thread, not from a child between fork and exec.
#pragma once

#include <cstddef>

namespace claviger::base::guarded {

// `size` zero bytes; throws std::bad_alloc. `size` is not 0.
char* allocate(std::size_t size);
// Wipes. Aborts when something has written before the beginning.
void release(char* data, std::size_t size) noexcept;

}  // namespace claviger::base::guarded
