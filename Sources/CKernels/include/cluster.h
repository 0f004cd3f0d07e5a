/// A cluster: a small register program over tiles of an iteration space, whose values may be stored
/// and reduced.
#ifndef FIGMENT_CLUSTER_H
#define FIGMENT_CLUSTER_H

#include <stdint.h>

#include "functions.h"

enum { FK_MAX_RANK = 6, FK_TILE = 1024 };

/// Storage type of an array's elements. Tiles in scratch slots, and all arithmetic, are fp32.
typedef enum { FK_FP32, FK_BF16 } fk_type;

/// Location of a register's tile.
typedef enum {
  /// In scratch slot `slot`.
  FK_SCRATCH,
  /// In memory at base[i], i being the flat (row-major) index in the iteration space: read, or written, in place. Of
  /// FK_BF16 the tile is loaded into scratch slot `slot` before the operations run or, where an operation writes the
  /// register, computed in that slot and rounded to memory (to nearest, ties to even; NaN stays NaN, subnormals are kept
  /// or become 0) once it is. Later operations read the slot: the computed values, not yet rounded.
  FK_DENSE,
  /// One element, base[0], the same for all. Always FK_FP32.
  FK_SCALAR,
  /// base[Σ index[d] * strides[d]], loaded into scratch slot `slot` before the operations run. Strides may be 0.
  /// In a slot of its own, content that repeats from tile to tile (a bias, when `tile` is a multiple of the channels)
  /// is loaded once; in one that other registers use too, for every tile.
  FK_STRIDED,
  /// Two arrays side by side: element i is in row i / (width + second_width); the row's first `width` elements are
  /// base's, the others second's. Loaded into scratch slot `slot` before the operations run.
  FK_JOINED,
} fk_home;

typedef struct {
  fk_home home;
  /// Storage type of the memory at `base`.
  fk_type type;
  int32_t slot;
  /// 1 if the array lives in each worker's local memory, one block at a time (see fk_chain): then `offset` and
  /// `block_count` say where, and `base` is not read. Not for FK_SCALAR, FK_JOINED.
  int32_t is_local;
  void *_Nullable base;
  int64_t strides[FK_MAX_RANK];
  /// FK_JOINED: the second array, of the same type.
  const void *_Nullable second;
  int64_t width, second_width;
  /// Local: the array's bytes from the beginning of the local memory, and its elements per block. Element i of
  /// block b is at i - b * block_count.
  int64_t offset, block_count;
} fk_register;

/// registers[out] = function(registers[a], registers[b], registers[c]). `out` is FK_SCRATCH or FK_DENSE. Operands may be of
/// any home, but not all of them FK_SCALAR, except for FK_COPY. An operand may be the same memory as `out`.
typedef struct {
  int32_t function;
  int32_t out, a, b, c;
} fk_operation;

/// The sum of squares is that of the squares rounded to float, to the last bit.
typedef enum { FK_SUM, FK_SUM_OF_SQUARES, FK_MAX } fk_reduction_kind;

/// Reduces register `source` over the middle axis of [outer, reduced, inner] into result[outer * inner].
typedef struct {
  fk_reduction_kind kind;
  int32_t source;
  /// 1 if the result is local, as in fk_register; then `result` is not read. The result has outer * inner elements.
  int32_t is_local;
  int64_t offset, block_count;
  float *_Nullable result;
  /// Where the reduced axis is split, `pieces` partial results of outer * inner each, combined pairwise by
  /// fk_run_combine; otherwise NULL.
  float *_Nullable partials;
} fk_reduction;

typedef struct {
  int32_t rank;
  int64_t sizes[FK_MAX_RANK];
  /// The iteration space seen as [outer, reduced, inner]; its count is their product. Without reductions: [count, 1, 1].
  int64_t outer, reduced, inner;
  int64_t tile;  // elements a tile, at most FK_TILE
  int32_t pieces;
  int32_t splits_reduced;  // pieces divide `reduced` (results go to partials) rather than `outer`
  int32_t register_count, operation_count, reduction_count;
  const fk_register *_Nonnull registers;
  const fk_operation *_Nonnull operations;
  const fk_reduction *_Nullable reductions;
  const float *_Nullable gate;  // where this number is 0 nothing is computed; not read in a chain
  float *_Nonnull scratch;  // per worker: scratch_slots * FK_TILE floats, 64-byte aligned
  int32_t scratch_slots;
} fk_cluster;

void fk_run_cluster(const void *_Nonnull cluster /* fk_cluster */, int piece, int worker);
/// Combines the partial results of every reduction of a cluster with splits_reduced. One piece.
void fk_run_combine(const void *_Nonnull cluster /* fk_cluster */, int piece, int worker);

/// Clusters that run one after the other over blocks of their outermost axis, so that one finds the results of
/// another in the cache, or in local memory. A phase may read another one's results only within the block. An
/// FK_STRIDED register keeps repeating content from block to block if no other phase uses its slot.
typedef struct {
  int32_t phase_count;
  /// Each without splits_reduced, its `outer` a multiple of `blocks`: block b is outer * b / blocks ..< outer * (b + 1) / blocks.
  /// Of `pieces` and `scratch` of the phases, only `scratch` is read.
  const fk_cluster *_Nonnull phases;
  int64_t blocks;
  int32_t pieces;  // of whole blocks
  char *_Nullable local;  // per worker local_bytes, a multiple of 64, 64-byte aligned
  int64_t local_bytes;
} fk_chain;

void fk_run_chain(const void *_Nonnull chain /* fk_chain */, int piece, int worker);

/// One function over `count` elements, for tests and for uses outside a program.
void fk_apply(
  fk_function function, float *_Nonnull out, const float *_Nonnull a, const float *_Nullable b,
  const float *_Nullable c, int64_t count);

#endif
