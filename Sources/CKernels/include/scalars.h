/// Chains of single numbers (schedules, bias corrections, gates), evaluated in Double once a run.
#ifndef FIGMENT_SCALARS_H
#define FIGMENT_SCALARS_H

#include <stdint.h>

#include "functions.h"

typedef enum { FK_VALUE_CONSTANT, FK_VALUE_MEMORY, FK_VALUE_FUNCTION } fk_scalar_source;

/// One value of the program: a constant, a float in memory, or a function of earlier values (by position).
typedef struct {
  fk_scalar_source source;
  double constant;
  const float *_Nullable memory;
  int32_t function, a, b, c;
  float *_Nullable store;  // where the value, rounded, goes; written after all values are computed
} fk_scalar;

typedef struct {
  int32_t count;
  const fk_scalar *_Nonnull values;
  double *_Nonnull scratch;  // count doubles
} fk_scalars;
void fk_run_scalars(const void *_Nonnull scalars /* fk_scalars */, int piece, int worker);

#endif
