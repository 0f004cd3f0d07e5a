/// Bringing the tiles of a strided register into contiguous memory.
#ifndef FIGMENT_EXPANSION_H
#define FIGMENT_EXPANSION_H

#include "cluster.h"

/// How a strided register is read: its axes without those of size 1, neighbours merged where the strides allow it.
typedef struct {
  const float *_Nonnull base;
  int rank;
  int64_t sizes[FK_MAX_RANK], strides[FK_MAX_RANK];
  /// The outermost axis of stride 0 whose content, the axes within it, is short enough to be worth repeating: within
  /// `group` elements the same `period` elements come again and again. period = 0 if there is no such axis.
  int periodic_axis;
  int64_t period, group;
  /// Whether nothing but the expansion itself writes to the slot, so that what it holds may be used again.
  int keeps_content;
  /// What the slot holds: `held_count` elements from phase `held_phase` of group `held_group` on.
  int64_t held_group, held_phase, held_count;
} fk_expansion;

fk_expansion fk_plan_expansion(
  const float *_Nonnull base, int rank, const int64_t *_Nonnull sizes, const int64_t *_Nonnull strides, int64_t tile,
  int keeps_content);

/// The `count` elements from flat index `start` on: in `slot`, or where they are contiguous anyway, in place.
const float *_Nonnull fk_expand(
  fk_expansion *_Nonnull expansion, float *_Nonnull slot, int64_t start, int64_t count);

#endif
