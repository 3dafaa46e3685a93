/* A job whose first instruction asks for the time. Without the C library's start, which would cost a
   tenth of a millisecond before main. `first exit` tells the time and ends; otherwise it sleeps. */

#include "stamp.h"
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call first\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x0, sp\n b first\n");
#else
#error "the start of a program is known here for x86-64 and AArch64"
#endif

/* Only `syscall` is used of the C library: nothing of it has been set up. */
__attribute__((used, noreturn)) void first(const long *stack) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    const struct stamp stamp = {nanoseconds(now), (uint64_t)syscall(SYS_getpid)};
    syscall(SYS_write, 1, &stamp, sizeof stamp);
    /* Behind the count come the words. Some supervisors give a word of their own. */
    const char *word = stack[0] > 1 ? (const char *)stack[2] : "";
    const int ends = word[0] == 'e' && word[1] == 'x' && word[2] == 'i' && word[3] == 't' && word[4] == 0;
    while (!ends) syscall(SYS_ppoll, 0, 0, 0, 0, 0);
    for (;;) syscall(SYS_exit_group, 0);
}
