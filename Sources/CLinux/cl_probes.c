#include "clinux.h"
#include <errno.h>
#include <linux/sched.h>
#include <unistd.h>

/* Each call is made with invalid arguments, or with some that have no effect: only its errno counts. */

int cl_refuses_pidfd_open(void) {
    int pidfd = cl_pidfd_open(getpid());
    if (pidfd >= 0) return close(pidfd);
    return cl_is_refusal(errno) ? errno : 0;
}

int cl_refuses_pidfd_send_signal(void) {
    /* A kernel that supports the call answers EBADF. */
    if (cl_pidfd_send_signal(-1, 0) == 0 || !cl_is_refusal(errno)) return 0;
    return errno;
}

int cl_refuses_clone_pidfd(void) {
    /* CLONE_SIGHAND without CLONE_VM gives EINVAL before a process is started; a seccomp filter
       answers before that. */
    long pid = syscall(SYS_clone, CLONE_PIDFD | CLONE_SIGHAND, NULL, NULL, NULL, NULL);
    if (pid == 0) _exit(0);
    return pid < 0 && errno != EINVAL && cl_is_refusal(errno) ? errno : 0;
}
