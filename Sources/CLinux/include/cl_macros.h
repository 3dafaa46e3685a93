#ifndef CL_MACROS_H
#define CL_MACROS_H
#include <sys/wait.h>

static inline int cl_exited(int status) { return WIFEXITED(status); }
static inline int cl_exit_code(int status) { return WEXITSTATUS(status); }
static inline int cl_signaled(int status) { return WIFSIGNALED(status); }
static inline int cl_term_signal(int status) { return WTERMSIG(status); }

#endif
