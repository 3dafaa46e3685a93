/* What the programs here tell the benchmark: one record on a descriptor, written at once. */
#ifndef STAMP_H
#define STAMP_H

#include <stdint.h>
#include <time.h>

/* Both numbers in the machine's own byte order. */
struct stamp {
    /* CLOCK_MONOTONIC, nanoseconds. */
    uint64_t at;
    uint64_t pid;
};

static inline uint64_t nanoseconds(struct timespec time) {
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

#endif
