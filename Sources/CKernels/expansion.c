#include "expansion.h"

#include "functions_internal.h"

fk_expansion fk_plan_expansion(
  const float *base, int rank, const int64_t *sizes, const int64_t *strides, int64_t tile, int keeps_content)
{
  fk_expansion plan = {.base = base, .keeps_content = keeps_content, .held_count = 0};
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
    // Few repetitions of little, e.g. one number for each row of four, are faster expanded as they come.
    if (plan.strides[d] == 0 && within * plan.sizes[d] >= 64) {
      plan.periodic_axis = d;
      plan.period = within;
      plan.group = within * plan.sizes[d];
    }
    within *= plan.sizes[d];
  }
  return plan;
}

/// `rows` whole rows of the innermost axis.
FK_INLINE void expand_rows(
  float *out, const float *from, int64_t rows, int64_t row_stride, int64_t width, int64_t stride)
{
  if (stride == 0) {
    for (int64_t i = 0; i < rows; i++) {
      float value = from[i * row_stride];
      for (int64_t j = 0; j < width; j++) out[i * width + j] = value;
    }
  } else if (stride == 1) {
    for (int64_t i = 0; i < rows; i++) {
      for (int64_t j = 0; j < width; j++) out[i * width + j] = from[i * row_stride + j];
    }
  } else {
    for (int64_t i = 0; i < rows; i++) {
      for (int64_t j = 0; j < width; j++) out[i * width + j] = from[i * row_stride + j * stride];
    }
  }
}

/// With the width a constant, short rows are unrolled.
static void expand_plane(
  float *out, const float *from, int64_t rows, int64_t row_stride, int64_t width, int64_t stride)
{
  switch (width) {
    case 2: expand_rows(out, from, rows, row_stride, 2, stride); break;
    case 3: expand_rows(out, from, rows, row_stride, 3, stride); break;
    case 4: expand_rows(out, from, rows, row_stride, 4, stride); break;
    case 8: expand_rows(out, from, rows, row_stride, 8, stride); break;
    case 16: expand_rows(out, from, rows, row_stride, 16, stride); break;
    default: expand_rows(out, from, rows, row_stride, width, stride);
  }
}

/// `count` elements of the axes first_axis ..< rank, from flat index `start` within them.
static void expand_axes(
  const fk_expansion *plan, int first_axis, const float *base, float *out, int64_t start, int64_t count)
{
  int inner = plan->rank - 1;
  if (first_axis > inner) {
    for (int64_t i = 0; i < count; i++) out[i] = *base;
    return;
  }
  int64_t index[FK_MAX_RANK];
  const float *from = base;
  for (int d = inner; d >= first_axis; d--) {
    index[d] = start % plan->sizes[d];
    start /= plan->sizes[d];
    from += index[d] * plan->strides[d];
  }
  int64_t width = plan->sizes[inner], stride = plan->strides[inner];
  int64_t rows = inner > first_axis ? plan->sizes[inner - 1] : 1;
  int64_t row_stride = inner > first_axis ? plan->strides[inner - 1] : 0;
  while (count > 0) {
    int64_t done, whole = 0;
    if (index[inner] == 0 && count >= width) {
      int64_t left = inner > first_axis ? rows - index[inner - 1] : 1;
      whole = count / width < left ? count / width : left;
      expand_plane(out, from, whole, row_stride, width, stride);
      done = whole * width;
      from += whole * row_stride;
    } else {
      done = width - index[inner] < count ? width - index[inner] : count;
      expand_rows(out, from, 1, 0, done, stride);
      if (index[inner] + done < width) return;
      from += row_stride - index[inner] * stride;
      index[inner] = 0;
      whole = 1;
    }
    out += done;
    count -= done;
    // Carry: `from` has gone on by `whole` rows.
    if (inner == first_axis) return;
    index[inner - 1] += whole;
    for (int d = inner - 1; index[d] == plan->sizes[d] && d > first_axis; d--) {
      from += plan->strides[d - 1] - plan->sizes[d] * plan->strides[d];
      index[d] = 0;
      index[d - 1]++;
    }
  }
}

/// `count` elements of one group, from `phase` of its period on: one period, then copies of ever more periods.
static void expand_group(
  const fk_expansion *plan, const float *base, float *out, int64_t phase, int64_t count)
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

static const float *group_base(const fk_expansion *plan, int64_t group) {
  const float *base = plan->base;
  for (int d = plan->periodic_axis - 1; d >= 0; d--) {
    base += group % plan->sizes[d] * plan->strides[d];
    group /= plan->sizes[d];
  }
  return base;
}

const float *fk_expand(fk_expansion *plan, float *slot, int64_t start, int64_t count) {
  if (plan->period > 0) {
    int64_t group = start / plan->group, offset = start - group * plan->group, phase = offset % plan->period;
    if (offset + count <= plan->group) {
      if (plan->keeps_content && group == plan->held_group && phase == plan->held_phase && count <= plan->held_count) {
        return slot;
      }
      expand_group(plan, group_base(plan, group), slot, phase, count);
      plan->held_group = group;
      plan->held_phase = phase;
      plan->held_count = count;
      return slot;
    }
    plan->held_count = 0;
    float *out = slot;
    while (count > 0) {
      int64_t run = plan->group - offset < count ? plan->group - offset : count;
      expand_group(plan, group_base(plan, group), out, offset % plan->period, run);
      out += run;
      count -= run;
      offset = 0;
      group++;
    }
    return slot;
  }
  int inner = plan->rank - 1;
  if (plan->strides[inner] == 1 && start % plan->sizes[inner] + count <= plan->sizes[inner]) {
    const float *from = plan->base;
    for (int d = inner; d >= 0; d--) {
      from += start % plan->sizes[d] * plan->strides[d];
      start /= plan->sizes[d];
    }
    return from;
  }
  expand_axes(plan, 0, plan->base, slot, start, count);
  return slot;
}
