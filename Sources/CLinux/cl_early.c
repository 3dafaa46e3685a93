#include "cl_early.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int stops[] = {SIGHUP, SIGINT, SIGTERM};
static char lines[SIGTERM + 1][512];

/* Async-signal-safe. Its disposition is the default again, and it is not blocked. */
static void end(int signal) {
    struct pollfd errors = {.fd = STDERR_FILENO, .events = POLLOUT};
    size_t length = strlen(lines[signal]);
    /* A reader that takes nothing must not hold up the end. */
    if (length > 0 && poll(&errors, 1, 0) == 1 && (errors.revents & POLLOUT) != 0) {
        ssize_t written = write(STDERR_FILENO, lines[signal], length);
        (void)written;
    }
    raise(signal);
    /* The first process of a PID namespace: nothing kills it from within. */
    _exit(128 + signal);
}

void cl_end_at_stop_signals(void) {
    for (unsigned at = 0; at < sizeof stops / sizeof stops[0]; at++) {
        struct sigaction found;
        if (sigaction(stops[at], NULL, &found) != 0 || found.sa_handler != SIG_DFL) continue;
        struct sigaction action = {.sa_handler = end, .sa_flags = SA_RESETHAND | SA_NODEFER};
        sigemptyset(&action.sa_mask);
        sigaction(stops[at], &action, NULL);
    }
}

void cl_say_at_stop_signal(int signal, const char *line) {
    for (unsigned at = 0; at < sizeof stops / sizeof stops[0]; at++)
        if (stops[at] == signal) strncpy(lines[signal], line, sizeof lines[signal] - 1);
}
