#include "cl_descent.h"
#include "cl_children.h"
#include "cl_look.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* One walk from us downwards. */
struct walk {
    const struct cl_tree *tree;
    int proc;
    struct cl_process_table *table;
    long long deadline_ms; /* 0: there is none */
    pid_t parent; /* whose children are being read */
    unsigned read;
    /* Made of the numbers of those that were listed and could not be read: they have ended, or ended before
       their own children were read. */
    unsigned long long missing;
};

enum { REAP_EVERY = 64 };

static void miss(struct walk *walk, pid_t pid) {
    walk->missing += (unsigned long long)pid * 0x9e3779b97f4a7c15ull;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static bool is_late(const struct walk *walk) {
    return walk->deadline_ms != 0 && now_ms() >= walk->deadline_ms;
}

static int is_spared(const struct cl_tree *tree, pid_t pid) {
    for (int index = 0; index < tree->except_count; index++)
        if (tree->except[index] == pid) return 1;
    return 0;
}

static int note(void *context, pid_t pid) {
    const struct walk *walk = context;
    struct cl_process *place = cl_add_process(walk->table);
    if (place == NULL) return UNKNOWN;
    place->pid = pid;
    return 0;
}

/* 1 if the child that was noted is to be in the table, which is filled in then; UNKNOWN with errno. */
static int read_noted(struct walk *walk, struct cl_process *process) {
    pid_t pid = process->pid;
    bool is_ours = walk->parent == getpid();
    if (is_ours && is_spared(walk->tree, pid)) return 0;
    int result = cl_read_process(walk->proc, pid, process);
    if (result != 0 && errno != 0) return UNKNOWN;
    if (result != 0) miss(walk, pid);
    return result == 0 && (!is_ours || cl_is_own_child(walk->tree, pid, process->started));
}

/* Adds the children of one process to the table. They are all noted before the first of them is read: the list
   of one that gets children faster than they are read would have no end. */
static int add_children(struct walk *walk) {
    struct cl_process_table *table = walk->table;
    size_t kept = table->count;
    int result = cl_visit_children(walk->proc, walk->parent, note, walk);
    if (result != 0 && result != NO_THREAD) return result;
    if (result == NO_THREAD) miss(walk, walk->parent);
    for (size_t index = kept; index < table->count && !is_late(walk); index++) {
        /* A number that was reaped is quicker to read than one that has ended. */
        if (walk->read++ % REAP_EVERY == 0) cl_reap_meanwhile(walk->tree);
        int found = read_noted(walk, &table->items[index]);
        if (found < 0) return UNKNOWN;
        if (found) table->items[kept++] = table->items[index];
    }
    table->count = kept;
    return 0;
}

/* Adds to the table who is there now. */
static int walk_down(struct walk *walk) {
    size_t next = walk->table->count;
    walk->parent = getpid();
    walk->missing = 0;
    int result;
    while ((result = add_children(walk)) == 0 && next < walk->table->count && !is_late(walk))
        walk->parent = walk->table->items[next++].pid;
    return result;
}

static int compare(const void *left, const void *right) {
    const struct cl_process *one = left, *other = right;
    if (one->pid != other->pid) return one->pid < other->pid ? -1 : 1;
    return (one->started > other->started) - (one->started < other->started);
}

/* A process that was met twice stays once, and of two that had the same number the later one. */
static void sort(struct cl_process_table *table) {
    size_t count = 0;
    qsort(table->items, table->count, sizeof *table->items, compare);
    for (size_t index = 0; index < table->count; index++) {
        const struct cl_process *last = count == 0 ? NULL : &table->items[count - 1];
        if (last != NULL && last->pid == table->items[index].pid) count--;
        table->items[count++] = table->items[index];
    }
    table->count = count;
}

int cl_read_descent(const struct cl_tree *tree, int proc, struct cl_process_table *table) {
    /* Where one ends during a walk, its children come to us, or to a subreaper below us, whose list was
       perhaps read already: another walk finds them. */
    enum { WALKS = 3 };
    struct walk walk = {.tree = tree, .proc = proc, .table = table};
    unsigned long long before = 0;
    if (tree->limit_ms > 0) walk.deadline_ms = now_ms() + tree->limit_ms;
    table->count = 0;
    for (int count = 0; count < WALKS; count++) {
        int result = walk_down(&walk);
        if (result != 0) return result;
        if (walk.missing == before || is_late(&walk)) break;
        before = walk.missing;
    }
    sort(table);
    return 0;
}
