#define _GNU_SOURCE
#include "CrashPoints.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = 512, PATH = 1024 };

// Files with bytes that are not on the disk: a descriptor of our own, and how far it is safe.
static struct { int descriptor; dev_t device; ino_t inode; off_t safe; } unsafe_files[LIMIT];
static int unsafe_count;
// Names that are not on the disk, in the order they were made: `from` is empty where the file is new,
// `kept` where nothing was replaced.
static struct { char from[PATH], to[PATH], kept[PATH]; } names[LIMIT];
static int name_count, kept_count;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != 0 ? value : NULL;
}

static long number(const char *name) {
  const char *value = setting(name);
  return value != NULL ? atol(value) : 0;
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_ours(const char *path) {
  const char *folder = setting("CRASHPOINTS_FOLDER");
  size_t length = folder != NULL ? strlen(folder) : 0;
  return length > 0 && strncmp(path, folder, length) == 0
      && (path[length] == '/' || path[length] == 0);
}

/// The path of a descriptor; 0 where it is none of ours.
static int path_of(int descriptor, char path[PATH]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, PATH - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_ours(path);
}

static int is_in(const char *path, const char *folder) {
  size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && path[length] == '/'
      && strchr(path + length + 1, '/') == NULL;
}

static void cut_power(void) {
  int (*rename_file)(const char *, const char *) = real("rename");
  int (*remove_file)(const char *) = real("unlink");
  for (int i = 0; i < unsafe_count; i += 1) {
    int (*cut)(int, off_t) = real("ftruncate");
    cut(unsafe_files[i].descriptor, unsafe_files[i].safe);
  }
  while (name_count > 0) {
    name_count -= 1;
    if (names[name_count].from[0] == 0) {
      remove_file(names[name_count].to);
    } else {
      rename_file(names[name_count].to, names[name_count].from);
      if (names[name_count].kept[0] != 0) rename_file(names[name_count].kept, names[name_count].to);
    }
  }
}

static void die(void) {
  if (number("CRASHPOINTS_POWER")) cut_power();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/// Counts a call: 0 to go on, 1 to die at it, or the error that it is to fail with.
static int reach(const char *kind) {
  static long count;
  count += 1;
  const char *log = setting("CRASHPOINTS_LOG");
  if (log != NULL) {
    int (*open_file)(const char *, int, ...) = real("open");
    ssize_t (*write_file)(int, const void *, size_t) = real("write");
    int file = open_file(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", kind);
    if (file >= 0 && write_file(file, line, (size_t)length) != length) abort();
    if (file >= 0) close(file);
  }
  long at = number("CRASHPOINTS_AT");
  if (at == 0 || count < at) return 0;
  int error = (int)number("CRASHPOINTS_ERROR");
  if (error != 0) {
    // A full disk lets files be removed and renamed.
    return strcmp(kind, "rename") == 0 || strcmp(kind, "remove") == 0 ? 0 : error;
  }
  return count == at ? 1 : 0;
}

/// Nonzero where the call fails; dies where it is the time to.
static int fails(const char *kind) {
  int outcome = reach(kind);
  if (outcome == 1) die();
  if (outcome != 0) errno = outcome;
  return outcome;
}

static void remember_name(const char *from, const char *to, const char *kept) {
  if (name_count == LIMIT) abort();
  snprintf(names[name_count].from, PATH, "%s", from);
  snprintf(names[name_count].to, PATH, "%s", to);
  snprintf(names[name_count].kept, PATH, "%s", kept);
  name_count += 1;
}

static void remember_file(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return;
  for (int i = 0; i < unsafe_count; i += 1) {
    if (unsafe_files[i].device == status.st_dev && unsafe_files[i].inode == status.st_ino) return;
  }
  if (unsafe_count == LIMIT) abort();
  unsafe_files[unsafe_count].descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 500);
  unsafe_files[unsafe_count].device = status.st_dev;
  unsafe_files[unsafe_count].inode = status.st_ino;
  unsafe_files[unsafe_count].safe = status.st_size;
  unsafe_count += 1;
}

static void forget_file(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return;
  for (int i = 0; i < unsafe_count; i += 1) {
    if (unsafe_files[i].device != status.st_dev || unsafe_files[i].inode != status.st_ino) continue;
    close(unsafe_files[i].descriptor);
    unsafe_files[i] = unsafe_files[unsafe_count - 1];
    unsafe_count -= 1;
    return;
  }
}

static void forget_names(const char *folder) {
  int (*remove_file)(const char *) = real("unlink");
  int left = 0;
  for (int i = 0; i < name_count; i += 1) {
    if (is_in(names[i].to, folder)) {
      if (names[i].kept[0] != 0) remove_file(names[i].kept);
    } else {
      names[left] = names[i];
      left += 1;
    }
  }
  name_count = left;
}

static int opened(
    int (*open_file)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  struct stat status;
  int is_new = (flags & O_CREAT) != 0 && is_ours(path) && stat(path, &status) != 0;
  if (is_new && fails("create")) return -1;
  int descriptor = open_file(path, flags, mode);
  if (is_new && descriptor >= 0 && number("CRASHPOINTS_POWER")) remember_name("", path, "");
  return descriptor;
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(real("open"), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(real("open64"), path, flags, mode);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  ssize_t (*write_file)(int, const void *, size_t) = real("write");
  char path[PATH];
  if (descriptor <= 2 || !path_of(descriptor, path)) return write_file(descriptor, bytes, count);
  if (number("CRASHPOINTS_POWER")) remember_file(descriptor);
  int outcome = reach("write");
  if (outcome == 0) return write_file(descriptor, bytes, count);
  // What a full disk still takes, or what was written when the process died.
  if (count > 1) write_file(descriptor, bytes, count / 2);
  if (outcome == 1) die();
  errno = outcome;
  return -1;
}

static int cut(int (*cut_file)(int, off_t), int descriptor, off_t length) {
  char path[PATH];
  int is_counted = path_of(descriptor, path);
  if (is_counted && number("CRASHPOINTS_POWER")) remember_file(descriptor);
  if (is_counted && reach("truncate") == 1) die();
  return cut_file(descriptor, length);
}

int ftruncate(int descriptor, off_t length) { return cut(real("ftruncate"), descriptor, length); }
int ftruncate64(int descriptor, off_t length) { return cut(real("ftruncate64"), descriptor, length); }

int fsync(int descriptor) {
  int (*synchronize)(int) = real("fsync");
  char path[PATH];
  if (!path_of(descriptor, path)) return synchronize(descriptor);
  struct stat status;
  int is_folder = fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
  if (fails(is_folder ? "fsync folder" : "fsync")) return -1;
  int result = synchronize(descriptor);
  if (result == 0 && is_folder) forget_names(path);
  if (result == 0 && !is_folder) forget_file(descriptor);
  return result;
}

int rename(const char *from, const char *to) {
  int (*rename_file)(const char *, const char *) = real("rename");
  if (!is_ours(to)) return rename_file(from, to);
  if (fails("rename")) return -1;
  char kept[PATH] = "";
  if (number("CRASHPOINTS_POWER")) {
    // Next to the folder, where nobody looks.
    kept_count += 1;
    snprintf(kept, PATH, "%s.kept-%d-%d", setting("CRASHPOINTS_FOLDER"), getpid(), kept_count);
    if (link(to, kept) != 0) kept[0] = 0;
    remember_name(from, to, kept);
  }
  return rename_file(from, to);
}

int unlink(const char *path) {
  int (*remove_file)(const char *) = real("unlink");
  if (is_ours(path) && reach("remove") == 1) die();
  return remove_file(path);
}
