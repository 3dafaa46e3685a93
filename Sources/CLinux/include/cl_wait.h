#ifndef CL_WAIT_H
#define CL_WAIT_H
#include <errno.h>
#include <sys/wait.h>

/* One child that has ended, taken from the kernel's books. */
struct cl_ended {
    pid_t pid; /* 0: children remain, but none has ended */
    int signaled;
    int status; /* the exit status, or the signal */
};

/* Takes any child, a guard as well. Returns 0, or -1 with errno (ECHILD: there is no child). */
static inline int cl_reap(struct cl_ended *ended) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | 0x40000000 /* __WALL */) != 0) return -1;
    ended->pid = info.si_pid;
    ended->signaled = info.si_code != CLD_EXITED;
    ended->status = info.si_status;
    return 0;
}

/* Whether there is any child, running or ended, but for guards: what is left to us by others has
   SIGCHLD for its end, and counts. 1 or 0; -1 with errno where the system does not tell. */
static inline int cl_any_child(void) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) return 1;
    return errno == ECHILD ? 0 : -1;
}

/* Whether a process of this number is our child and was not taken: 0 where there is none, 1 where it
   runs, 2 where it has ended; -1 with errno where the system does not tell. */
static inline int cl_child_state(pid_t pid) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | 0x40000000 /* __WALL */) != 0)
        return errno == ECHILD ? 0 : -1;
    return info.si_pid == 0 ? 1 : 2;
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
