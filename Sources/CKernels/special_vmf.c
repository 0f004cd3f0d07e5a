#include "special.h"

#include <math.h>

#include "random.h"

static int within(double concentration, int64_t dimension) {
  return dimension >= 2 && dimension <= 1000000000 && concentration >= 0 && concentration <= 1e12;
}

fk_stream fk_stream_make(uint64_t seed, uint32_t site, uint64_t run, uint32_t element) {
  uint32_t key[2] = {(uint32_t) seed, (uint32_t) (seed >> 32)};
  uint32_t counter[4] = {element, site, (uint32_t) run, (uint32_t) (run >> 32)}, x[4];
  fk_philox(counter, key, x);
  return (fk_stream) {.key = {x[0], x[1]}, .counter = {0, 0, x[2], x[3]}, .used = 4};
}

uint64_t fk_stream_next(fk_stream *stream) {
  if (stream->used == 4) {
    fk_philox(stream->counter, stream->key, stream->words);
    if (++stream->counter[0] == 0) stream->counter[1]++;
    stream->used = 0;
  }
  uint64_t low = stream->words[stream->used], high = stream->words[stream->used + 1];
  stream->used += 2;
  return low | high << 32;
}

/// In the middle of one of the 2^52 equal parts of (0, 1).
static double open_uniform(fk_stream *stream) {
  return ((double) (fk_stream_next(stream) >> 12) + 0.5) * 0x1p-52;
}

fk_cosine_draw fk_vmf_cosine(
  double concentration, int64_t dimension, uint64_t seed, uint32_t site, uint64_t run,
  uint32_t element)
{
  if (!within(concentration, dimension)) return (fk_cosine_draw) {NAN, NAN, NAN};
  // Wood 1994, algorithm VM*, with m = d - 1:
  //   b = m / (2k + √(4k² + m²)),  x = (1 - b) / (1 + b),
  //   w = (1 - (1 + b) B) / (1 - (1 - b) B),  B ~ Beta(m/2, m/2),
  // accepted if k (w - x) + m log((1 - x w) / (1 - x²)) >= log u.
  double k = concentration, m = (double) dimension - 1;
  double b = m / (2 * k + hypot(2 * k, m)), x = (1 - b) / (1 + b), one_less_x = 2 * b / (1 + b);
  fk_stream stream = fk_stream_make(seed, site, run, element);
  for (;;) {
    // Ulrich 1984: B = (1 + s cos 2πv) / 2, s² = 1 - u^(2 / (m - 1)). B and 1 - B are sums of
    // what is positive.
    double power = 2 * log(open_uniform(&stream)) / (m - 1), s = sqrt(-expm1(power));
    double angle = M_PI * open_uniform(&stream), cosine = cos(angle), sine = sin(angle);
    double rest = exp(power) / (1 + s) / 2;
    double beta = rest + s * cosine * cosine, other = rest + s * sine * sine;
    // 1 - (1 - b) B = other + b B, 1 - w = 2 b B / (...), 1 + w = 2 (1 - B) / (...).
    double whole = other + b * beta, versine = 2 * b * beta / whole;
    double log_acceptance =
      k * (one_less_x - versine) + m * log((1 + x * versine / one_less_x) / (1 + x));
    double decision = log(open_uniform(&stream));
    fk_stream_next(&stream);
    if (log_acceptance >= decision) {
      return (fk_cosine_draw) {
        .cosine = versine < 0.5 ? 1 - versine : (other - b * beta) / whole,
        .versine = versine,
        .sine = 2 * sqrt(b * beta * other) / whole,
      };
    }
  }
}

// The pathwise derivative. Above and below the mean (side = 1 and -1) are alike in the angle φ from
// the pole of the side, side w = cos φ, because ∫ (A - s) f(s) ds over everything is 0:
//   P = sin φ₀ ∫_0^φ₀ e(φ) ρ(φ) dφ,  e = side (w - A) + (cos φ - cos φ₀), neither of them negative,
//   ρ = exp(side k (cos φ - cos φ₀)) (sin φ / sin φ₀)^(d - 2),
//   ∂P/∂k = -side sin φ₀ ∫_0^φ₀ (A' - e (cos φ - cos φ₀)) ρ dφ,
// so that nothing near is subtracted. ∂P/∂w follows from P f = ∫ (A - s) f:
//   ∂P/∂w = A - w - P (k - (d - 3) w / (1 - w²)).

/// Gauss and Legendre's rule with 2 HALF nodes: the positive nodes and their weights on [-1, 1].
enum { HALF = 16 };
static const double NODES[HALF][2] = {
  {0.9972638618494816, 0.007018610009470096}, {0.9856115115452684, 0.01627439473090567},
  {0.9647622555875064, 0.02539206530926206}, {0.9349060759377397, 0.03427386291302143},
  {0.8963211557660521, 0.04283589802222668}, {0.84936761373257, 0.050998059262376175},
  {0.7944837959679424, 0.058684093478535544}, {0.7321821187402897, 0.06582222277636185},
  {0.6630442669302152, 0.0723457941088485}, {0.5877157572407623, 0.07819389578707031},
  {0.5068999089322294, 0.08331192422694675}, {0.42135127613063533, 0.08765209300440381},
  {0.33186860228212767, 0.09117387869576389}, {0.23928736225213706, 0.09384439908080457},
  {0.1444719615827965, 0.09563872007927486}, {0.04830766568773832, 0.0965400885147278},
};

typedef struct {
  double k, side, powers;     // powers = d - 2
  double half, sine, cosine;  // φ₀ / 2 and its sine and cosine
} side_of_mean;

typedef struct {
  double rise;       // cos φ - cos φ₀
  double log_ratio;  // log ρ
} place;

/// At φ / 2 = half - back.
static place place_at(const side_of_mean *on, double half, double back) {
  double s = sin(half), sine = sin(back), c = on->cosine * cos(back) + on->sine * sine;
  double rise = 2 * sine * (on->sine * c + on->cosine * s);
  double log_ratio = on->side * on->k * rise;
  if (on->powers > 0) log_ratio += on->powers * log(s * c / (on->sine * on->cosine));
  return (place) {rise, log_ratio};
}

/// Extent of the integrand before φ₀ / 2: to where log ρ is from -90 to -40, or all the way if
/// that is near the pole, where ρ is a low power of the angle.
static double reach(const side_of_mean *on) {
  double whole = on->half;
  if (on->powers == 0 && on->side * on->k * 2 * on->sine * on->sine > -40) return whole;
  // First and second derivative of log ρ in φ / 2 at φ₀ / 2, for a first guess.
  double sine = 2 * on->sine * on->cosine, cosine = on->cosine * on->cosine - on->sine * on->sine;
  double slope = 2 * (on->powers * cosine / sine - on->side * on->k * sine);
  double bend = 4 * (on->powers / (sine * sine) + on->side * on->k * cosine);
  double root = sqrt(fmax(slope * slope + 120 * bend, 0));
  double guess = 120 / (slope + root);
  double low = 0, high = whole;
  for (int attempt = 0; attempt < 60; attempt++) {
    if (!(guess > low && guess < high)) guess = (low + high) / 2;
    double log_ratio = place_at(on, whole - guess, guess).log_ratio;
    if (log_ratio <= -40 && log_ratio >= -90) break;
    if (log_ratio > -40) low = guess;
    else high = guess;
    if (low > 0.875 * whole) return whole;
    guess = (low + high) / 2;
  }
  return guess;
}

fk_cosine_slopes fk_vmf_pathwise(double concentration, int64_t dimension, double versine) {
  if (!within(concentration, dimension) || !(versine >= 0 && versine <= 2)) {
    return (fk_cosine_slopes) {NAN, NAN, NAN, NAN};
  }
  double k = concentration, d = (double) dimension;
  fk_vmf_moments mean = fk_vmf(d, k);
  double side = versine < mean.complement ? 1 : -1;
  double from_pole = side > 0 ? versine : 2 - versine;  // 1 - cos φ₀
  if (from_pole < 1e-200) {
    // The limit, where squares would underflow: P = 2 (1 - side A) / (d - 1) (1 - cos φ₀).
    double rate = side * 2 * (side > 0 ? mean.complement : 1 + mean.ratio) / (d - 1);
    return (fk_cosine_slopes) {0, 0, -rate, 0};
  }
  side_of_mean on = {.k = k, .side = side, .powers = d - 2};
  on.sine = sqrt(from_pole / 2);
  on.cosine = sqrt((side > 0 ? 2 - versine : versine) / 2);
  on.half = atan2(on.sine, on.cosine);

  double excess = fabs(mean.complement - versine), length = reach(&on);
  double first = 0, second = 0;
  for (int node = 0; node < 2 * HALF; node++) {
    double x = node < HALF ? NODES[node][0] : -NODES[node - HALF][0];
    double weight = NODES[node % HALF][1], back = length * (1 - x) / 2;
    place at = place_at(&on, on.half - back, back);
    double e = excess + at.rise, ratio = weight * exp(at.log_ratio);
    first += e * ratio;
    second += (mean.slope - e * at.rise) * ratio;
  }
  // dφ = 2 d(φ / 2), and the rule's interval has the length 2.
  double w = 1 - versine, sine = 2 * on.sine * on.cosine, p = sine * length * first;
  return (fk_cosine_slopes) {
    .cosine = p,
    .angle = -length * first,
    .by_cosine = versine - mean.complement - p * (k - (d - 3) * w / (sine * sine)),
    .by_concentration = -side * sine * length * second,
  };
}
