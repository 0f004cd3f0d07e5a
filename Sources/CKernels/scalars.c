#include "scalars.h"

#include <math.h>

#include "evaluate.h"

/// The logistic function of x of either sign, without overflow.
static double sigmoid(double x) {
  double e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

static double silu_slope(double x) {
  if (isinf(x)) return x > 0;
  return sigmoid(x) * (1 + x * sigmoid(-x));
}

static double apply(fk_function function, double a, double b, double c) {
  switch (function) {
    case FK_COPY: return a;
    case FK_NEGATE: return -a;
    case FK_EXP: return exp(a);
    case FK_EXPM1: return expm1(a);
    case FK_LOG: return log(a);
    case FK_LOG1P: return log1p(a);
    case FK_SQRT: return sqrt(a);
    case FK_RECIPROCAL: return 1 / a;
    case FK_TANH: return tanh(a);
    case FK_SIN: return sin(a);
    case FK_COS: return cos(a);
    case FK_ABS: return fabs(a);
    case FK_SIGN: return a > 0 ? 1 : a < 0 ? -1 : a;
    case FK_FLOOR: return floor(a);
    case FK_ERF: return erf(a);
    case FK_SIGMOID: return sigmoid(a);
    case FK_SOFTPLUS: return fmax(a, 0) + log1p(exp(-fabs(a)));
    case FK_SILU: return a == -INFINITY ? -0.0 : a * sigmoid(a);
    case FK_ADD: return a + b;
    case FK_SUBTRACT: return a - b;
    case FK_MULTIPLY: return a * b;
    case FK_DIVIDE: return a / b;
    case FK_MAXIMUM: return a < b ? b : a;
    case FK_LESS: return a < b;
    case FK_LESS_OR_EQUAL: return a <= b;
    case FK_EQUAL: return a == b;
    case FK_POWER: return pow(a, b);
    case FK_SILU_GRADIENT: return a * silu_slope(b);
    case FK_SELECT: return a != 0 ? b : c;
    case FK_MULTIPLY_ADD: return a * b + c;
    case FK_MULTIPLY_SUBTRACT: return a * b - c;
    case FK_SUBTRACT_PRODUCT: return c - a * b;
  }
  return NAN;
}

void fk_run_scalars(const void *arguments, int piece, int worker) {
  (void) piece;
  (void) worker;
  const fk_scalars *program = arguments;
  double *results = program->scratch;
  for (int32_t i = 0; i < program->count; i++) {
    const fk_scalar *value = &program->values[i];
    switch (value->source) {
      case FK_VALUE_CONSTANT: results[i] = value->constant; break;
      case FK_VALUE_MEMORY: results[i] = *value->memory; break;
      case FK_VALUE_FUNCTION: {
        // Operands that a function does not have may hold any position.
        int operands = fk_operand_count((fk_function) value->function);
        results[i] = apply(
          (fk_function) value->function, results[value->a], operands > 1 ? results[value->b] : 0,
          operands > 2 ? results[value->c] : 0);
      }
    }
  }
  for (int32_t i = 0; i < program->count; i++) {
    if (program->values[i].store) *program->values[i].store = (float) results[i];
  }
}
