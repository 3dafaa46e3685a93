#ifndef CL_CGROUP_H
#define CL_CGROUP_H
/* Control groups of version 2 (cgroups(7)). */

/* A group that all of a job is born in. Whoever leaves its session, its parents and its environment
   behind is still there. */
struct cl_cgroup {
    const char *directory; /* where it is mounted */
    const char *path;      /* what /proc/PID/cgroup calls it */
};

/* Whether we are in a namespace of groups (cgroup_namespaces(7)), and not in the machine's own. */
int cl_cgroup_has_namespace(void);

/* Whether it is the directory of a group of version 2. */
int cl_cgroup_is_one(const char *directory);

/* Whether the group of that directory was left to us: its service manager says so by an extended
   attribute (systemd.resource-control(5), Delegate=). */
int cl_cgroup_is_delegated(const char *directory);

/* Kills all in it and below, also those being forked. 0, or -1 with errno: ENOENT before Linux
   5.14. */
int cl_cgroup_kill(const char *directory);

/* Removes it and what was made below, as far as nobody lives there. Async-signal-safe. 0, or -1 with
   errno: EBUSY where somebody does. */
int cl_cgroup_remove(const char *directory);

/* Puts the calling process into it. Async-signal-safe. */
int cl_cgroup_join(int directory);

#endif
