#include "contraction.h"

#include "contraction_method.h"
#include "single_thread.h"
#include "tile_gradient.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <string.h>

// Choice of a contraction's method and of its cut into pieces, functions of the shape and the
// processor alone:
//
// - contraction_matmul.c and contraction_convolution.c: oneDNN's primitives, the rule;
// - contraction_blas.c: oneDNN's BLAS interface, for products in fp32 that its matmul is slow at;
// - contraction_thin.c: matrix products and shifted sums, for correlations with one channel;
// - contraction_tiles.c: AMX tiles, for filter gradients in bf16 and products with a transposed
//   left matrix.

/// Creates a contraction by one method.
typedef fk_contraction *fk_create(const fk_contraction *plan, fk_failure *failure);

enum {
  packed_rows = 2048,
  sum_short_of = 1024,
};

static const char *mistake(const fk_contraction_shape *s) {
  bool stored_bf16 = s->left_type == FK_BF16 || s->right_type == FK_BF16 || s->out_type == FK_BF16;
  if (stored_bf16 && s->compute != FK_BF16) return "an array is stored in bf16, but computed in fp32";
  if (s->kind == FK_CONV_FILTER && (s->has_bias || s->accumulates))
    return "a filter gradient takes no bias and does not accumulate";
  if (s->kind == FK_MATMUL)
    return s->batch < 1 || s->m < 1 || s->k < 1 || s->n < 1 ? "a matrix size is not positive" : NULL;
  if (
    s->images < 1 || s->height < 1 || s->width < 1 || s->channels < 1 || s->filter_height < 1
    || s->filter_width < 1 || s->out_channels < 1 || s->out_height < 1 || s->out_width < 1)
    return "a convolution size is not positive";
  if (s->stride < 1 || s->padding_top < 0 || s->padding_left < 0)
    return "the stride is not positive or the padding negative";
  return NULL;
}

static double flops(const fk_contraction_shape *s) {
  if (s->kind == FK_MATMUL) return 2.0 * (double)(s->batch * s->m) * (double)(s->k * s->n);
  return 2.0 * (double)(s->images * s->out_height * s->out_width * s->out_channels)
    * (double)(s->filter_height * s->filter_width * s->channels);
}

static int wanted_pieces(double flops) {
  return flops < 1e6 ? 1 : flops < 4e6 ? 2 : fk_most_pieces;
}

// MARK: - Matrix products

/// True if a slice of a product of few rows ends in a tile of one or two.
///
/// Without AVX-512 the library's tiles have six rows, and it sums so small a rest in another order;
/// but the result of a row must not depend on its place.
static bool leaves_small_tile(const fk_cut *cut) {
  if (fk_has_avx512()) return false;
  for (int i = 0; i < cut->pieces; i += 1) {
    int64_t rows = cut->slices[i].count;
    if (rows < 256 && (rows % 6 == 1 || rows % 6 == 2)) return true;
  }
  return false;
}

/// True if rows are cut, false if columns are.
static bool cuts_rows(const fk_contraction_shape *s) {
  // Each piece packs all of the right operand that it reads: cut along its columns, none is packed
  // twice.
  bool wide = s->n >= 2 * s->m && s->k * s->n >= 1 << 16;
  if (s->compute != FK_BF16 && wide) return false;
  bool large_right = s->k * s->n >= 1 << 18;
  if (s->transposed_right && !s->transposed_left && large_right && s->n > s->m) return false;
  return s->m >= 64 || s->m >= s->n;
}

static fk_cut cut_rows(const fk_contraction_shape *s, int pieces) {
  fk_cut cut;
  do cut = fk_cut_evenly(FK_CUT_ROWS, s->m, 16, pieces);
  while (leaves_small_tile(&cut) && --pieces > 0);
  return cut;
}

/// Cuts the product of one pair of matrices.
static void plan_product(fk_contraction *plan) {
  const fk_contraction_shape *s = &plan->shape;
  int pieces = wanted_pieces(plan->flops);
  if (!cuts_rows(s)) {
    plan->cut = fk_cut_evenly(FK_CUT_COLUMNS, s->n, 64, pieces);
    return;
  }
  // In bf16 packing weighs more: two pieces, or one packed copy for them all where it serves many
  // rows. (Packing from fp32 costs the library half a nanosecond an element, and is not cut.)
  bool in_bf16 = s->compute == FK_BF16;
  plan->packs_right = in_bf16 && s->m >= packed_rows;
  if (in_bf16 && !plan->packs_right && pieces > 2) pieces = 2;
  plan->cut = cut_rows(s, pieces);
}

/// True if the BLAS interface computes a product of one pair of matrices.
///
/// Measured against oneDNN's matmul, it is up to ten times as fast for vectors and outer
/// products, a third faster where a right operand of a megabyte is packed again for each piece, and no
/// slower for a piece whose rows are not contiguous (part of a transposed left operand, or of the
/// columns), which the library's best kernels refuse.
static bool suits_blas(const fk_contraction_shape *s, const fk_cut *cut) {
  if (s->compute == FK_BF16) return false;
  bool vector = s->m == 1 || s->n == 1 || s->k == 1;
  bool large_right = s->k * s->n >= 1 << 18;
  bool columns = cut->index == FK_CUT_COLUMNS && cut->pieces > 1;
  return vector || columns || large_right || s->transposed_left;
}

/// True if tiles compute a product: that of a transposed left matrix in bf16, neither side of it
/// less than two tiles.
static bool product_suits_tiles(const fk_contraction_shape *s) {
  return s->compute == FK_BF16 && s->batch == 1 && s->transposed_left && !s->transposed_right
    && s->m >= 64 && s->n >= 64 && fk_tiles_available();
}

static fk_cut cut_for_tiles(const fk_contraction_shape *gradient, int pieces) {
  int64_t taps = gradient->filter_height * gradient->filter_width;
  // Cut along the channels, each piece copies all gradients, but there are no partial sums.
  bool channels = taps == 1 && gradient->channels >= 64
    && gradient->images * gradient->out_height * gradient->out_width <= sum_short_of;
  return channels ? fk_cut_evenly(FK_CUT_CHANNELS, gradient->channels, 32, pieces)
                  : fk_cut_evenly(FK_CUT_IMAGES, gradient->images, 1, pieces);
}

static fk_create *plan_tiles(fk_contraction *plan) {
  const fk_contraction_shape gradient = fk_shape_for_tiles(&plan->shape);
  plan->cut = cut_for_tiles(&gradient, wanted_pieces(plan->flops));
  return fk_create_tiles;
}

static fk_create *plan_matmul(fk_contraction *plan) {
  const fk_contraction_shape *s = &plan->shape;
  if (product_suits_tiles(s)) return plan_tiles(plan);
  if (s->batch > 1) {
    plan->cut = fk_cut_evenly(FK_CUT_BATCH, s->batch, 1, wanted_pieces(plan->flops));
    return fk_create_matmul;
  }
  plan_product(plan);
  return suits_blas(s, &plan->cut) ? fk_create_blas : fk_create_matmul;
}

// MARK: - Convolutions

/// True for a correlation of stride 1 in fp32 between an image of at least eight channels and
/// an image of one channel, whose result is the image of one channel or the filter.
static bool is_thin(const fk_contraction_shape *s) {
  int64_t wide = s->channels == 1 ? s->out_channels : s->channels;
  if (s->stride != 1 || wide < 8 || s->compute == FK_BF16) return false;
  return s->kind == FK_CONV_INPUT ? s->channels == 1 : s->out_channels == 1;
}

/// True if an image gradient is computed as a forward correlation with the flipped filter: the
/// library's forward kernels are a fifth faster.
static bool flips_filter(const fk_contraction_shape *s) {
  // In fp32 single taps gain nothing; few channels run faster in the gradient's own kernels.
  bool single = s->filter_height * s->filter_width == 1 && s->compute == FK_FP32;
  if (s->kind != FK_CONV_INPUT || s->stride != 1 || single) return false;
  if (s->channels < 16 || s->out_channels < 16) return false;
  // In bf16 the gradient's own kernels are a fifth faster for large images from few channels.
  bool few = s->out_channels <= 32 && s->width > 16 && s->filter_height * s->filter_width > 1;
  if (s->compute == FK_BF16 && few && !s->has_bias && !s->accumulates) return false;
  // The forward correlation pads by what the filter reaches beyond each padding.
  int64_t bottom = s->out_height - 1 + s->filter_height - s->height - s->padding_top;
  int64_t right = s->out_width - 1 + s->filter_width - s->width - s->padding_left;
  return s->padding_top < s->filter_height && s->padding_left < s->filter_width && bottom >= 0
    && bottom < s->filter_height && right >= 0 && right < s->filter_width;
}

static fk_create *plan_convolution(fk_contraction *plan) {
  const fk_contraction_shape *s = &plan->shape;
  if (s->kind == FK_CONV_FILTER && s->compute == FK_BF16 && fk_tiles_available())
    return plan_tiles(plan);
  plan->cut = fk_cut_evenly(FK_CUT_IMAGES, s->images, 1, wanted_pieces(plan->flops));
  if (is_thin(s)) return fk_create_thin;
  plan->flips_filter = flips_filter(s);
  return fk_create_convolution;
}

// MARK: - The interface

fk_contraction *fk_contraction_create(
  const fk_contraction_shape *shape, int threads, char *message) {
  const char *wrong = threads < 1 ? "no thread to run on" : mistake(shape);
  if (wrong != NULL) {
    snprintf(message, 256, "%s", wrong);
    return NULL;
  }
  // The library fixes a primitive's thread count as it creates it.
  fk_forbid_nested_threads();
  fk_contraction plan = {.shape = *shape, .flops = flops(shape), .threads = threads};
  fk_create *create = shape->kind == FK_MATMUL ? plan_matmul(&plan) : plan_convolution(&plan);
  fk_failure failure = {message, false};
  fk_contraction *made = create(&plan, &failure);
  if (made == NULL && shape->compute == FK_BF16 && !fk_has_bf16()) {
    size_t length = strlen(message);
    snprintf(message + length, 256 - length, " (this processor has no bf16 arithmetic)");
  }
  return made;
}

void fk_contraction_destroy(fk_contraction *it) { it->method->destroy(it); }

size_t fk_contraction_workspace(const fk_contraction *it) { return it->method->workspace(it); }

size_t fk_contraction_prepared(const fk_contraction *it) {
  return it->method->prepared == NULL ? 0 : it->method->prepared(it);
}

void fk_contraction_bind(
  fk_contraction *it, const void *left, const void *right, void *out, const float *bias,
  void *prepared, void *workspace) {
  const fk_operands operands = {left, right, out, bias, prepared, workspace};
  it->method->bind(it, &operands);
}

int fk_contraction_preparation(const fk_contraction *it, void *step) {
  if (fk_contraction_prepared(it) == 0) return 0;
  *(fk_step *)step = it->method->preparation(it);
  return 1;
}

int fk_contraction_steps(const fk_contraction *it, void *steps, const char **names) {
  return it->method->steps(it, steps, names);
}

const char *fk_contraction_implementation(const fk_contraction *it) {
  return it->method->implementation(it);
}

double fk_contraction_flops(const fk_contraction *it) { return it->flops; }

int fk_has_bf16(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16)
    == dnnl_cpu_isa_avx512_core_bf16;
}

int fk_has_tiles(void) { return fk_tiles_available() ? 1 : 0; }
