#include "clinux.h"
#include <errno.h>
#include <linux/sched.h>
#include <unistd.h>

/* Each call gets arguments that a kernel which answers it finds wrong, or that do nothing. */

int cl_refuses_pidfd_open(void) {
    int pidfd = cl_pidfd_open(getpid());
    if (pidfd >= 0) return close(pidfd);
    return cl_is_refusal(errno) ? errno : 0;
}

int cl_refuses_pidfd_send_signal(void) {
    /* EBADF is the answer of a kernel that knows it. */
    if (cl_pidfd_send_signal(-1, 0) == 0 || !cl_is_refusal(errno)) return 0;
    return errno;
}

int cl_refuses_clone_pidfd(void) {
    /* Together with CLONE_SIGHAND, which needs CLONE_VM, the kernel says EINVAL before it starts
       anybody: what a filter says comes before that. */
    long pid = syscall(SYS_clone, CLONE_PIDFD | CLONE_SIGHAND, NULL, NULL, NULL, NULL);
    if (pid == 0) _exit(0);
    return pid < 0 && errno != EINVAL && cl_is_refusal(errno) ? errno : 0;
}
