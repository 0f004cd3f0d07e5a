/// The common part of a contraction and the interface of the methods that compute one.
///
/// contraction.c chooses the method, the cut into pieces and the layout of operands, and fills in a
/// `fk_contraction`; the method's own structure begins with a copy of it.
#ifndef FIGMENT_CONTRACTION_METHOD_H
#define FIGMENT_CONTRACTION_METHOD_H

#include "contraction.h"
#include "pool.h"

#include <stdbool.h>

enum {
  fk_most_pieces = 4,
  fk_alignment = 64,
};

/// Index along which a contraction is cut into pieces that workers compute independently.
typedef enum {
  FK_CUT_IMAGES,
  FK_CUT_CHANNELS,  // Of a filter gradient's input, hence no partial sums.
  FK_CUT_BATCH,     // The matrix products of a batch.
  FK_CUT_ROWS,
  FK_CUT_COLUMNS,
} fk_cut_index;

typedef struct {
  int64_t first, count;
} fk_slice;

typedef struct {
  fk_cut_index index;
  int pieces;
  fk_slice slices[fk_most_pieces];
} fk_cut;

/// Arrays of one contraction, as given to `fk_contraction_bind`.
typedef struct {
  const void *left, *right;
  void *out;
  const float *bias;
  void *prepared, *workspace;
} fk_operands;

/// Functions of a method. Each is given a contraction that the same method created.
typedef struct {
  const char *(*implementation)(const fk_contraction *);
  /// Bytes of workspace; see `fk_contraction_workspace`.
  size_t (*workspace)(const fk_contraction *);
  void (*bind)(fk_contraction *, const fk_operands *);
  /// Steps after the preparation, in order; returns their number.
  int (*steps)(const fk_contraction *, fk_step *, const char **names);
  void (*destroy)(fk_contraction *);
  /// Bytes of the right operand in the method's own format, and the step that fills them. NULL where
  /// the method reads the operand as it is stored.
  size_t (*prepared)(const fk_contraction *);
  fk_step (*preparation)(const fk_contraction *);
} fk_method;

struct fk_contraction {
  const fk_method *method;
  fk_contraction_shape shape;
  double flops;
  int threads;
  fk_cut cut;
  /// The right matrix is reordered once into the library's own format, for all pieces.
  bool packs_right;
  /// An image gradient of stride 1 is computed as a forward correlation with the flipped filter.
  bool flips_filter;
};

/// Methods. Each creates a contraction from the chooser's plan, or fails.
typedef struct {
  char *message;  // 256 bytes.
  bool failed;
} fk_failure;

fk_contraction *fk_create_matmul(const fk_contraction *plan, fk_failure *failure);
fk_contraction *fk_create_blas(const fk_contraction *plan, fk_failure *failure);
fk_contraction *fk_create_convolution(const fk_contraction *plan, fk_failure *failure);
fk_contraction *fk_create_thin(const fk_contraction *plan, fk_failure *failure);
fk_contraction *fk_create_tiles(const fk_contraction *plan, fk_failure *failure);

/// A zeroed structure of `bytes` that begins with a copy of `plan`. NULL, and a failure, where memory
/// runs out.
void *fk_allocate_contraction(
  const fk_contraction *plan, const fk_method *method, size_t bytes, fk_failure *failure);

/// Cuts `size` into at most `pieces` nearly equal slices whose bounds are multiples of `quantum`.
fk_cut fk_cut_evenly(fk_cut_index index, int64_t size, int64_t quantum, int pieces);

/// Slice of an index of `size` that piece `piece` computes: all of it where another index is cut.
fk_slice fk_slice_of(const fk_cut *cut, int piece, fk_cut_index index, int64_t size);

/// Operands of one piece of a matrix product.
typedef struct {
  const void *left, *right;
  const float *bias;
  void *out;
} fk_matrices;

/// The operands of piece `piece` of an FK_MATMUL whose matrices on the left and right are stored in
/// the type it computes in.
fk_matrices fk_matrices_of_piece(
  const fk_contraction *contraction, int piece, const fk_operands *operands);

/// The name of the step that multiplies: "matmul", "conv", "convInput" or "convFilter".
const char *fk_contraction_step_name(const fk_contraction_shape *shape);

/// The filter gradient that matrix tiles compute: the shape itself, or, for the product of a
/// transposed left matrix, the filter gradient of images of one pixel.
fk_contraction_shape fk_shape_for_tiles(const fk_contraction_shape *shape);

/// True if oneDNN uses AVX-512.
bool fk_has_avx512(void);

static inline size_t fk_aligned(size_t bytes) {
  return (bytes + fk_alignment - 1) / fk_alignment * fk_alignment;
}

static inline size_t fk_size_of(fk_type type) {
  return type == FK_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/// The next `bytes` of a workspace; NULL for none.
static inline char *fk_take(char **next, size_t bytes) {
  if (bytes == 0) return NULL;
  char *taken = *next;
  *next += bytes;
  return taken;
}

#endif
