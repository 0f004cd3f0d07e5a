#include "contraction_primitives.h"

// Matrix products by oneDNN's matmul.

static size_t packed_bytes(const fk_primitives *it) {
  if (!it->reorder.needed) return 0;
  return fk_aligned(dnnl_memory_desc_get_size(&it->reorder.library));
}

static size_t prepared(const fk_contraction *contraction) {
  return packed_bytes((const fk_primitives *)contraction);
}

static fk_step preparation(const fk_contraction *contraction) {
  return (fk_step){fk_run_reorder, contraction, 1};
}

static size_t workspace(const fk_contraction *contraction) {
  const fk_primitives *it = (const fk_primitives *)contraction;
  return fk_conversion_bytes(it->conversions) + fk_scratchpad_bytes(it);
}

static void bind(fk_contraction *contraction, const fk_operands *operands) {
  fk_primitives *it = (fk_primitives *)contraction;
  fk_unbind(it);
  char *next = operands->workspace;
  fk_operands read = *operands;
  fk_bind_conversions(it->conversions, &read.left, &read.right, &next);
  bool is_packed = it->reorder.needed;
  for (int i = 0; i < contraction->cut.pieces; i += 1) {
    fk_matrices piece = fk_matrices_of_piece(contraction, i, &read);
    fk_bind_piece(
      it, i, piece.left, is_packed ? operands->prepared : piece.right, piece.out,
      contraction->shape.has_bias ? piece.bias : NULL);
  }
  if (is_packed) fk_bind_reorder(it, operands->right, operands->prepared);
  fk_bind_scratchpads(it, &next);
}

static int steps(const fk_contraction *contraction, fk_step *steps, const char **names) {
  const fk_primitives *it = (const fk_primitives *)contraction;
  int count = fk_conversion_step(it->conversions, steps, names, 0);
  steps[count] = (fk_step){fk_run_primitive, it, contraction->cut.pieces};
  names[count] = fk_contraction_step_name(&contraction->shape);
  return count + 1;
}

// MARK: - Creation

static void describe(
  const fk_primitives *it, fk_kernel *kernel, const fk_kernel *chosen,
  dnnl_primitive_attr_t attributes, fk_failure *failure) {
  const fk_contraction_shape *shape = &it->common.shape;
  const fk_cut_index cut = it->common.cut.index;
  dnnl_data_type_t type = fk_library_type(shape->compute);
  int64_t batch = cut == FK_CUT_BATCH ? kernel->count : shape->batch;
  int64_t m = cut == FK_CUT_ROWS ? kernel->count : shape->m;
  int64_t n = cut == FK_CUT_COLUMNS ? kernel->count : shape->n;
  int64_t k = shape->k;
  bool left = shape->transposed_left != 0, right = shape->transposed_right != 0;
  kernel->left =
    fk_matrix_memory(batch, m, k, shape->m * k, left ? 1 : k, left ? shape->m : 1, type);
  kernel->right =
    fk_matrix_memory(batch, k, n, k * shape->n, right ? 1 : shape->n, right ? k : 1, type);
  if (it->common.packs_right && chosen != NULL) kernel->right = chosen->right;
  if (it->common.packs_right && chosen == NULL) {
    const dnnl_dims_t sizes = {k, n};
    fk_must(
      dnnl_memory_desc_init_by_tag(&kernel->right, 2, sizes, type, dnnl_format_tag_any));
  }
  kernel->out = fk_matrix_memory(
    batch, m, n, shape->m * shape->n, shape->n, 1, fk_library_type(shape->out_type));
  kernel->bias = fk_bias_memory(kernel->out.ndims, n);
  const dnnl_memory_desc_t *bias = shape->has_bias ? &kernel->bias : NULL;
  dnnl_matmul_desc_t matmul;
  fk_check(
    failure, dnnl_matmul_desc_init(&matmul, &kernel->left, &kernel->right, bias, &kernel->out),
    "the matmul");
  if (failure->failed) return;
  fk_check(
    failure,
    dnnl_primitive_desc_create(&kernel->description, &matmul, attributes, fk_engine(), NULL),
    "the matmul");
  if (!failure->failed) kernel->right = *fk_part(kernel, dnnl_query_weights_md);
}

/// Operands that are copied in bf16 first: a matrix to be packed is converted as it is reordered.
static void plan_conversions(fk_primitives *it) {
  const fk_contraction_shape *s = &it->common.shape;
  if (s->compute != FK_BF16) return;
  if (s->left_type == FK_FP32) it->conversions[0].elements = s->batch * s->m * s->k;
  if (s->right_type == FK_FP32 && !it->common.packs_right)
    it->conversions[1].elements = s->batch * s->k * s->n;
}

static const fk_method method = {
  .implementation = fk_primitives_implementation,
  .workspace = workspace,
  .bind = bind,
  .steps = steps,
  .destroy = fk_primitives_destroy,
  .prepared = prepared,
  .preparation = preparation,
};

fk_contraction *fk_create_matmul(const fk_contraction *plan, fk_failure *failure) {
  static const int roles[3] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
  fk_primitives *it = fk_allocate_contraction(plan, &method, sizeof(fk_primitives), failure);
  if (it == NULL) return NULL;
  it->roles = roles;
  const fk_contraction_shape *s = &plan->shape;
  plan_conversions(it);
  fk_make_streams(it, failure);
  fk_make_kernels(it, s->accumulates != 0, describe, failure);
  if (plan->packs_right && !failure->failed) {
    bool right = s->transposed_right != 0;
    const dnnl_memory_desc_t stored = fk_matrix_memory(
      1, s->k, s->n, 0, right ? 1 : s->n, right ? s->k : 1, fk_library_type(s->right_type));
    fk_make_reorder(it, &stored, &it->kernel[0].right, false, false, failure);
  }
  if (!failure->failed) return &it->common;
  fk_primitives_destroy(&it->common);
  return NULL;
}
