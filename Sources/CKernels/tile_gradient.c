#include "tile_gradient.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

// A tile has 16 rows of 64 bytes: 32 pixels of one channel, or of an image's gradient 16 channels
// of two pixels.
enum { tile = 16, tile_pixels = 32, line = 64 };
// Pixels copied at a time (at least one image), and pixels multiplied at a time: so few that two
// rows of tiles of either copy stay in L1 over the taps.
enum { block_pixels = 512, panel_pixels = 288 };

#define TILES \
  __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

struct fk_tile_gradient {
  fk_contraction_shape shape;
  int64_t rows, columns;  // Whole tiles.
  // Pixel (y, x) of image i of a block has the place (i * image_rows + y) * pitch + x.
  int64_t pitch, image_rows, block_images, block_pixels;
  // With a stride an image is copied as one plane for each phase, in which neighbours in a row are
  // a stride apart. A channel of a plane takes `length` places.
  int64_t phases, column_phases, length;
  // The gradients are copied in pairs of places, from the even ones on and, where a tap is an odd
  // way off, from the odd ones too. Place 0 is at `before`, an even number.
  int64_t before, pairs;
  bool parity[2];
  // Pixel of a block at each place of a plane, and of the gradients; a number beyond any pixel for
  // none.
  uint32_t *image_places, *gradient_places;
  char *zeros;  // A pixel of either.
  // The taps, those of even offsets first: the offset leads from a place of a plane to
  // its gradient, from the copy's beginning.
  int64_t taps;
  struct {
    int64_t index, phase, offset;
  } *tap;
};

static const uint32_t nowhere = UINT32_MAX;

bool fk_tiles_available(void) {
  if ((dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_amx) != dnnl_cpu_isa_avx512_core_amx)
    return false;
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

// MARK: - Layout

static int64_t divided_down(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t rounded_up(int64_t a, int64_t unit) { return (a + unit - 1) / unit * unit; }

/// Extent of a filter's taps along one axis.
typedef struct {
  int64_t least, most;  // Offsets, in steps of the stride.
  int64_t size;         // Places of an image that some tap reads.
  int64_t pitch;        // From one row (image) to the next.
} extent;

static extent extent_of(
  int64_t size, int64_t taps, int64_t out_size, int64_t stride, int64_t padding) {
  extent e;
  e.least = divided_down(-padding, stride);
  e.most = divided_down(taps - 1 - padding, stride);
  e.size = larger(smaller((size + stride - 1) / stride, out_size + e.most), 0);
  e.pitch = larger(out_size + larger(e.most, 0), e.size + larger(-e.least, 0));
  return e;
}

static int64_t image_pixels(const fk_tile_gradient *it) { return it->pitch * it->image_rows; }

/// Chooses the sizes of the copies.
static void lay_out(fk_tile_gradient *it, extent y, extent x) {
  const fk_contraction_shape *s = &it->shape;
  it->rows = rounded_up(s->channels, tile);
  it->columns = rounded_up(s->out_channels, tile);
  it->pitch = x.pitch;
  it->image_rows = y.pitch;
  it->block_images = smaller(larger(block_pixels / image_pixels(it), 1), s->images);
  it->block_pixels = rounded_up(it->block_images * image_pixels(it), tile_pixels);
  it->column_phases = smaller(s->stride, s->filter_width);
  it->phases = smaller(s->stride, s->filter_height) * it->column_phases;
  // An odd number of cache lines: the rows of a tile then lie in different sets of the cache.
  it->length = it->block_pixels + (it->block_pixels / tile_pixels % 2 == 0 ? tile_pixels : 0);
  it->before = rounded_up(larger(y.most * it->pitch + x.most, 0), 2);
  int64_t after = larger(-(y.least * it->pitch + x.least), 0);
  it->pairs = rounded_up(it->before + it->block_pixels + after, tile_pixels) / 2;
  it->taps = s->filter_height * s->filter_width;
}

/// Orders the taps, those of even offsets first.
static void order_taps(fk_tile_gradient *it) {
  const fk_contraction_shape *s = &it->shape;
  int64_t taps = 0;
  for (int odd = 0; odd < 2; odd += 1) {
    for (int64_t index = 0; index < it->taps; index += 1) {
      int64_t u = index / s->filter_width, v = index % s->filter_width;
      int64_t down = divided_down(u - s->padding_top, s->stride);
      int64_t across = divided_down(v - s->padding_left, s->stride);
      int64_t offset = it->before - (down * it->pitch + across);
      if (offset % 2 != odd) continue;
      it->parity[odd] = true;
      it->tap[taps].index = index;
      it->tap[taps].phase = u % s->stride * it->column_phases + v % s->stride;
      it->tap[taps].offset = offset;
      taps += 1;
    }
  }
}

/// Finds the pixel at each place of the planes of the images.
static void place_images(fk_tile_gradient *it, extent y, extent x) {
  const fk_contraction_shape *s = &it->shape;
  for (int64_t phase = 0; phase < it->phases; phase += 1) {
    int64_t u = phase / it->column_phases - s->padding_top;
    int64_t v = phase % it->column_phases - s->padding_left;
    int64_t top = u - divided_down(u, s->stride) * s->stride;
    int64_t left = v - divided_down(v, s->stride) * s->stride;
    for (int64_t place = 0; place < it->length; place += 1) {
      int64_t image = place / image_pixels(it);
      int64_t row = place % image_pixels(it) / it->pitch, column = place % it->pitch;
      bool inside = image < it->block_images && row < y.size && column < x.size
        && row * s->stride + top < s->height && column * s->stride + left < s->width;
      it->image_places[phase * it->length + place] = !inside ? nowhere
        : (uint32_t)((image * s->height + row * s->stride + top) * s->width
                     + column * s->stride + left);
    }
  }
}

/// Finds the pixel at each of `count` places of the gradients.
static void place_gradients(fk_tile_gradient *it, int64_t count) {
  const fk_contraction_shape *s = &it->shape;
  for (int64_t i = 0; i < count; i += 1) {
    int64_t place = i - it->before, image = place < 0 ? 0 : place / image_pixels(it);
    int64_t row = place % image_pixels(it) / it->pitch, column = place % it->pitch;
    bool inside =
      place >= 0 && image < it->block_images && row < s->out_height && column < s->out_width;
    it->gradient_places[i] = !inside ? nowhere
      : (uint32_t)((image * s->out_height + row) * s->out_width + column);
  }
}

fk_tile_gradient *fk_tile_gradient_create(const fk_contraction_shape *s) {
  fk_tile_gradient *it = calloc(1, sizeof(fk_tile_gradient));
  if (it == NULL) return NULL;
  it->shape = *s;
  extent y = extent_of(s->height, s->filter_height, s->out_height, s->stride, s->padding_top);
  extent x = extent_of(s->width, s->filter_width, s->out_width, s->stride, s->padding_left);
  lay_out(it, y, x);
  // One pair more, as the odd pairs end a place later.
  int64_t gradient_places = 2 * it->pairs + tile_pixels;
  it->image_places = malloc((size_t)(it->phases * it->length) * sizeof(uint32_t));
  it->gradient_places = malloc((size_t)gradient_places * sizeof(uint32_t));
  it->tap = malloc((size_t)it->taps * sizeof(*it->tap));
  it->zeros = calloc((size_t)larger(it->rows, it->columns), sizeof(float));
  if (
    it->image_places == NULL || it->gradient_places == NULL || it->tap == NULL
    || it->zeros == NULL) {
    fk_tile_gradient_destroy(it);
    return NULL;
  }
  order_taps(it);
  place_images(it, y, x);
  place_gradients(it, gradient_places);
  return it;
}

void fk_tile_gradient_destroy(fk_tile_gradient *it) {
  if (it == NULL) return;
  free(it->image_places);
  free(it->gradient_places);
  free(it->tap);
  free(it->zeros);
  free(it);
}

static size_t image_bytes(const fk_tile_gradient *it) {
  return (size_t)(it->phases * it->rows * it->length) * sizeof(uint16_t);
}

/// Elements of one copy of the gradients.
static int64_t gradient_elements(const fk_tile_gradient *it) { return it->columns * it->pairs * 2; }

size_t fk_tile_gradient_scratch(const fk_tile_gradient *it) {
  int copies = it->parity[0] + it->parity[1];
  return image_bytes(it) + (size_t)(copies * gradient_elements(it)) * sizeof(uint16_t);
}

int64_t fk_tile_gradient_rows(const fk_tile_gradient *it) { return it->rows; }
int64_t fk_tile_gradient_columns(const fk_tile_gradient *it) { return it->columns; }

// MARK: - Copies

/// Sixteen channels of a pixel, rounded to bf16; zero where the mask says so.
TILES static inline __m256i channels_of(
  const char *pixel, int64_t channel, bool bf16, __mmask16 mask) {
  if (bf16) return _mm256_maskz_loadu_epi16(mask, pixel + 2 * channel);
  return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, pixel + 4 * channel));
}

/// The same channel of two pixels side by side.
TILES static inline __m512i paired(__m256i even, __m256i odd) {
  const __m512i interleaved = _mm512_set_epi16(
    31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3,
    18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(
    interleaved, _mm512_inserti64x4(_mm512_castsi256_si512(even), odd, 1));
}

/// Addresses of the pixels of places. `limit` is the number of pixels. (Zeros to read cost less
/// than masks for what is missing: a mask's way to its register competes with the permutations.)
static inline void find(
  const fk_tile_gradient *it, const uint32_t *places, const char *base, int64_t pixel_bytes,
  uint32_t limit, const char *pixel[tile_pixels]) {
  for (int i = 0; i < tile_pixels; i += 1)
    pixel[i] = places[i] < limit ? base + (int64_t)places[i] * pixel_bytes : it->zeros;
}

static inline __mmask16 mask_of(int64_t channel, int64_t end) {
  return end - channel >= tile ? 0xFFFF : (__mmask16)((1u << (end - channel)) - 1);
}

/// 16 rows of 16 words become 16 columns.
TILES static inline void transpose(__m512i r[tile]) {
  __m512i t[tile];
  for (int i = 0; i < tile; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < tile; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i += 1) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xDD);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xDD);
  }
  for (int i = 0; i < 4; i += 1) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xDD);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xDD);
  }
}

/// A plane of the images: [channel][place].
TILES static inline void copy_images(
  const fk_tile_gradient *it, const uint32_t *places, int64_t length, const char *images,
  uint32_t limit, bool bf16, int64_t first_channel, int64_t end, uint16_t *out) {
  int64_t pixel_bytes = it->shape.channels * (bf16 ? 2 : 4);
  for (int64_t i = 0; i < length; i += tile_pixels) {
    const char *pixel[tile_pixels];
    find(it, places + i, images, pixel_bytes, limit, pixel);
    for (int64_t channel = first_channel; channel < end; channel += tile) {
      __mmask16 mask = mask_of(channel, end);
      uint16_t *to = out + channel * it->length + i;
      __m512i rows[tile];
      for (int j = 0; j < tile; j += 1)
        rows[j] = paired(
          channels_of(pixel[2 * j], channel, bf16, mask),
          channels_of(pixel[2 * j + 1], channel, bf16, mask));
      transpose(rows);
      for (int j = 0; j < tile; j += 1) _mm512_store_si512(to + j * it->length, rows[j]);
    }
  }
}

/// The gradients: [16 out channels][pair of places][out channel][place of the pair].
TILES static inline void copy_gradients(
  const fk_tile_gradient *it, const uint32_t *places, int64_t pairs, const char *gradients,
  uint32_t limit, bool bf16, uint16_t *out) {
  int64_t end = it->shape.out_channels, pixel_bytes = end * (bf16 ? 2 : 4);
  for (int64_t i = 0; i < pairs; i += tile) {
    const char *pixel[tile_pixels];
    find(it, places + 2 * i, gradients, pixel_bytes, limit, pixel);
    for (int64_t channel = 0; channel < end; channel += tile) {
      __mmask16 mask = mask_of(channel, end);
      uint16_t *to = out + (channel * it->pairs + i * tile) * 2;
      for (int j = 0; j < tile; j += 1)
        _mm512_store_si512(
          to + j * tile_pixels,
          paired(
            channels_of(pixel[2 * j], channel, bf16, mask),
            channels_of(pixel[2 * j + 1], channel, bf16, mask)));
    }
  }
}

// MARK: - Products

typedef struct {
  const char *left, *right;  // The first tile of each.
  int64_t left_stride, next_left, next_right;  // Bytes from row to row, and from tile to tile.
  int64_t steps;
  char *sum;
  int64_t sum_stride;
  bool from_zero;
} product;

// Adds the product of `rows` tiles by `columns` tiles to the sum's: tiles 0 to 3 are sums, 4 and 5
// left, 6 and 7 right.
TILES static inline void multiply(const product *p, int rows, int columns) {
  enum { tile_bytes = tile * line };
  char *below = p->sum + tile * p->sum_stride;
  if (p->from_zero) {
    _tile_zero(0);
    if (columns == 2) _tile_zero(1);
    if (rows == 2) _tile_zero(2);
    if (rows == 2 && columns == 2) _tile_zero(3);
  } else {
    _tile_loadd(0, p->sum, p->sum_stride);
    if (columns == 2) _tile_loadd(1, p->sum + line, p->sum_stride);
    if (rows == 2) _tile_loadd(2, below, p->sum_stride);
    if (rows == 2 && columns == 2) _tile_loadd(3, below + line, p->sum_stride);
  }
  const char *left = p->left, *right = p->right;
  for (int64_t i = 0; i < p->steps; i += 1, left += line, right += tile_bytes) {
    _tile_loadd(4, left, p->left_stride);
    _tile_loadd(6, right, line);
    _tile_dpbf16ps(0, 4, 6);
    if (columns == 2) {
      _tile_loadd(7, right + p->next_right, line);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (rows == 2) {
      _tile_loadd(5, left + p->next_left, p->left_stride);
      _tile_dpbf16ps(2, 5, 6);
      if (columns == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, p->sum, p->sum_stride);
  if (columns == 2) _tile_stored(1, p->sum + line, p->sum_stride);
  if (rows == 2) _tile_stored(2, below, p->sum_stride);
  if (rows == 2 && columns == 2) _tile_stored(3, below + line, p->sum_stride);
}

TILES static void multiply_taps(
  const fk_tile_gradient *it, const uint16_t *images, const uint16_t *gradients,
  const uint16_t *odd_gradients, int64_t pixels, bool from_zero, int64_t first_channel,
  int64_t end_channel, float *sum) {
  product p = {
    .left_stride = it->length * 2,
    .next_left = it->length * 2 * tile,
    .next_right = it->pairs * line,
    .sum_stride = it->columns * 4,
  };
  // Nearly equal panels.
  int64_t panels = (pixels + panel_pixels - 1) / panel_pixels;
  int64_t panel = rounded_up((pixels + panels - 1) / panels, tile_pixels);
  for (int64_t first = 0; first < pixels; first += panel) {
    p.steps = smaller(pixels - first, panel) / tile_pixels;
    p.from_zero = from_zero && first == 0;
    for (int64_t column = 0; column < it->columns; column += 2 * tile) {
      bool wide = column + tile < it->columns;
      for (int64_t channel = first_channel; channel < end_channel; channel += 2 * tile) {
        bool tall = channel + tile < end_channel;
        for (int64_t tap = 0; tap < it->taps; tap += 1) {
          int64_t offset = it->tap[tap].offset;
          const uint16_t *from = offset % 2 == 0 ? gradients : odd_gradients;
          p.right = (const char *)(from + (column * it->pairs + (offset + first) / 2 * tile) * 2);
          p.left =
            (const char *)(images + (it->tap[tap].phase * it->rows + channel) * it->length + first);
          p.sum =
            (char *)(sum + (it->tap[tap].index * it->rows + channel) * it->columns + column);
          if (tall && wide) {
            multiply(&p, 2, 2);
          } else if (tall) {
            multiply(&p, 2, 1);
          } else if (wide) {
            multiply(&p, 1, 2);
          } else {
            multiply(&p, 1, 1);
          }
        }
      }
    }
  }
}

TILES void fk_tile_gradient_run(
  const fk_tile_gradient *it, const void *images, const void *gradients, int64_t first,
  int64_t count, int64_t first_channel, int64_t channels, void *scratch, float *sum) {
  static const struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } configuration __attribute__((aligned(64))) = {
    .palette = 1,
    .bytes = {line, line, line, line, line, line, line, line},
    .rows = {tile, tile, tile, tile, tile, tile, tile, tile},
  };
  const fk_contraction_shape *s = &it->shape;
  bool image_bf16 = s->left_type == FK_BF16, gradient_bf16 = s->right_type == FK_BF16;
  int64_t image_size = s->height * s->width, gradient_size = s->out_height * s->out_width;
  uint16_t *planes = scratch, *even = (uint16_t *)((char *)scratch + image_bytes(it));
  uint16_t *odd = it->parity[0] ? even + gradient_elements(it) : even;
  int64_t end = first_channel + channels;
  _tile_loadconfig(&configuration);
  for (int64_t done = 0; done < count; done += it->block_images) {
    int64_t block = smaller(count - done, it->block_images), image = first + done;
    int64_t pixels = rounded_up(block * it->pitch * it->image_rows, tile_pixels);
    for (int64_t phase = 0; phase < it->phases; phase += 1) {
      const uint32_t *places = it->image_places + phase * it->length;
      const char *from =
        (const char *)images + image * image_size * s->channels * (image_bf16 ? 2 : 4);
      uint16_t *to = planes + phase * it->rows * it->length;
      uint32_t limit = (uint32_t)(block * image_size);
      if (image_bf16)
        copy_images(it, places, pixels, from, limit, true, first_channel, end, to);
      else
        copy_images(it, places, pixels, from, limit, false, first_channel, end, to);
    }
    const char *from =
      (const char *)gradients + image * gradient_size * s->out_channels * (gradient_bf16 ? 2 : 4);
    uint32_t limit = (uint32_t)(block * gradient_size);
    // The last place that taps read for this many pixels.
    int64_t pairs = it->pairs - (it->block_pixels - pixels) / 2;
    for (int parity = 0; parity < 2; parity += 1) {
      if (!it->parity[parity]) continue;
      uint16_t *to = parity == 0 ? even : odd;
      if (gradient_bf16)
        copy_gradients(it, it->gradient_places + parity, pairs, from, limit, true, to);
      else
        copy_gradients(it, it->gradient_places + parity, pairs, from, limit, false, to);
    }
    multiply_taps(it, planes, even, odd, pixels, done == 0, first_channel, end, sum);
  }
  _tile_release();
}

#else

#include <stddef.h>

bool fk_tiles_available(void) { return false; }
fk_tile_gradient *fk_tile_gradient_create(const fk_contraction_shape *shape) {
  (void)shape;
  return NULL;
}
void fk_tile_gradient_destroy(fk_tile_gradient *it) { (void)it; }
size_t fk_tile_gradient_scratch(const fk_tile_gradient *it) {
  (void)it;
  return 0;
}
int64_t fk_tile_gradient_rows(const fk_tile_gradient *it) {
  (void)it;
  return 0;
}
int64_t fk_tile_gradient_columns(const fk_tile_gradient *it) {
  (void)it;
  return 0;
}
void fk_tile_gradient_run(
  const fk_tile_gradient *it, const void *images, const void *gradients, int64_t first,
  int64_t count, int64_t first_channel, int64_t channels, void *scratch, float *sum) {
  (void)it, (void)images, (void)gradients, (void)first, (void)count, (void)first_channel;
  (void)channels, (void)scratch, (void)sum;
}

#endif
