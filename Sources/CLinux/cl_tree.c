#include "cl_tree.h"
#include "cl_child.h"
#include "cl_children.h"
#include "cl_inherited.h"
#include "cl_process.h"
#include "clinux.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* A guard among the members is waited for and not signalled: it belongs to a supervisor that ends
   as a member, too, and knows of processes there that we cannot tell from strangers any more. But
   anybody can take its name, so this has its limits. */

enum mark { UNMARKED, MEMBER, SPARED, SPARED_ALONE };

enum { HELD = 64, FREEZES = 4, ENDINGS = 200, ROUND_MS = 1000, RETRY_MS = 50 };

/* As long as somebody is in the session, its number is given to nobody else. */
static bool has_session(const struct cl_tree *tree, const struct cl_process_table *table) {
    if (tree->session <= 0) return false;
    const struct cl_process *holder = cl_find_process(table, tree->session);
    return holder == NULL || holder->started == tree->session_started;
}

/* Whether it is a child of the root, and neither a helper nor inherited. */
static bool is_child(const struct cl_tree *tree, pid_t pid, unsigned long long started) {
    for (int index = 0; index < tree->except_count; index++)
        if (tree->except[index] == pid) return false;
    return !cl_was_before(tree->inherited, pid, started);
}

/* 1 if a rule of the tree selects it, else 0; -1 with errno if /proc cannot be read. */
static int is_named(const struct cl_tree *tree, int proc, const struct cl_process *process) {
    if (tree->root > 0 && process->parent == tree->root)
        return is_child(tree, process->pid, process->started);
    if (tree->group != NULL) {
        int is_in_group = cl_is_in_group(proc, process->pid, tree->group->path);
        if (is_in_group != 0) return is_in_group;
    }
    if (tree->token == NULL || tree->token[0] == 0) return 0;
    return cl_environment_has(proc, process->pid, "SUPERVISE_TOKEN=", tree->token);
}

/* Marks inherited processes and their descendants SPARED: those on the list, and children of ours that
   started before the job (an orphan may have become our child since the list was taken). */
static void mark_inherited(const struct cl_tree *tree, struct cl_process_table *table) {
    for (size_t index = 0; tree->inherited != NULL && index < table->count; index++) {
        struct cl_process *process = &table->items[index];
        bool is_ours = tree->root > 0 && process->parent == tree->root;
        if (is_ours ? cl_was_before(tree->inherited, process->pid, process->started)
                    : cl_is_listed(tree->inherited, process->pid, process->started))
            process->mark = SPARED;
    }
}

static void mark_spared(const struct cl_tree *tree, struct cl_process_table *table) {
    for (int index = 0; index < tree->except_count; index++) {
        struct cl_process *process = cl_find_process(table, tree->except[index]);
        if (process != NULL) process->mark = SPARED;
    }
    mark_inherited(tree, table);
    /* The shell that started us may be a leftover itself: we and our ancestors are spared, but not what
       is below. */
    struct cl_process *process = cl_find_process(table, getpid());
    if (process != NULL) process->mark = SPARED_ALONE;
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

static bool is_in_session(const struct cl_tree *tree, const struct cl_process *process) {
    return process->session == tree->session || process->group == tree->session;
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
        int is_meant = (session && is_in_session(tree, process)) || was_member(before, process)
            ? 1 : is_named(tree, proc, process);
        if (is_meant < 0) return -1;
        if (is_meant) process->mark = MEMBER;
    }
    mark_descendants(table);
    int members = 0;
    for (size_t index = 0; index < table->count; index++)
        members += table->items[index].mark == MEMBER;
    return members;
}

static bool is_stopped_or_guard(const struct cl_process *process) {
    return process->state == 'T' || process->state == 't' || process->is_guard;
}

static bool is_guard(const struct cl_process *process) {
    return process->is_guard;
}

/* Returns whether it got the signal. */
static bool deliver(
    int proc, const struct cl_process *process, int signal, struct cl_sent *sent) {
    int result = cl_signal_process(proc, process, signal);
    if (result < 0 && sent != NULL) {
        sent->refused = errno;
        sent->refuser = process->pid;
    }
    return result == 0;
}

/* Signals the members apart from some. Returns how many got it. */
static int signal_members(
    int proc, const struct cl_process_table *table, int signal,
    bool (*is_spared)(const struct cl_process *), struct cl_sent *sent) {
    int signalled = 0;
    for (size_t index = 0; index < table->count; index++) {
        const struct cl_process *process = &table->items[index];
        if (process->mark != MEMBER || (is_spared != NULL && is_spared(process))) continue;
        signalled += deliver(proc, process, signal, sent);
    }
    return signalled;
}

static bool is_meant(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, bool session,
    const struct cl_process *process) {
    const struct cl_process *then = cl_find_process(table, process->pid);
    if (then != NULL && then->started == process->started && then->mark != UNMARKED)
        return then->mark == MEMBER;
    const struct cl_process *parent = cl_find_process(table, process->parent);
    if (parent != NULL && parent->mark == SPARED) return false;
    return (session && is_in_session(tree, process)) || is_named(tree, proc, process) > 0;
}

/* Returns whether it got the signal. */
static bool signal_if_meant(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, bool session,
    const struct cl_process *process, int signal) {
    return is_meant(tree, proc, table, session, process)
        && cl_signal_process(proc, process, signal) == 0;
}

static bool is_gone(int proc, pid_t pid) {
    struct cl_process process;
    return cl_read_process(proc, pid, &process) != 0;
}

/* Goes through all processes once more, in the order of their numbers, and signals each member as
   soon as it is seen. Who forks and ends faster than a look takes is ahead of this, not behind, and
   is caught up with: the list ends with the last one that was there when it was read, and where one
   of those has gone since, it may have left another behind. Returns how many got it. */
static int chase(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, int signal,
    bool (*is_spared)(const struct cl_process *)) {
    char buffer[512] __attribute__((aligned(8))); /* few at a time, so that they are fresh */
    bool session = has_session(tree, table);
    int signalled = 0, endings = 0;
    long long here = 0, next = 0; /* where the last one stands in the list, and what follows it */
    pid_t last = 0, last_before = 0;
    bool has_gone = false;
    if (lseek(proc, 0, SEEK_SET) != 0) return 0;
    for (;;) {
        long count = cl_read_entries(proc, buffer, sizeof buffer);
        if (count < 0) break;
        if (count == 0) {
            has_gone = has_gone || is_gone(proc, last);
            if (last == last_before || !has_gone || ++endings > ENDINGS) break;
            last_before = last;
            next = here;
            if (lseek(proc, here, SEEK_SET) < 0) break;
        }
        has_gone = false;
        for (long at = 0; at < count;) {
            const struct cl_entry *entry = (const struct cl_entry *)(buffer + at);
            struct cl_process process;
            long pid = cl_read_number(entry->name);
            at += entry->length;
            here = next;
            next = entry->offset;
            if (pid <= 0) continue;
            last = (pid_t)pid;
            if (cl_read_process(proc, last, &process) != 0) has_gone = true;
            else if (!is_spared(&process))
                signalled += signal_if_meant(tree, proc, table, session, &process, signal);
        }
    }
    return signalled;
}

static int kill_the_rest(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, bool only_guards) {
    /* Alone, a guard has nothing more to do: it only calls itself one, or is stuck. */
    if (only_guards) return signal_members(proc, table, SIGKILL, NULL, NULL);
    int killed = 0;
    for (int round = 0; round < FREEZES; round++) {
        int more = chase(tree, proc, table, SIGKILL, is_guard);
        killed += more;
        if (more == 0) break;
    }
    return killed;
}

int cl_tree_signal(const struct cl_tree *tree, int signal, struct cl_sent *sent) {
    struct cl_process_table table = {0};
    struct cl_sent own = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int result = look(tree, proc, &table, NULL), code = errno;
    if (result > 0) {
        result = signal_members(proc, &table, signal, is_guard, &own);
        if (signal == SIGKILL)
            result += kill_the_rest(tree, proc, &table, result == 0 && own.refused == 0);
    }
    own.count = result;
    if (sent != NULL) *sent = own;
    cl_free_processes(&table);
    close(proc);
    errno = code;
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
   leave a child behind whose descent nobody can tell. A look may miss one that forks and ends faster
   than it is read, so nobody is gone before a chase has met none either. Returns the members left,
   or -1. */
static int freeze(const struct cl_tree *tree, int proc, struct looks *looks) {
    int members = look_again(tree, proc, looks);
    for (int round = 0; members >= 0; round++) {
        if (chase(tree, proc, &looks->now, SIGSTOP, is_stopped_or_guard) == 0) return members;
        if (round == FREEZES) return members > 0 ? members : 1;
        members = look_again(tree, proc, looks);
    }
    return members;
}

int cl_tree_freeze(const struct cl_tree *tree) {
    struct looks looks = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int members = freeze(tree, proc, &looks), code = errno;
    cl_free_processes(&looks.now);
    cl_free_processes(&looks.before);
    close(proc);
    errno = code;
    return members;
}

/* Whether a child that the kernel lists belongs to the tree. */
static int is_member_child(const struct cl_tree *tree, int proc, pid_t pid) {
    for (int index = 0; index < tree->except_count; index++)
        if (tree->except[index] == pid) return 0;
    if (tree->inherited == NULL) return 1;
    errno = 0;
    unsigned long long started = cl_process_started(proc, pid);
    if (started == 0) return errno != 0 ? -1 : 0;
    return is_child(tree, pid, started);
}

int cl_tree_has_children(const struct cl_tree *tree) {
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int found = cl_any_listed_child(proc, tree, is_member_child), code = errno;
    close(proc);
    errno = code;
    return found;
}

static void kill_and_wait(
    int proc, const struct cl_process_table *table, int wait_ms, bool guards_too,
    cl_tree_found found, void *context) {
    struct pollfd held[HELD];
    int count = 0;
    for (size_t index = 0; index < table->count; index++) {
        const struct cl_process *process = &table->items[index];
        if (process->mark != MEMBER) continue;
        int pidfd = count < HELD ? cl_hold_process(proc, process) : -1;
        if (pidfd >= 0) held[count++] = (struct pollfd){.fd = pidfd, .events = POLLIN};
        if (!guards_too && process->is_guard) continue;
        if (found != NULL) found(process->pid, context);
        cl_signal_process(proc, process, SIGKILL);
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
    while ((members = freeze(tree, proc, &looks)) != 0) {
        long long left = deadline - now_ms();
        if (left < 0) left = 0;
        if (members < 0) {
            /* A failed look does not mean that no process is there; the caller looks again. */
            if (!cl_tells_nothing(errno) || left == 0) break;
            poll(NULL, 0, left < RETRY_MS ? (int)left : RETRY_MS);
            continue;
        }
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

int cl_tree_find(
    const struct cl_tree *tree, const char *group_name, cl_tree_found found, void *context) {
    struct cl_process_table table = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int members = look(tree, proc, &table, NULL);
    int code = errno;
    for (size_t index = 0; members >= 0 && index < table.count; index++) {
        struct cl_process *process = &table.items[index];
        if (process->mark == UNMARKED && group_name != NULL
            && cl_is_in_group_named(proc, process->pid, group_name) > 0) {
            process->mark = MEMBER;
            members++;
        }
        if (process->mark == MEMBER) found(process->pid, context);
    }
    cl_free_processes(&table);
    close(proc);
    errno = code;
    return members;
}
