/// The elementwise functions that a tile or scalar program may apply.
#ifndef FIGMENT_FUNCTIONS_H
#define FIGMENT_FUNCTIONS_H

typedef enum {
  // One operand.
  FK_COPY, FK_NEGATE, FK_EXP, FK_EXPM1, FK_LOG, FK_LOG1P, FK_SQRT, FK_RECIPROCAL, FK_TANH, FK_SIN, FK_COS,
  FK_ABS, FK_SIGN, FK_FLOOR, FK_ERF,
  // Two operands. FK_LESS is 1 where a < b, else 0. FK_MAXIMUM(a, b) is b where a < b, else a: so max(NaN, b) is NaN.
  FK_ADD, FK_SUBTRACT, FK_MULTIPLY, FK_DIVIDE, FK_MAXIMUM, FK_LESS,
  // Three operands. FK_SELECT is b where a != 0, else c.
  FK_SELECT,
} fk_function;

#endif
