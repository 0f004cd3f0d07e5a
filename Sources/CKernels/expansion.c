#include "expansion.h"

#include "functions_internal.h"

#if defined(__x86_64__) && !defined(FIGMENT_BASELINE)
#include <immintrin.h>
#endif

FK_CLONES
void fk_widen(float *out, const uint16_t *from, int64_t count) {
  FK_VECTORIZE
  for (int64_t i = 0; i < count; i++) out[i] = float_of_bf16(from[i]);
}

FK_CLONES
static void narrow_bits(uint16_t *out, const float *from, int64_t count) {
  FK_VECTORIZE
  for (int64_t i = 0; i < count; i++) out[i] = bf16_of_float(from[i]);
}

#if defined(__x86_64__) && !defined(FIGMENT_BASELINE)
/// Rounds with the processor's own instruction, which takes a quarter of the time and makes subnormals 0.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
static void narrow_by_instruction(uint16_t *out, const float *from, int64_t count) {
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i));
    memcpy(out + i, &both, sizeof both);
  }
  for (; i < count; i += 16) {
    __mmask16 rest = count - i < 16 ? (__mmask16) ((1u << (count - i)) - 1) : (__mmask16) -1;
    __m256bh half = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(rest, from + i));
    __m256i bits;
    memcpy(&bits, &half, sizeof bits);
    _mm256_mask_storeu_epi16(out + i, rest, bits);
  }
}

void fk_narrow(uint16_t *out, const float *from, int64_t count) {
  if (__builtin_cpu_supports("avx512bf16")) {
    narrow_by_instruction(out, from, count);
  } else {
    narrow_bits(out, from, count);
  }
}
#else
void fk_narrow(uint16_t *out, const float *from, int64_t count) {
  narrow_bits(out, from, count);
}
#endif

fk_expansion fk_plan_expansion(
  const void *base, fk_type type, int rank, const int64_t *sizes, const int64_t *strides, int64_t tile,
  int keeps_content)
{
  fk_expansion plan = {.base = base, .type = type, .keeps_content = keeps_content, .held_count = 0};
  for (int d = 0; d < rank; d++) {
    if (sizes[d] == 1) continue;
    int last = plan.rank - 1;
    if (last >= 0 && plan.strides[last] == sizes[d] * strides[d]) {
      plan.sizes[last] *= sizes[d];
      plan.strides[last] = strides[d];
    } else {
      plan.sizes[plan.rank] = sizes[d];
      plan.strides[plan.rank++] = strides[d];
    }
  }
  if (plan.rank == 0) {
    plan.rank = 1;
    plan.sizes[0] = 1;
    plan.strides[0] = 0;
  }
  int64_t within = 1;
  for (int d = plan.rank - 1; d >= 0 && within <= tile / 2; d--) {
    // A few repetitions of short content, e.g. one number for each row of four, are faster without a period.
    if (plan.strides[d] == 0 && within * plan.sizes[d] >= 64) {
      plan.periodic_axis = d;
      plan.period = within;
      plan.group = within * plan.sizes[d];
    }
    within *= plan.sizes[d];
  }
  return plan;
}

FK_INLINE int64_t size_of(fk_type type) {
  return type == FK_BF16 ? 2 : 4;
}

/// x[i] of an array of `type`, a constant wherever this is inlined.
FK_INLINE float element(const char *x, int64_t i, fk_type type) {
  return type == FK_BF16 ? float_of_bf16(((const uint16_t *) x)[i]) : ((const float *) x)[i];
}

/// `rows` whole rows of the innermost axis.
FK_INLINE void expand_rows(
  float *out, const char *from, fk_type type, int64_t rows, int64_t row_stride, int64_t width, int64_t stride)
{
  for (int64_t i = 0; i < rows; i++) {
    const char *row = from + i * row_stride * size_of(type);
    float *to = out + i * width;
    if (stride == 0) {
      float value = element(row, 0, type);
      for (int64_t j = 0; j < width; j++) to[j] = value;
    } else if (stride == 1) {
      FK_VECTORIZE
      for (int64_t j = 0; j < width; j++) to[j] = element(row, j, type);
    } else {
      FK_VECTORIZE
      for (int64_t j = 0; j < width; j++) to[j] = element(row, j * stride, type);
    }
  }
}

/// Copies rows of a constant width, so that short ones are unrolled.
FK_INLINE void expand_rows_by_width(
  float *out, const char *from, fk_type type, int64_t rows, int64_t row_stride, int64_t width, int64_t stride)
{
  switch (width) {
    case 2: expand_rows(out, from, type, rows, row_stride, 2, stride); break;
    case 3: expand_rows(out, from, type, rows, row_stride, 3, stride); break;
    case 4: expand_rows(out, from, type, rows, row_stride, 4, stride); break;
    case 8: expand_rows(out, from, type, rows, row_stride, 8, stride); break;
    case 16: expand_rows(out, from, type, rows, row_stride, 16, stride); break;
    default: expand_rows(out, from, type, rows, row_stride, width, stride);
  }
}

FK_CLONES
static void expand_plane(
  float *out, const char *from, fk_type type, int64_t rows, int64_t row_stride, int64_t width, int64_t stride)
{
  if (type == FK_BF16) {
    expand_rows_by_width(out, from, FK_BF16, rows, row_stride, width, stride);
  } else {
    expand_rows_by_width(out, from, FK_FP32, rows, row_stride, width, stride);
  }
}

/// a / b and a % b of numbers >= 0: most fit 32 bits, and those are divided several times faster.
FK_INLINE int64_t divide(int64_t a, int64_t b, int64_t *remainder) {
  if ((uint64_t) (a | b) >> 32 == 0) {
    *remainder = (uint32_t) a % (uint32_t) b;
    return (uint32_t) a / (uint32_t) b;
  }
  *remainder = a % b;
  return a / b;
}

/// `count` elements of the axes first_axis ..< rank, from flat index `start` within them. `base` is an offset in
/// elements.
static void expand_axes(
  const fk_expansion *plan, int first_axis, int64_t base, float *out, int64_t start, int64_t count)
{
  int64_t size = size_of(plan->type);
  int inner = plan->rank - 1;
  if (first_axis > inner) {
    expand_plane(out, plan->base + base * size, plan->type, 1, 0, count, 0);
    return;
  }
  int64_t index[FK_MAX_RANK];
  const char *from = plan->base + base * size;
  for (int d = inner; d >= first_axis; d--) {
    if (start == 0) {
      index[d] = 0;
    } else {
      start = divide(start, plan->sizes[d], &index[d]);
      from += index[d] * plan->strides[d] * size;
    }
  }
  int64_t width = plan->sizes[inner], stride = plan->strides[inner];
  int64_t rows = inner > first_axis ? plan->sizes[inner - 1] : 1;
  int64_t row_stride = inner > first_axis ? plan->strides[inner - 1] : 0;
  while (count > 0) {
    int64_t done, whole = 0;
    if (index[inner] == 0 && count >= width) {
      int64_t left = inner > first_axis ? rows - index[inner - 1] : 1, rest;
      if (left > 1) {
        int64_t fit = divide(count, width, &rest);
        left = fit < left ? fit : left;
      }
      whole = left;
      expand_plane(out, from, plan->type, whole, row_stride, width, stride);
      done = whole * width;
      from += whole * row_stride * size;
    } else {
      done = width - index[inner] < count ? width - index[inner] : count;
      expand_plane(out, from, plan->type, 1, 0, done, stride);
      if (index[inner] + done < width) return;
      from += (row_stride - index[inner] * stride) * size;
      index[inner] = 0;
      whole = 1;
    }
    out += done;
    count -= done;
    // Carry: `from` has gone on by `whole` rows.
    if (inner == first_axis) return;
    index[inner - 1] += whole;
    for (int d = inner - 1; index[d] == plan->sizes[d] && d > first_axis; d--) {
      from += (plan->strides[d - 1] - plan->sizes[d] * plan->strides[d]) * size;
      index[d] = 0;
      index[d - 1]++;
    }
  }
}

/// `count` elements of one group, from `phase` of its period on: one period, then copies of ever more periods.
static void expand_group(
  const fk_expansion *plan, int64_t base, float *out, int64_t phase, int64_t count)
{
  int first_axis = plan->periodic_axis + 1;
  int64_t period = plan->period;
  int64_t head = period - phase < count ? period - phase : count;
  expand_axes(plan, first_axis, base, out, phase, head);
  int64_t filled = head;
  if (filled < count && phase > 0) {
    int64_t tail = phase < count - filled ? phase : count - filled;
    expand_axes(plan, first_axis, base, out + filled, 0, tail);
    filled += tail;
  }
  while (filled < count) {
    int64_t copied = filled < count - filled ? filled : count - filled;
    memcpy(out + filled, out, sizeof(float) * (size_t) copied);
    filled += copied;
  }
}

/// Offset of group `group`, in elements.
static int64_t group_base(const fk_expansion *plan, int64_t group) {
  int64_t base = 0, index;
  for (int d = plan->periodic_axis - 1; d >= 0; d--) {
    group = divide(group, plan->sizes[d], &index);
    base += index * plan->strides[d];
  }
  return base;
}

static const float *expand_periodic(fk_expansion *plan, float *slot, int64_t start, int64_t count) {
  int64_t offset, phase;
  if (
    start >= plan->held_start && start + count <= plan->held_end && count <= plan->held_count && plan->keeps_content)
  {
    divide(start - plan->held_start, plan->period, &phase);
    if (phase == 0) return slot;
  }
  int64_t group = divide(start, plan->group, &offset);
  if (offset + count <= plan->group) {
    divide(offset, plan->period, &phase);
    expand_group(plan, group_base(plan, group), slot, phase, count);
    plan->held_start = start;
    plan->held_end = start - offset + plan->group;
    plan->held_count = count;
    return slot;
  }
  plan->held_count = 0;
  float *out = slot;
  while (count > 0) {
    int64_t run = plan->group - offset < count ? plan->group - offset : count;
    divide(offset, plan->period, &phase);
    expand_group(plan, group_base(plan, group), out, phase, run);
    out += run;
    count -= run;
    offset = 0;
    group++;
  }
  return slot;
}

const float *fk_expand(fk_expansion *plan, float *slot, int64_t start, int64_t count) {
  if (plan->period > 0) return expand_periodic(plan, slot, start, count);
  int inner = plan->rank - 1;
  int64_t index;
  divide(start, plan->sizes[inner], &index);
  if (plan->type == FK_FP32 && plan->strides[inner] == 1 && index + count <= plan->sizes[inner]) {
    int64_t from = 0;
    for (int d = inner; d >= 0; d--) {
      start = divide(start, plan->sizes[d], &index);
      from += index * plan->strides[d];
    }
    return (const float *) plan->base + from;
  }
  expand_axes(plan, 0, 0, slot, start, count);
  return slot;
}

const float *fk_expand_joined(const fk_register *joined, float *slot, int64_t start, int64_t count) {
  int64_t widths[2] = {joined->width, joined->second_width}, size = size_of(joined->type), column;
  int64_t row = divide(start, widths[0] + widths[1], &column);
  const char *from[2] = {joined->base, joined->second};
  int side = column >= widths[0];
  if (side) column -= widths[0];
  if (joined->type == FK_FP32 && column + count <= widths[side]) {
    return (const float *) from[side] + row * widths[side] + column;
  }
  float *out = slot;
  while (count > 0) {
    int64_t done = widths[side] - column < count ? widths[side] - column : count;
    const char *part = from[side] + (row * widths[side] + column) * size;
    if (joined->type == FK_BF16) {
      fk_widen(out, (const uint16_t *) part, done);
    } else {
      memcpy(out, part, sizeof(float) * (size_t) done);
    }
    out += done;
    count -= done;
    column = 0;
    row += side;
    side = !side;
  }
  return slot;
}
