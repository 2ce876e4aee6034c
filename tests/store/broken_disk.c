/* A disk that fails at the n-th call, once or from then on: loaded before the C library by LD_PRELOAD, for tests only.
   Only calls on files are counted; `disk_fails(n, error, lasting)` arms it and `disk_calls()` says how many there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls, fails_at;
static int error_number, is_lasting;

void disk_fails(long at, int error, int lasting) { calls = 0; fails_at = at; error_number = error; is_lasting = lasting; }
long disk_calls(void) { return calls; }

static int fails(int file) {
    struct stat is;
    if (!fails_at || fstat(file, &is) || !S_ISREG(is.st_mode)) return 0;
    calls++;
    if (calls == fails_at || (is_lasting && calls > fails_at)) { errno = error_number; return 1; }
    return 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t pwrite(int f, const void *b, size_t n, off_t o) { return fails(f) ? -1 : NEXT(pwrite)(f, b, n, o); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { return fails(f) ? -1 : NEXT(pwrite64)(f, b, n, o); }
ssize_t write(int f, const void *b, size_t n) { return fails(f) ? -1 : NEXT(write)(f, b, n); }
int fsync(int f) { return fails(f) ? -1 : NEXT(fsync)(f); }
int fdatasync(int f) { return fails(f) ? -1 : NEXT(fdatasync)(f); }
int ftruncate(int f, off_t n) { return fails(f) ? -1 : NEXT(ftruncate)(f, n); }
int ftruncate64(int f, off64_t n) { return fails(f) ? -1 : NEXT(ftruncate64)(f, n); }
