#ifndef CL_RAW_H
#define CL_RAW_H
/* System calls without the C library: no errno is touched, which a child that shares our memory
   would share too. The result is negative, the error's number, where the call fails. */
#include <sys/syscall.h>

/* For all that such a child runs: what sanitizers put into a function keeps accounts of its thread,
   and that one is its parent's. */
#define CL_BARE __attribute__((no_sanitize("address", "thread")))

CL_BARE static inline long cl_raw(long number, long a, long b, long c, long d, long e) {
#if defined(__x86_64__)
    long result;
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long call __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    register long fifth __asm__("x4") = e;
    __asm__ volatile("svc 0"
                     : "+r"(first)
                     : "r"(call), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
                     : "memory");
    return first;
#else
#error "system calls are known here for x86-64 and AArch64"
#endif
}

#define cl_raw0(number) cl_raw(number, 0, 0, 0, 0, 0)
#define cl_raw1(number, a) cl_raw(number, (long)(a), 0, 0, 0, 0)
#define cl_raw2(number, a, b) cl_raw(number, (long)(a), (long)(b), 0, 0, 0)
#define cl_raw3(number, a, b, c) cl_raw(number, (long)(a), (long)(b), (long)(c), 0, 0)
#define cl_raw4(number, a, b, c, d) cl_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define cl_raw5(number, a, b, c, d, e) \
    cl_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

#endif
