/// Filter gradients in bf16 by the processor's matrix tiles (AMX).
///
/// oneDNN's own run at a quarter of the speed of its forward convolutions. Here a block of
/// images is copied once into a layout in which every tap of the filter is a plain product of
/// matrices, [channels, pixels] by [pixels, out channels], on the same copies: rows and images are
/// stored so far apart that a tap is only an offset into the gradients; anything it reads beyond an
/// edge is zero, or multiplied by an image's zero.
#ifndef FIGMENT_TILE_GRADIENT_H
#define FIGMENT_TILE_GRADIENT_H

#include "contraction.h"

#include <stdbool.h>

typedef struct fk_tile_gradient fk_tile_gradient;

/// True if this processor has tiles, and the system and oneDNN's chosen instruction set allow them.
bool fk_tiles_available(void);

/// Creates the gradient of an FK_CONV_FILTER of any storage types. NULL where memory runs out.
fk_tile_gradient *_Nullable fk_tile_gradient_create(const fk_contraction_shape *_Nonnull shape);
void fk_tile_gradient_destroy(fk_tile_gradient *_Nullable gradient);

/// Bytes of scratch memory for one worker.
size_t fk_tile_gradient_scratch(const fk_tile_gradient *_Nonnull gradient);
/// A sum is [filter_height, filter_width, rows, columns] in fp32: the channels and out channels,
/// both rounded up to whole tiles.
int64_t fk_tile_gradient_rows(const fk_tile_gradient *_Nonnull gradient);
int64_t fk_tile_gradient_columns(const fk_tile_gradient *_Nonnull gradient);

/// Sums over `count` images from `first` on, for channels `first_channel` ..< `first_channel +
/// channels` (the first a multiple of 16): those rows of `sum`, and no others, are overwritten.
void fk_tile_gradient_run(
  const fk_tile_gradient *_Nonnull gradient, const void *_Nonnull images,
  const void *_Nonnull gradients, int64_t first, int64_t count, int64_t first_channel,
  int64_t channels, void *_Nonnull scratch, float *_Nonnull sum);

#endif
