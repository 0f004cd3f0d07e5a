/// Expansion: tiles of strided and joined registers, copied into contiguous memory as fp32.
#ifndef FIGMENT_EXPANSION_H
#define FIGMENT_EXPANSION_H

#include "cluster.h"

/// Layout of a strided register: its axes without those of size 1, neighbours merged where the strides allow it.
typedef struct {
  const char *_Nullable base;
  fk_type type;
  int rank;
  int64_t sizes[FK_MAX_RANK], strides[FK_MAX_RANK];
  /// The outermost axis of stride 0 whose content, the axes within it, is short enough to be worth repeating: within
  /// `group` elements the same `period` elements repeat. period = 0 if there is no such axis.
  int periodic_axis;
  int64_t period, group;
  /// True if only the expansion itself writes to the slot, so that its content may be reused.
  int keeps_content;
  /// Content of the slot: `held_count` elements from flat index `held_start` on, all of one group, which ends at
  /// `held_end`.
  int64_t held_start, held_end, held_count;
} fk_expansion;

fk_expansion fk_plan_expansion(
  const void *_Nullable base, fk_type type, int rank, const int64_t *_Nonnull sizes, const int64_t *_Nonnull strides,
  int64_t tile, int keeps_content);

/// The `count` elements from flat index `start` on: in `slot`, or where they are contiguous floats anyway, in place.
const float *_Nonnull fk_expand(
  fk_expansion *_Nonnull expansion, float *_Nonnull slot, int64_t start, int64_t count);

/// Expands two arrays whose rows lie side by side, as fk_expand does one.
const float *_Nonnull fk_expand_joined(
  const fk_register *_Nonnull joined, float *_Nonnull slot, int64_t start, int64_t count);

/// out[i] = from[i].
void fk_widen(float *_Nonnull out, const uint16_t *_Nonnull from, int64_t count);
/// out[i] = from[i], rounded to nearest, ties to even. NaN stays NaN; subnormals are kept or become 0.
void fk_narrow(uint16_t *_Nonnull out, const float *_Nonnull from, int64_t count);

#endif
