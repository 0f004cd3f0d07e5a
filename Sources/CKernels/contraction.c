#include "contraction.h"

#include "pool.h"
#include "clones.h"
#include "single_thread.h"
#include "tile_gradient.h"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  max_pieces = 4,
  alignment = 64,
  summed_at_once = 4096,
  converted_at_once = 16384,
  thin_block_pixels = 1024,
  sum_short_of = 1024,
  packed_rows = 2048,
};

typedef struct {
  int64_t first, count;
} slice;

/// One primitive for all pieces of one size.
typedef struct {
  int64_t count;
  dnnl_primitive_desc_t description;
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t left, right, out, bias;
  dnnl_memory_t *scratchpads;  // One per worker. NULL where the primitive wants none.
} kernel;

/// Which index of a matrix product is cut.
typedef enum { cut_batch, cut_m, cut_n } matmul_cut;

/// What runs it.
typedef enum {
  by_primitive,
  by_blas,
  // A stride-1 correlation between an image of many channels (the wide one) and one of a single
  // channel (the thin one) whose result is the thin image or the filter: the library's direct
  // kernels fill one lane of sixteen. A filter is a [taps, channels] matrix here, so a product of
  // matrices and shifted sums of whole rows do it.
  by_rows,
  // A filter gradient in bf16, or the product of a transposed left matrix: see tile_gradient.h.
  by_tiles,
} method;

struct fk_contraction {
  fk_contraction_shape shape;
  // What the primitive computes: the shape itself, but for an image gradient of stride 1, which is
  // computed as a forward correlation with the filter turned half round (the library's forward
  // kernels are a fifth faster).
  fk_contraction_shape primitive_shape;
  bool turned;
  bool packed;  // A product's right matrix is reordered into the library's own format.
  double flops;
  int threads;
  dnnl_stream_t *streams;  // One per worker.

  int pieces;
  slice slices[max_pieces];
  int kernels;
  kernel kernel[max_pieces];
  int kernel_of_piece[max_pieces];
  dnnl_memory_t left[max_pieces], right[max_pieces], out[max_pieces], bias[max_pieces];

  method method;
  matmul_cut cut;
  const float *blas_left[max_pieces], *blas_right[max_pieces], *blas_bias[max_pieces];
  float *blas_out[max_pieces];

  // Operands that the primitive reads in bf16 while they are stored in fp32 and no reorder converts
  // them on its way.
  bool left_converted, right_converted;
  int64_t left_elements, right_elements;
  uint16_t *left_copy, *right_copy;

  // The library's image gradients take neither a bias nor a sum: their fp32 result goes to
  // `product`, and the same piece then adds it.
  bool finished_by_hand;
  float *product;

  // The filter, its gradient, or a right matrix, in the library's own format.
  bool reordered;
  dnnl_memory_desc_t filter, library_filter;
  dnnl_primitive_t reorder;
  dnnl_memory_t reorder_from, reorder_to;
  float *partial[max_pieces], *sum;
  char *turned_filter;
  int64_t partial_elements;

  fk_tile_gradient *tiles;
  // by_tiles: pieces are cut along the channels and need no sum, rather than along the images.
  bool cut_channels;
  bool direct;  // They write the result itself.

  int64_t thin_block;  // by_rows: images at a time.
  const void *operand_left, *operand_right;
  const float *operand_bias;
  void *result;
  char *scratchpads;

  size_t filter_bytes;  // Of one filter in the workspace: a reordered one, or one partial gradient.
  size_t scratchpad_bytes;
};

// MARK: - Failures

typedef struct {
  char *message;
  bool failed;
} failure;

static void check(failure *failure, dnnl_status_t status, const char *what) {
  if (failure->failed || status == dnnl_success) return;
  failure->failed = true;
  snprintf(failure->message, 256, "oneDNN cannot make %s: %s", what, dnnl_status2str(status));
}

static void must(dnnl_status_t status) {
  if (status == dnnl_success) return;
  fprintf(stderr, "figment: oneDNN failed while running: %s\n", dnnl_status2str(status));
  abort();
}

// MARK: - Engine and memories

static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_status_t engine_status;

static void make_engine(void) { engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0); }

static dnnl_data_type_t library_type(fk_type type) { return type == FK_BF16 ? dnnl_bf16 : dnnl_f32; }

static size_t size_of(fk_type type) { return type == FK_BF16 ? sizeof(uint16_t) : sizeof(float); }

static size_t aligned(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

static dnnl_memory_t memory(const dnnl_memory_desc_t *description, const void *address) {
  dnnl_memory_t memory = NULL;
  must(dnnl_memory_create(&memory, description, engine, (void *)address));
  return memory;
}

static void release(dnnl_memory_t *memory) {
  if (*memory != NULL) dnnl_memory_destroy(*memory);
  *memory = NULL;
}

static dnnl_memory_desc_t image_memory(
  int64_t images, int64_t channels, int64_t height, int64_t width, dnnl_data_type_t type) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {images, channels, height, width};
  must(dnnl_memory_desc_init_by_tag(&description, 4, sizes, type, dnnl_nhwc));
  return description;
}

static dnnl_memory_desc_t filter_memory(
  const fk_contraction_shape *shape, dnnl_data_type_t type, dnnl_format_tag_t format) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {shape->out_channels, shape->channels, shape->filter_height, shape->filter_width};
  must(dnnl_memory_desc_init_by_tag(&description, 4, sizes, type, format));
  return description;
}

static dnnl_memory_desc_t matrix_memory(
  int64_t batch, int64_t rows, int64_t columns, int64_t batch_stride, int64_t row_stride, int64_t column_stride,
  dnnl_data_type_t type) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {batch, rows, columns}, strides = {batch_stride, row_stride, column_stride};
  int skipped = batch == 1 ? 1 : 0;  // A batch of one is a plain matrix to the library: it has more kernels for those.
  must(dnnl_memory_desc_init_by_strides(&description, 3 - skipped, sizes + skipped, type, strides + skipped));
  return description;
}

static dnnl_memory_desc_t bias_memory(int rank, int64_t size) {
  dnnl_memory_desc_t description;
  const dnnl_dims_t sizes = {rank == 1 ? size : 1, rank == 2 ? size : 1, size};
  const dnnl_dims_t strides = {rank == 1 ? 1 : size, rank == 2 ? 1 : size, 1};
  must(dnnl_memory_desc_init_by_strides(&description, rank, sizes, dnnl_f32, strides));
  return description;
}

static const dnnl_memory_desc_t *part(const kernel *kernel, dnnl_query_t query) {
  return dnnl_primitive_desc_query_md(kernel->description, query, 0);
}

// MARK: - Pieces

/// Cuts `size` into at most `pieces` nearly equal slices whose bounds are multiples of `quantum`.
static int cut_evenly(int64_t size, int64_t quantum, int pieces, slice slices[max_pieces]) {
  int64_t units = (size + quantum - 1) / quantum;
  if (units < pieces) pieces = (int)units;
  int64_t first = 0;
  for (int i = 0; i < pieces; i += 1) {
    int64_t end = units * (i + 1) / pieces * quantum;
    if (end > size) end = size;
    slices[i] = (slice){first, end - first};
    first = end;
  }
  return pieces;
}

static bool has_avx512(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

/// Whether a slice of a product of few rows ends in a tile of one or two.
///
/// Without AVX-512 the library's tiles have six rows, and it sums so small a rest in another order;
/// but the result of a row must not depend on its place.
static bool leaves_small_tile(int pieces, const slice slices[max_pieces]) {
  if (has_avx512()) return false;
  for (int i = 0; i < pieces; i += 1) {
    int64_t rows = slices[i].count;
    if (rows < 256 && (rows % 6 == 1 || rows % 6 == 2)) return true;
  }
  return false;
}

static int wanted_pieces(double flops) { return flops < 1e6 ? 1 : flops < 4e6 ? 2 : max_pieces; }

// MARK: - Kernels

/// `packed` is the right operand's format that the first kernel chose; NULL for that first one.
static void make_matmul(
  const fk_contraction *it, kernel *kernel, const dnnl_memory_desc_t *packed, failure *failure,
  dnnl_primitive_attr_t attributes) {
  const fk_contraction_shape *shape = &it->shape;
  dnnl_data_type_t type = library_type(shape->compute);
  int64_t batch = it->cut == cut_batch ? kernel->count : shape->batch;
  int64_t m = it->cut == cut_m ? kernel->count : shape->m;
  int64_t n = it->cut == cut_n ? kernel->count : shape->n;
  int64_t k = shape->k;
  bool left = shape->transposed_left != 0, right = shape->transposed_right != 0;
  kernel->left = matrix_memory(batch, m, k, shape->m * k, left ? 1 : k, left ? shape->m : 1, type);
  kernel->right =
    matrix_memory(batch, k, n, k * shape->n, right ? 1 : shape->n, right ? k : 1, type);
  if (it->packed && packed != NULL) kernel->right = *packed;
  if (it->packed && packed == NULL) {
    const dnnl_dims_t sizes = {k, n};
    must(dnnl_memory_desc_init_by_tag(&kernel->right, 2, sizes, type, dnnl_format_tag_any));
  }
  kernel->out =
    matrix_memory(batch, m, n, shape->m * shape->n, shape->n, 1, library_type(shape->out_type));
  kernel->bias = bias_memory(kernel->out.ndims, n);
  dnnl_matmul_desc_t matmul;
  check(
    failure,
    dnnl_matmul_desc_init(
      &matmul, &kernel->left, &kernel->right, shape->has_bias ? &kernel->bias : NULL, &kernel->out),
    "the matmul");
  if (failure->failed) return;
  check(
    failure, dnnl_primitive_desc_create(&kernel->description, &matmul, attributes, engine, NULL),
    "the matmul");
  if (!failure->failed) kernel->right = *part(kernel, dnnl_query_weights_md);
}

/// `filter` is the format the first kernel chose; NULL for that first one.
static void make_convolution(
  const fk_contraction *it, kernel *kernel, const dnnl_memory_desc_t *filter, failure *failure,
  dnnl_primitive_attr_t attributes) {
  const fk_contraction_shape *s = &it->primitive_shape;
  bool filter_is_result = s->kind == FK_CONV_FILTER;
  // Filter gradients are summed in fp32, however they are stored.
  dnnl_data_type_t type = library_type(s->compute);
  dnnl_data_type_t out_type = it->finished_by_hand ? dnnl_f32 : library_type(s->out_type);
  dnnl_memory_desc_t image = image_memory(
    kernel->count, s->channels, s->height, s->width, s->kind == FK_CONV_INPUT ? out_type : type);
  dnnl_memory_desc_t result = image_memory(
    kernel->count, s->out_channels, s->out_height, s->out_width,
    s->kind == FK_CONV ? out_type : type);
  dnnl_memory_desc_t any =
    filter_memory(s, filter_is_result ? dnnl_f32 : type, dnnl_format_tag_any);
  if (filter == NULL) filter = &any;
  // The library knows no forward convolution with the types of these gradients, and wants a forward
  // one as their hint.
  dnnl_memory_desc_t hint_image = image_memory(kernel->count, s->channels, s->height, s->width, type);
  dnnl_memory_desc_t hint_filter = filter_memory(s, type, dnnl_format_tag_any);
  kernel->bias = bias_memory(1, s->out_channels);
  bool biased = s->kind == FK_CONV && s->has_bias;
  // The far edge gets what the sizes ask for: less than `padding` where the stride does not divide
  // evenly.
  const dnnl_dims_t strides = {s->stride, s->stride}, near = {s->padding_top, s->padding_left};
  const dnnl_dims_t far = {
    (s->out_height - 1) * s->stride + s->filter_height - s->height - s->padding_top,
    (s->out_width - 1) * s->stride + s->filter_width - s->width - s->padding_left,
  };
  const char *name = s->kind == FK_CONV ? "the convolution"
    : s->kind == FK_CONV_INPUT          ? "the convolution's image gradient"
                                        : "the convolution's filter gradient";

  dnnl_convolution_desc_t forward;
  dnnl_primitive_desc_t hint = NULL;
  check(
    failure,
    dnnl_convolution_forward_desc_init(
      &forward, s->kind == FK_CONV ? dnnl_forward_inference : dnnl_forward_training,
      dnnl_convolution_direct, s->kind == FK_CONV ? &image : &hint_image,
      s->kind == FK_CONV ? filter : &hint_filter, biased ? &kernel->bias : NULL, &result, strides,
      near, far),
    name);
  if (failure->failed) return;
  if (s->kind == FK_CONV) {
    check(failure, dnnl_primitive_desc_create(&kernel->description, &forward, attributes, engine, NULL), name);
  } else {
    check(failure, dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL), name);
    if (failure->failed) return;
    dnnl_convolution_desc_t backward;
    check(
      failure,
      filter_is_result ? dnnl_convolution_backward_weights_desc_init(
                           &backward, dnnl_convolution_direct, &image, filter, NULL, &result, strides, near, far)
                       : dnnl_convolution_backward_data_desc_init(
                           &backward, dnnl_convolution_direct, &image, filter, &result, strides, near, far),
      name);
    if (!failure->failed)
      check(failure, dnnl_primitive_desc_create(&kernel->description, &backward, attributes, engine, hint), name);
    dnnl_primitive_desc_destroy(hint);
  }
  if (failure->failed) return;
  switch (s->kind) {
    case FK_CONV:
      kernel->left = image;
      kernel->right = *part(kernel, dnnl_query_weights_md);
      kernel->out = result;
      break;
    case FK_CONV_INPUT:
      kernel->left = result;
      kernel->right = *part(kernel, dnnl_query_weights_md);
      kernel->out = image;
      break;
    default:
      kernel->left = image;
      kernel->right = result;
      kernel->out = *part(kernel, dnnl_query_diff_weights_md);
  }
}

static bool is_convolution(const fk_contraction *it) { return it->shape.kind != FK_MATMUL; }

static const dnnl_memory_desc_t *library_filter(const fk_contraction *it) {
  return it->shape.kind == FK_CONV_FILTER ? &it->kernel[0].out : &it->kernel[0].right;
}

static void make_kernels(fk_contraction *it, failure *failure) {
  dnnl_primitive_attr_t attributes = NULL;
  check(failure, dnnl_primitive_attr_create(&attributes), "attributes");
  if (failure->failed) return;
  // The library's own scratchpads belong to the creating thread and are shared by its primitives:
  // two workers running one primitive would overwrite each other's.
  must(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
  if (it->shape.accumulates && !it->finished_by_hand) {
    dnnl_post_ops_t sum = NULL;
    must(dnnl_post_ops_create(&sum));
    must(dnnl_post_ops_append_sum(sum, 1));
    must(dnnl_primitive_attr_set_post_ops(attributes, sum));
    must(dnnl_post_ops_destroy(sum));
  }
  for (int piece = 0; piece < it->pieces && !failure->failed; piece += 1) {
    int known = 0;
    while (known < it->kernels && it->kernel[known].count != it->slices[piece].count) known += 1;
    it->kernel_of_piece[piece] = known;
    if (known < it->kernels) continue;
    kernel *kernel = &it->kernel[known];
    kernel->count = it->slices[piece].count;
    it->kernels += 1;
    const dnnl_memory_desc_t *chosen = known == 0 ? NULL : library_filter(it);
    if (it->shape.kind == FK_MATMUL) {
      make_matmul(it, kernel, chosen, failure, attributes);
    } else {
      make_convolution(it, kernel, chosen, failure, attributes);
    }
    if (failure->failed) break;
    check(failure, dnnl_primitive_create(&kernel->primitive, kernel->description), "a primitive");
    size_t bytes = dnnl_memory_desc_get_size(part(kernel, dnnl_query_scratchpad_md));
    if (aligned(bytes) > it->scratchpad_bytes) it->scratchpad_bytes = aligned(bytes);
  }
  dnnl_primitive_attr_destroy(attributes);
}

static void make_reorder(fk_contraction *it, failure *failure) {
  const fk_contraction_shape *s = &it->shape;
  bool filter_is_result = s->kind == FK_CONV_FILTER;
  dnnl_data_type_t stored = library_type(filter_is_result ? s->out_type : s->right_type);
  if (is_convolution(it)) {
    it->filter = filter_memory(&it->primitive_shape, stored, dnnl_hwio);
  } else {
    bool right = s->transposed_right != 0;
    it->filter =
      matrix_memory(1, s->k, s->n, 0, right ? 1 : s->n, right ? s->k : 1, stored);
  }
  if (it->turned) {
    const dnnl_dims_t sizes = {s->channels, s->out_channels, s->filter_height, s->filter_width};
    int64_t tap = s->channels * s->out_channels;
    const dnnl_dims_t strides = {s->out_channels, 1, s->filter_width * tap, tap};
    must(dnnl_memory_desc_init_by_strides(&it->filter, 4, sizes, stored, strides));
  }
  it->library_filter = *library_filter(it);
  it->reordered = it->turned || !dnnl_memory_desc_equal(&it->filter, &it->library_filter);
  size_t bytes = dnnl_memory_desc_get_size(&it->library_filter), plain_bytes = dnnl_memory_desc_get_size(&it->filter);
  it->filter_bytes = aligned(it->turned && plain_bytes > bytes ? plain_bytes : bytes);
  it->partial_elements = (int64_t)(bytes / sizeof(float));
  if (!it->reordered) return;
  dnnl_primitive_desc_t description;
  const dnnl_memory_desc_t *from = filter_is_result ? &it->library_filter : &it->filter;
  const dnnl_memory_desc_t *to = filter_is_result ? &it->filter : &it->library_filter;
  check(
    failure, dnnl_reorder_primitive_desc_create(&description, from, engine, to, engine, NULL), "the filter's reorder");
  if (failure->failed) return;
  check(failure, dnnl_primitive_create(&it->reorder, description), "the filter's reorder");
  dnnl_primitive_desc_destroy(description);
}

// MARK: - Creation

static void plan_matmul(fk_contraction *it) {
  const fk_contraction_shape *shape = &it->shape;
  int pieces = wanted_pieces(it->flops);
  bool in_bf16 = shape->compute == FK_BF16;
  // Measured against the library's matmul, its BLAS interface is up to ten times as fast for
  // vectors and outer products, a third faster where a right operand of a megabyte is packed anew
  // for each piece, and no slower for a piece whose rows are not contiguous (part of a transposed
  // left operand, or of the columns), which the library's best kernels refuse.
  bool large_right = shape->k * shape->n >= 1 << 18;
  if (shape->batch > 1) {
    it->cut = cut_batch;
    it->pieces = cut_evenly(shape->batch, 1, pieces, it->slices);
    return;
  }
  bool rows = shape->m >= 64 || shape->m >= shape->n;
  // Each piece packs all of the right operand that it reads: cut along its columns, none is packed
  // twice.
  if (!in_bf16 && shape->n >= 2 * shape->m && shape->k * shape->n >= 1 << 16) rows = false;
  if (shape->transposed_right && !shape->transposed_left && large_right && shape->n > shape->m) rows = false;
  if (rows) {
    it->cut = cut_m;
    // In bf16 packing weighs more: two pieces, or one packed copy for them all where it serves many
    // rows. (Packing from fp32 costs the library half a nanosecond an element, and is not cut.)
    it->packed = in_bf16 && shape->m >= packed_rows;
    if (in_bf16 && !it->packed && pieces > 2) pieces = 2;
    do it->pieces = cut_evenly(shape->m, 16, pieces, it->slices);
    while (leaves_small_tile(it->pieces, it->slices) && --pieces > 0);
  } else {
    it->cut = cut_n;
    it->pieces = cut_evenly(shape->n, 64, pieces, it->slices);
  }
  if (in_bf16) return;
  bool vector = shape->m == 1 || shape->n == 1 || shape->k == 1;
  bool columns = it->cut == cut_n && it->pieces > 1;
  if (vector || columns || large_right || shape->transposed_left) it->method = by_blas;
}

static bool is_thin(const fk_contraction_shape *s) {
  int64_t wide = s->channels == 1 ? s->out_channels : s->channels;
  if (s->stride != 1 || wide < 8 || s->compute == FK_BF16) return false;
  switch (s->kind) {
    case FK_CONV:
    case FK_CONV_FILTER:
      return s->out_channels == 1;
    case FK_CONV_INPUT:
      return s->channels == 1;
    default:
      return false;
  }
}

static void plan_turned(fk_contraction *it) {
  const fk_contraction_shape *s = &it->shape;
  // In fp32 single taps gain nothing; few channels run faster in the gradient's own kernels.
  bool single = s->filter_height * s->filter_width == 1 && s->compute == FK_FP32;
  if (
    s->kind != FK_CONV_INPUT || s->stride != 1 || single || s->channels < 16 || s->out_channels < 16)
    return;
  // In bf16 the gradient's own kernels are a fifth faster for large images from few channels.
  bool few = s->out_channels <= 32 && s->width > 16 && s->filter_height * s->filter_width > 1;
  if (s->compute == FK_BF16 && few && !s->has_bias && !s->accumulates) return;
  // The forward correlation pads by what the filter reaches beyond each padding.
  int64_t bottom = s->out_height - 1 + s->filter_height - s->height - s->padding_top;
  int64_t right = s->out_width - 1 + s->filter_width - s->width - s->padding_left;
  if (
    s->padding_top >= s->filter_height || s->padding_left >= s->filter_width || bottom < 0
    || bottom >= s->filter_height || right < 0 || right >= s->filter_width)
    return;
  it->turned = true;
  fk_contraction_shape *twin = &it->primitive_shape;
  twin->kind = FK_CONV;
  twin->height = s->out_height;
  twin->width = s->out_width;
  twin->channels = s->out_channels;
  twin->out_height = s->height;
  twin->out_width = s->width;
  twin->out_channels = s->channels;
  twin->padding_top = (int)s->filter_height - 1 - s->padding_top;
  twin->padding_left = (int)s->filter_width - 1 - s->padding_left;
}

/// The two images of a thin correlation, and where tap (u, v) of the wide one lies for pixel (0, 0)
/// of the thin one: at (direction * (u - padding_top), direction * (v - padding_left)).
typedef struct {
  int64_t height, width, channels, thin_height, thin_width, filter_height, filter_width;
  int64_t padding_top, padding_left, direction;
} thin_sizes;

static thin_sizes sizes_of_thin(const fk_contraction_shape *s) {
  if (s->kind == FK_CONV_INPUT)
    return (thin_sizes){s->out_height, s->out_width, s->out_channels, s->height, s->width,
                        s->filter_height, s->filter_width, s->padding_top, s->padding_left, -1};
  return (thin_sizes){s->height, s->width, s->channels, s->out_height, s->out_width,
                      s->filter_height, s->filter_width, s->padding_top, s->padding_left, 1};
}

static void plan_thin(fk_contraction *it) {
  it->method = by_rows;
  thin_sizes sizes = sizes_of_thin(&it->shape);
  int64_t pixels = sizes.height * sizes.width, taps = sizes.filter_height * sizes.filter_width;
  // Without AVX-512 the last pixels of a block are summed in another order: then a block is an
  // image.
  it->thin_block = pixels >= thin_block_pixels || !has_avx512() ? 1 : thin_block_pixels / pixels;
  if (it->thin_block > it->slices[it->pieces - 1].count) it->thin_block = it->slices[it->pieces - 1].count;
  it->scratchpad_bytes = aligned((size_t)(taps * pixels * it->thin_block) * sizeof(float));
  it->partial_elements = taps * sizes.channels;
  it->filter_bytes = aligned((size_t)it->partial_elements * sizeof(float));
}

/// `shape` is an FK_CONV_FILTER, perhaps standing for a product whose left matrix is transposed.
static void plan_tiles(fk_contraction *it, const fk_contraction_shape *shape, failure *failure) {
  it->method = by_tiles;
  it->tiles = fk_tile_gradient_create(shape);
  check(failure, it->tiles == NULL ? dnnl_out_of_memory : dnnl_success, "a gradient by tiles");
  if (failure->failed) return;
  int pieces = wanted_pieces(it->flops);
  int64_t rows = fk_tile_gradient_rows(it->tiles), columns = fk_tile_gradient_columns(it->tiles);
  int64_t taps = shape->filter_height * shape->filter_width;
  // Each piece copies all gradients then, but there are no partial sums.
  it->cut_channels = taps == 1 && shape->channels >= 64
    && shape->images * shape->out_height * shape->out_width <= sum_short_of;
  it->pieces = it->cut_channels ? cut_evenly(shape->channels, 32, pieces, it->slices)
                                : cut_evenly(shape->images, 1, pieces, it->slices);
  it->direct = (it->cut_channels || it->pieces == 1) && it->shape.out_type == FK_FP32
    && rows == shape->channels && columns == shape->out_channels && !it->shape.has_bias
    && !it->shape.accumulates;
  it->scratchpad_bytes = aligned(fk_tile_gradient_scratch(it->tiles));
  it->partial_elements = taps * shape->channels * shape->out_channels;
  it->filter_bytes = aligned((size_t)(taps * rows * columns) * sizeof(float));
}

/// A product of a transposed left matrix, as the filter gradient of single pixels.
static fk_contraction_shape gradient_of_product(const fk_contraction_shape *s) {
  return (fk_contraction_shape){
    .kind = FK_CONV_FILTER,
    .images = s->k,
    .height = 1,
    .width = 1,
    .channels = s->m,
    .filter_height = 1,
    .filter_width = 1,
    .out_channels = s->n,
    .out_height = 1,
    .out_width = 1,
    .stride = 1,
    .compute = s->compute,
    .left_type = s->left_type,
    .right_type = s->right_type,
    .out_type = s->out_type,
  };
}

static const char *mistake(const fk_contraction_shape *s) {
  bool stored_bf16 = s->left_type == FK_BF16 || s->right_type == FK_BF16 || s->out_type == FK_BF16;
  if (stored_bf16 && s->compute != FK_BF16) return "an array is stored in bf16, but computed in fp32";
  if (s->kind == FK_CONV_FILTER && (s->has_bias || s->accumulates))
    return "a filter gradient takes no bias and does not accumulate";
  if (s->kind == FK_MATMUL)
    return s->batch < 1 || s->m < 1 || s->k < 1 || s->n < 1 ? "a matrix size is not positive" : NULL;
  if (
    s->images < 1 || s->height < 1 || s->width < 1 || s->channels < 1 || s->filter_height < 1 || s->filter_width < 1
    || s->out_channels < 1 || s->out_height < 1 || s->out_width < 1)
    return "a convolution size is not positive";
  if (s->stride < 1 || s->padding_top < 0 || s->padding_left < 0) return "the stride is not positive or the padding negative";
  return NULL;
}

/// Which operands are copied in bf16 first. Filters, and matrices to be packed, are converted as
/// they are reordered.
static void plan_conversions(fk_contraction *it) {
  const fk_contraction_shape *s = &it->shape;
  if (s->compute != FK_BF16) return;
  int64_t image = s->images * s->height * s->width * s->channels;
  int64_t result = s->images * s->out_height * s->out_width * s->out_channels;
  it->left_converted = s->left_type == FK_FP32;
  it->right_converted =
    s->right_type == FK_FP32 && (is_convolution(it) ? s->kind == FK_CONV_FILTER : !it->packed);
  it->left_elements = s->kind == FK_MATMUL ? s->batch * s->m * s->k
    : s->kind == FK_CONV_INPUT             ? result
                                           : image;
  it->right_elements = s->kind == FK_MATMUL ? s->batch * s->k * s->n : result;
}

fk_contraction *fk_contraction_create(const fk_contraction_shape *shape, int threads, char *message) {
  const char *wrong = threads < 1 ? "no thread to run on" : mistake(shape);
  if (wrong != NULL) {
    snprintf(message, 256, "%s", wrong);
    return NULL;
  }
  // The library fixes a primitive's thread count as it creates it.
  fk_forbid_nested_threads();
  pthread_once(&engine_once, make_engine);
  failure failure = {message, false};
  check(&failure, engine_status, "an engine");
  if (failure.failed) return NULL;

  fk_contraction *it = calloc(1, sizeof(fk_contraction));
  dnnl_stream_t *streams = calloc((size_t)threads, sizeof(dnnl_stream_t));
  if (it == NULL || streams == NULL) {
    free(it);
    free(streams);
    snprintf(message, 256, "out of memory");
    return NULL;
  }
  it->shape = *shape;
  it->primitive_shape = *shape;
  it->threads = threads;
  it->streams = streams;
  for (int i = 0; i < threads; i += 1)
    check(&failure, dnnl_stream_create(&streams[i], engine, dnnl_stream_default_flags), "a stream");
  if (is_convolution(it)) {
    it->flops = 2.0 * (double)(shape->images * shape->out_height * shape->out_width * shape->out_channels)
      * (double)(shape->filter_height * shape->filter_width * shape->channels);
    it->pieces = cut_evenly(shape->images, 1, wanted_pieces(it->flops), it->slices);
    if (is_thin(shape)) plan_thin(it);
    if (shape->kind == FK_CONV_FILTER && shape->compute == FK_BF16 && fk_tiles_available())
      plan_tiles(it, shape, &failure);
    plan_turned(it);
    it->finished_by_hand = shape->kind == FK_CONV_INPUT && it->method == by_primitive && !it->turned
      && (shape->has_bias || shape->accumulates);
  } else {
    it->flops = 2.0 * (double)(shape->batch * shape->m) * (double)(shape->k * shape->n);
    const fk_contraction_shape gradient = gradient_of_product(shape);
    if (
      shape->compute == FK_BF16 && shape->batch == 1 && shape->transposed_left
      && !shape->transposed_right && shape->m >= 64 && shape->n >= 64 && fk_tiles_available())
      plan_tiles(it, &gradient, &failure);
    else
      plan_matmul(it);
  }
  if (it->method != by_tiles) plan_conversions(it);
  if (it->method == by_primitive && !failure.failed) make_kernels(it, &failure);
  if (it->method == by_primitive && (is_convolution(it) || it->packed) && !failure.failed)
    make_reorder(it, &failure);
  if (failure.failed) {
    if (shape->compute == FK_BF16 && !fk_has_bf16()) {
      size_t length = strlen(message);
      snprintf(message + length, 256 - length, " (this processor has no bf16 arithmetic)");
    }
    fk_contraction_destroy(it);
    return NULL;
  }
  return it;
}

static void unbind(fk_contraction *it) {
  for (int i = 0; i < max_pieces; i += 1) {
    release(&it->left[i]);
    release(&it->right[i]);
    release(&it->out[i]);
    release(&it->bias[i]);
  }
  for (int i = 0; i < it->kernels; i += 1) {
    if (it->kernel[i].scratchpads == NULL) continue;
    for (int worker = 0; worker < it->threads; worker += 1) release(&it->kernel[i].scratchpads[worker]);
    free(it->kernel[i].scratchpads);
    it->kernel[i].scratchpads = NULL;
  }
  release(&it->reorder_from);
  release(&it->reorder_to);
}

void fk_contraction_destroy(fk_contraction *it) {
  unbind(it);
  for (int i = 0; i < it->kernels; i += 1) {
    if (it->kernel[i].primitive != NULL) dnnl_primitive_destroy(it->kernel[i].primitive);
    if (it->kernel[i].description != NULL) dnnl_primitive_desc_destroy(it->kernel[i].description);
  }
  if (it->reorder != NULL) dnnl_primitive_destroy(it->reorder);
  fk_tile_gradient_destroy(it->tiles);
  for (int i = 0; i < it->threads; i += 1)
    if (it->streams[i] != NULL) dnnl_stream_destroy(it->streams[i]);
  free(it->streams);
  free(it);
}

// MARK: - Addresses

static bool sums_partials(const fk_contraction *it) {
  return it->shape.kind == FK_CONV_FILTER && it->pieces > 1;
}

/// How many filters (or right matrices) in the library's format the workspace holds.
static int workspace_filters(const fk_contraction *it) {
  if (it->method == by_tiles) return it->direct ? 0 : it->cut_channels ? 1 : it->pieces;
  if (sums_partials(it)) return it->pieces;
  return it->turned ? 2 : it->reordered ? 1 : 0;  // Turned half round, and in the library's format.
}

static size_t left_copy_bytes(const fk_contraction *it) {
  return it->left_converted ? aligned((size_t)it->left_elements * sizeof(uint16_t)) : 0;
}

static size_t right_copy_bytes(const fk_contraction *it) {
  return it->right_converted ? aligned((size_t)it->right_elements * sizeof(uint16_t)) : 0;
}

static size_t product_bytes(const fk_contraction *it) {
  const fk_contraction_shape *s = &it->shape;
  if (!it->finished_by_hand) return 0;
  return aligned((size_t)(s->images * s->height * s->width * s->channels) * sizeof(float));
}

static void run_reorder(const void *arguments, int piece, int worker);

static bool is_prepared(const fk_contraction *it) {
  return it->reordered && it->shape.kind != FK_CONV_FILTER;
}

size_t fk_contraction_prepared(const fk_contraction *it) {
  return is_prepared(it) ? (size_t)workspace_filters(it) * it->filter_bytes : 0;
}

int fk_contraction_preparation(const fk_contraction *it, void *step) {
  if (!is_prepared(it)) return 0;
  *(fk_step *)step = (fk_step){run_reorder, it, 1};
  return 1;
}

size_t fk_contraction_workspace(const fk_contraction *it) {
  size_t filters = is_prepared(it) ? 0 : (size_t)workspace_filters(it) * it->filter_bytes;
  return filters + left_copy_bytes(it)
    + right_copy_bytes(it) + product_bytes(it) + (size_t)it->threads * it->scratchpad_bytes;
}

/// Sets the arrays of one piece.
static void bind_piece(
  fk_contraction *it, int piece, const void *left, const void *right, const void *out) {
  const kernel *kernel = &it->kernel[it->kernel_of_piece[piece]];
  it->left[piece] = memory(&kernel->left, left);
  it->right[piece] = memory(&kernel->right, right);
  it->out[piece] = memory(&kernel->out, out);
}

static void bind_matmul(
  fk_contraction *it, const char *left, const char *right, char *out, const char *packed) {
  const fk_contraction_shape *shape = &it->shape;
  int64_t left_size = (int64_t)size_of(shape->compute), right_size = left_size;
  int64_t out_size = (int64_t)size_of(shape->out_type);
  for (int i = 0; i < it->pieces; i += 1) {
    int64_t first = it->slices[i].first;
    const char *piece_left = left, *piece_right = right;
    const float *piece_bias = it->operand_bias;
    char *piece_out = out;
    switch (it->cut) {
      case cut_batch:
        piece_left += first * shape->m * shape->k * left_size;
        piece_right += first * shape->k * shape->n * right_size;
        piece_out += first * shape->m * shape->n * out_size;
        break;
      case cut_m:
        piece_left += first * (shape->transposed_left ? 1 : shape->k) * left_size;
        piece_out += first * shape->n * out_size;
        break;
      case cut_n:
        piece_right += first * (shape->transposed_right ? shape->k : 1) * right_size;
        piece_out += first * out_size;
        if (piece_bias != NULL) piece_bias += first;
        break;
    }
    if (it->method == by_blas) {
      it->blas_left[i] = (const float *)piece_left;
      it->blas_right[i] = (const float *)piece_right;
      it->blas_out[i] = (float *)piece_out;
      it->blas_bias[i] = piece_bias;
    } else {
      bind_piece(it, i, piece_left, it->reordered ? packed : piece_right, piece_out);
      if (shape->has_bias)
        it->bias[i] = memory(&it->kernel[it->kernel_of_piece[i]].bias, piece_bias);
    }
  }
}

static void bind_convolution(
  fk_contraction *it, const char *left, const char *right, char *out, char *filters) {
  const fk_contraction_shape *s = &it->shape;
  int64_t image = s->height * s->width * s->channels;
  int64_t result = s->out_height * s->out_width * s->out_channels;
  int64_t size = (int64_t)size_of(s->compute), out_size = (int64_t)size_of(s->out_type);
  bool in_workspace = workspace_filters(it) != 0;
  for (int i = 0; i < it->pieces; i += 1) {
    int64_t first = it->slices[i].first;
    const void *piece_left, *piece_right;
    void *piece_out;
    if (s->kind == FK_CONV_FILTER) {
      it->partial[i] = (float *)(in_workspace ? filters + (size_t)i * it->filter_bytes : out);
      piece_left = left + first * image * size;
      piece_right = right + first * result * size;
      piece_out = it->partial[i];
    } else {
      piece_left = left + first * (s->kind == FK_CONV ? image : result) * size;
      piece_right = in_workspace ? (const void *)filters : right;
      piece_out = out + first * (s->kind == FK_CONV ? result : image) * out_size;
      if (it->finished_by_hand) piece_out = it->product + first * image;
    }
    if (it->method == by_rows) continue;
    bind_piece(it, i, piece_left, piece_right, piece_out);
    if (s->has_bias && !it->finished_by_hand)
      it->bias[i] = memory(&it->kernel[it->kernel_of_piece[i]].bias, it->operand_bias);
  }
  it->sum = it->reordered ? it->partial[0] : (float *)out;
}

void fk_contraction_bind(
  fk_contraction *it, const void *left, const void *right, void *out, const float *bias,
  void *prepared, void *workspace) {
  unbind(it);
  char *next = workspace, *filters = is_prepared(it) ? prepared : workspace;
  it->operand_left = left;
  it->operand_right = right;
  it->operand_bias = bias;
  it->result = out;
  if (workspace != NULL) {
    if (!is_prepared(it)) next += (size_t)workspace_filters(it) * it->filter_bytes;
    it->left_copy = (uint16_t *)next;
    next += left_copy_bytes(it);
    it->right_copy = (uint16_t *)next;
    next += right_copy_bytes(it);
    it->product = (float *)next;
    next += product_bytes(it);
    it->scratchpads = next;
  }
  if (it->left_converted) left = it->left_copy;
  if (it->right_converted) right = it->right_copy;
  if (it->method == by_tiles) {
    for (int i = 0; i < it->pieces; i += 1)
      it->partial[i] = it->direct ? out
                                  : (float *)(filters + (it->cut_channels ? 0 : i) * it->filter_bytes);
  } else if (is_convolution(it)) {
    bind_convolution(it, left, right, out, filters);
  } else {
    bind_matmul(it, left, right, out, filters);
  }
  if (it->reordered && it->shape.kind == FK_CONV_FILTER) {
    it->reorder_from = memory(&it->library_filter, filters);
    it->reorder_to = memory(&it->filter, out);
  } else if (it->reordered) {
    it->turned_filter = it->turned ? filters + it->filter_bytes : NULL;
    it->reorder_from = memory(&it->filter, it->turned ? it->turned_filter : right);
    it->reorder_to = memory(&it->library_filter, filters);
  }
  for (int i = 0; i < it->kernels; i += 1) {
    kernel *kernel = &it->kernel[i];
    const dnnl_memory_desc_t *description = part(kernel, dnnl_query_scratchpad_md);
    if (dnnl_memory_desc_get_size(description) == 0) continue;
    kernel->scratchpads = calloc((size_t)it->threads, sizeof(dnnl_memory_t));
    if (kernel->scratchpads == NULL) must(dnnl_out_of_memory);
    for (int worker = 0; worker < it->threads; worker += 1)
      kernel->scratchpads[worker] =
        memory(description, it->scratchpads + (size_t)worker * it->scratchpad_bytes);
  }
}

// MARK: - Running

/// The bf16 nearest to x, ties to even; a NaN stays one.
static inline uint16_t rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return (uint16_t)(x == x ? nearest : bits >> 16 | 0x40);
}

static inline float widened(uint16_t x) {
  uint32_t bits = (uint32_t)x << 16;
  float wide;
  memcpy(&wide, &bits, sizeof wide);
  return wide;
}

FK_CLONES static void convert(int64_t count, const float *restrict from, uint16_t *restrict to) {
  for (int64_t i = 0; i < count; i += 1) to[i] = rounded(from[i]);
}

static int64_t conversion_pieces(bool converted, int64_t elements) {
  if (!converted) return 0;
  int64_t pieces = (elements + converted_at_once - 1) / converted_at_once;
  return pieces < max_pieces ? pieces : max_pieces;
}

static void run_convert(const void *arguments, int piece, int worker) {
  (void)worker;
  const fk_contraction *it = arguments;
  int64_t pieces = conversion_pieces(it->left_converted, it->left_elements);
  bool left = piece < pieces;
  if (!left) {
    piece -= (int)pieces;
    pieces = conversion_pieces(it->right_converted, it->right_elements);
  }
  int64_t elements = left ? it->left_elements : it->right_elements;
  int64_t first = elements * piece / pieces, end = elements * (piece + 1) / pieces;
  convert(
    end - first, (const float *)(left ? it->operand_left : it->operand_right) + first,
    (left ? it->left_copy : it->right_copy) + first);
}

FK_CLONES static void add_rows(
  int64_t rows, int64_t columns, const float *restrict product, const float *restrict bias,
  bool accumulates, float *restrict out) {
  for (int64_t row = 0; row < rows; row += 1, product += columns, out += columns)
    for (int64_t i = 0; i < columns; i += 1)
      out[i] = (accumulates ? out[i] : 0) + (product[i] + (bias != NULL ? bias[i] : 0));
}

FK_CLONES static void add_rounded_rows(
  int64_t rows, int64_t columns, const float *restrict product, const float *restrict bias,
  bool accumulates, uint16_t *restrict out) {
  for (int64_t row = 0; row < rows; row += 1, product += columns, out += columns)
    for (int64_t i = 0; i < columns; i += 1)
      out[i] = rounded(
        (accumulates ? widened(out[i]) : 0) + (product[i] + (bias != NULL ? bias[i] : 0)));
}

/// What the library's image gradient leaves to do.
static void finish(const fk_contraction *it, int piece) {
  const fk_contraction_shape *s = &it->shape;
  int64_t image = s->height * s->width * s->channels;
  int64_t first = it->slices[piece].first * image;
  int64_t rows = it->slices[piece].count * s->height * s->width;
  const float *bias = s->has_bias ? it->operand_bias : NULL;
  if (s->out_type == FK_BF16)
    add_rounded_rows(
      rows, s->channels, it->product + first, bias, s->accumulates != 0,
      (uint16_t *)it->result + first);
  else
    add_rows(
      rows, s->channels, it->product + first, bias, s->accumulates != 0,
      (float *)it->result + first);
}

static void run_kernel(const void *arguments, int piece, int worker) {
  const fk_contraction *it = arguments;
  const kernel *kernel = &it->kernel[it->kernel_of_piece[piece]];
  static const int roles[4][3] = {
    [FK_MATMUL] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
    [FK_CONV] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
    [FK_CONV_INPUT] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
    [FK_CONV_FILTER] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS},
  };
  const int *role = roles[it->primitive_shape.kind];
  dnnl_exec_arg_t operands[5] = {
    {role[0], it->left[piece]}, {role[1], it->right[piece]}, {role[2], it->out[piece]}};
  int count = 3;
  if (it->bias[piece] != NULL)
    operands[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, it->bias[piece]};
  if (kernel->scratchpads != NULL)
    operands[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, kernel->scratchpads[worker]};
  must(dnnl_primitive_execute(kernel->primitive, it->streams[worker], count, operands));
  if (it->finished_by_hand) finish(it, piece);
}

FK_CLONES static void add_bias(
  int64_t rows, int64_t columns, int64_t stride, const float *restrict bias, float *restrict out) {
  for (int64_t row = 0; row < rows; row += 1, out += stride)
    for (int64_t i = 0; i < columns; i += 1) out[i] += bias[i];
}

static void run_blas(const void *arguments, int piece, int worker) {
  (void)worker;
  const fk_contraction *it = arguments;
  const fk_contraction_shape *shape = &it->shape;
  int64_t count = it->slices[piece].count;
  int64_t m = it->cut == cut_m ? count : shape->m, n = it->cut == cut_n ? count : shape->n;
  bool left = shape->transposed_left != 0, right = shape->transposed_right != 0;
  must(dnnl_sgemm(
    left ? 'T' : 'N', right ? 'T' : 'N', m, n, shape->k, 1, it->blas_left[piece],
    left ? shape->m : shape->k, it->blas_right[piece], right ? shape->k : shape->n,
    shape->accumulates ? 1 : 0, it->blas_out[piece], shape->n));
  if (shape->has_bias) add_bias(m, n, shape->n, it->blas_bias[piece], it->blas_out[piece]);
}

/// Where thin[y, x] and tap[y + dy, x + dx] both exist.
typedef struct {
  int64_t dy, dx, top, bottom, left, right;
} overlap;

static overlap overlap_of_tap(const thin_sizes *sizes, int64_t tap) {
  int64_t dy = sizes->direction * (tap / sizes->filter_width - sizes->padding_top);
  int64_t dx = sizes->direction * (tap % sizes->filter_width - sizes->padding_left);
  int64_t bottom = sizes->height - dy, right = sizes->width - dx;
  return (overlap){
    dy, dx, dy < 0 ? -dy : 0, bottom < sizes->thin_height ? bottom : sizes->thin_height, dx < 0 ? -dx : 0,
    right < sizes->thin_width ? right : sizes->thin_width};
}

/// thin[y, x] = Σ over taps of taps[tap][y + dy, x + dx], in the order of the taps, added to the
/// bias and, where it accumulates, to what thin holds.
FK_CLONES static void add_shifted(
  const thin_sizes *sizes, const float *taps, int64_t tap_stride, bool accumulates, float bias,
  float *thin) {
  for (int64_t i = 0; i < sizes->thin_height * sizes->thin_width; i += 1)
    thin[i] = (accumulates ? thin[i] : 0) + bias;
  for (int64_t tap = 0; tap < sizes->filter_height * sizes->filter_width; tap += 1) {
    overlap o = overlap_of_tap(sizes, tap);
    for (int64_t y = o.top; y < o.bottom; y += 1) {
      const float *restrict from = taps + tap * tap_stride + (y + o.dy) * sizes->width + o.dx;
      float *restrict to = thin + y * sizes->thin_width;
      for (int64_t x = o.left; x < o.right; x += 1) to[x] += from[x];
    }
  }
}

/// taps[tap][y + dy, x + dx] = thin[y, x], and zero elsewhere.
static void spread_shifted(const thin_sizes *sizes, const float *thin, float *taps, int64_t tap_stride) {
  for (int64_t tap = 0; tap < sizes->filter_height * sizes->filter_width; tap += 1) {
    overlap o = overlap_of_tap(sizes, tap);
    float *to = taps + tap * tap_stride;
    memset(to, 0, (size_t)(sizes->height * sizes->width) * sizeof(float));
    if (o.right <= o.left) continue;
    for (int64_t y = o.top; y < o.bottom; y += 1)
      memcpy(
        to + (y + o.dy) * sizes->width + o.dx + o.left, thin + y * sizes->thin_width + o.left,
        (size_t)(o.right - o.left) * sizeof(float));
  }
}

static void run_thin(const void *arguments, int piece, int worker) {
  const fk_contraction *it = arguments;
  thin_sizes sizes = sizes_of_thin(&it->shape);
  int64_t taps = sizes.filter_height * sizes.filter_width, channels = sizes.channels;
  int64_t pixels = sizes.height * sizes.width, thin_pixels = sizes.thin_height * sizes.thin_width;
  float *scratch = (float *)(it->scratchpads + (size_t)worker * it->scratchpad_bytes);
  const float *wide = it->operand_left, *right = it->operand_right;
  float bias = it->shape.has_bias ? it->operand_bias[0] : 0;
  int64_t first = it->slices[piece].first, end = first + it->slices[piece].count;
  for (int64_t image = first; image < end; image += it->thin_block) {
    int64_t images = end - image < it->thin_block ? end - image : it->thin_block, columns = images * pixels;
    if (it->shape.kind == FK_CONV_FILTER) {
      for (int64_t i = 0; i < images; i += 1)
        spread_shifted(&sizes, right + (image + i) * thin_pixels, scratch + i * pixels, columns);
      must(dnnl_sgemm(
        'N', 'N', taps, channels, columns, 1, scratch, columns, wide + image * pixels * channels, channels,
        image == first ? 0 : 1, it->partial[piece], channels));
    } else {
      must(dnnl_sgemm(
        'N', 'T', taps, columns, channels, 1, right, channels, wide + image * pixels * channels, channels,
        0, scratch, columns));
      for (int64_t i = 0; i < images; i += 1)
        add_shifted(
          &sizes, scratch + i * pixels, columns, it->shape.accumulates != 0, bias,
          (float *)it->result + (image + i) * thin_pixels);
    }
  }
}

static void run_tiles(const void *arguments, int piece, int worker) {
  const fk_contraction *it = arguments;
  bool product = it->shape.kind == FK_MATMUL;
  slice images = {0, product ? it->shape.k : it->shape.images};
  slice channels = {0, product ? it->shape.m : it->shape.channels};
  *(it->cut_channels ? &channels : &images) = it->slices[piece];
  fk_tile_gradient_run(
    it->tiles, it->operand_left, it->operand_right, images.first, images.count, channels.first,
    channels.count, it->scratchpads + (size_t)worker * it->scratchpad_bytes, it->partial[piece]);
}

static void run_reorder(const void *arguments, int piece, int worker) {
  (void)piece;
  const fk_contraction *it = arguments;
  if (it->turned) {
    int64_t taps = it->shape.filter_height * it->shape.filter_width;
    size_t bytes = (size_t)(it->shape.channels * it->shape.out_channels) * size_of(it->shape.right_type);
    for (int64_t tap = 0; tap < taps; tap += 1)
      memcpy(
        it->turned_filter + (size_t)(taps - 1 - tap) * bytes,
        (const char *)it->operand_right + (size_t)tap * bytes, bytes);
  }
  const dnnl_exec_arg_t operands[2] = {{DNNL_ARG_FROM, it->reorder_from}, {DNNL_ARG_TO, it->reorder_to}};
  must(dnnl_primitive_execute(it->reorder, it->streams[worker], 2, operands));
}

// Always the same tree: (0 + 1) + (2 + 3).
FK_CLONES static void add_partials(
  int64_t count, int partials, const float *a, const float *b, const float *c, const float *d, float *out) {
  if (partials == 2) {
    for (int64_t i = 0; i < count; i += 1) out[i] = a[i] + b[i];
  } else if (partials == 3) {
    for (int64_t i = 0; i < count; i += 1) out[i] = (a[i] + b[i]) + c[i];
  } else {
    for (int64_t i = 0; i < count; i += 1) out[i] = (a[i] + b[i]) + (c[i] + d[i]);
  }
}

static int64_t sum_piece_elements(const fk_contraction *it) {
  int64_t quarter = (it->partial_elements + max_pieces - 1) / max_pieces;
  return quarter < summed_at_once ? summed_at_once : (quarter + 15) / 16 * 16;
}

static int64_t tile_sum_pieces(const fk_contraction *it) {
  int64_t pieces = (it->partial_elements + summed_at_once - 1) / summed_at_once;
  return pieces < max_pieces ? pieces : max_pieces;
}

static void run_sum(const void *arguments, int piece, int worker) {
  (void)worker;
  const fk_contraction *it = arguments;
  int64_t size = sum_piece_elements(it), first = piece * size;
  int64_t count = it->partial_elements - first < size ? it->partial_elements - first : size;
  const float *third = it->pieces > 2 ? it->partial[2] + first : NULL;
  const float *fourth = it->pieces > 3 ? it->partial[3] + first : NULL;
  add_partials(
    count, it->pieces, it->partial[0] + first, it->partial[1] + first, third, fourth, it->sum + first);
}

/// Adds the sums of tiles, without the rows and columns that fill them up, and stores them.
FK_CLONES static void run_tile_sum(const void *arguments, int piece, int worker) {
  (void)worker;
  const fk_contraction *it = arguments;
  const fk_contraction_shape *s = &it->shape;
  bool product = s->kind == FK_MATMUL;
  int64_t channels = product ? s->m : s->channels, n = product ? s->n : s->out_channels;
  int64_t rows = it->partial_elements / n, pieces = tile_sum_pieces(it);
  int64_t tile_rows = fk_tile_gradient_rows(it->tiles);
  int64_t tile_columns = fk_tile_gradient_columns(it->tiles);
  int partials = it->cut_channels ? 1 : it->pieces;
  for (int64_t row = rows * piece / pieces; row < rows * (piece + 1) / pieces; row += 1) {
    int64_t from = (row / channels * tile_rows + row % channels) * tile_columns;
    // Into the first partial sum, which nobody reads again.
    float *sum = it->partial[0] + from;
    if (partials > 1)
      add_partials(
        n, partials, sum, it->partial[1] + from, partials > 2 ? it->partial[2] + from : NULL,
        partials > 3 ? it->partial[3] + from : NULL, sum);
    const float *bias = s->has_bias ? it->operand_bias : NULL;
    if (s->out_type == FK_BF16)
      add_rounded_rows(1, n, sum, bias, s->accumulates != 0, (uint16_t *)it->result + row * n);
    else
      add_rows(1, n, sum, bias, s->accumulates != 0, (float *)it->result + row * n);
  }
}

int fk_contraction_steps(const fk_contraction *it, void *steps, const char **names) {
  fk_step *step = steps;
  int count = 0;
  bool filter_is_result = it->shape.kind == FK_CONV_FILTER;
  int64_t conversions = conversion_pieces(it->left_converted, it->left_elements)
    + conversion_pieces(it->right_converted, it->right_elements);
  if (conversions > 0) {
    step[count] = (fk_step){run_convert, it, (int)conversions};
    names[count++] = "convert";
  }
  static const char *const kinds[4] = {
    [FK_MATMUL] = "matmul", [FK_CONV] = "conv", [FK_CONV_INPUT] = "convInput", [FK_CONV_FILTER] = "convFilter"};
  static void (*const runs[4])(const void *, int, int) = {
    [by_primitive] = run_kernel,
    [by_blas] = run_blas,
    [by_rows] = run_thin,
    [by_tiles] = run_tiles,
  };
  step[count] = (fk_step){runs[it->method], it, it->pieces};
  names[count++] = kinds[it->shape.kind];
  if (it->method == by_tiles) {
    if (!it->direct) {
      step[count] = (fk_step){run_tile_sum, it, (int)tile_sum_pieces(it)};
      names[count++] = "sum";
    }
    return count;
  }
  if (sums_partials(it)) {
    int64_t size = sum_piece_elements(it);
    step[count] = (fk_step){run_sum, it, (int)((it->partial_elements + size - 1) / size)};
    names[count++] = "sum";
  }
  if (it->reordered && filter_is_result) {
    step[count] = (fk_step){run_reorder, it, 1};
    names[count++] = "reorder";
  }
  return count;
}

const char *fk_contraction_implementation(const fk_contraction *it) {
  if (it->method == by_blas) return "blas:jit";
  if (it->method == by_rows) return "rows:jit";
  if (it->method == by_tiles) return "tiles:avx512_core_amx_bf16";
  const char *name = "unknown";
  dnnl_primitive_desc_query(it->kernel[0].description, dnnl_query_impl_info_str, 0, &name);
  return name;
}

int fk_has_bf16(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

int fk_has_tiles(void) { return fk_tiles_available() ? 1 : 0; }

double fk_contraction_flops(const fk_contraction *it) { return it->flops; }
