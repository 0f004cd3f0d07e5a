/// Copies that rearrange, and rows picked by index.
#ifndef FIGMENT_MOVEMENT_H
#define FIGMENT_MOVEMENT_H

#include <stdint.h>

#include "cluster.h"

/// to[Σ i*to_strides] = from[Σ i*from_strides] for every index of `sizes`: transpose, slice, concatenate, pad, broadcast.
/// Both sides are of `type`, and strides count its elements.
typedef struct {
  fk_type type;
  int32_t rank;
  int64_t sizes[FK_MAX_RANK], from_strides[FK_MAX_RANK], to_strides[FK_MAX_RANK];
  const void *_Nonnull from;
  void *_Nonnull to;
  int32_t pieces;  // along the first axis
} fk_copy;
void fk_run_copy(const void *_Nonnull copy /* fk_copy */, int piece, int worker);

/// to[0 ..< count] = value, rounded to `type`.
typedef struct {
  fk_type type;
  void *_Nonnull to;
  int64_t count;
  float value;
  int32_t pieces;
} fk_fill;
void fk_run_fill(const void *_Nonnull fill /* fk_fill */, int piece, int worker);

/// to[i, :] = table[rows[i], :]. Where rows[i] is no integer of 0 ..< table_rows (a fraction, NaN), to[i, :] is NaN.
typedef struct {
  const float *_Nonnull table;
  const float *_Nonnull rows;
  float *_Nonnull to;
  int64_t table_rows, row_count, width;
  int32_t pieces;  // over row_count
} fk_gather;
void fk_run_gather(const void *_Nonnull gather /* fk_gather */, int piece, int worker);

/// A gather from a table of bytes, each of which becomes a float from 0 to 255.
typedef struct {
  const uint8_t *_Nonnull table;
  const float *_Nonnull rows;
  float *_Nonnull to;
  int64_t table_rows, row_count, width;
  int32_t pieces;
} fk_gather_bytes;
void fk_run_gather_bytes(const void *_Nonnull gather /* fk_gather_bytes */, int piece, int worker);

/// table = 0; table[rows[i], :] += values[i, :], in the order of i.
/// Rows that are no integers of 0 ..< table_rows are left out.
typedef struct {
  const float *_Nonnull values;
  const float *_Nonnull rows;
  float *_Nonnull table;
  int64_t table_rows, row_count, width;
  int32_t pieces;  // over table_rows: each piece owns a range of them
} fk_scatter;
void fk_run_scatter(const void *_Nonnull scatter /* fk_scatter */, int piece, int worker);

/// table[rows[i], :] = values[i, :], in the order of i, in one piece.
/// Rows that are no integers of 0 ..< table_rows are left out.
void fk_run_put_rows(const void *_Nonnull put /* fk_scatter */, int piece, int worker);

#endif
