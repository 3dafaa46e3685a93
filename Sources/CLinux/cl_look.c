#include "cl_look.h"
#include "cl_child.h"
#include "cl_children.h"
#include "cl_descent.h"
#include "cl_inherited.h"
#include "cl_mark.h"
#include "clinux.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As long as somebody is in the session, its number is given to nobody else. */
bool cl_has_session(const struct cl_tree *tree, const struct cl_process_table *table) {
    if (tree->session <= 0) return false;
    const struct cl_process *holder = cl_find_process(table, tree->session);
    return holder == NULL || holder->started == tree->session_started;
}

static bool has_token(const struct cl_tree *tree) {
    return tree->token != NULL && tree->token[0] != 0;
}

bool cl_is_descent(const struct cl_tree *tree) {
    return tree->root == getpid() && tree->session <= 0 && tree->group == NULL && !has_token(tree);
}

bool cl_is_own_child(const struct cl_tree *tree, pid_t pid, unsigned long long started) {
    for (int index = 0; index < tree->except_count; index++)
        if (tree->except[index] == pid) return false;
    return !cl_was_before(tree->inherited, pid, started);
}

/* Whether it was born with the token, or has its mark. 1 or 0; -1 with errno. */
static int bears_token(const char *token, int proc, pid_t pid) {
    unsigned long long mark = cl_mark_of(token);
    int has_mark = mark == 0 ? 0 : cl_has_mark(proc, pid, mark);
    return has_mark != 0 ? has_mark : cl_environment_has(proc, pid, "SUPERVISE_TOKEN=", token);
}

int cl_bears_token(const char *token) {
    const char *own = getenv("SUPERVISE_TOKEN");
    unsigned long long mark = cl_mark_of(token);
    if (own != NULL && strncmp(own, token, strlen(token)) == 0) return 1;
    return mark != 0 && cl_own_mark() == mark;
}

/* 1 if a rule of the tree selects it, else 0; -1 with errno if /proc cannot be read. */
static int is_named(const struct cl_tree *tree, int proc, const struct cl_process *process) {
    if (tree->root > 0 && process->parent == tree->root)
        return cl_is_own_child(tree, process->pid, process->started);
    if (tree->group != NULL) {
        int is_in_group = cl_is_in_group(proc, process->pid, tree->group->path);
        if (is_in_group != 0) return is_in_group;
    }
    return has_token(tree) ? bears_token(tree->token, proc, process->pid) : 0;
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

/* In a search for leftovers: marks our own descendants, which a shell has left to us. Those of the run are
   told from others by what they can only have from its job. Returns 0, or -1 with errno. */
static int mark_own(const struct cl_tree *tree, int proc, struct cl_process_table *table) {
    unsigned long long mark = cl_mark_of(tree->token);
    bool has_children = false;
    for (size_t index = 0; index < table->count && !has_children; index++)
        has_children = table->items[index].parent == getpid();
    if (!has_children) return 0;
    /* If we were born with the token ourselves, a child of ours that has it may have inherited it
       from us, or from the shell that became us by exec: then the token does not tell that it is
       the run's. */
    bool bears = cl_bears_token(tree->token);
    for (size_t index = 0; index < table->count; index++) {
        struct cl_process *process = &table->items[index];
        bool is_ours = process->parent == getpid();
        if (process->mark != UNMARKED || (bears && !is_ours)) continue;
        int is_of_run = bears ? 0
            : is_ours ? is_named(tree, proc, process)
            : mark != 0 ? cl_has_mark(proc, process->pid, mark) : 0;
        if (is_of_run < 0) return -1;
        if (is_of_run > 0) process->mark = MEMBER;
        else if (is_ours) process->mark = SPARED;
    }
    return 0;
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

/* Returns the number of members; NO_LIST where they have to be searched for; -1 with errno. */
static int look_down(const struct cl_tree *tree, int proc, struct cl_process_table *table) {
    int result = cl_read_descent(tree, proc, table);
    if (result != 0) return result;
    for (size_t index = 0; index < table->count; index++) table->items[index].mark = MEMBER;
    return (int)table->count;
}

int cl_look(
    const struct cl_tree *tree, int proc, struct cl_process_table *table,
    const struct cl_process_table *before) {
    int result = cl_is_descent(tree) ? look_down(tree, proc, table) : NO_LIST;
    if (result != NO_LIST) return result;
    if (cl_read_processes(proc, table, cl_reap_meanwhile, tree) != 0) return -1;
    mark_spared(tree, table);
    if (tree->root == 0 && tree->inherited == NULL && has_token(tree)
        && mark_own(tree, proc, table) != 0)
        return -1;
    mark_descendants(table); /* the helpers' own, before anybody's claim to them is looked at */
    bool session = cl_has_session(tree, table);
    for (size_t index = 0; index < table->count; index++) {
        struct cl_process *process = &table->items[index];
        if (process->mark != UNMARKED) continue;
        int is_one = (session && is_in_session(tree, process)) || was_member(before, process)
            ? 1 : is_named(tree, proc, process);
        if (is_one < 0) return -1;
        if (is_one) process->mark = MEMBER;
    }
    mark_descendants(table);
    int members = 0;
    for (size_t index = 0; index < table->count; index++)
        members += table->items[index].mark == MEMBER;
    return members;
}

int cl_is_meant(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, bool session,
    const struct cl_process *process) {
    const struct cl_process *then = cl_find_process(table, process->pid);
    if (then != NULL && then->started == process->started && then->mark != UNMARKED)
        return then->mark == MEMBER;
    const struct cl_process *parent = cl_find_process(table, process->parent);
    if (parent != NULL && parent->mark == SPARED) return 0;
    return session && is_in_session(tree, process) ? 1 : is_named(tree, proc, process);
}

int cl_reap_batch(struct cl_reaper *reaper, int limit) {
    int taken = 0;
    struct cl_ended one;
    while (taken < limit && cl_reap(&one) == 0 && one.pid != 0) {
        taken++;
        bool is_awaited = one.pid == reaper->leader;
        if (is_awaited && reaper->is_reaped != NULL)
            __atomic_store_n(reaper->is_reaped, 1, __ATOMIC_SEQ_CST);
        for (int index = 0; index < reaper->awaited_count; index++)
            is_awaited = is_awaited || reaper->awaited[index] == one.pid;
        if (is_awaited && reaper->count <= reaper->awaited_count) reaper->ended[reaper->count++] = one;
    }
    return taken;
}

void cl_reap_meanwhile(const void *context) {
    enum { BATCH = 256 };
    const struct cl_tree *tree = context;
    int code = errno;
    if (tree->reaper != NULL) cl_reap_batch(tree->reaper, BATCH);
    errno = code;
}
