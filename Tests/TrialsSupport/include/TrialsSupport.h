/// The largest piece of memory that was asked for: of all of `malloc`, `calloc`, `realloc` and the aligned
/// ones, whoever calls them.
#ifndef TRIALS_SUPPORT_H
#define TRIALS_SUPPORT_H

#include <stddef.h>

/// Starts again.
void ts_forget_allocations(void);
/// In bytes, since then.
size_t ts_largest_allocation(void);

#endif
