/// Matrix products and correlations, by oneDNN 2.6 (Debian 12's libdnnl-dev).
#ifndef FIGMENT_CONTRACTION_H
#define FIGMENT_CONTRACTION_H

#include <stddef.h>
#include <stdint.h>

#include "cluster.h"

/// Kind of contraction. All arrays are dense, row-major.
typedef enum {
  /// out[b, m, n] = Σ_k left[b, m, k] right[b, k, n]; left is stored [b, k, m] where
  /// transposed_left, right [b, n, k] where transposed_right. batch = 1 for plain matrices.
  FK_MATMUL,
  /// out[n, oh, ow, o] = Σ left[n, oh*stride + u - padding_top, ow*stride + v - padding_left, c]
  /// right[u, v, c, o]: left is an NHWC image, right an HWIO filter.
  FK_CONV,
  /// The adjoint of FK_CONV in its image: left is [n, oh, ow, o], right the filter, out the image
  /// [n, h, w, c].
  FK_CONV_INPUT,
  /// The adjoint of FK_CONV in its filter: left is the image [n, h, w, c], right is [n, oh, ow, o],
  /// out the filter.
  FK_CONV_FILTER,
} fk_contraction_kind;

/// Sizes, types and extras of a contraction.
typedef struct {
  fk_contraction_kind kind;
  int64_t batch, m, k, n;                 // FK_MATMUL
  int transposed_left, transposed_right;  // FK_MATMUL
  int64_t images, height, width, channels;            // the other three: the image,
  int64_t filter_height, filter_width, out_channels;  // the filter,
  int64_t out_height, out_width;                      // and the (larger-stride) output
  int stride, padding_top, padding_left;  // the far edges get what the sizes ask for
  /// FK_BF16: operands are rounded to bf16 (to nearest, ties to even) where they are not stored so;
  /// products are summed in fp32. A filter, or the right matrix of a tall left one, is rounded on
  /// its way into oneDNN's format; any other operand in fp32 is rounded by a step of its own.
  /// Creation fails where `fk_has_bf16` is 0 and the library cannot emulate it.
  fk_type compute;
  /// Storage types of the arrays. `compute` is FK_BF16 where one of them is.
  fk_type left_type, right_type, out_type;
  /// 1 to add bind's `bias`, fp32 [n] or [out_channels] ([channels] for FK_CONV_INPUT), to every row
  /// or pixel of the result. Not for FK_CONV_FILTER.
  int has_bias;
  /// 1 to add the result to the content of `out`. Not for FK_CONV_FILTER.
  int accumulates;
} fk_contraction_shape;

typedef struct fk_contraction fk_contraction;

/// Prepares the primitives. Returns NULL and a message (at most 255 characters) where oneDNN
/// refuses. The number and shape of the pieces are a function of the shape alone, never of the
/// thread count.
fk_contraction *_Nullable fk_contraction_create(
  const fk_contraction_shape *_Nonnull shape, int threads, char *_Nonnull message /* 256 bytes */);
void fk_contraction_destroy(fk_contraction *_Nonnull contraction);

/// Bytes of workspace (64-byte aligned) needed while it runs: scratchpads, one per worker,
/// operands rounded to bf16 and partial filter gradients.
size_t fk_contraction_workspace(const fk_contraction *_Nonnull contraction);

/// Bytes (64-byte aligned) for the right operand in oneDNN's format, or 0. They are filled by the
/// step of fk_contraction_preparation, which reads the right operand alone: they stay valid as long as
/// it keeps its value.
size_t fk_contraction_prepared(const fk_contraction *_Nonnull contraction);

/// Binds the arrays, once. They stay fixed for the life of the program.
void fk_contraction_bind(
  fk_contraction *_Nonnull contraction, const void *_Nonnull left, const void *_Nonnull right,
  void *_Nonnull out, const float *_Nullable bias, void *_Nullable prepared,
  void *_Nullable workspace);

/// Writes the step that must run after `bind` and before the others. Returns the number of steps, 0
/// or 1.
int fk_contraction_preparation(
  const fk_contraction *_Nonnull contraction, void *_Nonnull step /* fk_step */);

/// Writes the steps that compute it, in order: e.g. multiply four pieces, sum the partial gradients,
/// reorder. Returns their number, at most 8. `names[i]` becomes the static name of step i ("conv", "sum", ...).
int fk_contraction_steps(
  const fk_contraction *_Nonnull contraction, void *_Nonnull steps /* fk_step[8] */,
  const char *_Nonnull *_Nonnull names /* [8] */);

/// The name of oneDNN's implementation, e.g. "brgconv:avx512_core"; "blas:jit" for a matrix product
/// by its BLAS interface, "rows:jit" for a correlation with a single channel by matrix products and
/// shifted rows, "tiles:avx512_core_amx_bf16" for a filter gradient in bf16 by our own kernel.
const char *_Nonnull fk_contraction_implementation(const fk_contraction *_Nonnull contraction);
/// 1 if this processor multiplies bf16 in hardware (AMX or AVX-512 BF16), so that FK_BF16 pays.
int fk_has_bf16(void);
/// 1 if it does so by matrix tiles (AMX) that the system and oneDNN's chosen instruction set allow:
/// several times as fast as AVX-512 BF16, and by other kernels.
int fk_has_tiles(void);

/// Floating-point operations of one run, two per multiply-add (taps that fall into padding
/// included).
double fk_contraction_flops(const fk_contraction *_Nonnull contraction);

#endif
