#include "special.h"

#include <math.h>

/// Below here erfc would lose its digits, and then underflow at -38.
static const double TAIL = -20;
static const double HALF_LOG_TWO_PI = 0.91893853320467274;

/// S(x) - 1, where Φ(x) = φ(x) S(x) / -x and S = 1 - 1/x² + 3/x⁴ - 15/x⁶ ... (DLMF 7.12.1), to
/// 1e-17 at TAIL.
static double tail_less_one(double x) {
  double step = -1 / (x * x), sum = 0;
  for (int n = 12; n >= 1; n--) sum = (2 * n - 1) * step * (1 + sum);
  return sum;
}

double fk_log_ndtr(double x) {
  if (x < TAIL) return -x * x / 2 - HALF_LOG_TWO_PI - log(-x) + log1p(tail_less_one(x));
  return x < 0 ? log(erfc(-x * M_SQRT1_2) / 2) : log1p(-erfc(x * M_SQRT1_2) / 2);
}

double fk_log_ndtr_slope(double x) {
  if (x < TAIL) return -x / (1 + tail_less_one(x));
  return exp(-x * x / 2 - HALF_LOG_TWO_PI) / (erfc(-x * M_SQRT1_2) / 2);
}

double fk_log_ndtr_curvature(double x) {
  double m = fk_log_ndtr_slope(x);
  if (m == 0 || x < -1e8) return m == 0 ? 0 : -1;
  if (x < TAIL) {
    double rest = tail_less_one(x);
    return -m * x * rest / (1 + rest);
  }
  return -m * (m + x);
}
