/// Special functions in Double: modified Bessel functions, the von Mises-Fisher distribution, and
/// the tails of the normal distribution. Nothing here allocates or keeps state. What lies outside a
/// function's range gives NaN.
#ifndef FIGMENT_SPECIAL_H
#define FIGMENT_SPECIAL_H

#include <stdint.h>

/// log I_v(x) for -1/2 <= v <= 1e9, 0 <= x <= 1e12. At x = 0 it is infinite unless v is 0.
double fk_log_bessel_i(double order, double x);

/// I_{v+1}(x) / I_v(x), in [0, 1).
double fk_bessel_ratio(double order, double x);

// The von Mises-Fisher distribution on the unit sphere of R^d has the density C_d(k) exp(k <mu, z>)
// (Mardia and Jupp 2000, eq. 9.3.4). What depends on the concentration k alone, d being any real
// >= 1 and 0 <= k <= 1e12, comes from one function of it, w being a coordinate of a uniform point:
//   K(k) = log E exp(k w),  K' = A_d(k),  K'' = A',  K''' = A''.
// All have a relative error below 1e-12 for d >= 2; for d < 2, values that vanish as k grows have that
// error relative to 1.
typedef struct {
  double cumulant;    // K
  double excess;      // K - k, which keeps its digits when k is large
  double ratio;       // A = I_{d/2}(k) / I_{d/2-1}(k), the length of the mean
  double complement;  // 1 - A
  double slope;       // A', the variance of w
  double curvature;   // A'', its third central moment
  double divergence;  // KL(vMF || uniform) = k A - K, in nats
} fk_vmf_moments;
fk_vmf_moments fk_vmf(double dimension, double concentration);

/// log of the area of the unit sphere of R^d, log(2 pi^{d/2} / Gamma(d/2)), in nats.
double fk_log_sphere_area(double dimension);

/// Random words that are a pure function of (seed, site, run, element), one stream for each. With
///   x = philox(counter (element, site, run's low half, high half), key seed),
/// its block number n is philox(counter (n's low half, high half, x2, x3), key (x0, x1)).
typedef struct {
  uint32_t key[2], counter[4], words[4];
  uint32_t used;  // of the words
} fk_stream;
fk_stream fk_stream_make(uint64_t seed, uint32_t site, uint64_t run, uint32_t element);
/// The next two words, the first of them low.
uint64_t fk_stream_next(fk_stream *_Nonnull stream);

/// w = <mu, z> of a draw z from a von Mises-Fisher distribution, w = cos θ. The three are accurate
/// one by one, however near w is to 1 or to -1, and the sine is never 0.
typedef struct {
  double cosine;
  double versine;  // 1 - w
  double sine;
} fk_cosine_draw;
/// One draw for 2 <= d <= 1e9, 0 <= k <= 1e12, by rejection from Wood's envelope (1994). An attempt
/// takes two blocks: four words for the envelope (Ulrich 1984's symmetric Beta variate), two for
/// the decision, and two that are not used.
fk_cosine_draw fk_vmf_cosine(
  double concentration, int64_t dimension, uint64_t seed, uint32_t site, uint64_t run,
  uint32_t element);

/// Derivatives of a draw in the concentration at a fixed quantile F(w; k).
typedef struct {
  double cosine;            // dw/dk = P(w, k) = integral_{-1}^w (A - s) f(s) ds / f(w) >= 0
  double angle;             // dθ/dk = -P / sin θ, finite at both poles
  double by_cosine;         // ∂P/∂w
  double by_concentration;  // ∂P/∂k at a held w, so that d²w/dk² = ∂P/∂k + P ∂P/∂w
} fk_cosine_slopes;
/// The derivatives of the draw with 1 - w = versine, for 2 <= d <= 1e9, 0 <= k <= 1e12.
fk_cosine_slopes fk_vmf_pathwise(double concentration, int64_t dimension, double versine);

/// log Φ(x) for any x.
double fk_log_ndtr(double x);
/// d/dx log Φ(x) = φ(x) / Φ(x), the inverse of Mills' ratio.
double fk_log_ndtr_slope(double x);
/// d²/dx² log Φ(x) = -m (m + x), m the derivative.
double fk_log_ndtr_curvature(double x);

#endif
