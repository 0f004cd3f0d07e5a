#include <math.h>

#include "evaluate.h"

#define LOOP(expression) \
  FK_VECTORIZE \
  for (int64_t i = 0; i < count; i++) out[i] = expression; \
  return

#define UNARY(expression) \
  { \
    if (!(scalars & FK_A_SCALAR)) { \
      FK_VECTORIZE \
      for (int64_t i = 0; i < count; i++) { \
        float x = a[i]; \
        out[i] = expression; \
      } \
      return; \
    } \
    float x = *a, value = expression; \
    LOOP(value); \
  }

#define BINARY_LOOP(left, right, expression) \
  { \
    FK_VECTORIZE \
    for (int64_t i = 0; i < count; i++) { \
      float x = left, y = right; \
      out[i] = expression; \
    } \
    return; \
  }

#define BINARY(expression) \
  switch (scalars & (FK_A_SCALAR | FK_B_SCALAR)) { \
    case 0: BINARY_LOOP(a[i], b[i], expression) \
    case FK_A_SCALAR: { \
      float left = *a; \
      BINARY_LOOP(left, b[i], expression) \
    } \
    case FK_B_SCALAR: { \
      float right = *b; \
      BINARY_LOOP(a[i], right, expression) \
    } \
    default: { \
      float x = *a, y = *b, value = expression; \
      LOOP(value); \
    } \
  }

#define TERNARY_LOOP(first, second, third, expression) \
  { \
    FK_VECTORIZE \
    for (int64_t i = 0; i < count; i++) { \
      float x = first, y = second, z = third; \
      out[i] = expression; \
    } \
    return; \
  }

#define TERNARY(expression) \
  { \
    float u = *a, v = *b, w = *c; \
    switch (scalars) { \
      case 0: TERNARY_LOOP(a[i], b[i], c[i], expression) \
      case FK_A_SCALAR: TERNARY_LOOP(u, b[i], c[i], expression) \
      case FK_B_SCALAR: TERNARY_LOOP(a[i], v, c[i], expression) \
      case FK_C_SCALAR: TERNARY_LOOP(a[i], b[i], w, expression) \
      case FK_A_SCALAR | FK_B_SCALAR: TERNARY_LOOP(u, v, c[i], expression) \
      case FK_A_SCALAR | FK_C_SCALAR: TERNARY_LOOP(u, b[i], w, expression) \
      case FK_B_SCALAR | FK_C_SCALAR: TERNARY_LOOP(a[i], v, w, expression) \
      default: TERNARY_LOOP(u, v, w, expression) \
    } \
  }

// Longer than sixty lines: one case per function, each a loop of its own.
FK_CLONES
void fk_evaluate(
  int function, float *out, const float *a, const float *b, const float *c, unsigned scalars, int64_t count)
{
  switch (function) {
    case FK_COPY: {
      if (scalars & FK_A_SCALAR) {
        float value = *a;
        LOOP(value);
      }
      if (out != a) memcpy(out, a, sizeof(float) * (size_t) count);
      return;
    }
    case FK_NEGATE: UNARY(-x)
    case FK_EXP: UNARY(exp_float(x))
    case FK_EXPM1: UNARY(expm1_float(x))
    case FK_LOG: UNARY(log_float(x))
    case FK_LOG1P: UNARY(log1p_float(x))
    case FK_SQRT: UNARY(sqrt_float(x))
    case FK_RECIPROCAL: UNARY(1 / x)
    case FK_TANH: UNARY(tanh_float(x))
    case FK_SIN: UNARY(sin_float(x))
    case FK_COS: UNARY(cos_float(x))
    case FK_ABS: UNARY(__builtin_fabsf(x))
    case FK_SIGN: UNARY(sign_float(x))
    case FK_FLOOR: UNARY(__builtin_floorf(x))
    case FK_ERF: UNARY(erf_float(x))
    case FK_SIGMOID: UNARY(sigmoid_float(x))
    case FK_SOFTPLUS: UNARY(softplus_float(x))
    case FK_SILU: UNARY(silu_float(x))
    case FK_ADD: BINARY(x + y)
    case FK_SUBTRACT: BINARY(x - y)
    case FK_MULTIPLY: BINARY(x * y)
    case FK_DIVIDE: {
      if ((scalars & (FK_A_SCALAR | FK_B_SCALAR)) != FK_B_SCALAR) BINARY(x / y)
      // A product in double is twice as fast and the same to the last bit: the quotient of two floats is never as
      // close as 2^-49, relatively, to where its rounding changes, and this one is within 2^-52 of it. (Between the
      // floats and zero it can be; workers flush there.)
      double reciprocal = 1 / (double) *b;
      LOOP((float) ((double) a[i] * reciprocal));
    }
    case FK_MAXIMUM: BINARY(x < y ? y : x)
    case FK_LESS: BINARY((x < y ? 1.0f : 0.0f))
    case FK_LESS_OR_EQUAL: BINARY((x <= y ? 1.0f : 0.0f))
    case FK_EQUAL: BINARY((x == y ? 1.0f : 0.0f))
    case FK_POWER: {
      int64_t step_a = scalars & FK_A_SCALAR ? 0 : 1, step_b = scalars & FK_B_SCALAR ? 0 : 1;
      for (int64_t i = 0; i < count; i++) out[i] = powf(a[i * step_a], b[i * step_b]);
      return;
    }
    case FK_SILU_GRADIENT: BINARY(x * silu_slope_float(y))
    case FK_MULTIPLY_ADD: TERNARY(x * y + z)
    case FK_MULTIPLY_SUBTRACT: TERNARY(x * y - z)
    case FK_SUBTRACT_PRODUCT: TERNARY(z - x * y)
    case FK_SELECT: {
      // A scalar condition picks a branch for all.
      if (scalars & FK_A_SCALAR) {
        int first = *a != 0;
        const float *from = first ? b : c;
        if (scalars & (first ? FK_B_SCALAR : FK_C_SCALAR)) {
          float value = *from;
          LOOP(value);
        }
        LOOP(from[i]);
      }
      switch (scalars & (FK_B_SCALAR | FK_C_SCALAR)) {
        case 0: {
          FK_VECTORIZE
          for (int64_t i = 0; i < count; i++) {
            float yes = b[i], no = c[i];
            out[i] = a[i] != 0 ? yes : no;
          }
          return;
        }
        case FK_B_SCALAR: {
          float yes = *b;
          FK_VECTORIZE
          for (int64_t i = 0; i < count; i++) {
            float no = c[i];
            out[i] = a[i] != 0 ? yes : no;
          }
          return;
        }
        case FK_C_SCALAR: {
          float no = *c;
          FK_VECTORIZE
          for (int64_t i = 0; i < count; i++) {
            float yes = b[i];
            out[i] = a[i] != 0 ? yes : no;
          }
          return;
        }
        default: {
          float yes = *b, no = *c;
          LOOP(a[i] != 0 ? yes : no);
        }
      }
    }
  }
}

void fk_apply(
  fk_function function, float *out, const float *a, const float *b, const float *c, int64_t count)
{
  fk_evaluate(function, out, a, b, c, 0, count);
}
