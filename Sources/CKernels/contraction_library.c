#include "contraction_library.h"

#include <oneapi/dnnl/dnnl_debug.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

void fk_check(fk_failure *failure, dnnl_status_t status, const char *what) {
  if (failure->failed || status == dnnl_success) return;
  failure->failed = true;
  snprintf(failure->message, 256, "oneDNN cannot make %s: %s", what, dnnl_status2str(status));
}

void fk_must(dnnl_status_t status) {
  if (status == dnnl_success) return;
  fprintf(stderr, "figment: oneDNN failed while running: %s\n", dnnl_status2str(status));
  abort();
}

static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_status_t engine_status;

static void make_engine(void) { engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0); }

void fk_make_engine(fk_failure *failure) {
  pthread_once(&engine_once, make_engine);
  fk_check(failure, engine_status, "an engine");
}

dnnl_engine_t fk_engine(void) { return engine; }

dnnl_data_type_t fk_library_type(fk_type type) { return type == FK_BF16 ? dnnl_bf16 : dnnl_f32; }

dnnl_memory_t fk_memory(const dnnl_memory_desc_t *description, const void *address) {
  dnnl_memory_t memory = NULL;
  fk_must(dnnl_memory_create(&memory, description, engine, (void *)address));
  return memory;
}

void fk_release(dnnl_memory_t *memory) {
  if (*memory != NULL) dnnl_memory_destroy(*memory);
  *memory = NULL;
}

dnnl_memory_desc_t fk_image_memory(
  int64_t images, int64_t channels, int64_t height, int64_t width, dnnl_data_type_t type) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {images, channels, height, width};
  fk_must(dnnl_memory_desc_init_by_tag(&description, 4, sizes, type, dnnl_nhwc));
  return description;
}

dnnl_memory_desc_t fk_filter_memory(
  const fk_contraction_shape *shape, dnnl_data_type_t type, dnnl_format_tag_t format) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {
    shape->out_channels, shape->channels, shape->filter_height, shape->filter_width};
  fk_must(dnnl_memory_desc_init_by_tag(&description, 4, sizes, type, format));
  return description;
}

dnnl_memory_desc_t fk_matrix_memory(
  int64_t batch, int64_t rows, int64_t columns, int64_t batch_stride, int64_t row_stride,
  int64_t column_stride, dnnl_data_type_t type) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {batch, rows, columns};
  const dnnl_dims_t strides = {batch_stride, row_stride, column_stride};
  int skipped = batch == 1 ? 1 : 0;
  fk_must(dnnl_memory_desc_init_by_strides(
    &description, 3 - skipped, sizes + skipped, type, strides + skipped));
  return description;
}

dnnl_memory_desc_t fk_bias_memory(int rank, int64_t size) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {rank == 1 ? size : 1, rank == 2 ? size : 1, size};
  const dnnl_dims_t strides = {rank == 1 ? 1 : size, rank == 2 ? 1 : size, 1};
  fk_must(dnnl_memory_desc_init_by_strides(&description, rank, sizes, dnnl_f32, strides));
  return description;
}
