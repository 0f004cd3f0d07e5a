/// The elementwise functions that a tile or scalar program may apply.
///
/// In float they are right to about two units in the last place (tanh and erf three). FK_EXP gives 0 below 2^-125.5
/// rather than below 2^-126. FK_SIN and FK_COS are for arguments up to 1e5; from about 1e7 on they give NaN.
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
