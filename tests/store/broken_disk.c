/* A disk that fails, or forgets: loaded before the C library by LD_PRELOAD, for tests only.

   `disk_fails(n, error, lasting)` makes the n-th call on a file fail, once or from then on; `disk_calls()` says how many
   there were. `disk_remembers(log)` writes what every write overwrote into a log, and a mark where a file was synced, so
   that a loss of power can be played: whatever was not synced is taken back. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls, fails_at;
static int error_number, is_lasting, log_file = -1;

struct entry { char path[256]; long offset, size_before, overwritten; };

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void disk_fails(long at, int error, int lasting) { calls = 0; fails_at = at; error_number = error; is_lasting = lasting; }
long disk_calls(void) { return calls; }
void disk_remembers(int log) { log_file = log; }

static int is_file(int file, struct stat *is) { return !fstat(file, is) && S_ISREG(is->st_mode); }

static int fails(int file) {
    struct stat is;
    if (!fails_at || !is_file(file, &is)) return 0;
    calls++;
    if (calls == fails_at || (is_lasting && calls > fails_at)) { errno = error_number; return 1; }
    return 0;
}

/* One entry: what stood at this place before; `size` 0 marks a sync. */
static void remember(int file, off_t offset, size_t size) {
    struct stat is;
    if (log_file < 0 || file == log_file || !is_file(file, &is)) return;
    struct entry *it = calloc(1, sizeof *it + size);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, it->path, sizeof it->path - 1) < 0) it->path[0] = 0;
    it->offset = offset;
    it->size_before = is.st_size;
    ssize_t old = size ? pread(file, it + 1, size, offset) : 0;
    it->overwritten = size ? (old < 0 ? 0 : old) : -1;
    if (NEXT(write)(log_file, it, sizeof *it + (it->overwritten > 0 ? it->overwritten : 0)) < 0) abort();
    free(it);
}

ssize_t pwrite(int f, const void *b, size_t n, off_t o) {
    if (fails(f)) return -1;
    remember(f, o, n);
    return NEXT(pwrite)(f, b, n, o);
}
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) {
    if (fails(f)) return -1;
    remember(f, o, n);
    return NEXT(pwrite64)(f, b, n, o);
}
ssize_t write(int f, const void *b, size_t n) { return fails(f) ? -1 : NEXT(write)(f, b, n); }

static int synced(int f, int result) {
    if (!result) remember(f, 0, 0);
    return result;
}
int fsync(int f) { return fails(f) ? -1 : synced(f, NEXT(fsync)(f)); }
int fdatasync(int f) { return fails(f) ? -1 : synced(f, NEXT(fdatasync)(f)); }
int ftruncate(int f, off_t n) { return fails(f) ? -1 : NEXT(ftruncate)(f, n); }
int ftruncate64(int f, off64_t n) { return fails(f) ? -1 : NEXT(ftruncate64)(f, n); }
