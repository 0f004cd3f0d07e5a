#include "reduction.h"

#include "functions_internal.h"

// Float additions may not be reordered by the compiler, so independent partial results are spelled out: LANES of them
// for a contiguous row, and one for each column otherwise.
enum { LANES = 64, COLUMNS = 64, FOLD = 16 };

FK_INLINE float add(float a, float b) {
  return a + b;
}

/// NaN if either is. Not `||`, which would branch.
FK_INLINE float larger(float a, float b) {
  int takes = (b > a) | (b != b);
  return takes ? b : a;
}

FK_INLINE float same(float x) {
  return x;
}

/// A square in a function of its own, so that it is rounded before it is added.
FK_INLINE float square(float x) {
  return x * x;
}

/// Applies READ to every value first; PLAIN is the same reduction without it.
#define REDUCTION(NAME, COMBINE, NEUTRAL, READ, PLAIN) \
  FK_INLINE float NAME##_row(const float *values, int64_t count) { \
    float lanes[LANES]; \
    int64_t i = 0; \
    float result = NEUTRAL; \
    if (count >= LANES) { \
      for (int l = 0; l < LANES; l++) lanes[l] = READ(values[l]); \
      for (i = LANES; i + LANES <= count; i += LANES) { \
        for (int l = 0; l < LANES; l++) lanes[l] = COMBINE(lanes[l], READ(values[i + l])); \
      } \
      for (int l = 0; l < LANES / 2; l++) lanes[l] = COMBINE(lanes[l], lanes[l + LANES / 2]); \
      for (int l = 0; l < LANES / 4; l++) lanes[l] = COMBINE(lanes[l], lanes[l + LANES / 4]); \
      for (int l = 0; l < LANES / 8; l++) lanes[l] = COMBINE(lanes[l], lanes[l + LANES / 8]); \
      for (int l = 0; l < LANES / 16; l++) lanes[l] = COMBINE(lanes[l], lanes[l + LANES / 16]); \
      result = COMBINE(COMBINE(lanes[0], lanes[1]), COMBINE(lanes[2], lanes[3])); \
    } \
    if (i + 8 <= count) { \
      for (int l = 0; l < 8; l++) lanes[l] = READ(values[i + l]); \
      for (i += 8; i + 8 <= count; i += 8) { \
        for (int l = 0; l < 8; l++) lanes[l] = COMBINE(lanes[l], READ(values[i + l])); \
      } \
      for (int l = 0; l < 4; l++) lanes[l] = COMBINE(lanes[l], lanes[l + 4]); \
      float rest = COMBINE(COMBINE(lanes[0], lanes[2]), COMBINE(lanes[1], lanes[3])); \
      result = COMBINE(result, rest); \
    } \
    for (; i < count; i++) result = COMBINE(result, READ(values[i])); \
    return result; \
  } \
  /* Short rows: a vector of rows at a time. */ \
  FK_INLINE void NAME##_short_rows(float *result, const float *values, int64_t blocks, int64_t rows) { \
    FK_VECTORIZE \
    for (int64_t b = 0; b < blocks; b++) { \
      float total = READ(values[b * rows]); \
      for (int64_t r = 1; r < rows; r++) total = COMBINE(total, READ(values[b * rows + r])); \
      result[b] = COMBINE(result[b], total); \
    } \
  } \
  FK_INLINE void NAME##_columns( \
    float *result, const float *values, int64_t rows, int64_t inner, int64_t columns) \
  { \
    float totals[COLUMNS]; \
    int64_t r = 1; \
    for (int64_t c = 0; c < columns; c++) totals[c] = READ(values[c]); \
    /* Four rows at a time: one dependent step rather than four. */ \
    for (; r + 4 <= rows; r += 4) { \
      const float *row = values + r * inner; \
      for (int64_t c = 0; c < columns; c++) { \
        float first = COMBINE(READ(row[c]), READ(row[inner + c])); \
        float second = COMBINE(READ(row[2 * inner + c]), READ(row[3 * inner + c])); \
        totals[c] = COMBINE(totals[c], COMBINE(first, second)); \
      } \
    } \
    for (; r < rows; r++) { \
      for (int64_t c = 0; c < columns; c++) totals[c] = COMBINE(totals[c], READ(values[r * inner + c])); \
    } \
    for (int64_t c = 0; c < columns; c++) result[c] = COMBINE(result[c], totals[c]); \
  } \
  FK_INLINE void NAME##_block(float *result, const float *values, int64_t rows, int64_t inner) { \
    int64_t c = 0; \
    for (; c + 64 <= inner; c += 64) NAME##_columns(result + c, values + c, rows, inner, 64); \
    for (; c + 32 <= inner; c += 32) NAME##_columns(result + c, values + c, rows, inner, 32); \
    for (; c + 16 <= inner; c += 16) NAME##_columns(result + c, values + c, rows, inner, 16); \
    for (; c + 4 <= inner; c += 4) NAME##_columns(result + c, values + c, rows, inner, 4); \
    for (; c < inner; c++) NAME##_columns(result + c, values + c, rows, inner, 1); \
  } \
  FK_CLONES \
  static void NAME(float *result, const float *values, int64_t blocks, int64_t rows, int64_t inner) { \
    if (inner == 1) { \
      switch (rows) { \
        case 1: NAME##_short_rows(result, values, blocks, 1); return; \
        case 2: NAME##_short_rows(result, values, blocks, 2); return; \
        case 3: NAME##_short_rows(result, values, blocks, 3); return; \
        case 4: NAME##_short_rows(result, values, blocks, 4); return; \
        case 8: NAME##_short_rows(result, values, blocks, 8); return; \
      } \
      for (int64_t b = 0; b < blocks; b++) result[b] = COMBINE(result[b], NAME##_row(values + b * rows, rows)); \
      return; \
    } \
    if (rows == 1) { \
      FK_VECTORIZE \
      for (int64_t i = 0; i < blocks * inner; i++) result[i] = COMBINE(result[i], READ(values[i])); \
      return; \
    } \
    for (int64_t b = 0; b < blocks; b++, values += rows * inner, result += inner) { \
      int64_t done = 0; \
      if (inner < 16 && rows >= 2 * FOLD) { \
        /* Narrow rows: FOLD of them as one wide row, which is then folded. */ \
        float wide[FOLD * 16]; \
        for (int64_t i = 0; i < FOLD * inner; i++) wide[i] = NEUTRAL; \
        done = rows / FOLD * FOLD; \
        NAME##_block(wide, values, rows / FOLD, FOLD * inner); \
        PLAIN##_block(result, wide, FOLD, inner); \
      } \
      if (done < rows) NAME##_block(result, values + done * inner, rows - done, inner); \
    } \
  }

REDUCTION(sum, add, 0, same, sum)
REDUCTION(sum_of_squares, add, 0, square, sum)
REDUCTION(maximum, larger, -__builtin_inff(), same, maximum)

void fk_clear_reduction(fk_reduction_kind kind, float *result, int64_t count) {
  float neutral = kind == FK_MAX ? -__builtin_inff() : 0;
  for (int64_t i = 0; i < count; i++) result[i] = neutral;
}

void fk_reduce(
  fk_reduction_kind kind, float *result, const float *values, int64_t blocks, int64_t rows, int64_t inner)
{
  switch (kind) {
    case FK_SUM: sum(result, values, blocks, rows, inner); return;
    case FK_SUM_OF_SQUARES: sum_of_squares(result, values, blocks, rows, inner); return;
    case FK_MAX: maximum(result, values, blocks, rows, inner); return;
  }
}

void fk_combine(fk_reduction_kind kind, float *result, const float *partial, int64_t count) {
  fk_reduce(kind == FK_MAX ? FK_MAX : FK_SUM, result, partial, 1, 1, count);
}
