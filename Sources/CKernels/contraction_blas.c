#include "contraction_method.h"

#include "clones.h"
#include "contraction_library.h"

#include <stdlib.h>

/// A matrix product in fp32 by oneDNN's BLAS interface, dnnl_sgemm.
typedef struct {
  fk_contraction common;
  const float *left[fk_most_pieces], *right[fk_most_pieces], *bias[fk_most_pieces];
  float *out[fk_most_pieces];
} product;

static const char *implementation(const fk_contraction *it) {
  (void)it;
  return "blas:jit";
}

static size_t workspace(const fk_contraction *it) {
  (void)it;
  return 0;
}

static void bind(fk_contraction *contraction, const fk_operands *operands) {
  product *it = (product *)contraction;
  for (int i = 0; i < contraction->cut.pieces; i += 1) {
    fk_matrices piece = fk_matrices_of_piece(contraction, i, operands);
    it->left[i] = piece.left;
    it->right[i] = piece.right;
    it->bias[i] = piece.bias;
    it->out[i] = piece.out;
  }
}

FK_CLONES static void add_bias(
  int64_t rows, int64_t columns, int64_t stride, const float *restrict bias, float *restrict out) {
  for (int64_t row = 0; row < rows; row += 1, out += stride)
    for (int64_t i = 0; i < columns; i += 1) out[i] += bias[i];
}

static void run(const void *arguments, int piece, int worker) {
  (void)worker;
  const product *it = arguments;
  const fk_contraction_shape *shape = &it->common.shape;
  int64_t m = fk_slice_of(&it->common.cut, piece, FK_CUT_ROWS, shape->m).count;
  int64_t n = fk_slice_of(&it->common.cut, piece, FK_CUT_COLUMNS, shape->n).count;
  bool left = shape->transposed_left != 0, right = shape->transposed_right != 0;
  fk_must(dnnl_sgemm(
    left ? 'T' : 'N', right ? 'T' : 'N', m, n, shape->k, 1, it->left[piece],
    left ? shape->m : shape->k, it->right[piece], right ? shape->k : shape->n,
    shape->accumulates ? 1 : 0, it->out[piece], shape->n));
  if (shape->has_bias) add_bias(m, n, shape->n, it->bias[piece], it->out[piece]);
}

static int steps(const fk_contraction *it, fk_step *steps, const char **names) {
  steps[0] = (fk_step){run, it, it->cut.pieces};
  names[0] = "matmul";
  return 1;
}

static void destroy(fk_contraction *it) { free(it); }

static const fk_method method = {
  .implementation = implementation,
  .workspace = workspace,
  .bind = bind,
  .steps = steps,
  .destroy = destroy,
};

fk_contraction *fk_create_blas(const fk_contraction *plan, fk_failure *failure) {
  return fk_allocate_contraction(plan, &method, sizeof(product), failure);
}
