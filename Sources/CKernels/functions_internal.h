/// The elementwise functions for one float, free of branches and calls so that loops over them vectorize.
///
/// Polynomials are minimax fits (Lawson's reweighted least squares in the Chebyshev nodes, coefficients rounded to
/// float one after the other from the lowest, the rest fitted again each time). The error noted with each is that of
/// the fit, relative to the function; rounding adds one or two units in the last place.
#ifndef FIGMENT_FUNCTIONS_INTERNAL_H
#define FIGMENT_FUNCTIONS_INTERNAL_H

#include <stdint.h>
#include <string.h>

#include "clones.h"

/// The loop that follows may be vectorized although its output may be the very memory of an operand. (`restrict`
/// would be untrue there.)
#define FK_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")

#define FK_INLINE static inline __attribute__((always_inline))

/// First element of piece `piece` where `count` elements are divided over `pieces`.
FK_INLINE int64_t fk_piece_begin(int64_t count, int piece, int pieces) {
  return count / pieces * piece + count % pieces * piece / pieces;
}

FK_INLINE uint32_t bits_of_float(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

FK_INLINE float float_of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

FK_INLINE float float_of_bf16(uint16_t x) {
  return float_of_bits((uint32_t) x << 16);
}

/// Rounded to nearest, ties to even; what rounds above the largest bf16 is infinite, and NaN stays a (quiet) NaN.
/// Subnormals are kept: there is no arithmetic in this.
FK_INLINE uint16_t bf16_of_float(float x) {
  uint32_t bits = bits_of_float(x), upper = bits >> 16;
  uint32_t rounded = (bits + 0x7fff + (upper & 1)) >> 16;
  return (uint16_t) (x == x ? rounded : upper | 0x40);
}

/// Adding this rounds a float of magnitude below 2^22 to an integer, which then is in the low bits of the sum. Unlike
/// a conversion to int it is defined for every x, and fast before SSE 4.1 as well.
#define ROUNDING 0x1.8p23f

/// 2^n, n in -126 ... 127; 0 for n = -127.
FK_INLINE float power_of_two(int32_t n) {
  return float_of_bits((uint32_t) (n + 127) << 23);
}

/// Not sqrtf: that may set errno, which keeps a loop from being vectorized.
FK_INLINE float sqrt_float(float x) {
  return __builtin_elementwise_sqrt(x);
}

/// x = n ln 2 + remainder, |remainder| <= ln 2 / 2, for |x| <= 110. Gives expm1(remainder), to 1.4e-8.
/// ln 2 is split so that n times its upper part is exact.
FK_INLINE float reduced_expm1(float x, int32_t *n) {
  float rounded = x * 0x1.715476p+0f + ROUNDING;
  float k = rounded - ROUNDING;
  *n = (int32_t) (bits_of_float(rounded) - bits_of_float(ROUNDING));
  float r = x - k * 0x1.62e4p-1f - k * 0x1.7f7d1cp-20f;
  float p = 0x1.6b9c68p-10f;
  p = p * r + 0x1.12254ap-7f;
  p = p * r + 0x1.5556f2p-5f;
  p = p * r + 0x1.5554b4p-3f;
  p = p * r + 0x1.fffffep-2f;
  return r * r * p + r;
}

FK_INLINE float exp_float(float x) {
  // 2^(n-1) rather than 2^n, which may be 2^128. So n = -126 gives 0: what is below 2^-125.5 (1.7e-38) is flushed.
  // The comparisons let NaN pass.
  x = x > 89 ? 89 : x;
  x = x < -87.5f ? -87.5f : x;
  int32_t n;
  float p = 2 * reduced_expm1(x, &n) + 2;
  return p * power_of_two(n - 1);
}

/// exp(-x) as scale * p for -89 <= x <= 87.5, where the product may be infinite.
FK_INLINE float exp_negated_parts(float x, float *scale) {
  float rounded = x * -0x1.715476p+0f + ROUNDING;
  float k = rounded - ROUNDING;
  // 2^(n-1), 0 for n = -126, and twice the polynomial of reduced_expm1.
  *scale = power_of_two((int32_t) (bits_of_float(rounded) - bits_of_float(ROUNDING)) - 1);
  float r = x + k * 0x1.62e4p-1f + k * 0x1.7f7d1cp-20f;
  float p = 0x1.6b9c68p-9f;
  p = p * r - 0x1.12254ap-6f;
  p = p * r + 0x1.5556f2p-4f;
  p = p * r - 0x1.5554b4p-2f;
  p = p * r + 0x1.fffffep-1f;
  p = p * r - 2;
  return p * r + 2;
}

/// NaN passes. Below -88.7 this is 0.
FK_INLINE float sigmoid_float(float x) {
  x = x < -89 ? -89 : x;
  x = x > 87.5f ? 87.5f : x;
  float scale, p = exp_negated_parts(x, &scale);
  return 1 / (p * scale + 1);
}

/// -0 below -88.7, -infinity included.
FK_INLINE float silu_float(float x) {
  x = x < -89 ? -89 : x;
  float scale, p = exp_negated_parts(x > 87.5f ? 87.5f : x, &scale);
  return x / (p * scale + 1);
}

/// The derivative of silu: s (1 + x (1 - s)), s = sigmoid(x), with 1 - s = exp(-x) s, which does not cancel.
/// Between the clamps all is finite; below -88 this is -5e-37, or 0 where denormals are flushed.
FK_INLINE float silu_slope_float(float x) {
  x = x < -88 ? -88 : x;
  x = x > 87.5f ? 87.5f : x;
  float scale, p = exp_negated_parts(x, &scale), e = p * scale, s = 1 / (e + 1);
  return s * (x * (e * s) + 1);
}

FK_INLINE float expm1_float(float x) {
  x = x > 89 ? 89 : x;
  x = x < -20 ? -20 : x;
  int32_t n;
  float p = reduced_expm1(x, &n);
  // 2^n (p + 1) - 1, by way of 2^(n-1) since n may be 128.
  float half = power_of_two(n - 1);
  return 2 * (half * p + (half - 0.5f));
}

/// log(1 + f) + e ln 2 for 1 + f in [√½, √2), to 5.9e-9.
FK_INLINE float log_of_parts(float f, float e) {
  float p = -0x1.38c9dep-4f;
  p = p * f + 0x1.055ec6p-3f;
  p = p * f - 0x1.0d8242p-3f;
  p = p * f + 0x1.22d92ep-3f;
  p = p * f - 0x1.54728ap-3f;
  p = p * f + 0x1.99a01cp-3f;
  p = p * f - 0x1.000226p-2f;
  p = p * f + 0x1.555554p-2f;
  float square = f * f;
  float tail = f * square * p + e * 0x1.7f7d1cp-20f - 0.5f * square;
  return e * 0x1.62e4p-1f + (f + tail);
}

/// The exponent and the mantissa in [√½, √2) of a normal positive number.
FK_INLINE float split_mantissa(float x, int32_t *exponent) {
  uint32_t bits = bits_of_float(x) - 0x3f3504f3u;
  *exponent = (int32_t) bits >> 23;
  return float_of_bits((bits & 0x7fffffu) + 0x3f3504f3u);
}

/// Puts right what a logarithm computed from bits makes of an argument (x of log x) that is infinite, NaN or <= 0.
FK_INLINE float special_log(float x, float result) {
  result = x < __builtin_inff() ? result : x;
  result = x > 0 ? result : -__builtin_inff();
  return x >= 0 ? result : __builtin_nanf("");
}

FK_INLINE float log_float(float x) {
  float scaled = x < 0x1p-126f ? x * 0x1p23f : x;
  float shift = x < 0x1p-126f ? -23 : 0;
  int32_t e;
  float f = split_mantissa(scaled, &e) - 1;
  return special_log(x, log_of_parts(f, (float) e + shift));
}

FK_INLINE float log1p_float(float x) {
  float u = 1 + x;
  int32_t e;
  float m = split_mantissa(u, &e);
  // 2^-e (1 + x) - 1 without the rounding of 1 + x. Where x is so large that 2^-e is no float, there is none.
  float scale = power_of_two(-e);
  float f = x < 0x1p24f ? (scale - 1) + scale * x : m - 1;
  return special_log(u, log_of_parts(f, (float) e));
}

/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
FK_INLINE float softplus_float(float x) {
  float e = exp_float(-__builtin_fabsf(x));
  // log1p as above, of what is in 0 ... 1.
  int32_t exponent;
  split_mantissa(1 + e, &exponent);
  float scale = power_of_two(-exponent);
  float f = (scale - 1) + scale * e;
  return (x > 0 ? x : 0) + log_of_parts(f, (float) exponent);
}

FK_INLINE float tanh_float(float x) {
  // With t = expm1(-2 |x|): no overflow, and no cancellation near 0.
  float a = -2 * __builtin_fabsf(x);
  a = a < -20 ? -20 : a;
  int32_t n;
  float p = reduced_expm1(a, &n);
  float scale = power_of_two(n);
  float t = scale * p + (scale - 1);
  return __builtin_copysignf(t / (t + 2), x);
}

/// sin r for |r| <= π/2, to 6.2e-9.
FK_INLINE float reduced_sin(float r) {
  float square = r * r;
  float p = 0x1.5dc8c6p-19f;
  p = p * square - 0x1.9f70eep-13f;
  p = p * square + 0x1.110edap-7f;
  p = p * square - 0x1.55554cp-3f;
  return r * square * p + r;
}

/// (-1)^n sin(x - k π). Cody and Waite: the upper parts of π have 8 bits, so that their products with k (|x| up to
/// 1e5: 16 bits, that of one half included) are exact without a fused multiply-add too.
FK_INLINE float sin_of_remainder(float x, float k, uint32_t n) {
  float r = x - k * 0x1.92p+1f;
  r = r - k * 0x1.fcp-11f;
  r = r - k * -0x1.58p-20f;
  r = r - k * 0x1.10b462p-29f;
  float y = float_of_bits(bits_of_float(reduced_sin(r)) ^ n << 31);
  // From about 1e7 on a float no longer has a remainder; NaN says so (and passes).
  return __builtin_fabsf(r) < 1.75f ? y : __builtin_nanf("");
}

FK_INLINE float sin_float(float x) {
  float rounded = x * 0x1.45f306p-2f + ROUNDING;
  return sin_of_remainder(x, rounded - ROUNDING, bits_of_float(rounded));
}

FK_INLINE float cos_float(float x) {
  // cos x = sin(x + π/2): the multiple of π nearest to x that is half an odd number.
  float rounded = __builtin_fabsf(x) * 0x1.45f306p-2f - 0.5f + ROUNDING;
  return sin_of_remainder(-__builtin_fabsf(x), -(rounded - ROUNDING + 0.5f), bits_of_float(rounded));
}

/// cos(π t) and sin(π t) for |t| <= 1. The subtractions are exact for multiples of 2^-24.
FK_INLINE float cos_of_half_turns(float t) {
  return reduced_sin(0x1.921fb6p+1f * (0.5f - __builtin_fabsf(t)));
}

FK_INLINE float sin_of_half_turns(float t) {
  float a = __builtin_fabsf(t);
  a = a > 0.5f ? 1 - a : a;
  return __builtin_copysignf(reduced_sin(0x1.921fb6p+1f * a), t);
}

FK_INLINE float erf_float(float x) {
  // erf = -expm1(-a q(a)), a = |x|, where a q(a) = -log erfc(a) on [0, 4] (to 5.2e-8 in erf); 1 from 4 on.
  float a = __builtin_fabsf(x);
  a = a > 4 ? 4 : a;
  float q = 0x1.2519b2p-15f;
  q = q * a - 0x1.68ce76p-12f;
  q = q * a + 0x1.30b8cep-10f;
  q = q * a + 0x1.438a74p-12f;
  q = q * a - 0x1.3d84a0p-6f;
  q = q * a + 0x1.a53044p-4f;
  q = q * a + 0x1.45f26cp-1f;
  q = q * a + 0x1.20dd76p+0f;
  int32_t n;
  float p = reduced_expm1(-a * q, &n);
  float scale = power_of_two(n);
  return __builtin_copysignf(scale * p + (scale - 1), x);
}

FK_INLINE float sign_float(float x) {
  float magnitude = x != 0 ? 1 : 0;
  float sign = __builtin_copysignf(magnitude, x);
  return x == x ? sign : x;
}

#endif
