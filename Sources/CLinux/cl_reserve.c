#include "cl_reserve.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* For /proc, the list of threads, a list of children, and a pidfd. */
enum { RESERVE = 4 };

/* 0: not held, else the descriptor and 1. */
static int held[RESERVE];
static int is_wanted;

static int release(void) {
    int released = 0;
    for (int index = 0; index < RESERVE; index++) {
        int one = __atomic_exchange_n(&held[index], 0, __ATOMIC_SEQ_CST);
        if (one > 0) released += close(one - 1) == 0;
    }
    return released;
}

int cl_open_reserved(int directory, const char *path, int flags) {
    int file = openat(directory, path, flags);
    if (file >= 0 || (errno != EMFILE && errno != ENFILE)) return file;
    int code = errno;
    if (release() > 0) return openat(directory, path, flags);
    errno = code;
    return -1;
}

void cl_reserve_want(void) {
    __atomic_store_n(&is_wanted, 1, __ATOMIC_SEQ_CST);
    cl_reserve_fill();
}

void cl_reserve_fill(void) {
    int code = errno;
    if (__atomic_load_n(&is_wanted, __ATOMIC_SEQ_CST) == 0) return;
    for (int index = 0; index < RESERVE; index++) {
        int none = 0;
        if (__atomic_load_n(&held[index], __ATOMIC_SEQ_CST) != 0) continue;
        int one = open("/", O_PATH | O_CLOEXEC);
        if (one < 0) break;
        /* 0, 1 and 2 are for the standard streams. */
        if (one > 2
            && __atomic_compare_exchange_n(
                &held[index], &none, one + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        close(one);
    }
    errno = code;
}

void cl_reserve_forget(void) {
    __atomic_store_n(&is_wanted, 0, __ATOMIC_SEQ_CST);
    for (int index = 0; index < RESERVE; index++)
        __atomic_store_n(&held[index], 0, __ATOMIC_SEQ_CST);
}
