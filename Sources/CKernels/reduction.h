/// Sums, sums of squares and maxima over the middle axis of [outer, reduced, inner].
#ifndef FIGMENT_REDUCTION_H
#define FIGMENT_REDUCTION_H

#include "cluster.h"

/// result[i] = 0 or -infinity.
void fk_clear_reduction(fk_reduction_kind kind, float *_Nonnull result, int64_t count);

/// Reduces each of `blocks` contiguous blocks of [rows, inner], and combines the outcome with result[blocks, inner].
void fk_reduce(
  fk_reduction_kind kind, float *_Nonnull result, const float *_Nonnull values, int64_t blocks, int64_t rows,
  int64_t inner);

/// Combines `count` partial results with others.
void fk_combine(fk_reduction_kind kind, float *_Nonnull result, const float *_Nonnull partial, int64_t count);

#endif
