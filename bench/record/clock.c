// A wall clock that can be stepped while processes run, for those that preload this: real time plus an offset that lies
// in the file named by SOAK_CLOCK, as two 64-bit integers: nanoseconds of offset, and the second since which files are
// ours. Times of files written since then move with the clock, as if the kernel had the same one. Monotonic clocks are
// untouched. (libfaketime 0.9.10 makes time.sleep of Python fail.)

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none[2] = {0, INT64_MAX}, *shared = none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SOAK_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, 16, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) shared = found;
    close(file);
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, #name)

static struct timespec moved(struct timespec t, int64_t by) {
    int64_t ns = t.tv_sec * 1000000000LL + t.tv_nsec + by;
    return (struct timespec){ns / 1000000000LL, ns % 1000000000LL};
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    REAL(clock_gettime);
    int failed = real(clock, t);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) *t = moved(*t, shared[0]);
    return failed;
}

int gettimeofday(struct timeval *t, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}

static void move(struct timespec *t) {
    if (t->tv_sec >= shared[1]) *t = moved(*t, shared[0]);
}

#define MOVED(call) do { int failed = call; if (!failed) { move(&s->st_mtim); move(&s->st_ctim); } return failed; } while (0)

int stat(const char *restrict path, struct stat *restrict s) { REAL(stat); MOVED(real(path, s)); }
int lstat(const char *restrict path, struct stat *restrict s) { REAL(lstat); MOVED(real(path, s)); }
int fstat(int file, struct stat *s) { REAL(fstat); MOVED(real(file, s)); }
int fstatat(int at, const char *restrict path, struct stat *restrict s, int flags) {
    REAL(fstatat);
    MOVED(real(at, path, s, flags));
}
int stat64(const char *restrict path, struct stat64 *restrict s) { REAL(stat64); MOVED(real(path, s)); }
int lstat64(const char *restrict path, struct stat64 *restrict s) { REAL(lstat64); MOVED(real(path, s)); }
int fstat64(int file, struct stat64 *s) { REAL(fstat64); MOVED(real(file, s)); }
int fstatat64(int at, const char *restrict path, struct stat64 *restrict s, int flags) {
    REAL(fstatat64);
    MOVED(real(at, path, s, flags));
}

int statx(int at, const char *restrict path, int flags, unsigned mask, struct statx *restrict s) {
    REAL(statx);
    int failed = real(at, path, flags, mask, s);
    if (!failed && s->stx_mtime.tv_sec >= shared[1]) {
        struct timespec t = moved((struct timespec){s->stx_mtime.tv_sec, s->stx_mtime.tv_nsec}, shared[0]);
        s->stx_mtime.tv_sec = t.tv_sec;
        s->stx_mtime.tv_nsec = t.tv_nsec;
    }
    return failed;
}

// a time that is set is one of the stepped clock
int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
    REAL(utimensat);
    if (!times) return real(at, path, times, flags);
    struct timespec real_times[2] = {times[0], times[1]};
    for (int i = 0; i < 2; i++)
        if (real_times[i].tv_nsec < 1000000000L) real_times[i] = moved(real_times[i], -shared[0]);
    return real(at, path, real_times, flags);
}
