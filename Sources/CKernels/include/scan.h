/// Cumulative sums, and indices of largest elements, along one axis.
#ifndef FIGMENT_SCAN_H
#define FIGMENT_SCAN_H

#include <stdint.h>

/// An array of [outer, length, inner] and what is made of its middle axis.
typedef struct {
  const float *_Nonnull from;
  float *_Nonnull to;
  int64_t outer, length, inner;
  int32_t is_reversed;  // of cumulative sums: from each element on, rather than up to it
  int32_t pieces;       // over outer
} fk_scan;

/// to[o, i, j] = the sum of from[o, 0 ... i, j], added in double and rounded once.
void fk_run_cumulative_sum(const void *_Nonnull scan /* fk_scan */, int piece, int worker);

/// to[o, j] = the index of the first largest element of from[o, :, j]. NaN counts as larger than any number.
void fk_run_argmax(const void *_Nonnull scan /* fk_scan */, int piece, int worker);

#endif
