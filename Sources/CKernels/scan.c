#include "scan.h"

enum { COLUMNS = 64 };

/// One column at a time where columns are contiguous, or up to COLUMNS side by side.
static void sum_columns(const fk_scan *scan, const float *from, float *to, int64_t columns) {
  double sums[COLUMNS] = {0};
  for (int64_t step = 0; step < scan->length; step++) {
    int64_t row = (scan->is_reversed ? scan->length - 1 - step : step) * scan->inner;
    for (int64_t j = 0; j < columns; j++) {
      sums[j] += (double) from[row + j];
      to[row + j] = (float) sums[j];
    }
  }
}

void fk_run_cumulative_sum(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_scan *scan = arguments;
  int64_t first = scan->outer * piece / scan->pieces, last = scan->outer * (piece + 1) / scan->pieces;
  for (int64_t o = first; o < last; o++) {
    int64_t start = o * scan->length * scan->inner;
    for (int64_t j = 0; j < scan->inner; j += COLUMNS) {
      int64_t columns = scan->inner - j < COLUMNS ? scan->inner - j : COLUMNS;
      sum_columns(scan, scan->from + start + j, scan->to + start + j, columns);
    }
  }
}

void fk_run_argmax(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_scan *scan = arguments;
  int64_t first = scan->outer * piece / scan->pieces, last = scan->outer * (piece + 1) / scan->pieces;
  for (int64_t o = first; o < last; o++) {
    const float *from = scan->from + o * scan->length * scan->inner;
    float *to = scan->to + o * scan->inner;
    for (int64_t j = 0; j < scan->inner; j++) {
      int64_t best = 0;
      float largest = from[j];
      for (int64_t i = 1; i < scan->length && largest == largest; i++) {
        float x = from[i * scan->inner + j];
        if (!(x <= largest)) {
          best = i;
          largest = x;
        }
      }
      to[j] = (float) best;
    }
  }
}
