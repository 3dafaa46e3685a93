#include "clinux.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static int argument_count = 0;
static char **arguments = NULL;

/* The C library calls it with what it calls main with. */
__attribute__((constructor)) static void keep_arguments(int count, char **words) {
    argument_count = count;
    arguments = words;
}

char **cl_arguments(int *count) {
    *count = argument_count;
    return arguments;
}

int cl_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int cl_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int cl_peer(int socket, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

const void *cl_find_bytes(const void *bytes, size_t count, const void *word, size_t length) {
    return memmem(bytes, count, word, length);
}

int cl_want_senders(int socket) {
    int yes = 1;
    return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
}

ssize_t cl_receive(int socket, void *room, size_t size, pid_t *pid, uid_t *uid, gid_t *gid) {
    /* For the sender and nothing else: what does not fit is never opened here. */
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = {.iov_base = room, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return -1;
    if (message.msg_flags & MSG_TRUNC) {
        errno = EMSGSIZE;
        return -1;
    }
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS ||
        head->cmsg_len < CMSG_LEN(sizeof(struct ucred))) {
        errno = EACCES;
        return -1;
    }
    struct ucred sender;
    memcpy(&sender, CMSG_DATA(head), sizeof sender);
    *pid = sender.pid;
    *uid = sender.uid;
    *gid = sender.gid;
    return count;
}

int cl_processors(void) {
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : -1;
}

int cl_widen_pipe(int fd, int bytes) { return fcntl(fd, F_SETPIPE_SZ, bytes); }

ssize_t cl_move_between_pipes(int from, int to, size_t most) {
    return splice(from, NULL, to, NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

int cl_bytes_waiting(int fd) {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}
