#include "TrialsSupport.h"

#include <stdatomic.h>

static atomic_size_t largest;

void ts_forget_allocations(void) { atomic_store_explicit(&largest, 0, memory_order_relaxed); }
size_t ts_largest_allocation(void) {
  return atomic_load_explicit(&largest, memory_order_relaxed);
}

// The C library's own, under the names that it keeps for this. Sanitizers have theirs in their place.
#if defined(__GLIBC__) || defined(__linux__)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void note(size_t size) {
  if (size > atomic_load_explicit(&largest, memory_order_relaxed)) {
    atomic_store_explicit(&largest, size, memory_order_relaxed);
  }
}

void *malloc(size_t size) {
  note(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  size_t all;
  note(__builtin_mul_overflow(count, size, &all) ? (size_t)-1 : all);
  return __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size) {
  note(size);
  return __libc_realloc(pointer, size);
}

void *memalign(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size) {
  note(size);
  *pointer = __libc_memalign(alignment, size);
  return *pointer == NULL ? 12 : 0;
}

#endif
#endif
