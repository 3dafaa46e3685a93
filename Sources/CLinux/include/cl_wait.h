#ifndef CL_WAIT_H
#define CL_WAIT_H
#include <sys/wait.h>

/* One child that has ended, taken from the kernel's books. */
struct cl_ended {
    pid_t pid; /* 0: children remain, but none has ended */
    int signaled;
    int status; /* the exit status, or the signal */
};

/* Returns 0, or -1 with errno (ECHILD: there is no child). */
static inline int cl_reap(struct cl_ended *ended, int leave) {
    siginfo_t info = {0};
    int options = WEXITED | WNOHANG | 0x40000000 /* __WALL */ | (leave ? WNOWAIT : 0);
    if (waitid(P_ALL, 0, &info, options) != 0) return -1;
    ended->pid = info.si_pid;
    ended->signaled = info.si_code != CLD_EXITED;
    ended->status = info.si_status;
    return 0;
}

/* Waits for this child and takes it. Returns 0, or -1 with errno: ECHILD where it is no child, or
   was taken by somebody else. */
static inline int cl_reap_one(struct cl_ended *ended, pid_t pid) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0) return -1;
    ended->pid = info.si_pid;
    ended->signaled = info.si_code != CLD_EXITED;
    ended->status = info.si_status;
    return 0;
}

#endif
