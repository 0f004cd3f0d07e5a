#ifndef FIGMENT_SINGLE_THREAD_H
#define FIGMENT_SINGLE_THREAD_H

/// Keeps oneDNN's OpenMP regions on the calling thread. Call it on each thread that creates or runs a primitive.
void fk_forbid_nested_threads(void);

#endif
