#include "cl_tree.h"
#include "cl_child.h"
#include "cl_process.h"
#include "clinux.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* A pid may be given out again between the look and the signal. So the process is held by a pidfd
   first, then looked at again, and only then signalled, through the pidfd.

   A guard among the members is waited for and not signalled: it belongs to a supervisor that ends
   as a member, too, and knows of processes there that we cannot tell from strangers any more. But
   anybody can take its name, so this has its limits. */

enum mark { UNMARKED, MEMBER, SPARED, SPARED_ALONE };

enum { HELD = 64, FREEZES = 4, ROUND_MS = 1000 };

/* As long as somebody is in the session, its number is given to nobody else. */
static bool has_session(const struct cl_tree *tree, const struct cl_process_table *table) {
    if (tree->session <= 0) return false;
    const struct cl_process *holder = cl_find_process(table, tree->session);
    return holder == NULL || tree->session_started == 0
        || holder->started == tree->session_started;
}

static bool is_named(const struct cl_tree *tree, int proc, const struct cl_process *process) {
    if (tree->root > 0 && process->parent == tree->root) return true;
    if (tree->group != NULL && cl_is_in_group(proc, process->pid, tree->group->path)) return true;
    return tree->token != NULL && tree->token[0] != 0
        && cl_environment_has(proc, process->pid, "SUPERVISE_TOKEN=", tree->token);
}

static void mark_spared(const struct cl_tree *tree, struct cl_process_table *table) {
    for (int index = 0; index < tree->except_count; index++) {
        struct cl_process *process = cl_find_process(table, tree->except[index]);
        if (process != NULL) process->mark = SPARED;
    }
    /* Nobody saws off the branch that he sits on: the shell that started us may be a leftover
       itself. And our own children are a matter of `root` alone. */
    struct cl_process *process = cl_find_process(table, getpid());
    if (process != NULL) process->mark = tree->root == getpid() ? SPARED_ALONE : SPARED;
    while (process != NULL) {
        process = cl_find_process(table, process->parent);
        if (process != NULL && process->mark == UNMARKED) process->mark = SPARED_ALONE;
    }
}

/* Passes the marks of parents on to their children, until there is nothing to pass on. */
static void mark_descendants(struct cl_process_table *table) {
    bool changed;
    do {
        changed = false;
        for (size_t index = 0; index < table->count; index++) {
            struct cl_process *process = &table->items[index];
            if (process->mark != UNMARKED) continue;
            const struct cl_process *parent = cl_find_process(table, process->parent);
            if (parent == NULL || (parent->mark != MEMBER && parent->mark != SPARED)) continue;
            process->mark = parent->mark;
            changed = true;
        }
    } while (changed);
}

static bool was_member(const struct cl_process_table *before, const struct cl_process *process) {
    const struct cl_process *then = before == NULL ? NULL : cl_find_process(before, process->pid);
    return then != NULL && then->mark == MEMBER && then->started == process->started;
}

/* Looks at all processes and marks the members. Who was one in the look before still is, even where
   its parent, and with it the trace, has gone meanwhile. Returns their number, or -1. */
static int look(
    const struct cl_tree *tree, int proc, struct cl_process_table *table,
    const struct cl_process_table *before) {
    if (cl_read_processes(proc, table) != 0) return -1;
    mark_spared(tree, table);
    mark_descendants(table); /* the helpers' own, before anybody's claim to them is looked at */
    bool session = has_session(tree, table);
    for (size_t index = 0; index < table->count; index++) {
        struct cl_process *process = &table->items[index];
        if (process->mark != UNMARKED) continue;
        bool in_session = session
            && (process->session == tree->session || process->group == tree->session);
        if (in_session || was_member(before, process) || is_named(tree, proc, process))
            process->mark = MEMBER;
    }
    mark_descendants(table);
    int members = 0;
    for (size_t index = 0; index < table->count; index++)
        members += table->items[index].mark == MEMBER;
    return members;
}

/* A pidfd of the very process that was looked at, or -1. */
static int hold(int proc, const struct cl_process *process) {
    struct cl_process now;
    int pidfd = cl_pidfd_open(process->pid);
    if (pidfd < 0) return -1;
    if (cl_read_process(proc, process->pid, &now) != 0 || now.started != process->started) {
        close(pidfd);
        return -1;
    }
    return pidfd;
}

static bool is_stopped_or_guard(const struct cl_process *process) {
    return process->state == 'T' || process->state == 't' || process->is_guard;
}

static bool is_guard(const struct cl_process *process) {
    return process->is_guard;
}

/* Signals the members apart from some. Returns how many got it. */
static int signal_members(
    int proc, const struct cl_process_table *table, int signal,
    bool (*is_spared)(const struct cl_process *)) {
    int signalled = 0;
    for (size_t index = 0; index < table->count; index++) {
        const struct cl_process *process = &table->items[index];
        if (process->mark != MEMBER || (is_spared != NULL && is_spared(process))) continue;
        int pidfd = hold(proc, process);
        if (pidfd < 0) continue;
        signalled += cl_pidfd_send_signal(pidfd, signal) == 0;
        close(pidfd);
    }
    return signalled;
}

int cl_tree_signal(const struct cl_tree *tree, int signal) {
    struct cl_process_table table = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int result = look(tree, proc, &table, NULL);
    if (result > 0) {
        result = signal_members(proc, &table, signal, is_guard);
        /* Alone, a guard has nothing more to do: it only calls itself one, or is stuck. */
        if (result == 0 && signal == SIGKILL) result = signal_members(proc, &table, signal, NULL);
    }
    cl_free_processes(&table);
    close(proc);
    return result;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* Two looks at the processes, the newer one first. */
struct looks {
    struct cl_process_table now, before;
};

static int look_again(const struct cl_tree *tree, int proc, struct looks *looks) {
    struct cl_process_table oldest = looks->before;
    looks->before = looks->now;
    looks->now = oldest;
    return look(tree, proc, &looks->now, &looks->before);
}

/* Looks until all members are stopped, or nearly so: one that is killed while another forks would
   leave a child behind whose descent nobody can tell. Returns the members left, or -1. */
static int freeze(const struct cl_tree *tree, int proc, struct looks *looks) {
    int members = look_again(tree, proc, looks);
    for (int round = 0; round < FREEZES && members > 0; round++) {
        if (signal_members(proc, &looks->now, SIGSTOP, is_stopped_or_guard) == 0) break;
        members = look_again(tree, proc, looks);
    }
    return members;
}

int cl_tree_freeze(const struct cl_tree *tree) {
    struct looks looks = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int members = freeze(tree, proc, &looks);
    cl_free_processes(&looks.now);
    cl_free_processes(&looks.before);
    close(proc);
    return members;
}

static void kill_and_wait(
    int proc, const struct cl_process_table *table, int wait_ms, bool guards_too,
    cl_tree_found found, void *context) {
    struct pollfd held[HELD];
    int count = 0;
    for (size_t index = 0; index < table->count; index++) {
        const struct cl_process *process = &table->items[index];
        if (process->mark != MEMBER) continue;
        int pidfd = hold(proc, process);
        if (pidfd < 0) continue;
        if (guards_too || !process->is_guard) {
            if (found != NULL) found(process->pid, context);
            cl_pidfd_send_signal(pidfd, SIGKILL);
        }
        if (count < HELD) held[count++] = (struct pollfd){.fd = pidfd, .events = POLLIN};
        else close(pidfd);
    }
    long long deadline = now_ms() + wait_ms;
    for (int index = 0; index < count; index++) {
        long long left = deadline - now_ms();
        int result;
        do result = poll(&held[index], 1, left > 0 ? (int)left : 0);
        while (result < 0 && errno == EINTR);
        close(held[index].fd);
    }
    /* Nobody could be held (no descriptor free, or they are just ending): no headlong next look. */
    if (count == 0) poll(NULL, 0, wait_ms < 10 ? wait_ms : 10);
}

int cl_tree_end(const struct cl_tree *tree, int limit_ms, cl_tree_found found, void *context) {
    struct looks looks = {0};
    long long deadline = now_ms() + limit_ms;
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int members;
    /* Whoever wants to hear of them has to see them first. */
    if (tree->group != NULL && found == NULL) cl_cgroup_kill(tree->group->directory);
    while ((members = freeze(tree, proc, &looks)) > 0) {
        long long left = deadline - now_ms();
        if (left < 0) left = 0;
        int wait_ms = left < ROUND_MS ? (int)left : ROUND_MS;
        kill_and_wait(proc, &looks.now, wait_ms, left == 0, found, context);
        if (tree->group != NULL) cl_cgroup_kill(tree->group->directory);
        if (left == 0) break;
    }
    int code = errno;
    cl_free_processes(&looks.now);
    cl_free_processes(&looks.before);
    close(proc);
    errno = code;
    return members;
}

static bool is_listed(pid_t pid, const pid_t *list, int count) {
    for (int index = 0; index < count; index++)
        if (list[index] == pid) return true;
    return false;
}

/* Whether a thread has children apart from these; -1 where the kernel keeps no such list. */
static int thread_has_children(
    int tasks, const char *thread, const pid_t *except, int except_count) {
    char path[40], text[512];
    char *end = cl_write_number(path, (unsigned long)cl_read_number(thread));
    memcpy(end, "/children", sizeof "/children");
    int file = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count;
    pid_t pid = 0;
    int found = 0;
    while (!found && (count = read(file, text, sizeof text)) > 0) {
        for (ssize_t at = 0; at < count; at++) {
            if (text[at] >= '0' && text[at] <= '9') {
                pid = pid * 10 + (text[at] - '0');
            } else {
                if (pid > 0 && !is_listed(pid, except, except_count)) found = 1;
                pid = 0;
            }
        }
    }
    close(file);
    return found;
}

/* The long way, for a kernel without lists of children. */
static int scan_for_children(const pid_t *except, int except_count) {
    struct cl_process_table table = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int found = cl_read_processes(proc, &table);
    for (size_t index = 0; index < table.count && found == 0; index++) {
        const struct cl_process *process = &table.items[index];
        found = process->parent == getpid() && !is_listed(process->pid, except, except_count);
    }
    cl_free_processes(&table);
    close(proc);
    return found;
}

int cl_sees_processes(void) {
    int proc = cl_open_proc();
    if (proc < 0) return 0;
    close(proc);
    return 1;
}

int cl_has_children(const pid_t *except, int except_count) {
    char buffer[2048] __attribute__((aligned(8)));
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int tasks = openat(proc, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(proc);
    if (tasks < 0) return -1;
    long count;
    int found = 0;
    /* A child is in the list of the thread that made it; orphans come to any thread of ours. */
    while (found <= 0 && (count = cl_read_entries(tasks, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < count && found <= 0;) {
            const struct cl_entry *entry = (const struct cl_entry *)(buffer + at);
            at += entry->length;
            long thread = cl_read_number(entry->name);
            if (thread <= 0) continue;
            int one = thread_has_children(tasks, entry->name, except, except_count);
            /* Another thread may just have ended; the first one never has. */
            if (one >= 0 || thread == getpid()) found = one;
        }
    }
    close(tasks);
    return found < 0 ? scan_for_children(except, except_count) : found;
}
