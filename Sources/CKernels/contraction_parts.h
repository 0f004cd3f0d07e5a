/// Steps that several methods share: conversion of operands to bf16, sums of partial gradients, and
/// the addition of a bias or of what the result holds.
#ifndef FIGMENT_CONTRACTION_PARTS_H
#define FIGMENT_CONTRACTION_PARTS_H

#include "contraction_method.h"

/// An operand that is read in bf16 while it is stored in fp32, and that no reorder converts.
typedef struct {
  int64_t elements;  // 0 where nothing is converted.
  const float *from;
  uint16_t *to;
} fk_conversion;

/// Bytes of the bf16 copies of both operands.
size_t fk_conversion_bytes(const fk_conversion conversions[2]);
/// Takes the copies from the workspace. The pointers become those of the copies.
void fk_bind_conversions(
  fk_conversion conversions[2], const void **left, const void **right, char **next);
/// Appends the step that converts, if there is anything to convert; returns the number of steps.
int fk_conversion_step(
  const fk_conversion conversions[2], fk_step *steps, const char **names, int count);

/// Partial sums of a filter gradient, one per piece.
typedef struct {
  int count;
  int64_t elements;  // Of one sum.
  size_t bytes;      // Between one and the next in the workspace.
  float *part[fk_most_pieces];
  float *sum;
} fk_partials;

/// Takes `bytes` for the partial sums from the workspace; where there are none, every piece sums into
/// `out` itself.
void fk_bind_partials(fk_partials *partials, size_t bytes, void *out, char **next);
/// Appends the step that adds the partial sums, if there are several; returns the number of steps.
int fk_partials_step(const fk_partials *partials, fk_step *steps, const char **names, int count);
/// out[i] = the sum of the partial sums' elements `first` + i, always by the same tree,
/// (0 + 1) + (2 + 3). `out` may be the first partial sum's own memory.
void fk_add_partials(const fk_partials *partials, int64_t first, int64_t count, float *out);
/// Pieces of at least `elements_at_once` elements into which a step is divided, at most four.
int64_t fk_pieces_of_step(int64_t elements, int64_t elements_at_once);

/// out = product + bias, or out + (product + bias), rounded to `type`, from element `first` of `out`
/// on. `bias` is NULL for none.
void fk_store_rows(
  int64_t rows, int64_t columns, const float *product, const float *bias, bool accumulates,
  fk_type type, void *out, int64_t first);

enum { fk_summed_at_once = 4096 };

#endif
