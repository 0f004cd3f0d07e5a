/// The elementwise functions that a tile or scalar program may apply.
///
/// In float they are accurate to about two units in the last place (tanh and erf three). FK_EXP gives 0 below 2^-125.5
/// rather than below 2^-126. FK_SIN and FK_COS are for arguments up to 1e5; from about 1e7 on they give NaN.
#ifndef FIGMENT_FUNCTIONS_H
#define FIGMENT_FUNCTIONS_H

typedef enum {
  // One operand.
  FK_COPY, FK_NEGATE, FK_EXP, FK_EXPM1, FK_LOG, FK_LOG1P, FK_SQRT, FK_RECIPROCAL, FK_TANH, FK_SIN, FK_COS,
  FK_ABS, FK_SIGN, FK_FLOOR, FK_ERF,
  // FK_SIGMOID is 1 / (1 + exp(-a)), FK_SOFTPLUS log(1 + exp(a)), FK_SILU a sigmoid(a); none overflows, and below -88.7
  // the first is 0 and the last -0, at -infinity too.
  FK_SIGMOID, FK_SOFTPLUS, FK_SILU,
  // Two operands. FK_LESS is 1 where a < b, else 0. FK_MAXIMUM(a, b) is b where a < b, else a: so max(NaN, b) is NaN.
  // FK_LESS_OR_EQUAL and FK_EQUAL are 1 where a <= b and a == b. Comparisons with NaN give 0. FK_POWER is the C library's.
  FK_ADD, FK_SUBTRACT, FK_MULTIPLY, FK_DIVIDE, FK_MAXIMUM, FK_LESS, FK_LESS_OR_EQUAL, FK_EQUAL, FK_POWER,
  // a times the derivative of FK_SILU at b, which below -88 may be -5e-37 rather than 0.
  FK_SILU_GRADIENT,
  // Three operands. FK_SELECT is b where a != 0, else c; FK_MULTIPLY_ADD a b + c, FK_MULTIPLY_SUBTRACT a b - c and
  // FK_SUBTRACT_PRODUCT c - a b, with one rounding or two.
  FK_SELECT, FK_MULTIPLY_ADD, FK_MULTIPLY_SUBTRACT, FK_SUBTRACT_PRODUCT,
} fk_function;

#endif
