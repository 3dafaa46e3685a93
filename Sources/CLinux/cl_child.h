#ifndef CL_CHILD_H
#define CL_CHILD_H
/* What a freshly forked child may do before it executes another program, or instead of it: all of
   it is async-signal-safe, as the parent may have had other threads, which hold locks for ever in
   the copy. */
#include <sys/types.h>

/* A real fork, with the pidfd of the child (closed on exec) from the same call; -1 where a sandbox
   refuses pidfds. The child gets 0 and must not use the C library's threads, heap or streams. */
pid_t cl_fork(int *pidfd);

/* A child of which only its pidfd tells that it has ended: no SIGCHLD, and it is not counted among our
   children unless somebody waits with __WALL. */
pid_t cl_fork_apart(int *pidfd);

/* The same, and the child is born in the control group whose directory this is. `*joined` tells it
   whether it was: before Linux 5.7, or where a sandbox forbids that call, it is not. */
pid_t cl_fork_into(int group, int *pidfd, int *joined);

/* From here on also for a child that shares our memory: nothing touches errno. */

/* Closes every descriptor from 3 on but these; a negative number is none. */
void cl_close_all_but(const int *kept, int count);

/* Default dispositions for all signals, also those that the C library hides (32, 33), with raw
   calls. */
void cl_default_signals(void);

/* Blocks all signals, also those that the C library hides; the mask before goes to `before` if it
   is not NULL. With `cl_restore_signals(0)` none is blocked. */
void cl_block_signals(unsigned long long *before);
void cl_restore_signals(unsigned long long mask);

/* Writes a number in decimal and returns the place behind its last digit. */
char *cl_write_number(char *at, unsigned long number);

/* The directory entries of the kernel's getdents64; negative where there is an error. */
struct cl_entry {
    unsigned long long inode;
    long long offset;
    unsigned short length;
    unsigned char type;
    char name[];
};
long cl_read_entries(int directory, void *buffer, unsigned long size);

/* A whole number at the start of a name such as `123`, or -1 where it is no number. */
long cl_read_number(const char *text);

#endif
