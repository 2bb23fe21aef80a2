// Counts the allocations of each thread; loaded before the host (LD_PRELOAD), so that the library uses it as well. Not
// part of the host: valgrind would not see an allocator of its own.
#include <cstddef>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

// Initial-exec: the first access must not allocate.
static thread_local long number __attribute__((tls_model("initial-exec"))) = 0;

extern "C" long* counted_allocations() { return &number; }

extern "C" void* malloc(std::size_t size) noexcept {
    ++number;
    return __libc_malloc(size);
}

extern "C" void* calloc(std::size_t count, std::size_t size) noexcept {
    ++number;
    return __libc_calloc(count, size);
}

extern "C" void* realloc(void* memory, std::size_t size) noexcept {
    ++number;
    return __libc_realloc(memory, size);
}

extern "C" int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
    ++number;
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? 12 : 0;
}
