#include "special.h"

#include <math.h>

// Every quantity starts from the uniform expansion at an order ν of at least LEAST_ORDER
// (DLMF 10.41.3) and comes down to the order asked for by the continued fraction that is
// DLMF 10.29.1, one level at a time, which damps errors:
//   A_v = 1 / (2 (v + 1) / k + A_{v+1}),  A_v = I_{v+1} / I_v.
// With TERMS terms at LEAST_ORDER the first one left out is below 2e-18.

enum { TERMS = 12, LEAST_ORDER = 32 };

/// c[j - 1][i] of D_j(p) = Σ_i c p^(j+2i), where log Σ_k U_k(p) / ν^k = Σ_j D_j(p) / ν^j and U_k
/// is that of DLMF 10.41.9. Written by Tests/DistributionsTests/Golden/make_debye.py.
static const double COEFFICIENTS[TERMS][TERMS + 1] = {
  {0.125, -0.20833333333333334},
  {0.0625, -0.375, 0.3125},
  {0.06510416666666667, -0.8296875, 1.7265625, -0.9592013888888888},
  {0.1015625, -2.21875, 8.296875, -10.59375, 4.4140625},
  {0.2095703125, -6.982282366071429, 40.542751736111114, -87.693359375, 80.8837890625,
   -26.961263020833332},
  {0.5364583333333334, -25.3125, 209.625, -673.625, 1021.640625, -737.8125, 204.94791666666666},
  {1.6380658830915178, -103.97592163085938, 1160.8294372558594, -5140.211273193359,
   11304.659503173829, -13184.767364501953, 7824.899444580078, -1863.07129632859},
  {5.809814453125, -477.615234375, 6904.2763671875, -40090.447265625, 119071.95263671875,
   -198321.806640625, 187801.9013671875, -94603.037109375, 19708.966064453125},
  {23.475127749972874, -2427.2885336442428, 44069.78581237793, -323875.5657704671,
   1240124.8821487427, -2752869.211418152, 3683609.1391855874, -2935198.3014678955,
   1284393.7849998474, -237850.70092589766},
  {106.467822265625, -13526.99560546875, 301187.0236816406, -2727462.591796875,
   13026405.797363281, -36852414.786914065, 65112147.795410156, -72748886.00585938,
   50027742.52075195, -19350359.06982422, 3225059.844970703},
  {535.640519510616, -82046.56579866775, 2197624.750671816, -24011994.284158945,
   139535179.1724906, -487422412.2709402, 1088470361.2907014, -1594676024.676859,
   1528592829.647338, -924445055.3424871, 320384038.82623315, -48543036.1857929},
  {2960.739786783854, -538164.052734375, 17067704.537109375, -221216118.06429037,
   1533944655.227417, -6461280179.630859, 17683879971.17871, -32540336002.749023,
   40681628863.23303, -34134822577.796875, 18421426618.901367, -5782944462.414551,
   803186730.8909098},
};

/// All of K and its derivatives at one order, for M(k) = exp K(k) = Γ(v + 1) (2 / k)^v I_v(k).
typedef struct {
  double excess;                        // K - k
  double ratio, complement;             // A = K', 1 - A
  double slope, curvature;              // A', A''
  double quotient, quotient_1, quotient_2;  // g = A / k, and its first two derivatives in t = k²
} levels;

/// The expansion with R² = ν² + k² and q = ν² / R², where p^j / ν^j = 1 / R^j:
///   K = R - ν - ν log((R + ν) / 2ν) - log(R / ν) / 2 + Σ_j (D_j(p) - D_j(1)) / ν^j,
///   g = K' / k = 1 / (R + ν) + Σ a T,  T = q^i / R^(j+2),  a = -(j + 2i) c,  -1/2 at i = j = 0.
/// T goes as R^-n, n = j + 2i + 2, and dR/dt = 1 / 2R, dR/dk = k / R.
static levels expand(double order, double k) {
  double v = order, r = hypot(v, k), q = v / r * (v / r), sine = k / r * (k / r), inverse = 1 / r;
  double power = inverse * inverse;
  // Σ c q^i / R^j, Σ c / ν^j, Σ a T, Σ n a T, Σ n (n + 2) a T.
  double sum = 0, at_zero = 0, s0 = -power / 2, s1 = -power, s2 = -4 * power, order_power = 1;
  for (int j = 1; j <= TERMS; j++) {
    double c0 = 0, a0 = 0, a1 = 0, a2 = 0, whole = 0;
    for (int i = j; i >= 0; i--) {
      int m = j + 2 * i, n = m + 2;
      double c = COEFFICIENTS[j - 1][i], a = -m * c;
      whole += c;
      c0 = c0 * q + c;
      a0 = a0 * q + a;
      a1 = a1 * q + n * a;
      a2 = a2 * q + n * (n + 2) * a;
    }
    power *= inverse;
    order_power /= v;
    sum += c0 * power * r * r;
    at_zero += whole * order_power;
    s0 += a0 * power;
    s1 += a1 * power;
    s2 += a2 * power;
  }
  double rv = r + v, over = v * v / (r + k);  // R - k
  levels at = {
    .excess = over - v - v * log(rv / (2 * v)) - log(r / v) / 2 + sum - at_zero,
    .ratio = k / rv + k * s0,
    .complement = (over + v) / rv - k * s0,
    // d/dk (k / (R + ν)) = ν / (R (R + ν)).
    .slope = v / (r * rv) + s0 - sine * s1,
    .curvature = -v * k * (2 * r + v) / (r * rv * r * rv * r) - k / (r * r) * (3 * s1 - sine * s2),
    .quotient = 1 / rv + s0,
    .quotient_1 = -1 / (2 * r * rv * rv) - s1 / (2 * r * r),
    .quotient_2 = (3 * r + v) / (4 * r * r * r * rv * rv * rv) + s2 / (4 * r * r * r * r),
  };
  return at;
}

static levels descend(double order, double k) {
  int steps = order < LEAST_ORDER ? (int) ceil(LEAST_ORDER - order) : 0;
  levels at = expand(order + steps, k);
  if (steps == 0) return at;
  // M_v = M_{v+1} / (2 (v + 1) g_v).
  double product = 1, logarithms = 0;
  if (k < order + 1) {
    // g_v = 1 / (2 (v + 1) + t g_{v+1}): nothing cancels as k goes to 0.
    double t = k * k, g = at.quotient, g1 = at.quotient_1, g2 = at.quotient_2;
    for (int step = steps - 1; step >= 0; step--) {
      double twice = 2 * (order + step + 1), next = 1 / (twice + t * g), inner = g + t * g1;
      double next_1 = -next * next * inner;
      g2 = -2 * next * next_1 * inner - next * next * (2 * g1 + t * g2);
      g1 = next_1;
      g = next;
      product *= twice * g;
    }
    at.ratio = k * g;
    at.complement = 1 - at.ratio;
    at.slope = g + 2 * t * g1;
    at.curvature = k * (6 * g1 + 4 * t * g2);
  } else {
    // The same for 1 - A, A' and A'': nothing cancels as k grows.
    double b = at.complement, a1 = at.slope, a2 = at.curvature;
    for (int step = steps - 1; step >= 0; step--) {
      double twice = 2 * (order + step + 1), c = twice / k;
      double a = 1 / (1 + c - b), inner = c / k - a1, next_1 = a * a * inner;
      b = (c - b) * a;
      a2 = 2 * a * next_1 * inner - a * a * (2 * c / (k * k) + a2);
      a1 = next_1;
      product *= c * a;
      if (product < 1e-250) {
        logarithms += log(product);
        product = 1;
      }
    }
    at.ratio = 1 - b;
    at.complement = b;
    at.slope = a1;
    at.curvature = a2;
  }
  at.excess -= logarithms + log(product);
  return at;
}

/// M - 1 = Σ_{j>0} (k² / 4)^j / (j! (v + 1) ... (v + j)) (DLMF 10.25.2), for small k² / 4 (v + 1).
static double moment_less_one(double order, double k) {
  double square = k * k / 4, term = 1, sum = 0;
  for (int j = 1; j < 200; j++) {
    term *= square / (j * (order + j));
    sum += term;
    if (term <= 1e-17 * sum) break;
  }
  return sum;
}

static const double LARGEST_ARGUMENT = 1e12, LARGEST_ORDER = 1e9;

static int within(double order, double k) {
  return order >= -0.5 && order <= LARGEST_ORDER && k >= 0 && k <= LARGEST_ARGUMENT;
}

static fk_vmf_moments moments(double order, double k) {
  levels at = descend(order, k);
  fk_vmf_moments result = {
    .cumulant = k + at.excess, .excess = at.excess, .ratio = at.ratio, .complement = at.complement,
    .slope = at.slope, .curvature = at.curvature,
    .divergence = -k * at.complement - at.excess,
  };
  if (k * k < 16 * (order + 1)) {
    result.cumulant = log1p(moment_less_one(order, k));
    result.excess = result.cumulant - k;
    result.divergence = k * at.ratio - result.cumulant;
  }
  return result;
}

static double log_gamma(double x) {
  int sign;  // lgamma keeps it in a global variable
  return lgamma_r(x, &sign);
}

double fk_log_bessel_i(double order, double x) {
  if (!within(order, x)) return NAN;
  if (x == 0) return order == 0 ? 0 : order > 0 ? -INFINITY : INFINITY;
  return moments(order, x).cumulant + order * log(x / 2) - log_gamma(order + 1);
}

double fk_bessel_ratio(double order, double x) {
  return within(order, x) ? descend(order, x).ratio : NAN;
}

fk_vmf_moments fk_vmf(double dimension, double concentration) {
  double order = dimension / 2 - 1;
  if (!within(order, concentration)) return (fk_vmf_moments) {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  return moments(order, concentration);
}

double fk_log_sphere_area(double dimension) {
  if (!within(dimension / 2 - 1, 0)) return NAN;
  return M_LN2 + dimension / 2 * log(M_PI) - log_gamma(dimension / 2);
}
