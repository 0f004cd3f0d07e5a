#include "contraction_method.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

void *fk_allocate_contraction(
  const fk_contraction *plan, const fk_method *method, size_t bytes, fk_failure *failure) {
  fk_contraction *made = calloc(1, bytes);
  if (made == NULL) {
    failure->failed = true;
    snprintf(failure->message, 256, "out of memory");
    return NULL;
  }
  *made = *plan;
  made->method = method;
  return made;
}

fk_cut fk_cut_evenly(fk_cut_index index, int64_t size, int64_t quantum, int pieces) {
  int64_t units = (size + quantum - 1) / quantum;
  if (units < pieces) pieces = (int)units;
  fk_cut cut = {.index = index, .pieces = pieces};
  int64_t first = 0;
  for (int i = 0; i < pieces; i += 1) {
    int64_t end = units * (i + 1) / pieces * quantum;
    if (end > size) end = size;
    cut.slices[i] = (fk_slice){first, end - first};
    first = end;
  }
  return cut;
}

fk_slice fk_slice_of(const fk_cut *cut, int piece, fk_cut_index index, int64_t size) {
  return cut->index == index ? cut->slices[piece] : (fk_slice){0, size};
}

fk_matrices fk_matrices_of_piece(
  const fk_contraction *contraction, int piece, const fk_operands *operands) {
  const fk_contraction_shape *shape = &contraction->shape;
  int64_t size = (int64_t)fk_size_of(shape->compute);
  int64_t out_size = (int64_t)fk_size_of(shape->out_type);
  int64_t first = contraction->cut.slices[piece].first;
  const char *left = operands->left, *right = operands->right;
  const float *bias = operands->bias;
  char *out = operands->out;
  switch (contraction->cut.index) {
    case FK_CUT_BATCH:
      left += first * shape->m * shape->k * size;
      right += first * shape->k * shape->n * size;
      out += first * shape->m * shape->n * out_size;
      break;
    case FK_CUT_COLUMNS:
      right += first * (shape->transposed_right ? shape->k : 1) * size;
      out += first * out_size;
      if (bias != NULL) bias += first;
      break;
    default:
      left += first * (shape->transposed_left ? 1 : shape->k) * size;
      out += first * shape->n * out_size;
  }
  return (fk_matrices){left, right, bias, out};
}

const char *fk_contraction_step_name(const fk_contraction_shape *shape) {
  static const char *const names[4] = {
    [FK_MATMUL] = "matmul",
    [FK_CONV] = "conv",
    [FK_CONV_INPUT] = "convInput",
    [FK_CONV_FILTER] = "convFilter",
  };
  return names[shape->kind];
}

fk_contraction_shape fk_shape_for_tiles(const fk_contraction_shape *shape) {
  if (shape->kind == FK_CONV_FILTER) return *shape;
  return (fk_contraction_shape){
    .kind = FK_CONV_FILTER,
    .images = shape->k,
    .height = 1,
    .width = 1,
    .channels = shape->m,
    .filter_height = 1,
    .filter_width = 1,
    .out_channels = shape->n,
    .out_height = 1,
    .out_width = 1,
    .stride = 1,
    .compute = shape->compute,
    .left_type = shape->left_type,
    .right_type = shape->right_type,
    .out_type = shape->out_type,
  };
}

bool fk_has_avx512(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}
