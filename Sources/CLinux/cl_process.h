#ifndef CL_PROCESS_H
#define CL_PROCESS_H
/* What /proc says about processes, read without the heap: the guard does this in a forked child. */
#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#define CL_GUARD_NAME "supervise-guard" /* 15 bytes, as many as the kernel keeps */

struct cl_process {
    pid_t pid, parent, group, session;
    unsigned long long started; /* in ticks since the boot; with the pid it names one process */
    char state;
    char is_guard; /* of a supervisor, by its name */
    char mark;     /* for the one who reads the table */
};

/* All processes by ascending pid, but for threads of the kernel and those that have ended. */
struct cl_process_table {
    struct cl_process *items;
    size_t count, capacity;
};

/* Opens /proc; -1 with errno: ENXIO where it tells of another PID namespace than ours, whose numbers
   mean other processes. */
int cl_open_proc(void);

/* Called now and then while all processes are read, which may take long; NULL: nothing. */
typedef void (*cl_meanwhile)(const void *context);

/* Fills the table, whose room is used again. Returns 0, or -1 with errno: then nobody knows who is there. */
int cl_read_processes(
    int proc, struct cl_process_table *table, cl_meanwhile meanwhile, const void *context);

/* Reads a file of a process, such as `stat`, as far as it fits, and ends it with a zero byte. Returns its
   length, or -1 with errno. */
ssize_t cl_read_text(int proc, pid_t pid, const char *name, char *text, size_t size);

/* Room for one more at the end of the table; NULL with errno where there is none. */
struct cl_process *cl_add_process(struct cl_process_table *table);

void cl_free_processes(struct cl_process_table *table);

/* The process of that pid, or NULL. */
struct cl_process *cl_find_process(const struct cl_process_table *table, pid_t pid);

/* Whether an error of reading /proc leaves open whether the process exists. The only errors that say
   something are that it is gone, and that /proc is mounted so that it hides processes of others. */
static inline int cl_tells_nothing(int code) {
    return code != 0 && code != ENOENT && code != ESRCH && code != EACCES && code != EPERM;
}

/* Whether there is no /proc of our own PID namespace, so that looking again is of no use. */
static inline int cl_has_no_proc(int code) { return code == ENOENT || code == ENXIO; }

/* Reads one process; 0, or -1 where it is none that the table would hold. Then errno is 0, or tells
   why it cannot be known (see cl_tells_nothing). */
int cl_read_process(int proc, pid_t pid, struct cl_process *process);

/* When the process was started, in ticks since the boot, also if it has ended and is not reaped. Returns 1,
   0 if there is no such process, -1 with errno if that cannot be known. */
int cl_process_started(int proc, pid_t pid, unsigned long long *started);

/* Whether it is in the control group of that path (as /proc/PID/cgroup has it) or below. These three
   return -1 with errno where that cannot be known (see cl_tells_nothing). */
int cl_is_in_group(int proc, pid_t pid, const char *path);

/* Whether it is in a control group of that name, or below one, wherever that is. */
int cl_is_in_group_named(int proc, pid_t pid, const char *name);

/* Whether the environment that the process was born with has a variable `name` (with its =) whose
   value starts so. What may not be read has not. */
int cl_environment_has(int proc, pid_t pid, const char *name, const char *prefix);

/* Sends a signal to the very process that was looked at. It is held by a pidfd first, then looked at
   again, and only then signalled, as its number may be given out again. Where pidfds are refused, or
   no descriptor is free, it is signalled by its number after the second look. Returns 0 where it was
   sent, 1 where the process is gone, -1 with errno where it cannot be signalled. */
int cl_signal_process(int proc, const struct cl_process *process, int signal);

/* A pidfd of the very process that was looked at; -1 where there is none to be had, or it is gone. */
int cl_hold_process(int proc, const struct cl_process *process);

#endif
