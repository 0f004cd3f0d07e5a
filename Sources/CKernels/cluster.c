#include "cluster.h"

#include <assert.h>

#include "evaluate.h"
#include "expansion.h"
#include "reduction.h"

/// A register whose tile changes place, or has to be brought in.
typedef struct {
  enum { IN_PLACE, WIDENED, NARROWED, EXPANDED, JOINED } kind;
  const fk_register *value;
  /// The address of its current tile, as floats.
  float **tile;
  float *slot;
  /// IN_PLACE, WIDENED, NARROWED: element 0. Of an array in local memory, where it would be.
  char *memory;
  /// The content that EXPANDED holds stays valid from one block to the next.
  int outlasts_block;
  /// True for the first register of this memory, through which it is prefetched.
  int fetches;
  fk_expansion expansion;
} moving_register;

/// An operation with the addresses of its operands. Operands that the function lacks are arbitrary.
typedef struct {
  int32_t function;
  unsigned scalars;
  float **out, **a, **b, **c;
  /// The register that the result is rounded to, if there is one.
  const moving_register *narrowed;
} planned_operation;

/// State of one piece of a cluster while it runs.
typedef struct {
  const fk_cluster *cluster;
  /// The address of each register's current tile.
  float **tiles;
  moving_register *moving;
  int32_t moving_count;
  planned_operation *operations;
  /// The address of each reduction's result, whose element 0 may lie outside of a local array.
  float **results;
  /// FK_TILE partial results for each reduction, of the last few tiles.
  float *recent;
  /// True if the dense arrays exceed the cache, so that prefetching them pays.
  int streams;
} cluster_run;

/// Number of tiles summed before they join the result: the error of a sum grows with its length.
enum { RECENT_TILES = 64 };

/// A cluster whose dense arrays have more bytes than this finds them in memory rather than in the cache.
enum { CACHED_BYTES = 1 << 20, CACHE_LINE = 64 };

static int uses_slot(const fk_register *value) {
  return value->home == FK_SCRATCH || value->home == FK_STRIDED || value->home == FK_JOINED
    || (value->home == FK_DENSE && value->type == FK_BF16);
}

static float *worker_scratch(const fk_cluster *cluster, int worker) {
  return cluster->scratch + (int64_t) worker * cluster->scratch_slots * FK_TILE;
}

/// True if `value` is the only register of `cluster` that lives in the slot at `slot`.
static int is_alone(const fk_cluster *cluster, const fk_register *value, const float *slot, int worker) {
  const float *scratch = worker_scratch(cluster, worker);
  for (int32_t i = 0; i < cluster->register_count; i++) {
    const fk_register *other = &cluster->registers[i];
    if (other != value && uses_slot(other) && scratch + (int64_t) other->slot * FK_TILE == slot) return 0;
  }
  return 1;
}

static int is_written(const fk_cluster *cluster, int32_t index) {
  for (int32_t i = 0; i < cluster->operation_count; i++) {
    if (cluster->operations[i].out == index) return 1;
  }
  return 0;
}

/// `address` less `elements` of `size` bytes: not by pointer arithmetic, for it may be outside of the array.
static char *before(void *address, int64_t elements, int64_t size) {
  return (char *) ((uintptr_t) address - (uintptr_t) (elements * size));
}

static int64_t element_size(const fk_register *value) {
  return value->type == FK_BF16 ? 2 : 4;
}

/// Prepares everything that does not change from tile to tile.
static void plan(cluster_run *run, int worker) {
  const fk_cluster *cluster = run->cluster;
  float *scratch = worker_scratch(cluster, worker);
  run->moving_count = 0;
  int64_t bytes = 0;
  for (int32_t i = 0; i < cluster->register_count; i++) {
    const fk_register *value = &cluster->registers[i];
    run->tiles[i] = value->base;
    float *slot = uses_slot(value) ? scratch + (int64_t) value->slot * FK_TILE : NULL;
    if (slot) run->tiles[i] = slot;
    if (value->home == FK_SCALAR) assert(value->type == FK_FP32);
    if (value->home == FK_SCALAR || value->home == FK_SCRATCH) continue;
    moving_register *moving = &run->moving[run->moving_count++];
    moving->value = value;
    moving->tile = &run->tiles[i];
    moving->slot = slot;
    moving->memory = value->base;
    moving->outlasts_block = moving->fetches = 0;
    switch (value->home) {
      case FK_STRIDED:
        moving->kind = EXPANDED;
        moving->outlasts_block = !value->is_local;
        moving->expansion = fk_plan_expansion(
          value->base, value->type, cluster->rank, cluster->sizes, value->strides, cluster->tile,
          is_alone(cluster, value, slot, worker));
        break;
      case FK_JOINED: moving->kind = JOINED; break;
      default:
        moving->kind = value->type == FK_FP32 ? IN_PLACE : is_written(cluster, i) ? NARROWED : WIDENED;
        moving->fetches = !value->is_local;
        for (int32_t m = 0; m < run->moving_count - 1; m++) {
          if (run->moving[m].value->base == value->base) moving->fetches = 0;
        }
        if (moving->fetches) bytes += element_size(value) * cluster->outer * cluster->reduced * cluster->inner;
    }
  }
  run->streams = bytes > CACHED_BYTES;
  for (int32_t i = 0; i < cluster->operation_count; i++) {
    const fk_operation *operation = &cluster->operations[i];
    planned_operation *planned = &run->operations[i];
    int operands = fk_operand_count((fk_function) operation->function);
    int32_t a = operation->a, b = operands > 1 ? operation->b : a, c = operands > 2 ? operation->c : a;
    *planned = (planned_operation) {
      .function = operation->function,
      .scalars = (cluster->registers[a].home == FK_SCALAR ? FK_A_SCALAR : 0)
        | (cluster->registers[b].home == FK_SCALAR ? FK_B_SCALAR : 0)
        | (cluster->registers[c].home == FK_SCALAR ? FK_C_SCALAR : 0),
      .out = &run->tiles[operation->out],
      .a = &run->tiles[a],
      .b = &run->tiles[b],
      .c = &run->tiles[c],
    };
    for (int32_t m = 0; m < run->moving_count; m++) {
      if (run->moving[m].kind == NARROWED && run->moving[m].tile == planned->out) {
        planned->narrowed = &run->moving[m];
      }
    }
  }
}

/// Moves the base addresses of local arrays to block `block`.
static void enter_block(const cluster_run *run, char *local, int64_t block) {
  for (int32_t i = 0; i < run->moving_count; i++) {
    moving_register *moving = &run->moving[i];
    const fk_register *value = moving->value;
    if (value->is_local) {
      moving->memory = before(local + value->offset, block * value->block_count, element_size(value));
      moving->expansion.base = moving->memory;
    }
    if (!moving->outlasts_block) moving->expansion.held_count = 0;
  }
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    const fk_reduction *reduction = &run->cluster->reductions[i];
    if (!reduction->is_local) continue;
    run->results[i] = (float *) before(local + reduction->offset, block * reduction->block_count, sizeof(float));
  }
}

/// Prefetches part `part` of `parts` of a coming tile of each dense array, `count` elements from `start` on: into the
/// L2 cache, for L1 is full of the current tile. Addresses beyond an array's end do no harm.
static void fetch_ahead(const cluster_run *run, int64_t start, int64_t count, int64_t part, int64_t parts) {
  for (int32_t i = 0; i < run->moving_count; i++) {
    const moving_register *moving = &run->moving[i];
    if (!moving->fetches) continue;
    int64_t size = element_size(moving->value), lines = (count * size + CACHE_LINE - 1) / CACHE_LINE;
    const char *next = (const char *) ((uintptr_t) moving->memory + (uintptr_t) (start * size));
    int64_t end = lines * (part + 1) / parts;
    for (int64_t line = lines * part / parts; line < end; line++) {
      __builtin_prefetch(next + line * CACHE_LINE, 0, 2);
    }
  }
}

/// Loads the tile and runs the operations over it.
static void evaluate_tile(const cluster_run *run, int64_t start, int64_t count) {
  for (int32_t i = 0; i < run->moving_count; i++) {
    moving_register *moving = &run->moving[i];
    switch (moving->kind) {
      case IN_PLACE: *moving->tile = (float *) moving->memory + start; break;
      case WIDENED: fk_widen(moving->slot, (const uint16_t *) moving->memory + start, count); break;
      case NARROWED: break;
      case EXPANDED: *moving->tile = (float *) fk_expand(&moving->expansion, moving->slot, start, count); break;
      case JOINED: *moving->tile = (float *) fk_expand_joined(moving->value, moving->slot, start, count);
    }
  }
  int64_t operation_count = run->cluster->operation_count;
  if (run->streams && operation_count == 0) fetch_ahead(run, start + 2 * count, count, 0, 1);
  for (int64_t i = 0; i < operation_count; i++) {
    const planned_operation *operation = &run->operations[i];
    if (run->streams) fetch_ahead(run, start + 2 * count, count, i, operation_count);
    fk_evaluate(
      operation->function, *operation->out, *operation->a, *operation->b, *operation->c, operation->scalars, count);
    if (operation->narrowed) {
      fk_narrow((uint16_t *) operation->narrowed->memory + start, operation->narrowed->slot, count);
    }
  }
}

static void clear_results(const cluster_run *run, int64_t offset, int64_t count) {
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    fk_clear_reduction(run->cluster->reductions[i].kind, run->results[i] + offset, count);
  }
}

/// Reduces the current tile, whole blocks of [rows, width], into the results from element `offset` on.
static void reduce_blocks(const cluster_run *run, int64_t offset, int64_t blocks, int64_t rows, int64_t width) {
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    const fk_reduction *reduction = &run->cluster->reductions[i];
    fk_reduce(reduction->kind, run->results[i] + offset, run->tiles[reduction->source], blocks, rows, width);
  }
}

/// Adds the recent tiles' partial results to the results.
static void flush_recent(const cluster_run *run, int64_t offset, int64_t width) {
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    fk_combine(run->cluster->reductions[i].kind, run->results[i] + offset, run->recent + i * FK_TILE, width);
  }
}

/// Reduces the current tile, [rows, width], the `number`-th of those that a result is reduced from.
static void reduce_part(const cluster_run *run, int64_t offset, int64_t rows, int64_t width, int64_t number) {
  if (number > 0 && number % RECENT_TILES == 0) flush_recent(run, offset, width);
  for (int32_t i = 0; i < run->cluster->reduction_count; i++) {
    const fk_reduction *reduction = &run->cluster->reductions[i];
    float *recent = run->recent + i * FK_TILE;
    if (number % RECENT_TILES == 0) fk_clear_reduction(reduction->kind, recent, width);
    fk_reduce(reduction->kind, recent, run->tiles[reduction->source], 1, rows, width);
  }
}

/// Covers outer_begin ..< outer_end and row_begin ..< row_end of the middle axis with tiles.
static void cover(
  const cluster_run *run, int64_t outer_begin, int64_t outer_end, int64_t row_begin, int64_t row_end)
{
  const fk_cluster *cluster = run->cluster;
  int64_t tile = cluster->tile, inner = cluster->inner, reduced = cluster->reduced;
  clear_results(run, outer_begin * inner, (outer_end - outer_begin) * inner);
  if (row_begin == row_end) return;
  if (reduced * inner <= tile && row_end - row_begin == reduced) {
    // Tiles of whole blocks.
    int64_t most = tile / (reduced * inner);
    for (int64_t o = outer_begin; o < outer_end; o += most) {
      int64_t blocks = outer_end - o < most ? outer_end - o : most;
      evaluate_tile(run, o * reduced * inner, blocks * reduced * inner);
      reduce_blocks(run, o * inner, blocks, reduced, inner);
    }
  } else if (inner <= tile) {
    // Tiles of whole rows of a block.
    int64_t most = tile / inner;
    for (int64_t o = outer_begin; o < outer_end; o++) {
      for (int64_t r = row_begin, number = 0; r < row_end; r += most, number++) {
        int64_t rows = row_end - r < most ? row_end - r : most;
        evaluate_tile(run, (o * reduced + r) * inner, rows * inner);
        reduce_part(run, o * inner, rows, inner, number);
      }
      flush_recent(run, o * inner, inner);
    }
  } else {
    // Tiles of a part of a row.
    for (int64_t o = outer_begin; o < outer_end; o++) {
      for (int64_t c = 0; c < inner; c += tile) {
        int64_t width = inner - c < tile ? inner - c : tile;
        for (int64_t r = row_begin; r < row_end; r++) {
          evaluate_tile(run, (o * reduced + r) * inner + c, width);
          reduce_part(run, o * inner + c, 1, width, r - row_begin);
        }
        flush_recent(run, o * inner + c, width);
      }
    }
  }
}

void fk_run_cluster(const void *arguments, int piece, int worker) {
  const fk_cluster *cluster = arguments;
  if (cluster->gate && *cluster->gate == 0) return;
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

  float *tiles[cluster->register_count + 1];
  moving_register moving[cluster->register_count + 1];
  planned_operation operations[cluster->operation_count + 1];
  float *results[cluster->reduction_count + 1];
  float recent[cluster->reduction_count * FK_TILE + 1];
  for (int32_t i = 0; i < cluster->reduction_count; i++) {
    const fk_reduction *reduction = &cluster->reductions[i];
    results[i] = cluster->splits_reduced ? reduction->partials + piece * cluster->outer * cluster->inner : reduction->result;
  }
  cluster_run run = {
    .cluster = cluster,
    .tiles = tiles,
    .moving = moving,
    .operations = operations,
    .results = results,
    .recent = recent,
  };
  plan(&run, worker);
  cover(&run, outer_begin, outer_end, row_begin, row_end);
}

// Longer than sixty lines, as the arrays of all phases, of variable length, live on its stack.
void fk_run_chain(const void *arguments, int piece, int worker) {
  const fk_chain *chain = arguments;
  int64_t begin = fk_piece_begin(chain->blocks, piece, chain->pieces);
  int64_t end = fk_piece_begin(chain->blocks, piece + 1, chain->pieces);
  if (begin >= end) return;
  char *local = chain->local + (int64_t) worker * chain->local_bytes;

  // All phases share the buffers: they run one after the other.
  int64_t register_count = 0, operation_count = 0, reduction_count = 0, most_reductions = 0;
  for (int32_t p = 0; p < chain->phase_count; p++) {
    register_count += chain->phases[p].register_count;
    operation_count += chain->phases[p].operation_count;
    reduction_count += chain->phases[p].reduction_count;
    if (chain->phases[p].reduction_count > most_reductions) most_reductions = chain->phases[p].reduction_count;
  }
  float *tiles[register_count + 1];
  moving_register moving[register_count + 1];
  planned_operation operations[operation_count + 1];
  float *results[reduction_count + 1];
  float recent[most_reductions * FK_TILE + 1];
  cluster_run runs[chain->phase_count];
  int64_t moving_count = 0;
  register_count = operation_count = reduction_count = 0;
  for (int32_t p = 0; p < chain->phase_count; p++) {
    const fk_cluster *cluster = &chain->phases[p];
    runs[p] = (cluster_run) {
      .cluster = cluster,
      .tiles = tiles + register_count,
      .moving = moving + moving_count,
      .operations = operations + operation_count,
      .results = results + reduction_count,
      .recent = recent,
    };
    register_count += cluster->register_count;
    operation_count += cluster->operation_count;
    reduction_count += cluster->reduction_count;
    for (int32_t i = 0; i < cluster->reduction_count; i++) runs[p].results[i] = cluster->reductions[i].result;
    plan(&runs[p], worker);
    // The content of an expansion outlasts the block if no other phase uses its slot.
    for (int32_t m = 0; m < runs[p].moving_count; m++) {
      moving_register *own = &runs[p].moving[m];
      for (int32_t q = 0; q < chain->phase_count && own->outlasts_block; q++) {
        if (q != p && !is_alone(&chain->phases[q], NULL, own->slot, worker)) own->outlasts_block = 0;
      }
      // The first phase that reads an array prefetches it for the others.
      for (moving_register *earlier = moving; earlier < runs[p].moving && own->fetches; earlier++) {
        if (earlier->fetches && earlier->value->base == own->value->base) own->fetches = 0;
      }
    }
    moving_count += runs[p].moving_count;
  }

  for (int64_t block = begin; block < end; block++) {
    for (int32_t p = 0; p < chain->phase_count; p++) {
      const fk_cluster *cluster = &chain->phases[p];
      if (cluster->inner == 0) continue;
      int64_t outer = cluster->outer / chain->blocks;
      enter_block(&runs[p], local, block);
      cover(&runs[p], outer * block, outer * (block + 1), 0, cluster->reduced);
    }
  }
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
        fk_combine(
          reduction->kind, reduction->partials + p * count, reduction->partials + (p + step) * count, count);
      }
    }
    memcpy(reduction->result, reduction->partials, sizeof(float) * (size_t) count);
  }
}
