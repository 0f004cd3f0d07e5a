#include "contraction_method.h"

#include "clones.h"
#include "contraction_parts.h"
#include "contraction_library.h"

#include <stdlib.h>
#include <string.h>

enum { block_pixels = 1024 };

/// The two images of a thin correlation, and where tap (u, v) of the wide one lies for pixel (0, 0)
/// of the thin one: at (direction * (u - padding_top), direction * (v - padding_left)).
typedef struct {
  int64_t height, width, channels, thin_height, thin_width, filter_height, filter_width;
  int64_t padding_top, padding_left, direction;
} sizes;

/// A correlation of stride 1 between an image of many channels (the wide one) and an image of one
/// channel (the thin one), in fp32, whose result is the thin image or the filter.
///
/// oneDNN's direct kernels fill one lane of sixteen with it. A filter is a [taps, channels] matrix
/// here, so that a matrix product and shifted sums of whole rows compute it.
typedef struct {
  fk_contraction common;
  sizes sizes;
  int64_t block;  // Images at a time.
  size_t scratch_bytes;
  char *scratch;
  const float *wide, *right, *bias;
  float *result;
  fk_partials partials;
} thin;

static sizes sizes_of(const fk_contraction_shape *s) {
  if (s->kind == FK_CONV_INPUT)
    return (sizes){s->out_height, s->out_width, s->out_channels, s->height, s->width,
                   s->filter_height, s->filter_width, s->padding_top, s->padding_left, -1};
  return (sizes){s->height, s->width, s->channels, s->out_height, s->out_width,
                 s->filter_height, s->filter_width, s->padding_top, s->padding_left, 1};
}

static const char *implementation(const fk_contraction *it) {
  (void)it;
  return "rows:jit";
}

/// Bytes of the partial filter gradients in the workspace.
static size_t partial_bytes(const thin *it) {
  return it->partials.count > 1 ? (size_t)it->partials.count * it->partials.bytes : 0;
}

static size_t workspace(const fk_contraction *contraction) {
  const thin *it = (const thin *)contraction;
  return partial_bytes(it) + (size_t)contraction->threads * it->scratch_bytes;
}

static void bind(fk_contraction *contraction, const fk_operands *operands) {
  thin *it = (thin *)contraction;
  it->wide = operands->left;
  it->right = operands->right;
  it->bias = operands->bias;
  it->result = operands->out;
  char *next = operands->workspace;
  fk_bind_partials(&it->partials, partial_bytes(it), operands->out, &next);
  it->partials.sum = operands->out;
  it->scratch = next;
}

// MARK: - Running

/// Pixels at which thin[y, x] and tap[y + dy, x + dx] both exist.
typedef struct {
  int64_t dy, dx, top, bottom, left, right;
} overlap;

static overlap overlap_of_tap(const sizes *sizes, int64_t tap) {
  int64_t dy = sizes->direction * (tap / sizes->filter_width - sizes->padding_top);
  int64_t dx = sizes->direction * (tap % sizes->filter_width - sizes->padding_left);
  int64_t bottom = sizes->height - dy, right = sizes->width - dx;
  return (overlap){
    dy, dx, dy < 0 ? -dy : 0, bottom < sizes->thin_height ? bottom : sizes->thin_height,
    dx < 0 ? -dx : 0, right < sizes->thin_width ? right : sizes->thin_width};
}

/// thin[y, x] = Σ over taps of taps[tap][y + dy, x + dx], in the order of the taps, added to the
/// bias and, where it accumulates, to what thin holds.
FK_CLONES static void add_shifted(
  const sizes *sizes, const float *taps, int64_t tap_stride, bool accumulates, float bias,
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
static void spread_shifted(
  const sizes *sizes, const float *thin, float *taps, int64_t tap_stride) {
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

static void run(const void *arguments, int piece, int worker) {
  const thin *it = arguments;
  const fk_contraction_shape *shape = &it->common.shape;
  const sizes *sizes = &it->sizes;
  int64_t taps = sizes->filter_height * sizes->filter_width, channels = sizes->channels;
  int64_t pixels = sizes->height * sizes->width;
  int64_t thin_pixels = sizes->thin_height * sizes->thin_width;
  float *scratch = (float *)(it->scratch + (size_t)worker * it->scratch_bytes);
  float bias = shape->has_bias ? it->bias[0] : 0;
  int64_t first = it->common.cut.slices[piece].first;
  int64_t end = first + it->common.cut.slices[piece].count;
  for (int64_t image = first; image < end; image += it->block) {
    int64_t images = end - image < it->block ? end - image : it->block, columns = images * pixels;
    const float *wide = it->wide + image * pixels * channels;
    if (shape->kind == FK_CONV_FILTER) {
      for (int64_t i = 0; i < images; i += 1)
        spread_shifted(
          sizes, it->right + (image + i) * thin_pixels, scratch + i * pixels, columns);
      fk_must(dnnl_sgemm(
        'N', 'N', taps, channels, columns, 1, scratch, columns, wide, channels,
        image == first ? 0 : 1, it->partials.part[piece], channels));
    } else {
      fk_must(dnnl_sgemm(
        'N', 'T', taps, columns, channels, 1, it->right, channels, wide, channels, 0, scratch,
        columns));
      for (int64_t i = 0; i < images; i += 1)
        add_shifted(
          sizes, scratch + i * pixels, columns, shape->accumulates != 0, bias,
          it->result + (image + i) * thin_pixels);
    }
  }
}

static int steps(const fk_contraction *contraction, fk_step *steps, const char **names) {
  const thin *it = (const thin *)contraction;
  steps[0] = (fk_step){run, it, contraction->cut.pieces};
  names[0] = fk_contraction_step_name(&contraction->shape);
  return fk_partials_step(&it->partials, steps, names, 1);
}

static void destroy(fk_contraction *it) { free(it); }

// MARK: - Creation

static const fk_method method = {
  .implementation = implementation,
  .workspace = workspace,
  .bind = bind,
  .steps = steps,
  .destroy = destroy,
};

fk_contraction *fk_create_thin(const fk_contraction *plan, fk_failure *failure) {
  thin *it = fk_allocate_contraction(plan, &method, sizeof(thin), failure);
  if (it == NULL) return NULL;
  it->sizes = sizes_of(&plan->shape);
  int64_t pixels = it->sizes.height * it->sizes.width;
  int64_t taps = it->sizes.filter_height * it->sizes.filter_width;
  int64_t largest = plan->cut.slices[plan->cut.pieces - 1].count;
  // Without AVX-512 the last pixels of a block are summed in another order: then a block is an
  // image.
  it->block = pixels >= block_pixels || !fk_has_avx512() ? 1 : block_pixels / pixels;
  if (it->block > largest) it->block = largest;
  it->scratch_bytes = fk_aligned((size_t)(taps * pixels * it->block) * sizeof(float));
  it->partials.count = plan->shape.kind == FK_CONV_FILTER ? plan->cut.pieces : 1;
  it->partials.elements = taps * it->sizes.channels;
  it->partials.bytes = fk_aligned((size_t)it->partials.elements * sizeof(float));
  return &it->common;
}
