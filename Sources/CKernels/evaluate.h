/// Evaluation of one function over one tile.
#ifndef FIGMENT_EVALUATE_H
#define FIGMENT_EVALUATE_H

#include "cluster.h"
#include "functions_internal.h"

/// Flags of the operands that are one element, the same for all.
enum { FK_A_SCALAR = 1, FK_B_SCALAR = 2, FK_C_SCALAR = 4 };

FK_INLINE int fk_operand_count(fk_function function) {
  return function < FK_ADD ? 1 : function < FK_SELECT ? 2 : 3;
}

/// out[i] = function(a[i], b[i], c[i]) for 0 <= i < count. `out` may be exactly an operand's memory.
/// Operands that the function does not have are not read.
void fk_evaluate(
  int function, float *_Nonnull out, const float *_Nonnull a, const float *_Nullable b, const float *_Nullable c,
  unsigned scalars, int64_t count);

#endif
