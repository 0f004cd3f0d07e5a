#include "contraction_parts.h"

#include "clones.h"
#include "functions_internal.h"

enum { converted_at_once = 16384 };

int64_t fk_pieces_of_step(int64_t elements, int64_t elements_at_once) {
  int64_t pieces = (elements + elements_at_once - 1) / elements_at_once;
  return pieces < fk_most_pieces ? pieces : fk_most_pieces;
}

// MARK: - Conversion to bf16

static size_t copy_bytes(const fk_conversion *conversion) {
  return fk_aligned((size_t)conversion->elements * sizeof(uint16_t));
}

size_t fk_conversion_bytes(const fk_conversion conversions[2]) {
  return copy_bytes(&conversions[0]) + copy_bytes(&conversions[1]);
}

void fk_bind_conversions(
  fk_conversion conversions[2], const void **left, const void **right, char **next) {
  const void **operands[2] = {left, right};
  for (int i = 0; i < 2; i += 1) {
    if (conversions[i].elements == 0) continue;
    conversions[i].from = *operands[i];
    conversions[i].to = (uint16_t *)fk_take(next, copy_bytes(&conversions[i]));
    *operands[i] = conversions[i].to;
  }
}

FK_CLONES static void convert(int64_t count, const float *restrict from, uint16_t *restrict to) {
  for (int64_t i = 0; i < count; i += 1) to[i] = bf16_of_float(from[i]);
}

static void run_conversion(const void *arguments, int piece, int worker) {
  (void)worker;
  const fk_conversion *conversion = arguments;
  int64_t pieces = fk_pieces_of_step(conversion->elements, converted_at_once);
  if (piece >= pieces) {
    piece -= (int)pieces;
    conversion += 1;
    pieces = fk_pieces_of_step(conversion->elements, converted_at_once);
  }
  int64_t first = conversion->elements * piece / pieces;
  int64_t end = conversion->elements * (piece + 1) / pieces;
  convert(end - first, conversion->from + first, conversion->to + first);
}

int fk_conversion_step(
  const fk_conversion conversions[2], fk_step *steps, const char **names, int count) {
  int64_t pieces = fk_pieces_of_step(conversions[0].elements, converted_at_once)
    + fk_pieces_of_step(conversions[1].elements, converted_at_once);
  if (pieces == 0) return count;
  steps[count] = (fk_step){run_conversion, conversions, (int)pieces};
  names[count] = "convert";
  return count + 1;
}

// MARK: - Partial sums

FK_CLONES static void add_parts(
  int64_t count, int parts, const float *a, const float *b, const float *c, const float *d,
  float *out) {
  if (parts == 2) {
    for (int64_t i = 0; i < count; i += 1) out[i] = a[i] + b[i];
  } else if (parts == 3) {
    for (int64_t i = 0; i < count; i += 1) out[i] = (a[i] + b[i]) + c[i];
  } else {
    for (int64_t i = 0; i < count; i += 1) out[i] = (a[i] + b[i]) + (c[i] + d[i]);
  }
}

void fk_bind_partials(fk_partials *partials, size_t bytes, void *out, char **next) {
  char *taken = fk_take(next, bytes);
  for (int i = 0; i < partials->count; i += 1)
    partials->part[i] = taken == NULL ? out : (float *)(taken + (size_t)i * partials->bytes);
}

void fk_add_partials(const fk_partials *partials, int64_t first, int64_t count, float *out) {
  const float *part[fk_most_pieces] = {NULL};
  for (int i = 0; i < partials->count; i += 1) part[i] = partials->part[i] + first;
  add_parts(count, partials->count, part[0], part[1], part[2], part[3], out);
}

/// Elements that one piece of the step adds: a quarter, but enough to be worth the worker's while,
/// in whole vectors.
static int64_t elements_of_piece(const fk_partials *partials) {
  int64_t quarter = (partials->elements + fk_most_pieces - 1) / fk_most_pieces;
  return quarter < fk_summed_at_once ? fk_summed_at_once : (quarter + 15) / 16 * 16;
}

static void run_sum(const void *arguments, int piece, int worker) {
  (void)worker;
  const fk_partials *partials = arguments;
  int64_t size = elements_of_piece(partials), first = piece * size;
  int64_t rest = partials->elements - first;
  fk_add_partials(partials, first, rest < size ? rest : size, partials->sum + first);
}

int fk_partials_step(const fk_partials *partials, fk_step *steps, const char **names, int count) {
  if (partials->count < 2) return count;
  int64_t size = elements_of_piece(partials);
  steps[count] = (fk_step){run_sum, partials, (int)((partials->elements + size - 1) / size)};
  names[count] = "sum";
  return count + 1;
}

// MARK: - Bias and accumulation

FK_CLONES static void store_floats(
  int64_t rows, int64_t columns, const float *restrict product, const float *restrict bias,
  bool accumulates, float *restrict out) {
  for (int64_t row = 0; row < rows; row += 1, product += columns, out += columns)
    for (int64_t i = 0; i < columns; i += 1)
      out[i] = (accumulates ? out[i] : 0) + (product[i] + (bias != NULL ? bias[i] : 0));
}

FK_CLONES static void store_bf16(
  int64_t rows, int64_t columns, const float *restrict product, const float *restrict bias,
  bool accumulates, uint16_t *restrict out) {
  for (int64_t row = 0; row < rows; row += 1, product += columns, out += columns)
    for (int64_t i = 0; i < columns; i += 1)
      out[i] = bf16_of_float(
        (accumulates ? float_of_bf16(out[i]) : 0) + (product[i] + (bias != NULL ? bias[i] : 0)));
}

void fk_store_rows(
  int64_t rows, int64_t columns, const float *product, const float *bias, bool accumulates,
  fk_type type, void *out, int64_t first) {
  if (type == FK_BF16)
    store_bf16(rows, columns, product, bias, accumulates, (uint16_t *)out + first);
  else
    store_floats(rows, columns, product, bias, accumulates, (float *)out + first);
}
