/// oneDNN primitives, one for all pieces of one size; the shared part of matrix products and
/// convolutions.
#ifndef FIGMENT_CONTRACTION_PRIMITIVES_H
#define FIGMENT_CONTRACTION_PRIMITIVES_H

#include "contraction_library.h"
#include "contraction_parts.h"

/// One primitive for all pieces of one size.
typedef struct {
  int64_t count;  // The size: images, rows, columns or products.
  dnnl_primitive_desc_t description;
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t left, right, out, bias;
  dnnl_memory_t *scratchpads;  // One per worker. NULL where the primitive wants none.
} fk_kernel;

/// A reorder between the stored format of a filter, its gradient or a right matrix and oneDNN's own.
typedef struct {
  bool needed;
  dnnl_memory_desc_t stored, library;
  dnnl_primitive_t primitive;
  dnnl_memory_t from, to;
} fk_reorder;

typedef struct {
  fk_contraction common;
  dnnl_stream_t *streams;  // One per worker.
  const int *roles;        // oneDNN's names for the left and right operand and the result.
  int kernels;
  fk_kernel kernel[fk_most_pieces];
  int kernel_of_piece[fk_most_pieces];
  dnnl_memory_t left[fk_most_pieces], right[fk_most_pieces], out[fk_most_pieces];
  dnnl_memory_t bias[fk_most_pieces];
  fk_conversion conversions[2];  // Of the left and the right operand.
  fk_reorder reorder;
  size_t scratchpad_bytes;
  char *scratchpads;
} fk_primitives;

/// Describes the primitive of `kernel->count` and sets the descriptions of its operands. The first
/// kernel chooses the format of the operand that is reordered; the others take over `chosen`, which
/// is NULL for the first.
typedef void fk_describe(
  const fk_primitives *it, fk_kernel *kernel, const fk_kernel *chosen,
  dnnl_primitive_attr_t attributes, fk_failure *failure);

void fk_make_streams(fk_primitives *it, fk_failure *failure);
/// Makes the primitives of all pieces. `accumulates`: they add to what the result holds.
void fk_make_kernels(
  fk_primitives *it, bool accumulates, fk_describe *describe, fk_failure *failure);
/// Makes the reorder from `stored` to `library`, or back for a result, if they differ or `always`.
void fk_make_reorder(
  fk_primitives *it, const dnnl_memory_desc_t *stored, const dnnl_memory_desc_t *library,
  bool is_result, bool always, fk_failure *failure);

const dnnl_memory_desc_t *fk_part(const fk_kernel *kernel, dnnl_query_t query);

/// Sets the arrays of one piece; `bias` is NULL for none.
void fk_bind_piece(
  fk_primitives *it, int piece, const void *left, const void *right, const void *out,
  const float *bias);
void fk_bind_reorder(fk_primitives *it, const void *from, const void *to);
/// Takes the scratchpads from the workspace.
void fk_bind_scratchpads(fk_primitives *it, char **next);
/// Forgets all addresses.
void fk_unbind(fk_primitives *it);
size_t fk_scratchpad_bytes(const fk_primitives *it);

/// Runs the primitive of a piece, and the reorder: functions of steps whose argument is an
/// `fk_primitives`.
void fk_run_primitive(const void *arguments, int piece, int worker);
void fk_run_reorder(const void *arguments, int piece, int worker);

const char *fk_primitives_implementation(const fk_contraction *contraction);
/// Destroys and frees all.
void fk_primitives_destroy(fk_contraction *contraction);

#endif
