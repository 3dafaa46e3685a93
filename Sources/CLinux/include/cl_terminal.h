#ifndef CL_TERMINAL_H
#define CL_TERMINAL_H
/* Terminals: our own, and the pseudo-terminal of a job. */
#include <sys/types.h>
#include <termios.h>

struct cl_terminal_size {
    int rows;
    int columns;
};

/* 0, or -1 where it is no terminal or does not tell. */
int cl_read_terminal_size(int fd, struct cl_terminal_size *size);

/* Tells the processes at a pseudo-terminal by SIGWINCH where it is another one. */
int cl_set_terminal_size(int fd, const struct cl_terminal_size *size);

/* Makes a pseudo-terminal whose ends are closed on exec; the master does not wait. A line that is written
   to it ends in a newline and nothing else: the terminal that shows it adds its own carriage return.
   `model`: its other settings, or NULL. */
int cl_open_terminal(int *master, int *slave, const struct termios *model);

/* From now on the terminal gives each key at once and shows none by itself. Its signals stay: ctrl-C and
   ctrl-Z do what they did. `before` is what it was. */
int cl_read_keys(int terminal, struct termios *before);

/* Works from the background too. */
int cl_restore_terminal(int terminal, const struct termios *before);

/* 1 where this process may read from the terminal now. */
int cl_is_in_foreground(int terminal);

/* Forks a process that puts the terminal right once every copy of `*leash` is closed, however we went, unless a
   byte came before. Returns its pid. */
pid_t cl_keep_terminal(int terminal, const struct termios *before, int *leash, int *pidfd);

#endif
