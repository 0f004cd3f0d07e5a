/// Steps of programs that evaluate the functions of special.h in Double, element by element.
#ifndef FIGMENT_SPECIAL_STEPS_H
#define FIGMENT_SPECIAL_STEPS_H

#include <stdint.h>

typedef enum {
  FK_LOG_BESSEL,  // log I_v(a), v the parameter
  // Functions of the concentration a, the parameter being the dimension d; see fk_vmf_moments.
  FK_VMF_EXCESS,
  FK_VMF_RATIO,
  FK_VMF_COMPLEMENT,
  FK_VMF_SLOPE,
  FK_VMF_CURVATURE,
  FK_VMF_DIVERGENCE,
  // Functions of the concentration a and the angle b = θ, cos θ = w, of a draw in dimension d, the parameter:
  FK_VMF_ANGLE_SLOPE,       // dθ/dk at a fixed quantile
  FK_VMF_ANGLE_SLOPE_RATE,  // the derivative of that in k at fixed θ
  FK_LOG_NDTR,
  FK_LOG_NDTR_SLOPE,
  FK_LOG_NDTR_CURVATURE,
} fk_special_function;

/// One value; b counts for functions of two numbers only.
double fk_special_value(fk_special_function function, double parameter, double a, double b);

/// out[i] = function(a[i], b[i]).
typedef struct {
  fk_special_function function;
  double parameter;
  const float *_Nonnull a;
  const float *_Nullable b;
  float *_Nonnull out;
  int64_t count;
  int32_t pieces;
} fk_special;
void fk_run_special(const void *_Nonnull special /* fk_special */, int piece, int worker);

/// The angle θ from the mean direction of a draw from a von Mises-Fisher distribution on the unit
/// sphere of R^dimension, cos θ being fk_vmf_cosine's draw.
double fk_vmf_angle(
  double concentration, int64_t dimension, uint64_t seed, uint32_t site, uint64_t run,
  uint32_t element);

/// Fills out[rows, width] with angles at the concentrations of the same shape. Seeds, rows and elements
/// are those of fk_draw.
typedef struct {
  int64_t dimension;
  const float *_Nonnull concentration;
  const float *_Nullable keys;
  float *_Nonnull out;
  int64_t rows, width;
  uint64_t seed;
  uint32_t site;
  const uint64_t *_Nonnull run;  // read at each call
  int32_t pieces;                // over all elements
} fk_draw_angle;
void fk_run_draw_angle(const void *_Nonnull draw /* fk_draw_angle */, int piece, int worker);

#endif
