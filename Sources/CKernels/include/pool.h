/// A small thread pool: bounded spinning, then a futex; one barrier per step.
#ifndef FIGMENT_POOL_H
#define FIGMENT_POOL_H

typedef struct fk_pool fk_pool;

/// One kernel call, cut into `pieces` that may run in any order on any worker.
///
/// The result must not depend on which worker runs a piece, nor on how many there are; `worker`
/// (0 ..< threads) only chooses scratch memory.
typedef struct {
  void (*_Nonnull run)(const void *_Nonnull arguments, int piece, int worker);
  const void *_Nonnull arguments;
  int pieces;
} fk_step;

/// A pool of `threads` workers, the caller of `fk_run` being worker 0. NULL if threads < 1 or none can start; fewer
/// workers where the system refuses some (`fk_pool_threads` tells).
fk_pool *_Nullable fk_pool_create(int threads);
void fk_pool_destroy(fk_pool *_Nonnull pool);
int fk_pool_threads(const fk_pool *_Nonnull pool);

/// Runs the steps in order, each finished before the next begins. Denormals are flushed to zero
/// meanwhile (and the caller's floating-point mode is restored afterwards). Not reentrant.
void fk_run(fk_pool *_Nonnull pool, const fk_step *_Nonnull steps, int count);

/// Runs the steps as `fk_run` does, and adds the nanoseconds of each to `nanoseconds[step]`.
void fk_run_profiled(
  fk_pool *_Nonnull pool, const fk_step *_Nonnull steps, int count, long long *_Nonnull nanoseconds);

/// Steps that do not depend on each other, run as one: piece `first[i] + p` is piece p of steps[i].
typedef struct {
  int count;
  const fk_step *_Nonnull steps;
  const int *_Nonnull first;  // count + 1 of them, first[0] = 0
} fk_group;

void fk_run_group(const void *_Nonnull group /* fk_group */, int piece, int worker);

#endif
