/* What can happen to the machine that a process runs on, for the process alone: loaded before its own libraries, this sets
 * its clock and fills its disk, as the file named by CHAOS_MACHINE says at each moment. The file holds two numbers of 64
 * bits: by how many milliseconds the clock is wrong, and how full the disk is: 0 for room, 1 where no write finds any, 2
 * where all blocks are taken, so that only what makes a file longer finds none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct machine {
    volatile int64_t clock;
    volatile int64_t disk_is_full;
};

static const struct machine *machine;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_MACHINE");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0)
        return;
    void *memory = mmap(NULL, sizeof(struct machine), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED)
        machine = memory;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && machine) {
        int64_t nanos = time->tv_nsec + (machine->clock % 1000) * 1000000;
        time->tv_sec += machine->clock / 1000 + (nanos < 0 ? -1 : nanos / 1000000000);
        time->tv_nsec = nanos < 0 ? nanos + 1000000000 : nanos % 1000000000;
    }
    return result;
}

/* The place of a write that goes where the file stands. */
#define HERE (-1)

/* Whether a write to this file finds no room. What the process says is written elsewhere. */
static int has_no_room(int file, off_t place, size_t count) {
    struct stat status;
    if (!machine || !machine->disk_is_full || file <= STDERR_FILENO || fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    if (machine->disk_is_full == 1)
        return 1;
    if (place == HERE)
        place = fcntl(file, F_GETFL) & O_APPEND ? status.st_size : lseek(file, 0, SEEK_CUR);
    return place + (off_t)count > status.st_size;
}

static size_t length(const struct iovec *parts, int count) {
    size_t sum = 0;
    for (int part = 0; part < count; part++)
        sum += parts[part].iov_len;
    return sum;
}

#define WRITES(name, result, declared, given, place, count)                                                            \
    result name declared {                                                                                             \
        static result(*real) declared;                                                                                 \
        if (!real)                                                                                                     \
            real = (result(*) declared)dlsym(RTLD_NEXT, #name);                                                        \
        if (has_no_room(file, place, count)) {                                                                         \
            errno = ENOSPC;                                                                                            \
            return -1;                                                                                                 \
        }                                                                                                              \
        return real given;                                                                                             \
    }

WRITES(write, ssize_t, (int file, const void *bytes, size_t count), (file, bytes, count), HERE, count)
WRITES(pwrite, ssize_t, (int file, const void *bytes, size_t count, off_t place), (file, bytes, count, place), place, count)
WRITES(pwrite64, ssize_t, (int file, const void *bytes, size_t count, off64_t place), (file, bytes, count, place), place,
       count)
WRITES(pwritev, ssize_t, (int file, const struct iovec *parts, int count, off_t place), (file, parts, count, place), place,
       length(parts, count))
WRITES(pwritev64, ssize_t, (int file, const struct iovec *parts, int count, off64_t place), (file, parts, count, place),
       place, length(parts, count))

/* These give the error as their result. */
#define RESERVES(name, offset)                                                                                         \
    int name(int file, offset place, offset count) {                                                                   \
        static int (*real)(int, offset, offset);                                                                       \
        if (!real)                                                                                                     \
            real = (int (*)(int, offset, offset))dlsym(RTLD_NEXT, #name);                                              \
        return has_no_room(file, place, count) ? ENOSPC : real(file, place, count);                                    \
    }

RESERVES(posix_fallocate, off_t)
RESERVES(posix_fallocate64, off64_t)
