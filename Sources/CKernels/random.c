#include "random.h"

#include "functions_internal.h"

enum { ROUNDS = 10, BLOCKS = 256 };

typedef struct {
  uint32_t words[4];
} philox_block;

/// Words are kept in 64 bits, of which the upper half may be anything, so that a round is two multiplications, two
/// shifts and four exclusive ors, with nothing to widen or to narrow.
FK_INLINE philox_block philox(uint64_t c0, uint64_t c1, uint64_t c2, uint64_t c3, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t left = 0xd2511f53u * (c0 & 0xffffffffu);
    uint64_t right = 0xcd9e8d57u * (c2 & 0xffffffffu);
    c0 = right >> 32 ^ c1 ^ k0;
    c1 = right;
    c2 = left >> 32 ^ c3 ^ k1;
    c3 = left;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return (philox_block) {{(uint32_t) c0, (uint32_t) c1, (uint32_t) c2, (uint32_t) c3}};
}

void fk_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t result[4]) {
  philox_block block = philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  for (int word = 0; word < 4; word++) result[word] = block.words[word];
}

/// A batch of blocks, which may belong to several rows, and the elements they become.
typedef struct {
  uint32_t counter[BLOCKS], key_low[BLOCKS], key_high[BLOCKS];
  uint32_t words[4][BLOCKS];
  float values[4 * BLOCKS];
} batch;

FK_INLINE float uniform(uint32_t word) {
  // Through int32_t: x86-64 converts unsigned words only from AVX-512 on, and these have 24 bits.
  return (float) (int32_t) (word >> 8) * 0x1p-24f;
}

FK_CLONES
static void draw_batch(
  batch *all, int count, uint32_t site, uint32_t run_low, uint32_t run_high, fk_distribution distribution)
{
  uint32_t *x0 = all->words[0], *x1 = all->words[1], *x2 = all->words[2], *x3 = all->words[3];
  float *values = all->values;
  FK_VECTORIZE
  for (int i = 0; i < count; i++) {
    philox_block block = philox(all->counter[i], site, run_low, run_high, all->key_low[i], all->key_high[i]);
    x0[i] = block.words[0];
    x1[i] = block.words[1];
    x2[i] = block.words[2];
    x3[i] = block.words[3];
  }
  if (distribution == FK_UNIFORM) {
    FK_VECTORIZE
    for (int i = 0; i < count; i++) {
      values[4 * i] = uniform(x0[i]);
      values[4 * i + 1] = uniform(x1[i]);
      values[4 * i + 2] = uniform(x2[i]);
      values[4 * i + 3] = uniform(x3[i]);
    }
  } else {
    FK_VECTORIZE
    for (int i = 0; i < count; i++) {
      float r = sqrt_float(-2 * log_float((float) x0[i] * 0x1p-32f + 0x1p-33f));
      float s = sqrt_float(-2 * log_float((float) x2[i] * 0x1p-32f + 0x1p-33f));
      // θ - π in units of π, exact: sine and cosine of θ are the negatives of these.
      float t = 2 * uniform(x1[i]) - 1, u = 2 * uniform(x3[i]) - 1;
      values[4 * i] = -r * cos_of_half_turns(t);
      values[4 * i + 1] = -r * sin_of_half_turns(t);
      values[4 * i + 2] = -s * cos_of_half_turns(u);
      values[4 * i + 3] = -s * sin_of_half_turns(u);
    }
  }
}

/// One of the four 16-bit digits of a row's seed. Any other number counts as 0: converting it would be undefined.
static uint32_t digit(float key) {
  return key >= 0 && key < 65536 ? (uint32_t) key : 0;
}

static void draw_row(const fk_draw *draw, uint64_t run, int64_t begin, int64_t end) {
  batch all;
  for (int i = 0; i < BLOCKS; i++) {
    all.key_low[i] = (uint32_t) draw->seed;
    all.key_high[i] = (uint32_t) (draw->seed >> 32);
  }
  int64_t elements = draw->rows * draw->width;
  for (int64_t first = begin; first < end; first += BLOCKS) {
    int count = (int) (end - first < BLOCKS ? end - first : BLOCKS);
    for (int i = 0; i < count; i++) all.counter[i] = (uint32_t) first + (uint32_t) i;
    draw_batch(&all, count, draw->site, (uint32_t) run, (uint32_t) (run >> 32), draw->distribution);
    int64_t wanted = elements - 4 * first;
    memcpy(draw->out + 4 * first, all.values, sizeof(float) * (size_t) (wanted < 4 * count ? wanted : 4 * count));
  }
}

static void draw_keyed_rows(const fk_draw *draw, uint64_t run, int64_t begin, int64_t end) {
  batch all;
  int64_t row_blocks = (draw->width + 3) / 4;
  // A batch holds as many whole rows as fit, or a part of one long row.
  int64_t row = begin, block = 0;
  while (row < end) {
    int64_t first_row = row, first_block = block;
    int count = 0;
    while (row < end && count < BLOCKS) {
      const float *keys = draw->keys + 4 * row;
      uint32_t low = digit(keys[0]) | digit(keys[1]) << 16, high = digit(keys[2]) | digit(keys[3]) << 16;
      for (; block < row_blocks && count < BLOCKS; block++, count++) {
        all.counter[count] = (uint32_t) block;
        all.key_low[count] = low;
        all.key_high[count] = high;
      }
      if (block < row_blocks) break;
      block = 0;
      row++;
    }
    draw_batch(&all, count, draw->site, (uint32_t) run, (uint32_t) (run >> 32), draw->distribution);
    int done = 0;
    for (int64_t r = first_row, b = first_block; done < count; r++, b = 0) {
      int64_t blocks = row_blocks - b < count - done ? row_blocks - b : count - done;
      int64_t wanted = draw->width - 4 * b < 4 * blocks ? draw->width - 4 * b : 4 * blocks;
      memcpy(draw->out + r * draw->width + 4 * b, all.values + 4 * done, sizeof(float) * (size_t) wanted);
      done += (int) blocks;
    }
  }
}

void fk_run_draw(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_draw *draw = arguments;
  if (draw->rows < 1 || draw->width < 1) return;
  uint64_t run = *draw->run;
  if (draw->keys) {
    draw_keyed_rows(
      draw, run, fk_piece_begin(draw->rows, piece, draw->pieces), fk_piece_begin(draw->rows, piece + 1, draw->pieces));
  } else {
    int64_t blocks = (draw->rows * draw->width + 3) / 4;
    draw_row(draw, run, fk_piece_begin(blocks, piece, draw->pieces), fk_piece_begin(blocks, piece + 1, draw->pieces));
  }
}
