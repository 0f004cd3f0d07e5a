#include "cluster.h"

#include "evaluate.h"
#include "expansion.h"
#include "reduction.h"

/// One piece of a cluster at work.
typedef struct {
  const fk_cluster *cluster;
  float *scratch;
  /// For each register: where its current tile is, and how it is expanded if it is FK_STRIDED.
  float **addresses;
  fk_expansion *expansions;
  /// For each reduction FK_TILE partial results, of the last few tiles.
  float *recent;
} cluster_run;

/// So many tiles are summed up before they join the result: the error of a sum grows with the additions in a row.
enum { RECENT_TILES = 64 };

static float *slot_address(const cluster_run *run, const fk_register *value) {
  return run->scratch + (int64_t) value->slot * FK_TILE;
}

/// Whether `value` is the only register that lives in its slot.
static int has_own_slot(const fk_cluster *cluster, const fk_register *value) {
  for (int32_t i = 0; i < cluster->register_count; i++) {
    const fk_register *other = &cluster->registers[i];
    if (other != value && (other->home == FK_SCRATCH || other->home == FK_STRIDED) && other->slot == value->slot) {
      return 0;
    }
  }
  return 1;
}

static void prepare(const cluster_run *run) {
  const fk_cluster *cluster = run->cluster;
  for (int32_t i = 0; i < cluster->register_count; i++) {
    const fk_register *value = &cluster->registers[i];
    switch (value->home) {
      case FK_SCRATCH: run->addresses[i] = slot_address(run, value); break;
      case FK_SCALAR: run->addresses[i] = value->base; break;
      case FK_DENSE: break;
      case FK_STRIDED:
        run->expansions[i] = fk_plan_expansion(
          value->base, cluster->rank, cluster->sizes, value->strides, cluster->tile, has_own_slot(cluster, value));
    }
  }
}

/// Brings the tile in and runs the operations over it.
static void evaluate_tile(const cluster_run *run, int64_t start, int64_t count) {
  const fk_cluster *cluster = run->cluster;
  for (int32_t i = 0; i < cluster->register_count; i++) {
    const fk_register *value = &cluster->registers[i];
    if (value->home == FK_DENSE) {
      run->addresses[i] = (float *) value->base + start;
    } else if (value->home == FK_STRIDED) {
      run->addresses[i] = (float *) fk_expand(&run->expansions[i], slot_address(run, value), start, count);
    }
  }
  for (int32_t i = 0; i < cluster->operation_count; i++) {
    const fk_operation *operation = &cluster->operations[i];
    int has_b = operation->function >= FK_ADD, has_c = operation->function >= FK_SELECT;
    unsigned scalars = cluster->registers[operation->a].home == FK_SCALAR ? FK_A_SCALAR : 0;
    if (has_b && cluster->registers[operation->b].home == FK_SCALAR) scalars |= FK_B_SCALAR;
    if (has_c && cluster->registers[operation->c].home == FK_SCALAR) scalars |= FK_C_SCALAR;
    fk_evaluate(
      operation->function, run->addresses[operation->out], run->addresses[operation->a],
      has_b ? run->addresses[operation->b] : NULL, has_c ? run->addresses[operation->c] : NULL, scalars, count);
  }
}

/// What piece `piece` computes of reduction `index`: a partial result, or its part of the result.
static float *target(const fk_cluster *cluster, int32_t index, int piece) {
  const fk_reduction *reduction = &cluster->reductions[index];
  if (!cluster->splits_reduced) return reduction->result;
  return reduction->partials + piece * cluster->outer * cluster->inner;
}

static void clear_results(const cluster_run *run, int piece, int64_t offset, int64_t count) {
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    fk_clear_reduction(run->cluster->reductions[i].kind, target(run->cluster, i, piece) + offset, count);
  }
}

/// Reduces the current tile, whole blocks of [rows, width], into the results from element `offset` on.
static void reduce_blocks(
  const cluster_run *run, int piece, int64_t offset, int64_t blocks, int64_t rows, int64_t width)
{
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    const fk_reduction *reduction = &run->cluster->reductions[i];
    fk_reduce(
      reduction->kind, target(run->cluster, i, piece) + offset, run->addresses[reduction->source], blocks, rows, width);
  }
}

/// Adds the recent tiles' partial results to the results.
static void flush_recent(const cluster_run *run, int piece, int64_t offset, int64_t width) {
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    float *result = target(run->cluster, i, piece) + offset;
    fk_reduce(run->cluster->reductions[i].kind, result, run->recent + i * FK_TILE, 1, 1, width);
  }
}

/// Reduces the current tile, [rows, width], which is number `number` of those that a result is reduced from.
static void reduce_part(
  const cluster_run *run, int piece, int64_t offset, int64_t rows, int64_t width, int64_t number)
{
  if (number > 0 && number % RECENT_TILES == 0) flush_recent(run, piece, offset, width);
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    const fk_reduction *reduction = &run->cluster->reductions[i];
    float *recent = run->recent + i * FK_TILE;
    if (number % RECENT_TILES == 0) fk_clear_reduction(reduction->kind, recent, width);
    fk_reduce(reduction->kind, recent, run->addresses[reduction->source], 1, rows, width);
  }
}

/// Covers outer_begin ..< outer_end and row_begin ..< row_end of the middle axis with tiles.
static void cover(
  const cluster_run *run, int piece, int64_t outer_begin, int64_t outer_end, int64_t row_begin, int64_t row_end)
{
  const fk_cluster *cluster = run->cluster;
  int64_t tile = cluster->tile, inner = cluster->inner, reduced = cluster->reduced;
  clear_results(run, piece, outer_begin * inner, (outer_end - outer_begin) * inner);
  if (row_begin == row_end) return;
  if (reduced * inner <= tile && row_end - row_begin == reduced) {
    // Tiles of whole blocks.
    int64_t most = tile / (reduced * inner);
    for (int64_t o = outer_begin; o < outer_end; o += most) {
      int64_t blocks = outer_end - o < most ? outer_end - o : most;
      evaluate_tile(run, o * reduced * inner, blocks * reduced * inner);
      reduce_blocks(run, piece, o * inner, blocks, reduced, inner);
    }
  } else if (inner <= tile) {
    // Tiles of whole rows of a block.
    int64_t most = tile / inner;
    for (int64_t o = outer_begin; o < outer_end; o++) {
      for (int64_t r = row_begin, number = 0; r < row_end; r += most, number++) {
        int64_t rows = row_end - r < most ? row_end - r : most;
        evaluate_tile(run, (o * reduced + r) * inner, rows * inner);
        reduce_part(run, piece, o * inner, rows, inner, number);
      }
      flush_recent(run, piece, o * inner, inner);
    }
  } else {
    // Tiles of a part of a row.
    for (int64_t o = outer_begin; o < outer_end; o++) {
      for (int64_t c = 0; c < inner; c += tile) {
        int64_t width = inner - c < tile ? inner - c : tile;
        for (int64_t r = row_begin; r < row_end; r++) {
          evaluate_tile(run, (o * reduced + r) * inner + c, width);
          reduce_part(run, piece, o * inner + c, 1, width, r - row_begin);
        }
        flush_recent(run, piece, o * inner + c, width);
      }
    }
  }
}

void fk_run_cluster(const void *arguments, int piece, int worker) {
  const fk_cluster *cluster = arguments;
  int64_t block = cluster->reduced * cluster->inner;
  int64_t outer_begin = 0, outer_end = cluster->outer, row_begin = 0, row_end = cluster->reduced;
  if (cluster->splits_reduced) {
    row_begin = fk_piece_begin(cluster->reduced, piece, cluster->pieces);
    row_end = fk_piece_begin(cluster->reduced, piece + 1, cluster->pieces);
  } else {
    // Pieces are of whole tiles, so that each tile has the phase that the compiler chose the tile size for.
    int64_t unit = block > 0 && block < cluster->tile ? cluster->tile / block : 1;
    int64_t units = (cluster->outer + unit - 1) / unit;
    outer_begin = unit * fk_piece_begin(units, piece, cluster->pieces);
    outer_end = unit * fk_piece_begin(units, piece + 1, cluster->pieces);
    if (outer_end > cluster->outer) outer_end = cluster->outer;
  }
  if (outer_begin >= outer_end || cluster->inner == 0) return;

  float *addresses[cluster->register_count + 1];
  fk_expansion expansions[cluster->register_count + 1];
  float recent[cluster->reduction_count * FK_TILE + 1];
  cluster_run run = {
    .cluster = cluster,
    .scratch = cluster->scratch + (int64_t) worker * cluster->scratch_slots * FK_TILE,
    .addresses = addresses,
    .expansions = expansions,
    .recent = recent,
  };
  prepare(&run);
  cover(&run, piece, outer_begin, outer_end, row_begin, row_end);
}

void fk_run_combine(const void *arguments, int piece, int worker) {
  (void) piece;
  (void) worker;
  const fk_cluster *cluster = arguments;
  int64_t count = cluster->outer * cluster->inner;
  for (int32_t i = 0; i < cluster->reduction_count; i++) {
    const fk_reduction *reduction = &cluster->reductions[i];
    for (int64_t step = 1; step < cluster->pieces; step *= 2) {
      for (int64_t p = 0; p + step < cluster->pieces; p += 2 * step) {
        fk_reduce(
          reduction->kind, reduction->partials + p * count, reduction->partials + (p + step) * count, 1, 1, count);
      }
    }
    memcpy(reduction->result, reduction->partials, sizeof(float) * (size_t) count);
  }
}
