#define _GNU_SOURCE
#include "pool.h"
#include "single_thread.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { spin_nanoseconds = 40000, pauses_per_clock = 16, cache_line = 64 };

typedef struct {
  fk_pool *pool;
  int index;
  pthread_t thread;
} fk_worker;

// Unclaimed pieces of the published step are first ..< end, both in one word. A claim is one compare-and-swap on it,
// and the step is read only after the claim succeeded: the caller cannot move on before that piece is finished, so a
// worker that was descheduled anywhere before its claim holds nothing up and can do no harm with what it read earlier.
struct fk_pool {
  alignas(cache_line) _Atomic uint64_t unclaimed;
  const fk_step *step;  // Written while nothing is unclaimed or unfinished, read by those who hold a piece.

  alignas(cache_line) _Atomic uint32_t unfinished;  // Claimed pieces included. The caller sleeps on it.
  _Atomic uint32_t caller_sleeps;

  alignas(cache_line) _Atomic uint32_t sleepers;
  _Atomic uint32_t alarm;  // Workers sleep on it.
  _Atomic bool stop;

  int threads;
  fk_worker *workers;  // 1 ..< threads; the caller has no entry in use.
};

static inline uint64_t range(uint32_t first, uint32_t end) { return (uint64_t)end << 32 | first; }
static inline uint32_t range_first(uint64_t range) { return (uint32_t)range; }
static inline uint32_t range_end(uint64_t range) { return (uint32_t)(range >> 32); }

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

#if defined(__linux__)
static void sleep_while_equal(_Atomic uint32_t *word, uint32_t value) {
  syscall(SYS_futex, (uint32_t *)word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word, int count) {
  syscall(SYS_futex, (uint32_t *)word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
#else
static void sleep_while_equal(_Atomic uint32_t *word, uint32_t value) {
  struct timespec fifty_microseconds = {0, 50000};
  if (atomic_load(word) == value) nanosleep(&fifty_microseconds, NULL);
}

static void wake(_Atomic uint32_t *word, int count) { (void)word, (void)count; }
#endif

#if defined(__x86_64__)
typedef unsigned int floating_mode;
static inline floating_mode get_floating_mode(void) { return _mm_getcsr(); }
static inline void set_floating_mode(floating_mode mode) { _mm_setcsr(mode); }
static inline floating_mode flushing(floating_mode mode) { return mode | 0x8040; }  // FTZ, DAZ
#elif defined(__aarch64__)
typedef uint64_t floating_mode;
static inline floating_mode get_floating_mode(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static inline void set_floating_mode(floating_mode mode) { __asm__ volatile("msr fpcr, %0" ::"r"(mode)); }
static inline floating_mode flushing(floating_mode mode) { return mode | (uint64_t)1 << 24; }  // FZ
#else
typedef int floating_mode;
static inline floating_mode get_floating_mode(void) { return 0; }
static inline void set_floating_mode(floating_mode mode) { (void)mode; }
static inline floating_mode flushing(floating_mode mode) { return mode; }
#endif

static pthread_once_t openmp_once = PTHREAD_ONCE_INIT;
static void (*openmp_set_threads)(int);

static void find_openmp(void) { openmp_set_threads = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads"); }

// oneDNN is built on OpenMP: unless each thread that runs a primitive asks for one thread, its parallel regions would
// bring up OpenMP's own pool next to this one.
void fk_forbid_nested_threads(void) {
  pthread_once(&openmp_once, find_openmp);
  if (openmp_set_threads != NULL) openmp_set_threads(1);
}

/// Claims one piece and runs it; false where nothing is left to claim. The caller claims from the front and the first
/// worker from the back, so that two threads meet the same part of an array in one step after another (it is in their
/// cache) and yet share the work as it comes.
static bool run_piece(fk_pool *pool, int worker) {
  uint64_t unclaimed = atomic_load_explicit(&pool->unclaimed, memory_order_relaxed);
  uint32_t first, end;
  uint64_t rest;
  do {
    first = range_first(unclaimed);
    end = range_end(unclaimed);
    if (first == end) return false;
    rest = worker % 2 == 0 ? range(first + 1, end) : range(first, end - 1);
  } while (!atomic_compare_exchange_weak_explicit(
    &pool->unclaimed, &unclaimed, rest, memory_order_acquire, memory_order_relaxed));
  int piece = (int)(worker % 2 == 0 ? first : end - 1);
  const fk_step *step = pool->step;
  step->run(step->arguments, piece, worker);
  return true;
}

static bool nothing_to_claim(fk_pool *pool) {
  uint64_t unclaimed = atomic_load(&pool->unclaimed);
  return range_first(unclaimed) == range_end(unclaimed);
}

static void finish(fk_pool *pool, uint32_t pieces) {
  if (atomic_fetch_sub(&pool->unfinished, pieces) == pieces && atomic_load(&pool->caller_sleeps) != 0)
    wake(&pool->unfinished, 1);
}

static void *work(void *argument) {
  fk_worker *self = argument;
  fk_pool *pool = self->pool;
  set_floating_mode(flushing(get_floating_mode()));
  fk_forbid_nested_threads();
  while (true) {
    int64_t deadline = now() + spin_nanoseconds;
    bool idle = true;
    while (idle && now() < deadline) {
      for (int i = 0; idle && i < pauses_per_clock; i += 1) {
        if (run_piece(pool, self->index)) {
          finish(pool, 1);
          idle = false;
        } else {
          pause_briefly();
        }
      }
    }
    if (!idle) continue;
    // The order matters: sleepers up, then the alarm read, then a last look. A caller that publishes before the look is
    // seen by it; one that publishes after it sees a sleeper and changes the alarm.
    atomic_fetch_add(&pool->sleepers, 1);
    uint32_t alarm = atomic_load(&pool->alarm);
    bool stop = atomic_load(&pool->stop);
    if (!stop && nothing_to_claim(pool)) sleep_while_equal(&pool->alarm, alarm);
    atomic_fetch_sub(&pool->sleepers, 1);
    if (stop) return NULL;
  }
}

static void await_others(fk_pool *pool) {
  int64_t deadline = 0;
  while (true) {
    for (int i = 0; i < pauses_per_clock; i += 1) {
      if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0) return;
      pause_briefly();
    }
    int64_t time = now();
    if (deadline == 0) deadline = time + spin_nanoseconds;
    if (time >= deadline) break;
  }
  atomic_store(&pool->caller_sleeps, 1);
  uint32_t unfinished;
  while ((unfinished = atomic_load(&pool->unfinished)) != 0) sleep_while_equal(&pool->unfinished, unfinished);
  atomic_store(&pool->caller_sleeps, 0);
}

static void run_step(fk_pool *pool, const fk_step *step) {
  if (pool->threads == 1 || step->pieces <= 1) {
    for (int piece = 0; piece < step->pieces; piece += 1) step->run(step->arguments, piece, 0);
    return;
  }
  pool->step = step;
  atomic_store_explicit(&pool->unfinished, (uint32_t)step->pieces, memory_order_relaxed);
  atomic_store(&pool->unclaimed, range(0, (uint32_t)step->pieces));
  if (atomic_load(&pool->sleepers) != 0) {
    atomic_fetch_add(&pool->alarm, 1);
    wake(&pool->alarm, step->pieces - 1);
  }
  uint32_t finished = 0;
  while (run_piece(pool, 0)) finished += 1;
  if (finished != 0) finish(pool, finished);
  await_others(pool);
}

void fk_run(fk_pool *pool, const fk_step *steps, int count) {
  floating_mode mode = get_floating_mode();
  set_floating_mode(flushing(mode));
  fk_forbid_nested_threads();
  for (int i = 0; i < count; i += 1) run_step(pool, &steps[i]);
  set_floating_mode(mode);
}

void fk_run_profiled(fk_pool *pool, const fk_step *steps, int count, long long *nanoseconds) {
  floating_mode mode = get_floating_mode();
  set_floating_mode(flushing(mode));
  fk_forbid_nested_threads();
  int64_t start = now();
  for (int i = 0; i < count; i += 1) {
    run_step(pool, &steps[i]);
    int64_t end = now();
    nanoseconds[i] += end - start;
    start = end;
  }
  set_floating_mode(mode);
}

void fk_run_group(const void *arguments, int piece, int worker) {
  const fk_group *group = arguments;
  // The step whose range holds the piece: the last one that does not begin after it.
  int low = 0, high = group->count - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (group->first[middle] <= piece) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const fk_step *step = &group->steps[low];
  step->run(step->arguments, piece - group->first[low], worker);
}

fk_pool *fk_pool_create(int threads) {
  if (threads < 1) return NULL;
  fk_pool *pool = aligned_alloc(cache_line, (sizeof(fk_pool) + cache_line - 1) / cache_line * cache_line);
  fk_worker *workers = calloc((size_t)threads, sizeof(fk_worker));
  if (pool == NULL || workers == NULL) {
    free(pool);
    free(workers);
    return NULL;
  }
  atomic_init(&pool->unclaimed, 0);
  atomic_init(&pool->unfinished, 0);
  atomic_init(&pool->caller_sleeps, 0);
  atomic_init(&pool->sleepers, 0);
  atomic_init(&pool->alarm, 0);
  atomic_init(&pool->stop, false);
  pool->step = NULL;
  pool->threads = 1;
  pool->workers = workers;

  // Signals are for the program's own threads: a handler must not interrupt a kernel's scratch work here.
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  while (pool->threads < threads) {
    fk_worker *worker = &workers[pool->threads];
    worker->pool = pool;
    worker->index = pool->threads;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) break;
    pool->threads += 1;
  }
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
  if (threads > 1 && pool->threads == 1) {
    fk_pool_destroy(pool);
    return NULL;
  }
  return pool;
}

void fk_pool_destroy(fk_pool *pool) {
  atomic_store(&pool->stop, true);
  atomic_fetch_add(&pool->alarm, 1);
  wake(&pool->alarm, pool->threads);
  for (int i = 1; i < pool->threads; i += 1) pthread_join(pool->workers[i].thread, NULL);
  free(pool->workers);
  free(pool);
}

int fk_pool_threads(const fk_pool *pool) { return pool->threads; }
