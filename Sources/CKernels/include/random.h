/// Philox4x32-10 (Salmon et al. 2011), counter based: a draw is a pure function of (key, site, run, element).
#ifndef FIGMENT_RANDOM_H
#define FIGMENT_RANDOM_H

#include <stdint.h>

/// The block cipher itself.
void fk_philox(
  const uint32_t counter[_Nonnull 4], const uint32_t key[_Nonnull 2], uint32_t result[_Nonnull 4]);

typedef enum { FK_UNIFORM, FK_NORMAL } fk_distribution;

/// Fills out[rows, width]. Element e of a row comes from word e % 4 of the block with
///   counter = (e / 4, site, run's low half, run's high half), key = (seed's low half, high half).
/// Without row keys the whole array is one row with key `seed`; with them, row i has as its seed the four 16-bit
/// digits keys[i, 0 ..< 4] (lowest first, each an exact float), and elements count from the start of the row.
///   uniform: (word >> 8) * 2^-24, in [0, 1).
///   normal: words (x0, x1) give r cos θ, r sin θ and (x2, x3) the next two, where
///     u = (float) x0 * 2^-32 + 2^-33 (in float),  r = sqrt(-2 ln u),  θ = 2π (x1 >> 8) * 2^-24.
typedef struct {
  fk_distribution distribution;
  float *_Nonnull out;
  const float *_Nullable keys;
  int64_t rows, width;
  uint64_t seed;
  uint32_t site;
  const uint64_t *_Nonnull run;  // read at each call
  int32_t pieces;                // over rows with keys, otherwise over blocks of elements
} fk_draw;
void fk_run_draw(const void *_Nonnull draw /* fk_draw */, int piece, int worker);

#endif
