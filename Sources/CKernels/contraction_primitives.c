#include "contraction_primitives.h"

#include <stdlib.h>

const dnnl_memory_desc_t *fk_part(const fk_kernel *kernel, dnnl_query_t query) {
  return dnnl_primitive_desc_query_md(kernel->description, query, 0);
}

// MARK: - Creation

void fk_make_streams(fk_primitives *it, fk_failure *failure) {
  fk_make_engine(failure);
  if (failure->failed) return;
  it->streams = calloc((size_t)it->common.threads, sizeof(dnnl_stream_t));
  fk_check(failure, it->streams == NULL ? dnnl_out_of_memory : dnnl_success, "streams");
  for (int i = 0; i < it->common.threads && !failure->failed; i += 1)
    fk_check(
      failure, dnnl_stream_create(&it->streams[i], fk_engine(), dnnl_stream_default_flags),
      "a stream");
}

static dnnl_primitive_attr_t make_attributes(bool accumulates, fk_failure *failure) {
  dnnl_primitive_attr_t attributes = NULL;
  fk_check(failure, dnnl_primitive_attr_create(&attributes), "attributes");
  if (failure->failed) return NULL;
  // The library's own scratchpads belong to the creating thread and are shared by its primitives:
  // two workers running one primitive would overwrite each other's.
  fk_must(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
  if (accumulates) {
    dnnl_post_ops_t sum = NULL;
    fk_must(dnnl_post_ops_create(&sum));
    fk_must(dnnl_post_ops_append_sum(sum, 1));
    fk_must(dnnl_primitive_attr_set_post_ops(attributes, sum));
    fk_must(dnnl_post_ops_destroy(sum));
  }
  return attributes;
}

void fk_make_kernels(
  fk_primitives *it, bool accumulates, fk_describe *describe, fk_failure *failure) {
  if (failure->failed) return;
  dnnl_primitive_attr_t attributes = make_attributes(accumulates, failure);
  const fk_cut *cut = &it->common.cut;
  for (int piece = 0; piece < cut->pieces && !failure->failed; piece += 1) {
    int known = 0;
    while (known < it->kernels && it->kernel[known].count != cut->slices[piece].count) known += 1;
    it->kernel_of_piece[piece] = known;
    if (known < it->kernels) continue;
    fk_kernel *kernel = &it->kernel[known];
    kernel->count = cut->slices[piece].count;
    it->kernels += 1;
    describe(it, kernel, known == 0 ? NULL : &it->kernel[0], attributes, failure);
    if (failure->failed) break;
    fk_check(
      failure, dnnl_primitive_create(&kernel->primitive, kernel->description), "a primitive");
    size_t bytes =
      fk_aligned(dnnl_memory_desc_get_size(fk_part(kernel, dnnl_query_scratchpad_md)));
    if (bytes > it->scratchpad_bytes) it->scratchpad_bytes = bytes;
  }
  if (attributes != NULL) dnnl_primitive_attr_destroy(attributes);
}

void fk_make_reorder(
  fk_primitives *it, const dnnl_memory_desc_t *stored, const dnnl_memory_desc_t *library,
  bool is_result, bool always, fk_failure *failure) {
  if (failure->failed) return;
  fk_reorder *reorder = &it->reorder;
  reorder->stored = *stored;
  reorder->library = *library;
  reorder->needed = always || !dnnl_memory_desc_equal(stored, library);
  if (!reorder->needed) return;
  dnnl_primitive_desc_t description;
  const dnnl_memory_desc_t *from = is_result ? library : stored;
  const dnnl_memory_desc_t *to = is_result ? stored : library;
  fk_check(
    failure,
    dnnl_reorder_primitive_desc_create(&description, from, fk_engine(), to, fk_engine(), NULL),
    "the filter's reorder");
  if (failure->failed) return;
  fk_check(
    failure, dnnl_primitive_create(&reorder->primitive, description), "the filter's reorder");
  dnnl_primitive_desc_destroy(description);
}

void fk_primitives_destroy(fk_contraction *contraction) {
  fk_primitives *it = (fk_primitives *)contraction;
  fk_unbind(it);
  for (int i = 0; i < it->kernels; i += 1) {
    if (it->kernel[i].primitive != NULL) dnnl_primitive_destroy(it->kernel[i].primitive);
    if (it->kernel[i].description != NULL)
      dnnl_primitive_desc_destroy(it->kernel[i].description);
  }
  if (it->reorder.primitive != NULL) dnnl_primitive_destroy(it->reorder.primitive);
  for (int i = 0; it->streams != NULL && i < contraction->threads; i += 1)
    if (it->streams[i] != NULL) dnnl_stream_destroy(it->streams[i]);
  free(it->streams);
  free(it);
}

// MARK: - Addresses

size_t fk_scratchpad_bytes(const fk_primitives *it) {
  return (size_t)it->common.threads * it->scratchpad_bytes;
}

void fk_bind_piece(
  fk_primitives *it, int piece, const void *left, const void *right, const void *out,
  const float *bias) {
  const fk_kernel *kernel = &it->kernel[it->kernel_of_piece[piece]];
  it->left[piece] = fk_memory(&kernel->left, left);
  it->right[piece] = fk_memory(&kernel->right, right);
  it->out[piece] = fk_memory(&kernel->out, out);
  if (bias != NULL) it->bias[piece] = fk_memory(&kernel->bias, bias);
}

void fk_bind_reorder(fk_primitives *it, const void *from, const void *to) {
  bool is_result = it->common.shape.kind == FK_CONV_FILTER;
  const fk_reorder *reorder = &it->reorder;
  it->reorder.from = fk_memory(is_result ? &reorder->library : &reorder->stored, from);
  it->reorder.to = fk_memory(is_result ? &reorder->stored : &reorder->library, to);
}

void fk_bind_scratchpads(fk_primitives *it, char **next) {
  it->scratchpads = fk_take(next, fk_scratchpad_bytes(it));
  for (int i = 0; i < it->kernels; i += 1) {
    fk_kernel *kernel = &it->kernel[i];
    const dnnl_memory_desc_t *description = fk_part(kernel, dnnl_query_scratchpad_md);
    if (dnnl_memory_desc_get_size(description) == 0) continue;
    kernel->scratchpads = calloc((size_t)it->common.threads, sizeof(dnnl_memory_t));
    if (kernel->scratchpads == NULL) fk_must(dnnl_out_of_memory);
    for (int worker = 0; worker < it->common.threads; worker += 1)
      kernel->scratchpads[worker] =
        fk_memory(description, it->scratchpads + (size_t)worker * it->scratchpad_bytes);
  }
}

void fk_unbind(fk_primitives *it) {
  for (int i = 0; i < fk_most_pieces; i += 1) {
    fk_release(&it->left[i]);
    fk_release(&it->right[i]);
    fk_release(&it->out[i]);
    fk_release(&it->bias[i]);
  }
  for (int i = 0; i < it->kernels; i += 1) {
    dnnl_memory_t *scratchpads = it->kernel[i].scratchpads;
    if (scratchpads == NULL) continue;
    for (int worker = 0; worker < it->common.threads; worker += 1)
      fk_release(&scratchpads[worker]);
    free(scratchpads);
    it->kernel[i].scratchpads = NULL;
  }
  fk_release(&it->reorder.from);
  fk_release(&it->reorder.to);
}

// MARK: - Running

void fk_run_primitive(const void *arguments, int piece, int worker) {
  const fk_primitives *it = arguments;
  const fk_kernel *kernel = &it->kernel[it->kernel_of_piece[piece]];
  dnnl_exec_arg_t operands[5] = {
    {it->roles[0], it->left[piece]},
    {it->roles[1], it->right[piece]},
    {it->roles[2], it->out[piece]},
  };
  int count = 3;
  if (it->bias[piece] != NULL)
    operands[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, it->bias[piece]};
  if (kernel->scratchpads != NULL)
    operands[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, kernel->scratchpads[worker]};
  fk_must(dnnl_primitive_execute(kernel->primitive, it->streams[worker], count, operands));
}

void fk_run_reorder(const void *arguments, int piece, int worker) {
  (void)piece;
  const fk_primitives *it = arguments;
  const dnnl_exec_arg_t operands[2] = {
    {DNNL_ARG_FROM, it->reorder.from},
    {DNNL_ARG_TO, it->reorder.to},
  };
  fk_must(dnnl_primitive_execute(it->reorder.primitive, it->streams[worker], 2, operands));
}

const char *fk_primitives_implementation(const fk_contraction *contraction) {
  const fk_primitives *it = (const fk_primitives *)contraction;
  const char *name = "unknown";
  dnnl_primitive_desc_query(it->kernel[0].description, dnnl_query_impl_info_str, 0, &name);
  return name;
}
