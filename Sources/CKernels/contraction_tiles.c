#include "contraction_method.h"

#include "contraction_parts.h"
#include "tile_gradient.h"

#include <stdio.h>
#include <stdlib.h>

/// A filter gradient in bf16, or the product of a transposed left matrix, by matrix tiles: see
/// tile_gradient.h.
typedef struct {
  fk_contraction common;
  fk_contraction_shape gradient;
  fk_tile_gradient *tiles;
  int64_t rows, columns;  // Of one tap's sum: whole tiles.
  /// Every piece writes its part of the result itself.
  bool direct;
  size_t scratch_bytes;
  char *scratch;
  const void *left, *right;
  const float *bias;
  void *result;
  /// Sums in whole tiles. Pieces that are cut along the channels share the only one.
  fk_partials partials;
} gradient;

static const char *implementation(const fk_contraction *it) {
  (void)it;
  return "tiles:avx512_core_amx_bf16";
}

static size_t partial_bytes(const gradient *it) {
  return it->direct ? 0 : (size_t)it->partials.count * it->partials.bytes;
}

static size_t workspace(const fk_contraction *contraction) {
  const gradient *it = (const gradient *)contraction;
  return partial_bytes(it) + (size_t)contraction->threads * it->scratch_bytes;
}

static void bind(fk_contraction *contraction, const fk_operands *operands) {
  gradient *it = (gradient *)contraction;
  it->left = operands->left;
  it->right = operands->right;
  it->bias = operands->bias;
  it->result = operands->out;
  char *next = operands->workspace;
  fk_bind_partials(&it->partials, partial_bytes(it), operands->out, &next);
  it->scratch = next;
}

static void run(const void *arguments, int piece, int worker) {
  const gradient *it = arguments;
  const fk_cut *cut = &it->common.cut;
  fk_slice images = fk_slice_of(cut, piece, FK_CUT_IMAGES, it->gradient.images);
  fk_slice channels = fk_slice_of(cut, piece, FK_CUT_CHANNELS, it->gradient.channels);
  fk_tile_gradient_run(
    it->tiles, it->left, it->right, images.first, images.count, channels.first, channels.count,
    it->scratch + (size_t)worker * it->scratch_bytes,
    it->partials.part[it->partials.count == 1 ? 0 : piece]);
}

/// Adds the sums of tiles, without the rows and columns that fill them up, and stores them.
static void run_sum(const void *arguments, int piece, int worker) {
  (void)worker;
  const gradient *it = arguments;
  const fk_contraction_shape *shape = &it->common.shape;
  int64_t channels = it->gradient.channels, n = it->gradient.out_channels;
  int64_t rows = it->partials.elements / n;
  int64_t pieces = fk_pieces_of_step(it->partials.elements, fk_summed_at_once);
  for (int64_t row = rows * piece / pieces; row < rows * (piece + 1) / pieces; row += 1) {
    int64_t from = (row / channels * it->rows + row % channels) * it->columns;
    // Into the first partial sum, which nobody reads again.
    float *sum = it->partials.part[0] + from;
    if (it->partials.count > 1) fk_add_partials(&it->partials, from, n, sum);
    fk_store_rows(
      1, n, sum, shape->has_bias ? it->bias : NULL, shape->accumulates != 0, shape->out_type,
      it->result, row * n);
  }
}

static int steps(const fk_contraction *contraction, fk_step *steps, const char **names) {
  const gradient *it = (const gradient *)contraction;
  steps[0] = (fk_step){run, it, contraction->cut.pieces};
  names[0] = fk_contraction_step_name(&contraction->shape);
  if (it->direct) return 1;
  steps[1] =
    (fk_step){run_sum, it, (int)fk_pieces_of_step(it->partials.elements, fk_summed_at_once)};
  names[1] = "sum";
  return 2;
}

static void destroy(fk_contraction *contraction) {
  fk_tile_gradient_destroy(((gradient *)contraction)->tiles);
  free(contraction);
}

// MARK: - Creation

static const fk_method method = {
  .implementation = implementation,
  .workspace = workspace,
  .bind = bind,
  .steps = steps,
  .destroy = destroy,
};

fk_contraction *fk_create_tiles(const fk_contraction *plan, fk_failure *failure) {
  gradient *it = fk_allocate_contraction(plan, &method, sizeof(gradient), failure);
  if (it == NULL) return NULL;
  it->gradient = fk_shape_for_tiles(&plan->shape);
  it->tiles = fk_tile_gradient_create(&it->gradient);
  if (it->tiles == NULL) {
    failure->failed = true;
    snprintf(failure->message, 256, "out of memory");
    free(it);
    return NULL;
  }
  const fk_contraction_shape *shape = &it->gradient;
  int64_t taps = shape->filter_height * shape->filter_width;
  bool shared = plan->cut.index == FK_CUT_CHANNELS;
  it->rows = fk_tile_gradient_rows(it->tiles);
  it->columns = fk_tile_gradient_columns(it->tiles);
  it->direct = (shared || plan->cut.pieces == 1) && plan->shape.out_type == FK_FP32
    && it->rows == shape->channels && it->columns == shape->out_channels && !plan->shape.has_bias
    && !plan->shape.accumulates;
  it->scratch_bytes = fk_aligned(fk_tile_gradient_scratch(it->tiles));
  it->partials.count = shared ? 1 : plan->cut.pieces;
  it->partials.elements = taps * shape->channels * shape->out_channels;
  it->partials.bytes = fk_aligned((size_t)(taps * it->rows * it->columns) * sizeof(float));
  return &it->common;
}
