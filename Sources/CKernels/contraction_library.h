/// oneDNN's engine, failures and memories.
#ifndef FIGMENT_CONTRACTION_LIBRARY_H
#define FIGMENT_CONTRACTION_LIBRARY_H

#include "contraction_method.h"

#include <oneapi/dnnl/dnnl.h>

/// Records the first failure, with a message that says what oneDNN refused to make.
void fk_check(fk_failure *failure, dnnl_status_t status, const char *what);
/// Aborts with a message. For calls that fail only where memory runs out or an argument is wrong.
void fk_must(dnnl_status_t status);

/// Makes the engine of the processor, once.
void fk_make_engine(fk_failure *failure);
/// The engine that `fk_make_engine` made.
dnnl_engine_t fk_engine(void);

dnnl_data_type_t fk_library_type(fk_type type);

/// A memory at `address`, which oneDNN neither frees nor, for an input, writes.
dnnl_memory_t fk_memory(const dnnl_memory_desc_t *description, const void *address);
/// Destroys a memory, if there is one, and sets it to NULL.
void fk_release(dnnl_memory_t *memory);

/// An NHWC image.
dnnl_memory_desc_t fk_image_memory(
  int64_t images, int64_t channels, int64_t height, int64_t width, dnnl_data_type_t type);
/// The filter of a convolution, in HWIO or a format that oneDNN is to choose.
dnnl_memory_desc_t fk_filter_memory(
  const fk_contraction_shape *shape, dnnl_data_type_t type, dnnl_format_tag_t format);
/// `batch` matrices; a plain matrix where batch = 1, for which oneDNN has more kernels.
dnnl_memory_desc_t fk_matrix_memory(
  int64_t batch, int64_t rows, int64_t columns, int64_t batch_stride, int64_t row_stride,
  int64_t column_stride, dnnl_data_type_t type);
/// A bias of `size`, with axes of size 1 before it up to `rank`, from 1 to 3.
dnnl_memory_desc_t fk_bias_memory(int rank, int64_t size);

#endif
