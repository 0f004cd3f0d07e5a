#include "movement.h"

#include "functions_internal.h"

typedef struct {
  int64_t size, from, to;
} axis;

enum { BLOCK = 16 };

/// The two innermost axes of a copy. Axis 1 has stride 1 in `to` wherever there is such an axis.
#define COPY_PLANE(NAME, ELEMENT) \
  FK_INLINE void NAME(const ELEMENT *from, ELEMENT *to, axis row, axis column) { \
    if (column.from == 1 && column.to == 1) { \
      for (int64_t i = 0; i < row.size; i++) { \
        memcpy(to + i * row.to, from + i * row.from, sizeof(ELEMENT) * (size_t) column.size); \
      } \
    } else if (column.from == 0 && column.to == 1) { \
      for (int64_t i = 0; i < row.size; i++) { \
        ELEMENT value = from[i * row.from]; \
        ELEMENT *target = to + i * row.to; \
        for (int64_t j = 0; j < column.size; j++) target[j] = value; \
      } \
    } else if (row.from == 1) { \
      /* A transpose: blocks, so that each cache line of `from` is read once. */ \
      for (int64_t i = 0; i < row.size; i += BLOCK) { \
        int64_t rows = row.size - i < BLOCK ? row.size - i : BLOCK; \
        for (int64_t j = 0; j < column.size; j += BLOCK) { \
          int64_t columns = column.size - j < BLOCK ? column.size - j : BLOCK; \
          const ELEMENT *source = from + i + j * column.from; \
          ELEMENT *target = to + i * row.to + j * column.to; \
          for (int64_t k = 0; k < rows; k++) { \
            for (int64_t l = 0; l < columns; l++) target[k * row.to + l * column.to] = source[k + l * column.from]; \
          } \
        } \
      } \
    } else { \
      for (int64_t i = 0; i < row.size; i++) { \
        for (int64_t j = 0; j < column.size; j++) to[i * row.to + j * column.to] = from[i * row.from + j * column.from]; \
      } \
    } \
  }

// Elements are moved as they are, so integers will do.
COPY_PLANE(copy_plane_16, uint16_t)
COPY_PLANE(copy_plane_32, uint32_t)

/// Moves the axis at `index` to position `target`, keeping the order of the others.
static void move_axis(axis *axes, int index, int target) {
  axis moved = axes[index];
  for (; index < target; index++) axes[index] = axes[index + 1];
  axes[target] = moved;
}

void fk_run_copy(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_copy *copy = arguments;
  int64_t size = copy->type == FK_BF16 ? 2 : 4;
  const char *from = copy->from;
  char *to = copy->to;

  // The axes of this piece, neighbours merged where both sides allow it.
  axis axes[FK_MAX_RANK + 2];
  int rank = 0;
  for (int d = 0; d < copy->rank; d++) {
    axis next = {copy->sizes[d], copy->from_strides[d], copy->to_strides[d]};
    if (d == 0) {
      int64_t begin = fk_piece_begin(next.size, piece, copy->pieces);
      next.size = fk_piece_begin(next.size, piece + 1, copy->pieces) - begin;
      from += begin * next.from * size;
      to += begin * next.to * size;
    }
    if (next.size == 0) return;
    if (next.size == 1) continue;
    axis *last = rank > 0 ? &axes[rank - 1] : NULL;
    if (last && last->from == next.size * next.from && last->to == next.size * next.to) {
      *last = (axis) {last->size * next.size, next.from, next.to};
    } else {
      axes[rank++] = next;
    }
  }
  if (copy->rank == 0 && piece > 0) return;

  for (int d = 0; d < rank; d++) {
    if (axes[d].to == 1) { move_axis(axes, d, rank - 1); break; }
  }
  for (int d = 0; d + 1 < rank && axes[rank - 1].from != 1; d++) {
    if (axes[d].from == 1) { move_axis(axes, d, rank - 2); break; }
  }
  while (rank < 2) {
    for (int d = rank; d > 0; d--) axes[d] = axes[d - 1];
    axes[0] = (axis) {1, 0, 0};
    rank++;
  }

  int64_t index[FK_MAX_RANK] = {0};
  for (;;) {
    if (copy->type == FK_BF16) {
      copy_plane_16((const uint16_t *) from, (uint16_t *) to, axes[rank - 2], axes[rank - 1]);
    } else {
      copy_plane_32((const uint32_t *) from, (uint32_t *) to, axes[rank - 2], axes[rank - 1]);
    }
    int d = rank - 3;
    for (; d >= 0; d--) {
      from += axes[d].from * size;
      to += axes[d].to * size;
      if (++index[d] < axes[d].size) break;
      from -= axes[d].from * axes[d].size * size;
      to -= axes[d].to * axes[d].size * size;
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

void fk_run_fill(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_fill *fill = arguments;
  int64_t begin = fk_piece_begin(fill->count, piece, fill->pieces);
  int64_t end = fk_piece_begin(fill->count, piece + 1, fill->pieces);
  if (fill->type == FK_BF16) {
    uint16_t *to = fill->to, value = bf16_of_float(fill->value);
    for (int64_t i = begin; i < end; i++) to[i] = value;
  } else {
    float *to = fill->to, value = fill->value;
    for (int64_t i = begin; i < end; i++) to[i] = value;
  }
}

/// The row with the number x, or -1 where x is no integer of 0 ..< rows: the conversion of NaN and of numbers outside
/// that range is undefined.
static int64_t row_index(float row, int64_t rows) {
  if (!(row >= 0 && (double) row < (double) rows)) return -1;
  int64_t index = (int64_t) row;
  return (float) index == row ? index : -1;
}

static void fill_nan(float *to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = __builtin_nanf("");
}

void fk_run_gather(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_gather *gather = arguments;
  int64_t width = gather->width, end = fk_piece_begin(gather->row_count, piece + 1, gather->pieces);
  for (int64_t i = fk_piece_begin(gather->row_count, piece, gather->pieces); i < end; i++) {
    int64_t row = row_index(gather->rows[i], gather->table_rows);
    float *to = gather->to + i * width;
    if (row < 0) {
      fill_nan(to, width);
    } else {
      memcpy(to, gather->table + row * width, sizeof(float) * (size_t) width);
    }
  }
}

FK_CLONES
static void floats_of_bytes(float *to, const uint8_t *from, int64_t count) {
  FK_VECTORIZE
  for (int64_t i = 0; i < count; i++) to[i] = from[i];
}

void fk_run_gather_bytes(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_gather_bytes *gather = arguments;
  int64_t width = gather->width, end = fk_piece_begin(gather->row_count, piece + 1, gather->pieces);
  for (int64_t i = fk_piece_begin(gather->row_count, piece, gather->pieces); i < end; i++) {
    int64_t row = row_index(gather->rows[i], gather->table_rows);
    float *to = gather->to + i * width;
    if (row < 0) {
      fill_nan(to, width);
    } else {
      floats_of_bytes(to, gather->table + row * width, width);
    }
  }
}

FK_CLONES
static void add_row(float *to, const float *from, int64_t count) {
  FK_VECTORIZE
  for (int64_t i = 0; i < count; i++) to[i] += from[i];
}

void fk_run_scatter(const void *arguments, int piece, int worker) {
  (void) worker;
  const fk_scatter *scatter = arguments;
  int64_t width = scatter->width;
  int64_t begin = fk_piece_begin(scatter->table_rows, piece, scatter->pieces);
  int64_t end = fk_piece_begin(scatter->table_rows, piece + 1, scatter->pieces);
  if (begin == end) return;
  memset(scatter->table + begin * width, 0, sizeof(float) * (size_t) ((end - begin) * width));
  for (int64_t i = 0; i < scatter->row_count; i++) {
    int64_t row = row_index(scatter->rows[i], scatter->table_rows);
    if (row >= begin && row < end) add_row(scatter->table + row * width, scatter->values + i * width, width);
  }
}

void fk_run_put_rows(const void *arguments, int piece, int worker) {
  (void) piece;
  (void) worker;
  const fk_scatter *put = arguments;
  int64_t width = put->width;
  for (int64_t i = 0; i < put->row_count; i++) {
    int64_t row = row_index(put->rows[i], put->table_rows);
    if (row >= 0) memcpy(put->table + row * width, put->values + i * width, sizeof(float) * (size_t) width);
  }
}
