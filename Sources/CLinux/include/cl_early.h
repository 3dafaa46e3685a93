#ifndef CL_EARLY_H
#define CL_EARLY_H

/* Ends this process at SIGHUP, SIGINT and SIGTERM, as the first process of a PID namespace too, for which the
   kernel drops a signal whose disposition is the default. A signal that is ignored stays ignored. Children lose
   it with their exec. */
void cl_end_at_stop_signals(void);

/* Sets the message that such an end writes to standard error, at most 511 bytes; there is none at first. */
void cl_say_at_stop_signal(int signal, const char *line);

#endif
