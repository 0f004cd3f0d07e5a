#include "special_steps.h"

#include <math.h>

#include "functions_internal.h"
#include "special.h"

double fk_special_value(fk_special_function function, double parameter, double a, double b) {
  switch (function) {
    case FK_LOG_BESSEL: return fk_log_bessel_i(parameter, a);
    case FK_VMF_EXCESS: return fk_vmf(parameter, a).excess;
    case FK_VMF_RATIO: return fk_vmf(parameter, a).ratio;
    case FK_VMF_COMPLEMENT: return fk_vmf(parameter, a).complement;
    case FK_VMF_SLOPE: return fk_vmf(parameter, a).slope;
    case FK_VMF_CURVATURE: return fk_vmf(parameter, a).curvature;
    case FK_VMF_DIVERGENCE: return fk_vmf(parameter, a).divergence;
    case FK_VMF_ANGLE_SLOPE:
    case FK_VMF_ANGLE_SLOPE_RATE: {
      // An angle that was rounded to float may lie just beyond π.
      double half = sin(fmin(b, M_PI) / 2), sine = sin(b);
      fk_cosine_slopes slopes = fk_vmf_pathwise(a, (int64_t) parameter, 2 * half * half);
      if (function == FK_VMF_ANGLE_SLOPE) return slopes.angle;
      return sine > 0 ? -slopes.by_concentration / sine : 0;
    }
    case FK_LOG_NDTR: return fk_log_ndtr(a);
    case FK_LOG_NDTR_SLOPE: return fk_log_ndtr_slope(a);
    case FK_LOG_NDTR_CURVATURE: return fk_log_ndtr_curvature(a);
  }
  return NAN;
}

void fk_run_special(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_special *s = arguments;
  int64_t end = fk_piece_begin(s->count, piece + 1, s->pieces);
  for (int64_t i = fk_piece_begin(s->count, piece, s->pieces); i < end; i++) {
    s->out[i] = (float) fk_special_value(s->function, s->parameter, s->a[i], s->b ? s->b[i] : 0);
  }
}

double fk_vmf_angle(
  double concentration, int64_t dimension, uint64_t seed, uint32_t site, uint64_t run,
  uint32_t element)
{
  fk_cosine_draw draw = fk_vmf_cosine(concentration, dimension, seed, site, run, element);
  return atan2(draw.sine, draw.cosine);
}

static uint64_t digit(float key) { return key >= 0 && key < 65536 ? (uint64_t) key : 0; }

void fk_run_draw_angle(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_draw_angle *d = arguments;
  int64_t count = d->rows * d->width, end = fk_piece_begin(count, piece + 1, d->pieces);
  for (int64_t i = fk_piece_begin(count, piece, d->pieces); i < end; i++) {
    uint64_t seed = d->seed;
    int64_t element = i;
    if (d->keys) {
      const float *key = d->keys + 4 * (i / d->width);
      seed = digit(key[0]) | digit(key[1]) << 16 | digit(key[2]) << 32 | digit(key[3]) << 48;
      element = i % d->width;
    }
    d->out[i] =
      (float) fk_vmf_angle(d->concentration[i], d->dimension, seed, d->site, *d->run, (uint32_t) element);
  }
}
