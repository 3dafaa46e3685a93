#include "cl_tree.h"
#include "cl_child.h"
#include "cl_children.h"
#include "cl_look.h"
#include "cl_reserve.h"
#include "clinux.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* A guard among the members is waited for and not signalled: it belongs to a supervisor that ends
   as a member, too, and knows of processes there that we cannot tell from strangers any more. But
   anybody can take its name, so this has its limits. */

enum { HELD = 64, FREEZES = 4, ENDINGS = 200, ROUND_MS = 1000 };

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

/* 1 if it belongs to the tree and got the signal, else 0; -1 with errno if nobody can tell. */
static int signal_if_meant(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, bool session,
    const struct cl_process *process, int signal) {
    int is_meant = cl_is_meant(tree, proc, table, session, process);
    return is_meant == 1 ? cl_signal_process(proc, process, signal) == 0 : is_meant;
}

static bool is_gone(int proc, pid_t pid) {
    struct cl_process process;
    return cl_read_process(proc, pid, &process) != 0;
}

/* Goes through all processes once more, in the order of their numbers, and signals each member as
   soon as it is seen. Who forks and ends faster than a look takes is ahead of this, not behind, and
   is caught up with: the list ends with the last one that was there when it was read, and where one
   of those has gone since, it may have left another behind. Returns how many got it, or -1 with errno: then
   one of them may be a member that got none. */
static int chase(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, int signal,
    bool (*is_spared)(const struct cl_process *)) {
    char buffer[512] __attribute__((aligned(8))); /* few at a time, so that they are fresh */
    bool session = cl_has_session(tree, table);
    int signalled = 0, endings = 0, unknown = 0;
    long long here = 0, next = 0; /* where the last one stands in the list, and what follows it */
    pid_t last = 0, last_before = 0;
    bool has_gone = false;
    if (lseek(proc, 0, SEEK_SET) != 0) return -1;
    for (;;) {
        long count = cl_read_entries(proc, buffer, sizeof buffer);
        if (count < 0) unknown = (int)-count;
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
            if (cl_read_process(proc, last, &process) != 0) {
                has_gone = true;
                if (errno != 0) unknown = errno;
            } else if (!is_spared(&process)) {
                int result = signal_if_meant(tree, proc, table, session, &process, signal);
                if (result < 0) unknown = errno;
                else signalled += result;
            }
        }
        cl_reap_meanwhile(tree);
    }
    errno = unknown;
    return unknown != 0 ? -1 : signalled;
}

/* Looks for members that are not spared, and signals them. Returns how many got it, or -1 with errno. */
static int signal_again(
    const struct cl_tree *tree, int proc, struct cl_process_table *table, int signal,
    bool (*is_spared)(const struct cl_process *)) {
    if (!cl_is_descent(tree)) return chase(tree, proc, table, signal, is_spared);
    if (cl_look(tree, proc, table, NULL) < 0) return -1;
    return signal_members(proc, table, signal, is_spared, NULL);
}

static int kill_the_rest(
    const struct cl_tree *tree, int proc, struct cl_process_table *table, bool only_guards) {
    /* Alone, a guard has nothing more to do: it only calls itself one, or is stuck. */
    if (only_guards) return signal_members(proc, table, SIGKILL, NULL, NULL);
    int killed = 0;
    for (int round = 0; round < FREEZES; round++) {
        int more = signal_again(tree, proc, table, SIGKILL, is_guard);
        if (more < 0) return -1;
        killed += more;
        if (more == 0) break;
    }
    return killed;
}

enum { GROUPS = 256 };

/* A tree, and what became of its root's children in one round of signals to their groups. */
struct round {
    struct cl_tree tree; /* first, as its address is that of all */
    int signal;          /* SIGKILL or SIGSTOP */
    int signalled;       /* children or their groups that got it */
    int group_count;
    pid_t groups[GROUPS]; /* that got it as a whole */
};

/* Whether all in the process group are the job's. Its leader has made a session of its own, so only its
   descendants can be in its sessions and their groups; inherited processes may share a group with an orphan of
   theirs, and tools lead groups of their own. As PID 1 we also get orphans of processes that
   came into our PID namespace from outside (docker exec), and the others of such a group need not be
   the job's. */
static bool is_of_job(const struct cl_tree *tree, pid_t group) {
    if (getpid() == 1) return false;
    if (group <= 1 || group == getpgrp()) return false;
    if (tree->inherited != NULL && tree->inherited->is_somebody) return false;
    for (int index = 0; index < tree->except_count; index++)
        if (tree->except[index] == group) return false;
    return true;
}

/* Signals a child of ours, and all in its process group at once, among them those that are being forked. Nobody
   else can get the numbers of the child and of its group before we reap it. */
static int signal_child(const struct cl_tree *tree, int proc, pid_t pid) {
    struct round *round = (struct round *)(uintptr_t)tree;
    struct cl_process process;
    pid_t group = getpgid(pid);
    for (int index = 0; index < round->group_count; index++)
        if (round->groups[index] == group) return 0;
    for (int index = 0; index < tree->except_count; index++)
        if (tree->except[index] == pid) return 0;
    bool takes_group = is_of_job(tree, group) && round->group_count < GROUPS;
    bool runs = cl_read_process(proc, pid, &process) == 0;
    if (!runs && errno != 0) return -1;
    /* One that has ended still has its group. */
    if (!runs && !takes_group) return 0;
    if (runs && (process.is_guard || !cl_is_own_child(tree, pid, process.started))) return 0;
    if (runs && round->signal == SIGSTOP && is_stopped_or_guard(&process)) return 0;
    if (takes_group) round->groups[round->group_count++] = group;
    int result = takes_group ? kill(-group, round->signal) : kill(pid, round->signal);
    round->signalled += result == 0;
    return 0;
}

/* Signals our children again and again, as orphans come to us: this is quicker than a look at all of the tree,
   and so catches those that fork and leave faster than such a look takes. What it misses is found by a look. */
static void signal_children(const struct cl_tree *tree, int proc, int signal) {
    enum { ROUNDS = 16 };
    struct round round = {.tree = *tree, .signal = signal, .signalled = 1};
    if (tree->root != getpid() || tree->reaper == NULL) return;
    for (int count = 0; count < ROUNDS && round.signalled > 0; count++) {
        round.signalled = round.group_count = 0;
        if (cl_any_listed_child(proc, &round.tree, signal_child) < 0) return;
        cl_reap_batch(tree->reaper, 4096);
    }
}

int cl_tree_signal(const struct cl_tree *tree, int signal, struct cl_sent *sent) {
    struct cl_process_table table = {0};
    struct cl_sent own = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    if (signal == SIGKILL) signal_children(tree, proc, signal);
    int result = cl_look(tree, proc, &table, NULL);
    if (result > 0) {
        result = signal_members(proc, &table, signal, is_guard, &own);
        int rest = signal != SIGKILL
            ? 0 : kill_the_rest(tree, proc, &table, result == 0 && own.refused == 0);
        result = rest < 0 ? -1 : result + rest;
    }
    int code = errno;
    own.count = result;
    if (sent != NULL) *sent = own;
    cl_free_processes(&table);
    close(proc);
    cl_reserve_fill();
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
    return cl_look(tree, proc, &looks->now, &looks->before);
}

/* Looks until all members are stopped, or nearly so: one that is killed while another forks would
   leave a child behind whose descent nobody can tell. A look may miss one that forks and ends faster
   than it is read, so nobody is gone before a second look has met none either. Returns the members left,
   or -1; `*moving` is how many were not stopped yet at the last look. */
static int freeze(const struct cl_tree *tree, int proc, struct looks *looks, int *moving) {
    int members = look_again(tree, proc, looks);
    *moving = 0;
    for (int round = 0; members >= 0; round++) {
        *moving = signal_again(tree, proc, &looks->now, SIGSTOP, is_stopped_or_guard);
        if (*moving <= 0) return *moving < 0 ? -1 : members;
        if (round == FREEZES) return members > 0 ? members : 1;
        members = look_again(tree, proc, looks);
    }
    return members;
}

int cl_tree_freeze(const struct cl_tree *tree) {
    struct looks looks = {0};
    int proc = cl_open_proc(), moving;
    if (proc < 0) return -1;
    signal_children(tree, proc, SIGSTOP);
    int members = freeze(tree, proc, &looks, &moving), code = errno;
    cl_free_processes(&looks.now);
    cl_free_processes(&looks.before);
    close(proc);
    cl_reserve_fill();
    errno = code;
    return members < 0 ? -1 : moving;
}

/* Whether a child that the kernel lists belongs to the tree. 1 or 0; -1 with errno. */
static int is_member_child(const struct cl_tree *tree, int proc, pid_t pid) {
    unsigned long long started;
    for (int index = 0; index < tree->except_count; index++)
        if (tree->except[index] == pid) return 0;
    if (tree->inherited == NULL) return 1;
    int result = cl_process_started(proc, pid, &started);
    /* The kernel has just named it, so it is there, though a /proc with `hidepid` hides it. */
    if (result == 0) return kill(pid, 0) == 0 || errno == EPERM;
    return result < 0 ? -1 : cl_is_own_child(tree, pid, started);
}

int cl_tree_has_children(const struct cl_tree *tree) {
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int found = cl_any_listed_child(proc, tree, is_member_child), code = errno;
    close(proc);
    cl_reserve_fill();
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
    int members, moving;
    /* Whoever wants to hear of them has to see them first. */
    if (tree->group != NULL && found == NULL) cl_cgroup_kill(tree->group->directory);
    while ((members = freeze(tree, proc, &looks, &moving)) > 0) {
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
    cl_reserve_fill();
    errno = code;
    return members;
}

int cl_tree_find(
    const struct cl_tree *tree, const char *group_name, cl_tree_found found, void *context) {
    struct cl_process_table table = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int members = cl_look(tree, proc, &table, NULL);
    int code = errno;
    for (size_t index = 0; members >= 0 && index < table.count; index++) {
        struct cl_process *process = &table.items[index];
        int is_in_group = process->mark != UNMARKED || group_name == NULL
            ? 0 : cl_is_in_group_named(proc, process->pid, group_name);
        if (is_in_group > 0) process->mark = MEMBER;
        members = is_in_group < 0 ? -1 : members + is_in_group;
        code = is_in_group < 0 ? errno : code;
        if (process->mark == MEMBER) found(process->pid, context);
    }
    cl_free_processes(&table);
    close(proc);
    cl_reserve_fill();
    errno = code;
    return members;
}

void cl_tree_reserve(void) { cl_reserve_want(); }
