/* What can happen to the machine that a process runs on, for the process alone: loaded before its own libraries, this sets
 * its clock and fills its disk, as the file named by CHAOS_MACHINE says at each moment. The file holds two numbers of 64
 * bits: by how many milliseconds the clock is wrong, and whether the disk is full. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* Whether a write to this file finds no room. What the process says is written elsewhere. */
static int has_no_room(int file) {
    struct stat status;
    return machine && machine->disk_is_full && file > STDERR_FILENO && fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

#define WRITES(name, result, declared, given)                                                                          \
    result name declared {                                                                                             \
        static result(*real) declared;                                                                                 \
        if (!real)                                                                                                     \
            real = (result(*) declared)dlsym(RTLD_NEXT, #name);                                                        \
        if (has_no_room(file)) {                                                                                       \
            errno = ENOSPC;                                                                                            \
            return -1;                                                                                                 \
        }                                                                                                              \
        return real given;                                                                                             \
    }

WRITES(write, ssize_t, (int file, const void *bytes, size_t count), (file, bytes, count))
WRITES(pwrite, ssize_t, (int file, const void *bytes, size_t count, off_t place), (file, bytes, count, place))
WRITES(pwrite64, ssize_t, (int file, const void *bytes, size_t count, off64_t place), (file, bytes, count, place))
