#include "clinux.h"
#include "cl_child.h"
#include <errno.h>
#include <stdlib.h>

int cl_read_terminal_size(int fd, struct cl_terminal_size *size) {
    struct winsize window;
    if (ioctl(fd, TIOCGWINSZ, &window) != 0) return -1;
    size->rows = window.ws_row;
    size->columns = window.ws_col;
    return 0;
}

int cl_set_terminal_size(int fd, const struct cl_terminal_size *size) {
    struct winsize window = {
        .ws_row = (unsigned short)size->rows, .ws_col = (unsigned short)size->columns};
    return ioctl(fd, TIOCSWINSZ, &window);
}

static int prepare(int slave, const struct termios *model) {
    struct termios settings;
    if (model != NULL) {
        settings = *model;
    } else {
        if (tcgetattr(slave, &settings) != 0) return -1;
        settings.c_iflag |= IUTF8;
    }
    settings.c_oflag &= ~(tcflag_t)ONLCR;
    return tcsetattr(slave, TCSANOW, &settings);
}

int cl_open_terminal(int *master, int *slave, const struct termios *model) {
    int unlocked = 0;
    *slave = -1;
    *master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (*master < 0) return -1;
    if (ioctl(*master, TIOCSPTLCK, &unlocked) == 0)
        *slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*slave >= 0 && prepare(*slave, model) == 0) return 0;
    int code = errno;
    if (*slave >= 0) close(*slave);
    close(*master);
    errno = code;
    return -1;
}

int cl_restore_terminal(int terminal, const struct termios *before) {
    /* Blocked, SIGTTOU does not stop who does this from the background. */
    unsigned long long mask;
    cl_block_signals(&mask);
    int result = tcsetattr(terminal, TCSADRAIN, before);
    int code = errno;
    cl_restore_signals(mask);
    errno = code;
    return result;
}

int cl_read_keys(int terminal, struct termios *before) {
    if (tcgetattr(terminal, before) != 0) return -1;
    struct termios settings = *before;
    settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
    /* What the job's own terminal does with a carriage return is its affair. */
    settings.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR);
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return cl_restore_terminal(terminal, &settings);
}

int cl_is_in_foreground(int terminal) {
    return tcgetpgrp(terminal) == getpgrp();
}

static _Noreturn void keep(int terminal, const struct termios *before, int leash) {
    const unsigned long ignore[4] = {(unsigned long)SIG_IGN};
    char byte;
    ssize_t count;
    setsid();
    prctl(PR_SET_NAME, "supervise-tty", 0, 0, 0);
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, ignore, NULL, 8ul);
    cl_restore_signals(0);
    for (int stream = 0; stream < 3; stream++)
        if (stream != terminal) close(stream);
    const int kept[] = {leash, terminal};
    cl_close_all_but(kept, 2);
    if (chdir("/") != 0) {} /* a file system in use is a nuisance, no more */
    do count = read(leash, &byte, 1);
    while (count < 0 && errno == EINTR);
    if (count == 0) tcsetattr(terminal, TCSANOW, before);
    _exit(0);
}

pid_t cl_keep_terminal(int terminal, const struct termios *before, int *leash, int *pidfd) {
    int ends[2];
    if (cl_pipe(ends) != 0) return -1;
    const struct termios settings = *before;
    unsigned long long mask;
    cl_block_signals(&mask);
    pid_t pid = cl_fork(pidfd);
    if (pid == 0) {
        close(ends[1]);
        /* Out of the way of the standard streams, which are closed. */
        keep(terminal, &settings, ends[0] > 2 ? ends[0] : fcntl(ends[0], F_DUPFD_CLOEXEC, 3));
    }
    int code = errno;
    cl_restore_signals(mask);
    close(ends[0]);
    if (pid < 0) close(ends[1]);
    else *leash = ends[1];
    errno = code;
    return pid;
}
